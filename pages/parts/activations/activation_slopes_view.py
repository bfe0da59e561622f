"""Charts, tables and sentences of the experiment with curves and slopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.activation_curves import FUNCTIONS, Array, Points
from pages.parts.activations import activation_parts as parts
from pages.ui import charts, side_by_side
from pages.ui import workings as view

THIN = 10
REACH = 1.2  # of a tangent, to either side
BOUNDED = {"sigmoid", "tanh"}
CURVE, POINT, TANGENT = range(3)
DIGITS = 6


@lru_cache(maxsize=64)
def _spec(names: tuple[str, ...], title: str, low: float, high: float, legend: bool) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title="入力 x", scale=alt.Scale(domain=[-6, 6], nice=False))
    y = alt.Y(
        "y:Q", title=title, scale=alt.Scale(domain=[low, high], nice=False), axis=alt.Axis(minExtent=34)
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=parts.labels(names), range=parts.colours(names)),
        legend=alt.Legend(orient="top", title=None, columns=3) if legend else None,
    )
    hover = [
        alt.Tooltip("name:N", title="活性化関数"),
        alt.Tooltip("x:Q", title="x", format=".1f"),
        alt.Tooltip("y:Q", title=title, format=".4f"),
    ]
    line = base.transform_filter(f"datum.kind == {CURVE}").mark_line(strokeWidth=2.5, clip=True)
    tangent = base.transform_filter(f"datum.kind == {TANGENT}").mark_line(
        strokeWidth=1.5, strokeDash=[5, 3], clip=True
    )
    point = base.transform_filter(f"datum.kind == {POINT}").mark_point(size=90, filled=True, clip=True)
    chart = alt.layer(
        line.encode(x=x, y=y, color=colour, tooltip=hover),
        tangent.encode(x=x, y=y, color=colour),
        point.encode(x=x, y=y, color=colour, tooltip=hover),
    )
    return charts.finish(chart, 220 if legend else 190)


def _rows(name: str, kind: int, x: Array, y: Array) -> pa.Table:
    kinds = np.full(len(x), kind, dtype=np.int8)
    return charts.rows(parts.LABELS[name], x=x.astype(np.float32), y=y.astype(np.float32), kind=kinds)


def show_values(grid: Array, shown: Mapping[str, Points], at: int, tangents: bool) -> None:
    """Draw the activations with the point ``at`` of the grid on each, and its tangents."""
    tables, here = [], grid[at]
    for name, points in shown.items():
        tables.append(_rows(name, CURVE, grid[::THIN], points.values[::THIN]))
        tables.append(_rows(name, POINT, grid[[at]], points.values[[at]]))
        if tangents:
            x = here + np.array([-REACH, REACH])
            tables.append(_rows(name, TANGENT, x, points.values[at] + points.slopes[at] * (x - here)))
    low, high = (-1.2, 1.2) if BOUNDED.issuperset(shown) else (-1.5, 4.0)
    charts.draw(
        _spec(tuple(shown), "出力 f(x)", low, high, True),
        pa.concat_tables(tables),
        f"{'、'.join(parts.labels(tuple(shown)))} の曲線と、x = {here:.1f} の点。",
    )


def show_slopes(grid: Array, shown: Mapping[str, Points], at: int) -> None:
    """Draw the slopes of the activations, found by autograd."""
    tables = []
    for name, points in shown.items():
        tables.append(_rows(name, CURVE, grid[::THIN], points.slopes[::THIN]))
        tables.append(_rows(name, POINT, grid[[at]], points.slopes[[at]]))
    charts.draw(
        _spec(tuple(shown), "傾き f′(x)", -0.2, 1.2, False),
        pa.concat_tables(tables),
        f"{'、'.join(parts.labels(tuple(shown)))} の傾きの曲線と、x = {grid[at]:.1f} の点。",
    )


def show_table(x: float, found: Mapping[str, tuple[float, float]], layers: int) -> None:
    """Compare the slopes by formula with those by autograd, and raise them to the power of the layers."""
    rows = []
    for name, (value, slope) in found.items():
        by_formula = float(FUNCTIONS[name].slope(np.array(x)))
        agrees = view.fixed(by_formula, DIGITS) == view.fixed(slope, DIGITS)
        rows.append(
            [
                parts.LABELS[name],
                view.fixed(value, 4),
                view.fixed(by_formula, DIGITS),
                view.fixed(slope, DIGITS) + view.mark(agrees),
                view.scientific(slope**layers),
            ]
        )
    side_by_side.table(["", "値", "傾き: 公式", "自動微分", f"{layers} 層分"], rows)
    st.caption(
        f"「{layers} 層分」は、同じ傾きを {layers} 回掛けた数です。"
        "勾配は層をさかのぼるたびに、活性化関数の傾きを1つずつ掛けられます。"
    )


def show_steepest(grid: Array, shown: Mapping[str, Points]) -> None:
    """Say how steep each activation gets at most, and how much of the axis is nearly flat."""
    st.markdown("**傾きはどこまで大きくなるか。** −6 から 6 まで 0.01 刻みで、自動微分で調べました。")
    rows = []
    for name, points in shown.items():
        top = float(points.slopes.max())
        places = grid[points.slopes > top - 1e-12]
        where = (
            view.fixed(float(places[0]), 2) if len(places) == 1 else f"x > {view.fixed(places[0] - 0.01, 0)}"
        )
        flat = float((abs(points.slopes) < 0.05).mean())
        rows.append([parts.LABELS[name], view.fixed(top, 4), where, f"{flat:.0%}"])
    side_by_side.table(["", "最大の傾き", "そこでの x", "ほぼ平ら(傾き 0.05 未満)の範囲"], rows)


def show_formulas(x: float, names: Sequence[str]) -> None:
    """Show value and slope of each activation with the numbers of the point."""
    with st.expander("数式で見る(いまの数字)"):
        for name in names:
            function = FUNCTIONS[name]
            st.latex(function.latex)
            st.latex(function.slope_latex)
            slope = float(function.slope(np.array(x)))
            st.latex(
                rf"f({view.tex(x, 1)}) = {view.tex(float(function.value(np.array(x))), 4)}"
                rf",\quad f'({view.tex(x, 1)}) = {view.tex(slope, 4)}"
            )


def show_numbers(name: str, numbers: Sequence[float], found: Points) -> None:
    """Show what an activation makes of numbers, and how many of them it silences."""
    rows = [
        [_short(number), f"**{_short(value)}**", _short(slope)]
        for number, value, slope in zip(numbers, found.values, found.slopes, strict=True)
    ]
    side_by_side.table(["入力", "出力", "傾き"], rows)
    label, silent = parts.LABELS[name], int((found.values == 0).sum())
    inputs, outputs = (", ".join(_short(v) for v in values) for values in (numbers, found.values))
    st.markdown(f"{label}([{inputs}]) = [{outputs}]".replace("[", r"\[").replace("]", r"\]"))
    told = f"{len(numbers)} 個のうち **{silent} 個**の出力がちょうど 0 です。"
    if name == "relu":
        told += "多くのユニットが黙り、必要なものだけが話す状態を「まばら(スパース)」といいます。"
    else:
        told += "ReLU に替えると、負の数の出力はすべてちょうど 0 になります。"
    st.markdown(told)


def _short(value: float) -> str:
    return f"{value:.4g}".replace("-", "−") if value else "0"
