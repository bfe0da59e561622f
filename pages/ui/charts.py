"""Charts as pure functions: a spec built once, and data beside it. Every colour has its one home here.

Each function returns a Vega-Lite spec whose data are given when it is drawn. Fields have fixed names,
so that a column called ``SpO2[%]`` or ``a.b`` is only ever text in a title.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

# After Okabe and Ito's palette, told apart by colour-blind readers; the blue is lightened to read on dark.
COLOURS = {
    "学習": "#2D8BD0",
    "検証": "#D55E00",
    "実測値": "#8A8F94",
    "予測(モデル)": "#009E73",
    "直前の値": "#CC79A7",
    "テスト": "#E69F00",
}

Spec = dict[str, Any]


def _colour(names: list[str], legend: bool = True) -> alt.Color:
    scale = alt.Scale(domain=names, range=[COLOURS[name] for name in names])
    place = alt.Legend(orient="top", title=None) if legend else None
    return alt.Color("name:N", scale=scale, legend=place)


def _finish(chart: alt.Chart | alt.LayerChart, height: int) -> Spec:
    chart = chart.properties(
        width="container", height=height, padding={"left": 0, "top": 4, "right": 8, "bottom": 0}
    )
    chart = chart.configure_legend(offset=6, padding=0).configure_axis(titlePadding=6)
    spec: Spec = chart.to_dict()
    spec.pop("data", None)
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
    return _finish(lines, 180)


@lru_cache(maxsize=64)
def losses(epochs: int, names: tuple[str, ...], title: str = "損失(MSE)") -> Spec:
    """Return a line chart of rows (epoch, loss, name) whose x axis already spans all ``epochs``."""
    lines = (
        _empty()
        .mark_line(strokeWidth=2, clip=True)
        .encode(
            x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
            y=alt.Y("loss:Q", title=title, scale=alt.Scale(zero=True)),
            color=_colour(list(names)),
            tooltip=[
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip("name:N", title="区間"),
                alt.Tooltip("loss:Q", title="損失", format=".4g"),
            ],
        )
    )
    return _finish(lines, 240)


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
            x=alt.X(f"x:{kind}", title=x_title, scale=alt.Scale(nice=False)),
            y=alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False)),
            detail="segment:Q",
            color=_colour(names),
            strokeDash=alt.condition("datum.name == '直前の値'", alt.value([4, 3]), alt.value([1, 0])),
            strokeWidth=width,
            tooltip=[
                alt.Tooltip(f"x:{kind}", title=x_title),
                alt.Tooltip("name:N", title="系列"),
                alt.Tooltip("y:Q", title=y_title, format=".4g"),
            ],
        )
    )
    return _finish(lines, 280)


def rows(name: str | Sequence[str], **columns: npt.ArrayLike) -> pa.Table:
    """Make chart rows of number or time columns of one length, with the ``name`` that colours each.

    Arrow buffers are laid out here, because ``pyarrow.array`` would first load pandas: a fifth of a
    second that the first reader of a fresh server waits for.
    """
    arrays = {field: np.ascontiguousarray(values) for field, values in columns.items()}
    length = len(next(iter(arrays.values())))
    names, codes = np.unique([name] * length if isinstance(name, str) else name, return_inverse=True)
    coloured = pa.DictionaryArray.from_arrays(_numbers(codes.astype(np.int32)), _strings(names.tolist()))
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
