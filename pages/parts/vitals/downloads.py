"""What a reader takes home from a forecast: the numbers, the figure, and the network itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import streamlit as st

from core import jobs
from core.figure import Chart, Kind, Line, broken
from core.forecast_export import Times, forecasts_csv
from core.forecast_weights import bundle
from core.history import ForecastRun
from core.script import file_name
from core.specs import ForecastSpec
from pages.ui import charts, runs, text
from pages.ui.runs import Watched

if TYPE_CHECKING:
    from pages.parts.vitals.forecast_view import Axis

FORMATS: dict[Kind, str] = {
    "png": "スライドや文書に。",
    "svg": "拡大してもぼけません。",
    "pdf": "印刷や投稿に。",
}
_MIMES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
DRAWN = "vd_drawn"
OWN = (
    "表と図には、ご自分の記録の値が入ります。重みも、その記録から作られたものです。"
    "人に渡す前に、渡してよいものかを確かめてください。"
)


@st.fragment
def show(watched: Watched, result: ForecastRun, axis: Axis) -> None:
    """Offer ``result`` as a table, a figure, and weights with their script; each is made when pressed."""
    spec: ForecastSpec = watched.spec
    own = spec.series.source == "upload"
    name = stem(watched)
    with st.expander("結果を保存する", icon=":material/download:"):
        table, drawing, network = st.columns(3, gap="medium")
        with table:
            st.markdown("**予測の表**")
            st.caption(f"テスト区間の {len(result.test.index):,} 点。Excelでそのまま開けます。")
            _button(
                "予測CSV",
                lambda: forecast_csv(spec, result, axis),
                f"{name}_forecast.csv",
                "text/csv",
                "vd_csv",
            )
        with drawing:
            st.markdown("**図**")
            figure_button(
                "vd",
                lambda: forecast_chart(spec, result, axis),
                f"{name}_forecast",
                watched.run if own else None,
            )
        with network:
            st.markdown("**学習したネットワーク**")
            st.caption("重み(safetensors)と、それを読み込んで予測するPythonのスクリプトです。")
            _button(
                "重みとスクリプト(ZIP)",
                lambda: bundle(spec, result, f"{name}_weights", axis.unit),
                f"{name}_weights.zip",
                "application/zip",
                "vd_zip",
            )
        if len(watched.specs) > 1:
            st.caption("どれも、1つ目の種のものです。")
        if own:
            st.caption(OWN)


def figure_button(prefix: str, chart: Callable[[], Chart], name: str, owner: Any) -> None:
    """Offer ``chart()`` as a PNG, SVG or PDF file ``name``.ending.

    ``owner`` is the run of a reader's own file: what is drawn of it stays in this session, and lives no
    longer than the run. With None it is kept for all readers.
    """
    chosen = st.segmented_control(
        "図の形式",
        list(FORMATS),
        default="png",
        required=True,
        format_func=str.upper,
        key=f"{prefix}_format",
        bind="query-params",
        label_visibility="collapsed",
    )
    kind: Kind = chosen or "png"
    st.caption(FORMATS[kind])
    kept = None if owner is None else _kept(owner)

    def file() -> bytes:
        drawing = chart()
        if kept is None:
            return _shared(drawing.key, kind, drawing)
        if (drawing.key, kind) not in kept:
            kept[drawing.key, kind] = _draw(drawing, kind)
        return kept[drawing.key, kind]

    _button(f"図({kind.upper()})", file, f"{name}.{kind}", _MIMES[kind], f"{prefix}_figure")


def _button(label: str, file: Callable[[], bytes], name: str, mime: str, key: str) -> None:
    st.download_button(
        label, file, name, mime, icon=":material/download:", key=key, on_click="ignore", width="stretch"
    )


def _kept(owner: Any) -> dict[tuple[str, Kind], bytes]:
    """Return what this session has drawn of ``owner``, which goes when ``owner`` does."""
    drawn: WeakKeyDictionary[Any, dict[tuple[str, Kind], bytes]]
    drawn = st.session_state.setdefault(DRAWN, WeakKeyDictionary())
    return drawn.setdefault(owner, {})


@st.cache_data(max_entries=60, show_spinner=False)
def _shared(key: str, kind: Kind, _chart: Chart) -> bytes:  # noqa: ARG001 - it is kept under ``key``
    """Draw a chart that holds nothing of a reader's own, once for all readers."""
    return _draw(_chart, kind)


def _draw(chart: Chart, kind: Kind) -> bytes:
    drawn: bytes = runs.engine().quick(jobs.figure, chart, kind, timeout=30)
    return drawn


def stem(watched: Watched) -> str:
    """Name the files of a run in ASCII, as its script is named: ``lstm_article_1a2b3c4d``."""
    return file_name(watched.specs, "csv").removesuffix(".csv")


def forecast_csv(spec: ForecastSpec, result: ForecastRun, axis: Axis) -> bytes:
    """Write the forecasts of the test stretch with the error of each."""
    test = result.test
    signal = f"{axis.name}の" if axis.name else ""
    columns = {
        f"{signal}実測値": test.truth,
        f"{signal}予測 {text.CELL_LABELS[spec.model.name]}": test.model,
        f"{signal}直前の値": test.persistence,
        f"{signal}誤差 予測−実測": test.model - test.truth,
    }
    place = test.index if axis.times is None else axis.times[test.index]
    return forecasts_csv(Times(kind=axis.clock, values=place.astype(np.float64)), columns, axis.unit)


def forecast_chart(spec: ForecastSpec, result: ForecastRun, axis: Axis) -> Chart:
    """Describe the figure: what came, the forecast and the last reading, their errors, and the settings."""
    test, training = result.test, spec.training
    cell = text.CELL_LABELS[spec.model.name]
    model, baseline = (text.number(s.mae) for s in (result.model_scores, result.persistence_scores))

    def line(name: str, values: Any, colour: str, wide: float, dashed: bool = False) -> Line:
        x, y = broken(test.index, axis.x(test.index), values)
        return Line(name=name, x=x, y=y, colour=charts.COLOURS[colour], wide=wide, dashed=dashed)

    settings = (
        "自分の記録" if spec.series.source == "upload" else "例題の波形",
        f"窓 {spec.length} 点",
        f"{spec.model.hidden} ユニット",
        f"学習率 {spec.optimizer.lr:g}",
        f"バッチサイズ {training.batch_size}",
        f"{result.weights_epoch} エポック",
        f"乱数の種 {training.seed}",
    )
    return Chart(
        lines=(
            line("実測値", test.truth, "実測値", 3.2),
            line(f"直前の値(MAE {baseline})", test.persistence, "直前の値", 1.2, dashed=True),
            line(f"予測 {cell}(MAE {model})", test.model, "予測(モデル)", 1.6),
        ),
        x_title=axis.x_title,
        y_title=axis.y_title,
        title=f"{cell} による次の値の予測(テスト区間)",
        settings="・".join(settings),
    )
