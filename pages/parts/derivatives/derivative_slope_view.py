"""Charts of the first experiment on derivatives: a window that shrinks with Δx, and the error against Δx."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from core import slopes
from core.slopes import CURVES, SlopeSpec
from pages.ui import charts, player
from pages.ui import workings as view

PER_DECADE = 4
EXPONENTS = np.arange(0, 16 * PER_DECADE + 1) / PER_DECADE
WINDOW = np.linspace(-1.25, 1.75, 41)  # in Δx
CURVE, TANGENT, SECANT, POINTS = "曲線", "接線", "割線(2点を結ぶ直線)", "2点"


def _short(value: str) -> str:
    """Return a Vega expression that writes a number in few letters, with an exponent when it is small."""
    return f"{value} != 0 && abs({value}) < 0.01 ? format({value}, '.1~e') : format({value}, '.2~g')"


@lru_cache(maxsize=32)
def _zoom_spec(steps: int, still: bool) -> charts.Spec:
    """Return the window at the step that the player shows: curve, tangent, secant and its two points."""
    step = alt.param(name="step", value=0) if still else player.step_param(steps, "縮める")
    now = alt.Chart(alt.NamedData("rows")).transform_filter("datum.step == step")
    axis: dict[str, Any] = {"labelExpr": f"({_short('datum.value')})", "tickCount": 5}
    x = alt.X("x:Q", title="点からの横のずれ x − x₀", scale=alt.Scale(nice=False), axis=alt.Axis(**axis))
    y = alt.Y(
        "y:Q",
        title="縦のずれ y − y₀",
        scale=alt.Scale(nice=False, zero=False, padding=4),
        axis=alt.Axis(**axis, minExtent=52, maxExtent=52),
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=[CURVE, TANGENT, SECANT], range=[view.BLUE, view.GREEN, view.RED]),
        legend=alt.Legend(orient="top", title=None),
    )
    curve = now.transform_filter(f"datum.name == '{CURVE}'").mark_line(strokeWidth=4, opacity=0.55)
    straight = now.transform_filter(f"datum.name == '{TANGENT}' || datum.name == '{SECANT}'").mark_line(
        strokeWidth=2, clip=True
    )
    dash = alt.condition(f"datum.name == '{TANGENT}'", alt.value([6, 4]), alt.value([1, 0]))
    ends = now.transform_filter(f"datum.name == '{POINTS}'")
    points = ends.mark_point(size=90, filled=True, color=view.RED)
    said = (
        ends.transform_filter("datum.x != 0 || datum.h == 0")
        .transform_calculate(
            said=f"'Δx = ' + ({_short('datum.h')}) + ' / 割線の傾き ' + format(datum.slope, '.6f')"
        )
        .mark_text(align="left", baseline="top", fontSize=14, fontWeight="bold", color=view.GREY)
        .encode(x=alt.value(8), y=alt.value(6), text="said:N")
    )
    chart = alt.layer(
        curve.encode(x=x, y=y, color=colour, order="x:Q"),
        straight.encode(x=x, y=y, color=colour, strokeDash=dash),
        points.encode(x=x, y=y),
        said,
    )
    return charts.finish(chart.add_params(step), 300)


@lru_cache(maxsize=64)
def _zoom_rows(spec: SlopeSpec, power: int, tangent: float | None) -> pa.Table:
    """Return every step's window, from Δx = 1 to 10^−power, as the computer sees the curve in float64."""
    value = CURVES[spec.curve].value
    h = 10.0 ** -EXPONENTS[: power * PER_DECADE + 1]  # (steps + 1,)
    forward = slopes.quotients(spec, h).forward
    at = spec.x + h[:, None] * WINDOW
    here = float(value(np, np.float64(spec.x)))
    seen_x, seen_y = at - spec.x, value(np, at) - here
    edges = h[:, None] * WINDOW[[0, -1]]
    ends = np.stack([np.zeros_like(h), h], axis=1)
    parts = [
        (CURVE, seen_x, seen_y),
        (SECANT, edges, forward[:, None] * edges),
        (POINTS, ends, forward[:, None] * ends),
    ]
    if tangent is not None:
        parts.append((TANGENT, edges, tangent * edges))
    tables = []
    for name, x, y in parts:
        step = np.repeat(np.arange(len(h), dtype=np.int16), x.shape[1])
        table = charts.rows(name, x=x.ravel(), y=y.ravel(), step=step, h=h[step], slope=forward[step])
        tables.append(table)
    return pa.concat_tables(tables)


def show_zoom(spec: SlopeSpec, power: int, tangent: float | None, still: bool) -> None:
    """Play Δx from 1 down to 10^−power; ``still`` shows the start only. No tangent if its slope is None."""
    if still:
        rows = _zoom_rows(spec, 0, tangent)
        charts.draw(_zoom_spec(0, True), rows, "曲線と、Δx = 1 の割線、接線。", key="dv_slope/still")
        return
    steps = power * PER_DECADE
    player.play(
        _zoom_spec(steps, False),
        _zoom_rows(spec, power, tangent),
        steps=steps,
        key="dv_slope",
        alt_text=f"Δx を 1 から {view.power(-power)} まで縮めながら拡大した、曲線と割線と接線。",
        label="縮める",
        speed=4,
    )


@lru_cache(maxsize=4)
def _error_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    names = ["前進差分", "中心差分"]
    x = alt.X(
        "dx:Q",
        title="Δx(対数目盛、右へ行くほど小さい)",
        scale=alt.Scale(type="log", reverse=True, nice=False),
        axis=alt.Axis(format="~e", values=[10.0**-k for k in range(0, 17, 2)]),
    )
    y = alt.Y(
        "error:Q",
        title="自動微分との差(対数目盛)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~e", values=[10.0**-k for k in range(-2, 17, 3)]),
    )
    lines = (
        base.transform_filter("datum.name != '選択'")
        .mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=18))
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=names, range=[view.RED, view.BLUE]),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="求め方"),
                alt.Tooltip("dx:Q", title="Δx", format=".2~e"),
                alt.Tooltip("error:Q", title="差", format=".2~e"),
            ],
        )
    )
    chosen = base.transform_filter("datum.name == '選択'").mark_rule(
        color=view.GREY, strokeDash=[5, 4], strokeWidth=2
    )
    return charts.finish(lines + chosen.encode(x=x), 230)


def show_errors(spec: SlopeSpec, power: int, truth: float) -> None:
    """Draw how far the difference quotients are from autograd's slope for every Δx; 0 is drawn as 10^−17."""
    found = slopes.quotients(spec, 10.0**-EXPONENTS)
    tables = [
        charts.rows(name, dx=found.dx, error=np.maximum(abs(values - truth), 1e-17))
        for name, values in (("前進差分", found.forward), ("中心差分", found.central))
    ]
    tables.append(charts.rows("選択", dx=[10.0**-power], error=[1e-17]))
    charts.draw(
        _error_spec(),
        pa.concat_tables(tables),
        "Δx に対する、差分と自動微分の差。縮めるとまず減り、縮めすぎるとまた増える。",
    )
