"""The curves of L1 and L2 with one move marked on each."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.shrinkage import Array, l1, l2
from pages.ui import charts
from pages.ui import workings as view

NAMES = ("L1 = Σ|w|", "L2 = Σw²")
COLOURS = ("#D55E00", "#2D8BD0")
CURVE, BEFORE, AFTER, MOVE = range(4)


@lru_cache(maxsize=1)
def _spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("x:Q", title="重み w", scale=alt.Scale(domain=[-3, 3], nice=False)),
        y=alt.Y("y:Q", title="罰 R", scale=alt.Scale(domain=[0, 9])),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=NAMES, range=COLOURS),
            legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
        ),
    )
    curve = base.transform_filter(f"datum.kind == {CURVE}").mark_line(strokeWidth=2)
    move = base.transform_filter(f"datum.kind == {MOVE}").mark_line(strokeWidth=6, opacity=0.55)
    hover = [alt.Tooltip("x:Q", title="重み", format=".1f"), alt.Tooltip("y:Q", title="罰", format=".2f")]
    before = base.transform_filter(f"datum.kind == {BEFORE}").mark_point(size=110, filled=True, opacity=1)
    after = base.transform_filter(f"datum.kind == {AFTER}").mark_point(
        size=150, filled=True, shape="diamond", opacity=1
    )
    layers = (curve, move, before.encode(tooltip=hover), after.encode(tooltip=hover))
    return charts.finish(alt.layer(*layers), 270)


def _rows(kind: int, x: Array) -> list[pa.Table]:
    kinds = np.full(len(x), kind, dtype=np.int8)
    return [charts.rows(name, x=x, y=y, kind=kinds) for name, y in zip(NAMES, (np.abs(x), x**2), strict=True)]


def show_prices(start: float, end: float) -> None:
    """Draw both penalties, and the way from ``start`` to ``end`` on them."""
    tables = _rows(CURVE, np.linspace(-3, 3, 121))
    tables += _rows(MOVE, np.linspace(start, end, 40))
    tables += _rows(BEFORE, np.array([start])) + _rows(AFTER, np.array([end]))
    charts.draw(
        _spec(),
        pa.concat_tables(tables),
        f"重みに対する L1 と L2 の罰の曲線。{start:g} から {end:g} への動きを太く示す。",
    )


def show_formula(start: float, end: float, first: float, second: float) -> None:
    """Show both penalties before and after, with their numbers."""
    rows = (
        ("L1", r"\Sigma|w|", l1(start), l1(end), first),
        ("L2", r"\Sigma w^2", l2(start), l2(end), second),
    )
    lines = [
        rf"\text{{{name}}}\ ({symbol}):\ & {view.tex(after, 2)} - {view.tex(before, 2)}"
        rf" = {view.tex(change, 2)}"
        for name, symbol, before, after, change in rows
    ]
    st.latex(r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}")
