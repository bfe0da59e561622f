"""The charts of 「正直に評価する」: stretches, errors by horizon, one origin's forecasts, coverage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core.horizon_pool import Standing
from core.horizon_run import HorizonRun
from core.horizon_specs import HorizonSpec
from core.horizon_windows import stretches
from core.specs import SpecError
from pages.parts.vitals.evaluate_data import Source
from pages.ui import charts, text
from pages.ui.charts import X_TITLE, Y_TITLE, Spec

LABELS = {
    "network": "ネットワーク",
    "persistence": "直前の値",
    "seasonal": "季節ナイーブ",
    "drift": "ドリフト",
    "mean": "学習区間の平均",
    "autoregression": "自己回帰",
}
COLOURS = {
    "network": "#009E73",
    "persistence": "#CC79A7",
    "seasonal": "#E69F00",
    "drift": "#56B4E9",
    "mean": "#B8A800",
    "autoregression": "#2D8BD0",
}
PARTS = {"学習": "#2D8BD0", "検証": "#D55E00", "較正": "#CC79A7", "テスト": "#E69F00"}
METRICS = {"MAE": "mae", "RMSE": "rmse", "MASE": "mase", "スキル": "skill"}
MAX_DRAWN = 1000
MAX_ORIGINS = 200


def x_title(source: Source) -> str:
    """Name the time axis."""
    names = {"datetime": "時刻", "elapsed": "経過時間(秒)", "rows": "行の順番", "points": "時刻(点)"}
    simulated = source.kind == "points" and source.times is not None
    return "経過時間(時間)" if simulated else names[source.kind]


def y_title(source: Source, name: str) -> str:
    """Name a signal with its unit."""
    unit = source.units.get(name, "")
    return source.labels.get(name, name) + (f"({unit})" if unit else "")


def times(source: Source, index: npt.NDArray[np.int64]) -> npt.NDArray[np.generic]:
    """Return where the points ``index`` lie on the time axis; one past the end goes on at the same pace."""
    if source.times is None:
        return index.astype(np.float64)
    known = source.times
    step = (known[-1] - known[0]) / (len(known) - 1)
    at = known[np.minimum(index, len(known) - 1)] + np.maximum(index - len(known) + 1, 0) * step
    found: npt.NDArray[np.generic] = (at * 1000).astype("datetime64[ms]") if source.kind == "datetime" else at
    return found


def _x(temporal: bool) -> alt.X:
    return alt.X(
        f"x:{'T' if temporal else 'Q'}",
        title=X_TITLE,
        scale=alt.Scale(nice=False),
        axis=charts.time_axis() if temporal else alt.Undefined,
    )


@lru_cache(maxsize=8)
def _stretches_spec(temporal: bool, folds: int) -> Spec:
    base = alt.Chart(alt.NamedData("rows"))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(PARTS), range=list(PARTS.values())),
        legend=alt.Legend(orient="top", title=None),
    )
    x = _x(temporal)
    if folds == 1:
        line = base.mark_line(strokeWidth=1.5).encode(
            x=x, y=alt.Y("y:Q", title=Y_TITLE, scale=alt.Scale(zero=False)), color=colour
        )
        return charts.finish(line, 170)
    bars = base.mark_bar(height=14).encode(
        x=x, x2="x2", y=alt.Y("fold:O", title="何回目", axis=alt.Axis(labelAngle=0)), color=colour
    )
    return charts.finish(bars, 40 + 24 * folds)


def show_stretches(source: Source, specs: Sequence[HorizonSpec]) -> None:
    """Show which part of time is for what: along the signal, or for several folds one below the other."""
    spec, panel = specs[0], source.panel
    if panel is None:
        return
    points = len(panel.values)
    try:
        cuts = [stretches(points, s.stretch, s.fold, s.folds) for s in specs if s.leak == "none"]
    except SpecError as error:
        st.warning(str(error), icon=":material/compress:")
        return
    temporal = source.kind == "datetime"
    name = spec.panel.targets[0]
    if spec.folds == 1:
        cut = cuts[0]
        values = panel.columns((name,))[:, 0]
        some = np.arange(0, points, max(1, -(-points // MAX_DRAWN)))
        part = np.select(
            [some < cut.train.stop, some < cut.validation.stop, some < cut.calibration.stop],
            ["学習", "検証", "較正"],
            "テスト",
        )
        rows = charts.rows(part.tolist(), x=times(source, some), y=values[some])
        told = f"{points}点の系列。テストは最後の{cut.test.stop - cut.test.start}点。"
    else:
        pieces = [
            (label, fold, piece)
            for fold, cut in enumerate(cuts, 1)
            for label, piece in zip(
                PARTS, (cut.train, cut.validation, cut.calibration, cut.test), strict=True
            )
        ]
        rows = charts.rows(
            [label for label, _, _ in pieces],
            x=times(source, np.array([piece.start for _, _, piece in pieces])),
            x2=times(source, np.array([piece.stop - 1 for _, _, piece in pieces])),
            fold=np.array([fold for _, fold, _ in pieces], dtype=np.int32),
        )
        told = f"{spec.folds}回の評価で、学習・検証・較正・テストに使う区間。テストは回ごとに先へ進む。"
    shape = _stretches_spec(temporal, spec.folds)
    charts.draw(charts.titled(shape, x_title(source), y_title(source, name)), rows, told)
    st.caption(
        "**学習**で重みを決め、**検証**で止めどきを選び、**較正**で予測区間の幅を決め、"
        "**テスト**(まだ見ていない未来)で採点します。"
    )


@lru_cache(maxsize=16)
def _errors_spec(metric: str, unit: bool, names: tuple[str, ...]) -> Spec:
    base = alt.Chart(alt.NamedData("rows"))
    labels = [LABELS[name] for name in names]
    title = {
        "MAE": "MAE",
        "RMSE": "RMSE",
        "MASE": "MASE(学習区間の1点差の平均 = 1)",
        "スキル": "スキル(0より上で直前の値に勝ち)",
    }
    y = alt.Y(
        "y:Q",
        title=f"{title[metric]}{Y_TITLE}" if unit else title[metric],
        scale=alt.Scale(zero=metric != "スキル", domainMin=-1, clamp=True)
        if metric == "スキル"
        else alt.Scale(zero=True),
    )
    lines = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=16), clip=True).encode(
        x=alt.X("x:Q", title="何点先か", scale=alt.Scale(nice=False)),
        y=y,
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=labels, range=[COLOURS[name] for name in names]),
            legend=alt.Legend(orient="top", title=None, columns=3),
        ),
        strokeDash=alt.condition("datum.name == 'ネットワーク'", alt.value([1, 0]), alt.value([5, 3])),
        tooltip=[
            alt.Tooltip("name:N", title="予測"),
            alt.Tooltip("x:Q", title="何点先"),
            alt.Tooltip("y:Q", title=metric, format=".3g"),
        ],
    )
    return charts.finish(lines, 280)


def show_errors(found: dict[int, dict[str, Standing]], metric: str, unit: str) -> None:
    """Draw a score of every model at every horizon; ``found`` are the standings by horizon."""
    names = tuple(LABELS)
    tables = []
    for name in names:
        scores = [
            (horizon, getattr(standing[name], METRICS[metric]).value)
            for horizon, standing in found.items()
            if name in standing
        ]
        known = [(h, value) for h, value in scores if value is not None]
        tables.append(
            charts.rows(
                LABELS[name],
                x=np.array([h for h, _ in known], dtype=np.int32),
                y=np.array([value for _, value in known], dtype=np.float64),
            )
        )
    with_unit = metric in ("MAE", "RMSE") and bool(unit)
    spec = charts.titled(_errors_spec(metric, False, names), "", "")
    last = max(found)
    best = min(
        (s for s in found[last].values() if s.mae.value is not None),
        key=lambda s: s.mae.value or 0,
        default=None,
    )
    told = f"いちばん先の{last}点先で誤差が最小なのは{LABELS[best.model]}。" if best else ""
    charts.draw(spec, pa.concat_tables(tables), f"何点先かごとの{metric}。{told}")
    if with_unit:
        st.caption(f"{metric} の単位は {text.plain(unit)} です。")


@lru_cache(maxsize=8)
def _fan_spec(temporal: bool, names: tuple[str, ...]) -> Spec:
    base = alt.Chart(alt.NamedData("rows"))
    labels = ["実測値", *(LABELS[name] for name in names)]
    colours = [charts.COLOURS["実測値"], *(COLOURS[name] for name in names)]
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=labels, range=colours),
        legend=alt.Legend(orient="top", title=None, columns=4),
    )
    y = alt.Y("y:Q", title=Y_TITLE, scale=alt.Scale(zero=False))
    x = _x(temporal)
    band = (
        base.transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.18, color=COLOURS["network"])
        .encode(x=x, y=alt.Y("low:Q", title=Y_TITLE), y2="high:Q")
    )
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        x=x,
        y=y,
        color=colour,
        detail="segment:N",
        strokeDash=alt.condition(
            "datum.name == '実測値' || datum.name == 'ネットワーク'", alt.value([1, 0]), alt.value([4, 3])
        ),
        tooltip=[alt.Tooltip("name:N", title="系列"), alt.Tooltip("y:Q", title="値", format=".4g")],
    )
    start = (
        base.transform_filter("datum.name == '実測値'")
        .transform_aggregate(origin="max(origin)")
        .mark_rule(strokeDash=[2, 3], color=charts.COLOURS["実測値"])
        .encode(x=alt.X(f"origin:{'T' if temporal else 'Q'}", title=X_TITLE))
    )
    return charts.finish(alt.layer(band, lines, start), 280)


def show_fan(
    source: Source,
    spec: HorizonSpec,
    run: HorizonRun,
    target: int,
    row: int,
    rivals: dict[str, npt.NDArray[np.float64]],
) -> None:
    """Draw what was forecast from one origin (``row``) with its interval, and what came.

    ``rivals`` are the baselines' forecasts from that origin, (horizons,) each.
    """
    name = spec.panel.targets[target]
    assert source.panel is not None
    values = source.panel.columns((name,))[:, 0]
    origin = int(run.origins[row])
    before = np.arange(max(0, origin - max(spec.length, spec.horizons) + 1), origin + 1)
    ahead = np.arange(origin + 1, origin + 1 + spec.horizons)
    inside = ahead[ahead < len(values)]
    shown = np.concatenate([before, inside])
    shown = shown[np.isfinite(values[shown])]
    at = times(source, np.full(len(shown), origin))
    none = np.full(len(shown), np.nan)
    tables = [
        charts.rows(
            "実測値",
            x=times(source, shown),
            y=values[shown].astype(np.float64),
            low=none,
            high=none,
            origin=at,
            segment=np.zeros(len(shown), dtype=np.int8),
        )
    ]
    said = run.forecast[row, :, target].astype(np.float64)
    bands = run.targets[target].models["network"].bands
    half = np.array([np.nan if b.half_width is None else b.half_width for b in bands] or [np.nan] * len(said))
    every = {"network": said, **rivals}
    for number, (model, line) in enumerate(every.items(), 1):
        mine = model == "network"
        empty = np.full(len(line), np.nan)
        tables.append(
            charts.rows(
                LABELS[model],
                x=times(source, ahead),
                y=line,
                low=line - half if mine else empty,
                high=line + half if mine else empty,
                origin=times(source, np.full(len(line), origin)),
                segment=np.full(len(line), number, dtype=np.int8),
            )
        )
    shape = charts.titled(
        _fan_spec(source.kind == "datetime", tuple(every)), x_title(source), y_title(source, name)
    )
    charts.draw(
        shape,
        pa.concat_tables(tables),
        f"1つの起点から{spec.horizons}点先までの予測と予測区間、実際に来た値。",
    )


@lru_cache(maxsize=4)
def _coverage_spec(nominal: float) -> Spec:
    base = alt.Chart(alt.NamedData("rows"))
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=16), color=COLOURS["network"]).encode(
        x=alt.X("x:Q", title="何点先か", scale=alt.Scale(nice=False)),
        y=alt.Y("y:Q", title="区間に入った割合", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format=".0%")),
        tooltip=[
            alt.Tooltip("x:Q", title="何点先"),
            alt.Tooltip("y:Q", title="実際に入った割合", format=".1%"),
        ],
    )
    return charts.finish(alt.layer(line, *charts.level(nominal, f"名目 {nominal:.0%}")), 180)


def show_coverage(found: dict[int, dict[str, Standing]], nominal: float) -> None:
    """Draw how often the truth lay in the network's interval, beside the share that it was made for."""
    known = {h: s["network"].coverage for h, s in found.items() if s["network"].coverage is not None}
    if not known:
        st.caption("較正に使える答え合わせが足りないため、予測区間を作れませんでした。")
        return
    rows = charts.rows(
        "network",
        x=np.array(list(known), dtype=np.int32),
        y=np.array(list(known.values()), dtype=np.float64),
    )
    charts.draw(
        _coverage_spec(round(nominal, 4)),
        rows,
        f"予測区間に入った割合。名目は{nominal:.0%}、実測は{min(known.values()):.0%}〜{max(known.values()):.0%}。",
    )
