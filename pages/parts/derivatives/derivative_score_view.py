"""Charts of the experiment on partial derivatives: one input moved, four bars, a walk along the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core import score
from core.score import INPUTS, Array, PatientSpec
from pages.ui import charts
from pages.ui import workings as view

WALK = ("−∇f", "いま", "+∇f")
TITLES = ("収縮期血圧(mmHg)", "LVEF(%)", "年齢(歳)", "BNP(pg/mL、対数目盛)")


@lru_cache(maxsize=32)
def curve_spec(title: str, y_title: str, logarithmic: bool = False, height: int = 200) -> charts.Spec:
    """Return a curve over one input with its tangent and the point of contact, rows (x, y, name)."""
    base = alt.Chart(alt.NamedData("rows"))
    scale = alt.Scale(type="log", base=2, nice=False) if logarithmic else alt.Scale(zero=False, nice=False)
    x = alt.X("x:Q", title=title, scale=scale, axis=alt.Axis(tickCount=5))
    y = alt.Y("y:Q", title=y_title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))

    def part(name: str) -> alt.Chart:
        return base.transform_filter(f"datum.name == '{name}'")

    chart = alt.layer(
        part("曲線").mark_line(strokeWidth=2.5, color=view.BLUE).encode(x=x, y=y),
        part("接線").mark_line(strokeWidth=2, strokeDash=[6, 4], color=view.RED).encode(x=x, y=y),
        part("点").mark_point(size=90, filled=True, color=view.RED).encode(x=x, y=y),
    )
    return charts.finish(chart, height)


def show_one(spec: PatientSpec, moved: int, label: str, slope: float | None) -> None:
    """Draw the score over one input while the others are held, with its tangent if its ``slope`` is known."""
    known, u = INPUTS[moved], spec.units
    xs = np.linspace(known.units(known.low), known.units(known.high), 61)
    others = [np.full_like(xs, part) for part in u]
    others[moved] = xs
    here = float(score.score(u))
    tables = [charts.rows("曲線", x=known.clinical(xs), y=score.score(others))]
    near = u[moved] + np.array([-1.2, 1.2])
    near = near.clip(xs[0], xs[-1])
    if slope is not None:
        tables.append(charts.rows("接線", x=known.clinical(near), y=here + slope * (near - u[moved])))
    tables.append(charts.rows("点", x=[spec.values[moved]], y=[here]))
    charts.draw(
        curve_spec(TITLES[moved], "スコア(点)", known.logarithmic),
        pa.concat_tables(tables),
        f"ほかの入力を固定し、{label}だけを動かしたときのスコア。",
        key="dv_score/one",
    )


@lru_cache(maxsize=4)
def _bars_spec(labels: tuple[str, ...]) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    y = alt.Y("name:N", title=None, sort=list(labels), axis=alt.Axis(labelFontSize=12, labelOverlap=False))
    x = alt.X("g:Q", title="偏微分(点/単位)", scale=alt.Scale(padding=36))
    colour = alt.when("datum.g < 0").then(alt.value(view.BLUE)).otherwise(alt.value(view.RED))
    bars = base.mark_bar(height=18).encode(x=x, y=y, color=colour)
    said = base.transform_calculate(said="format(datum.g, '+.1f')")
    right = said.transform_filter("datum.g >= 0").mark_text(
        align="left", dx=5, fontSize=13, fontWeight="bold"
    )
    left = said.transform_filter("datum.g < 0").mark_text(
        align="right", dx=-5, fontSize=13, fontWeight="bold"
    )
    return charts.finish(
        alt.layer(
            bars,
            right.encode(x=x, y=y, text="said:N", color=colour),
            left.encode(x=x, y=y, text="said:N", color=colour),
        ),
        165,
    )


def show_bars(labels: Sequence[str], gradient: Array) -> None:
    """Draw the four partial derivatives, which together are the gradient."""
    said = "、".join(f"{n} {view.signed(g, 1)}" for n, g in zip(labels, gradient, strict=True))
    charts.draw(
        _bars_spec(tuple(labels)), charts.rows(labels, g=gradient), f"偏微分: {said}。", key="dv_score/bars"
    )


@lru_cache(maxsize=4)
def _walk_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    names = list(WALK)
    x = alt.X(
        "x:Q", title="勾配に沿って進んだ歩幅 η", scale=alt.Scale(nice=False), axis=alt.Axis(tickCount=5)
    )
    y = alt.Y("y:Q", title="スコア(点)", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5))
    line = base.transform_filter("datum.name == '曲線'").mark_line(strokeWidth=2.5, color=view.GREY)
    points = base.transform_filter("datum.name != '曲線'").mark_point(size=110, filled=True, opacity=1)
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=[view.GREEN, view.BLUE, view.RED]),
        legend=None,
    )
    said = (
        base.transform_filter("datum.name != '曲線'")
        .transform_calculate(said="datum.name + ' ' + format(datum.y, '.1f')")
        .mark_text(dy=-13, fontWeight="bold")
    )
    return charts.finish(
        alt.layer(
            line.encode(x=x, y=y),
            points.encode(x=x, y=y, color=colour),
            said.encode(x=x, y=y, text="said:N", color=colour),
        ),
        200,
    )


def show_walk(u: Array, gradient: Array, stride: float) -> None:
    """Draw the score along the gradient's line, and where a step up and a step down end."""
    reach = np.linspace(-1.3, 1.3, 61) * max(stride, 0.3)
    names = list(WALK)
    at = np.array([-stride, 0.0, stride])

    def value(steps: Array) -> Array:
        found: Array = score.score(list(u[:, None] + gradient[:, None] * steps))
        return found

    charts.draw(
        _walk_spec(),
        pa.concat_tables(
            [charts.rows("曲線", x=reach, y=value(reach)), charts.rows(names, x=at, y=value(at))]
        ),
        "勾配の向きに進むとスコアが上がり、逆へ進むと下がる様子。",
        key="dv_score/walk",
    )
