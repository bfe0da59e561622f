"""Charts as pure functions: a spec built once, and data beside it. Every colour has its one home here.

Each function returns a Vega-Lite spec whose data are given when it is drawn. Fields have fixed names,
so that a column called ``SpO2[%]`` or ``a.b`` is only ever text in a title.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st
from altair.utils import schemapi

from pages.ui import ink

# After Okabe and Ito's palette, told apart by colour-blind readers; the blue is lightened to read on dark.
COLOURS = {
    "学習": "#2D8BD0",
    "検証": "#D55E00",
    "実測値": "#8A8F94",
    "予測(モデル)": "#009E73",
    "直前の値": "#CC79A7",
    "テスト": "#E69F00",
}

PIN_COLOURS = ["#2D8BD0", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#8A8F94", "#56B4E9", "#B8A800"]

LOSS_COLOURS = {
    "MSE": "#D55E00",
    "MAE": "#2D8BD0",
    "Huber": "#009E73",
    "交差エントロピー": "#2D8BD0",
    "重み付き": "#D55E00",
    "focal": "#009E73",
}

Spec = dict[str, Any]

# Altair would otherwise check every part as it is made; ``finish`` checks the whole.
schemapi.DEBUG_MODE = False
_importing = threading.RLock()


def load_pandas() -> None:
    """Import pandas, before something is done that would.

    Altair looks whether pandas is there, and would find it half imported by another reader's thread.
    """
    with _importing:
        import pandas  # noqa: F401


def _colour(names: list[str], legend: bool = True) -> alt.Color:
    scale = alt.Scale(domain=names, range=[COLOURS[name] for name in names])
    place = alt.Legend(orient="top", title=None) if legend else None
    return alt.Color("name:N", scale=scale, legend=place)


def finish(chart: alt.Chart | alt.LayerChart | alt.FacetChart, height: int) -> Spec:
    """Turn a chart without data into a spec as wide as its column and ``height`` pixels high."""
    chart = chart.properties(
        width="container", height=height, padding={"left": 0, "top": 4, "right": 8, "bottom": 4}
    )
    chart = chart.configure_legend(offset=6, padding=0).configure_axis(titlePadding=6)
    with _importing:
        spec: Spec = chart.to_dict()
    spec.pop("data", None)
    for layer in spec.get("layer", ()):  # one that was made apart names its rows, and would not find them
        layer.pop("data", None)
    ink.make_readable(spec)
    for config in (spec["config"], spec["config"].setdefault("mark", {})):
        config["aria"] = False  # the chart's alt text speaks for it, not every dot and tick by itself
    return spec


def _empty() -> alt.Chart:
    return alt.Chart(alt.NamedData("rows"))


@lru_cache(maxsize=64)
def series(x_title: str, y_title: str, temporal: bool, parts: tuple[str, ...]) -> Spec:
    """Return a line chart of rows (x, y, name) coloured by the part of time that they lie in."""
    x = alt.X("x:T" if temporal else "x:Q", title=x_title, scale=alt.Scale(nice=False))
    lines = (
        _empty()
        .mark_line(strokeWidth=1.5)
        .encode(
            x=x,
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)),
            color=_colour(list(parts)),
            tooltip=[
                alt.Tooltip("x:T" if temporal else "x:Q", title=x_title),
                alt.Tooltip("y:Q", title=y_title),
            ],
        )
    )
    return finish(lines, 180)


@lru_cache(maxsize=64)
def losses(
    epochs: int, names: tuple[str, ...], title: str = "損失(MSE)", log: bool = False, band: bool = False
) -> Spec:
    """Return lines of rows (epoch, loss, low, high, name) whose x axis already spans all ``epochs``.

    With ``band`` the range from low to high is shaded.
    """
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    base = _empty().encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        color=_colour(list(names)),
    )
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("loss:Q", title=title, scale=scale),
        tooltip=[
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("name:N", title="区間"),
            alt.Tooltip("loss:Q", title="損失", format=".4g"),
        ],
    )
    if not band:
        return finish(lines, 240)
    area = base.mark_area(opacity=0.2, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    return finish(area + lines, 240)


@lru_cache(maxsize=64)
def overlay(names: tuple[str, ...], title: str, log: bool) -> Spec:
    """Return lines of rows (epoch, loss, name), one line a pinned run, with values on hover."""
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    lines = (
        _empty()
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=14, opacity=0.4))
        .encode(
            x=alt.X("epoch:Q", title="エポック"),
            y=alt.Y("loss:Q", title=title, scale=scale),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=PIN_COLOURS[: len(names)]),
                legend=alt.Legend(orient="top", title=None, labelLimit=260, columns=2),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="記録"),
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip("loss:Q", title=title, format=".4g"),
            ],
        )
    )
    return finish(lines, 280)


@lru_cache(maxsize=64)
def forecasts(x_title: str, y_title: str, temporal: bool) -> Spec:
    """Return lines of rows (x, y, name): truth, the model's forecast and the baseline's."""
    kind = "T" if temporal else "Q"
    names = ["実測値", "予測(モデル)", "直前の値"]
    width = alt.condition("datum.name == '実測値'", alt.value(3), alt.value(1.6))
    lines = (
        _empty()
        .mark_line()
        .encode(
            x=alt.X(
                f"x:{kind}",
                title=x_title,
                scale=alt.Scale(nice=False),
                axis=time_axis() if temporal else alt.Undefined,
            ),
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)),
            detail="segment:Q",
            color=_colour(names),
            strokeDash=alt.condition("datum.name == '直前の値'", alt.value([4, 3]), alt.value([1, 0])),
            strokeWidth=width,
            tooltip=[
                alt.Tooltip(f"x:{kind}", title=x_title, format=TIME_FORMAT if temporal else alt.Undefined),
                alt.Tooltip("name:N", title="系列"),
                alt.Tooltip("y:Q", title=y_title, format=".4g"),
            ],
        )
    )
    return finish(lines, 280)


X_TITLE, Y_TITLE = "⟨x⟩", "⟨y⟩"


def titled(spec: Spec, x_title: str, y_title: str) -> Spec:
    """Put titles where a spec says ``X_TITLE`` and ``Y_TITLE``.

    Titles that come from a reader's file so stay out of the specs that are kept for all.
    """

    def put(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: put(value) for key, value in part.items()}
        if isinstance(part, list):
            return [put(value) for value in part]
        return {X_TITLE: x_title, Y_TITLE: y_title}.get(part, part) if isinstance(part, str) else part

    filled: Spec = put(spec)
    return filled


def level(y: float, label: str) -> tuple[alt.Chart, alt.Chart]:
    """Return the layers that mark a level to compare with, and name it at the right."""
    at = (
        _empty()
        .transform_aggregate(rows="count()")
        .transform_calculate(level=f"{y}", label=f"'{label}'")
        .encode(y="level:Q")
    )
    grey = COLOURS["実測値"]
    across = at.mark_rule(strokeDash=[2, 3], color=grey, strokeWidth=1.5)
    written = at.mark_text(align="right", dy=-8, fontSize=11, color=grey)
    return across, written.encode(x=alt.value("width"), text="label:N")


def time_axis() -> alt.Axis:
    """Return an axis for points in time: the clock, and the date where a day begins."""
    midnight = "hours(datum.value) + minutes(datum.value) + seconds(datum.value) === 0"
    pattern = f"{midnight} ? '%m/%d' : (seconds(datum.value) === 0 ? '%H:%M' : '%H:%M:%S')"
    return alt.Axis(labelExpr=f"timeFormat(datum.value, {pattern})", labelOverlap=True)


TIME_FORMAT = "%Y/%m/%d %H:%M:%S"


def rows(name: str | Sequence[str], **columns: npt.ArrayLike) -> pa.Table:
    """Make chart rows of number or time columns of one length, with the ``name`` that colours each.

    Arrow buffers are laid out here, because ``pyarrow.array`` would first load pandas: a fifth of a
    second that the first reader of a fresh server waits for.
    """
    arrays = {field: np.ascontiguousarray(values) for field, values in columns.items()}
    length = len(next(iter(arrays.values())))
    if isinstance(name, str):
        names, codes = [name], np.zeros(length, dtype=np.int32)
    else:
        number = {text: place for place, text in enumerate(dict.fromkeys(name))}
        names, codes = list(number), np.fromiter(map(number.__getitem__, name), dtype=np.int32, count=length)
    coloured = pa.DictionaryArray.from_arrays(_numbers(codes), _strings(names))
    return pa.table({**{field: _numbers(values) for field, values in arrays.items()}, "name": coloured})


def _numbers(values: npt.NDArray[Any]) -> pa.Array:
    if values.dtype.kind == "O":  # None where a run has no such number
        values = values.astype(np.float64)
    kind = pa.timestamp("ms") if values.dtype.kind == "M" else pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values.view(np.uint8))])


def _strings(texts: list[str]) -> pa.Array:
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int32)
    buffers = [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)


def draw(spec: Spec, rows: pa.Table, alt_text: str, key: str | None = None) -> None:
    """Put a chart on the page. ``alt_text`` says what it shows to those who cannot see it."""
    st.vega_lite_chart(rows, spec, width="stretch", alt=alt_text, key=key)
