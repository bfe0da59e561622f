"""What a reader takes home of an evaluation: every forecast as a CSV, and the errors as a figure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.figure import Chart, Line
from core.forecast_export import Times, horizons_csv
from core.horizon_pool import standings
from core.horizon_run import HorizonRun
from core.horizon_script import UploadPanel, file_name, notebook, script
from core.horizon_specs import MODEL, HorizonSpec
from core.horizon_windows import carried
from core.vitals.export import cleaned_csv, cleaned_name
from pages.parts.vitals import downloads
from pages.parts.vitals.evaluate_data import Source
from pages.parts.vitals.evaluate_view import COLOURS, LABELS
from pages.ui import code, text
from pages.ui.runs import Watched


@st.fragment
def show(watched: Watched, results: Sequence[HorizonRun], target: int, source: Source) -> None:
    """Offer the forecasts of the last fold as a table, and the errors by horizon as a figure."""
    spec: HorizonSpec = watched.spec
    own = spec.panel.source == "upload"
    stem = file_name(watched.specs, "csv").removesuffix(".csv")
    with st.expander("結果を保存する", icon=":material/download:"):
        table, drawing = st.columns(2, gap="medium")
        with table:
            st.markdown("**予測の表**")
            count = len(_rows(results[-1])) * spec.horizons
            st.caption(f"起点ごと・先の長さごとに {count:,} 行。Excelでそのまま開けます。")
            st.download_button(
                "予測CSV",
                lambda: forecast_csv(spec, results[-1], target, source),
                f"{stem}_forecast.csv",
                "text/csv",
                icon=":material/download:",
                key="ve_csv",
                on_click="ignore",
                width="stretch",
            )
        with drawing:
            st.markdown("**図**")
            downloads.figure_button(
                "ve",
                lambda: error_chart(spec, results, target, source),
                f"{stem}_errors",
                watched.run if own else None,
            )
        if len(results) > 1:
            st.caption("表は最後の回のもの、図は全部の回をまとめたものです。")
        if own:
            st.caption(downloads.OWN)


def _rows(run: HorizonRun) -> npt.NDArray[np.int64]:
    """Return the rows of a run whose origin lies in the test, or right before it."""
    return np.flatnonzero(run.origins >= run.stretches.test.start - 1)


def _clock(source: Source, points: int) -> Times:
    """Return the times of ``points`` points; those past the end of the readings go on at the same pace."""
    index = np.arange(points, dtype=np.float64)
    if source.kind == "points":
        step = source.panel.step_s if source.panel else None
        return Times(kind="elapsed", values=index * step) if step else Times(kind="points", values=index)
    assert source.times is not None
    known = source.times
    step = float((known[-1] - known[0]) / max(1, len(known) - 1))
    beyond = known[-1] + step * np.arange(1, points - len(known) + 1)
    return Times(kind=source.kind, values=np.concatenate([known, beyond]))


def forecast_csv(spec: HorizonSpec, run: HorizonRun, target: int, source: Source) -> bytes:
    """Write every forecast of the test with its interval and persistence beside it."""
    assert source.panel is not None
    name = spec.panel.targets[target]
    rows = _rows(run)
    said = run.forecast[rows, :, target]
    origins = run.origins[rows]
    filled = carried(source.panel.columns((name,)), spec.carry)[:, 0]
    repeated = np.repeat(filled[origins][:, None], spec.horizons, axis=1)
    bands = run.targets[target].models[MODEL].bands
    half = np.array([np.nan if band.half_width is None else band.half_width for band in bands])
    signal = f"{source.labels[name]}の" if spec.panel.source != "article" else ""
    return horizons_csv(
        _clock(source, len(source.panel.values) + spec.horizons),
        origins,
        run.truth[rows, :, target],
        {
            f"{signal}予測 {text.CELL_LABELS[spec.model.name]}": said,
            f"{signal}{LABELS['persistence']}": repeated,
        },
        {f"{1 - spec.alpha:.0%}予測区間": (said - half, said + half)} if len(half) else None,
        source.units.get(name, ""),
    )


def error_chart(spec: HorizonSpec, results: Sequence[HorizonRun], target: int, source: Source) -> Chart:
    """Describe the figure: the MAE of every model at every horizon, and the settings."""
    name = spec.panel.targets[target]
    unit = source.units.get(name, "")
    found = {h: standings(results, target, h) for h in range(1, spec.horizons + 1)}

    def line(model: str) -> Line:
        scores = [found[h][model].mae.value if model in found[h] else None for h in found]
        known = np.array([np.nan if score is None else score for score in scores])
        return Line(
            name=LABELS[model],
            x=np.array(list(found), dtype=np.float64),
            y=known,
            colour=COLOURS[model],
            dashed=model != MODEL,
            wide=2.4 if model == MODEL else 1.4,
        )

    cell = text.CELL_LABELS[spec.model.name]
    data = {"icu": "ICUの模擬患者", "article": "例題の波形", "upload": "自分の記録"}[spec.panel.source]
    return Chart(
        lines=tuple(line(model) for model in LABELS),
        x_title="何点先か",
        y_title=f"MAE({unit})" if unit else "MAE",
        title=f"{source.labels[name]}: 先の長さごとの誤差",
        settings=f"{data}・{cell} {spec.model.hidden} ユニット・窓 {spec.length} 点・{len(results)} 回の評価",
    )


def show_code(watched: Watched, source: Source) -> None:
    """Offer the exact script of an evaluation; for a reader's own file also the table that it reads."""
    specs: tuple[HorizonSpec, ...] = watched.specs
    note = (
        "データ、設定、乱数の種まで同じスクリプトです。実行すると、この画面と同じ損失と成績が表示されます。"
    )
    taken, imported = source.taken, source.imported
    panel: UploadPanel | None = None
    if taken is not None and imported is not None:
        panel = UploadPanel.of(imported, taken.name)
        note += "CSVの中身は含まれません。下の「測定値だけのCSV」を同じ場所に置いて実行してください。"
        st.download_button(
            "測定値だけのCSV(スクリプト用)",
            lambda: cleaned_csv(imported, measured_only=True),
            cleaned_name(taken.name, measured_only=True),
            "text/csv",
            icon=":material/download:",
            key="ve_measured",
            on_click="ignore",
        )
    name = file_name(specs, "py").removesuffix(".py")
    written = _script(specs) if panel is None else script(specs, panel)
    code.offer("vitals_honest", code.SAME_RUN, note, written, lambda: notebook(specs, panel), name)


_script = lru_cache(maxsize=32)(script)
