"""A loss as a curve with its tangent: the height is the penalty, the slope is what training uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np

from core.loss_curves import Array
from pages.ui import charts

CURVE, TANGENT, POINT, BEYOND, TRUTH, FRAME = range(6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A curve (points,) with the point that is looked at and the slope there."""

    name: str
    x: Array
    y: Array
    at: tuple[float, float]
    slope: float


@lru_cache(maxsize=16)
def _spec(names: tuple[str, ...], x_title: str, y_title: str, height: int, legends: bool) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=5))
    y = alt.Y("y:Q", title=y_title, scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=5, format=",.0f"))
    legend = alt.Legend(orient="top", title=None) if legends else None
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[charts.LOSS_COLOURS[name] for name in names]),
        legend=legend,
    )
    hover = [
        alt.Tooltip("name:N", title="損失関数"),
        alt.Tooltip("x:Q", title=x_title, format=".3~g"),
        alt.Tooltip("y:Q", title=y_title, format=".4~g"),
    ]

    def kind(number: int) -> alt.Chart:
        return base.transform_filter(f"datum.kind == {number}")

    layers = [
        kind(TRUTH).mark_rule(color=charts.COLOURS["実測値"], strokeDash=[2, 3]).encode(x=x),
        kind(FRAME).mark_point(opacity=0).encode(x=x, y=y),
        kind(CURVE)
        .mark_line(strokeWidth=2, clip=True, opacity=0.55)
        .encode(x=x, y=y, color=colour, tooltip=hover),
        kind(TANGENT).mark_line(strokeWidth=3, strokeDash=[6, 3], clip=True).encode(x=x, y=y, color=colour),
        kind(POINT)
        .mark_point(size=110, filled=True, opacity=1)
        .encode(x=x, y=y, color=colour, tooltip=hover),
        kind(BEYOND)
        .mark_point(size=110, filled=True, opacity=1, shape="triangle-up")
        .encode(x=x, y=y, color=colour),
    ]
    return charts.finish(alt.layer(*layers), height)


def tangent(at: tuple[float, float], slope: float, span: tuple[float, float], top: float) -> Array:
    """Return the ends (2, 2) of the tangent through ``at`` that stays within the chart; (0, 2) if none."""
    (x, y), (low, high) = at, span
    if not (np.isfinite([x, y, slope]).all() and low <= x <= high and 0 <= y <= top):
        return np.empty((0, 2))
    reach = 0.3 * (high - low)
    low, high = max(low, x - reach), min(high, x + reach)
    if slope != 0:
        ends = sorted((x - y / slope, x + (top - y) / slope))
        low, high = max(low, ends[0]), min(high, ends[1])
    return np.array([[end, y + slope * (end - x)] for end in (low, high)])


def show(
    curves: Sequence[Drawn],
    *,
    x_title: str,
    y_title: str,
    top: float,
    alt_text: str,
    height: int,
    truth: float | None = None,
    legend: bool = False,
) -> None:
    """Draw curves up to the loss ``top``, their points and tangents, and a rule where the truth is."""
    span = float(curves[0].x[0]), float(curves[0].x[-1])
    names: list[str] = []
    kinds: list[int] = []
    xs: list[Array] = []
    ys: list[Array] = []

    def add(name: str, kind: int, x: Sequence[float] | Array, y: Sequence[float] | Array) -> None:
        names.extend([name] * len(x))
        kinds.extend([kind] * len(x))
        xs.append(np.asarray(x, dtype=np.float64))
        ys.append(np.asarray(y, dtype=np.float64))

    for curve in curves:
        kept = curve.y <= top * (1 + 1e-9)
        add(curve.name, CURVE, curve.x[kept], curve.y[kept])
        ends = tangent(curve.at, curve.slope, span, top)
        add(curve.name, TANGENT, ends[:, 0], ends[:, 1])
        x, y = float(np.clip(curve.at[0], *span)), curve.at[1]
        inside = y <= top and x == curve.at[0]
        add(curve.name, POINT if inside else BEYOND, [x], [min(y, top)])
    name = curves[0].name
    add(name, FRAME, [span[0], span[1]], [0.0, top])
    if truth is not None:
        add(name, TRUTH, [truth], [0.0])
    rows = charts.rows(names, x=np.concatenate(xs), y=np.concatenate(ys), kind=kinds)
    spec = _spec(tuple(curve.name for curve in curves), x_title, y_title, height, legend)
    charts.draw(spec, rows, alt_text)
