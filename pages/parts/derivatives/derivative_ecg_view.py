"""Chart of the experiment on the heartbeat: voltage above its slope on one time axis, a tangent between."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core import ecg
from core.ecg import Array, BeatSpec
from pages.ui import charts, player
from pages.ui import workings as view

STEP_S = 0.003
STEPS = round((ecg.SPAN[1] - ecg.SPAN[0]) / STEP_S)
TIMES: Array = np.linspace(*ecg.SPAN, STEPS + 1)
HEIGHT, SPLIT = 400, 0.52
"""Pixels, and the share of them above the line that says the slope."""
NORMAL, BEAT, SAMPLED = "正常", "この心拍", "標本の差分"


def _stretch(low: float, high: float) -> list[alt.ExprRef]:
    """Return the range of a y scale that fills the height between two shares of it, from the top."""
    return [alt.ExprRef(f"{share} * height") for share in (low, high)]


@lru_cache(maxsize=4)
def _spec(still: bool) -> charts.Spec:
    """Return two panels in one chart: each layer's y axis has its own stretch of the height."""
    step = alt.param(name="step", value=0) if still else player.step_param(STEPS, "時刻")
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "t:Q",
        title="時刻(秒)",
        scale=alt.Scale(domain=list(ecg.SPAN), nice=False),
        axis=alt.Axis(grid=False),
    )
    volts = alt.Y(
        "v:Q",
        title="電位(mV)",
        scale=alt.Scale(domain=[-0.4, 1.3], range=_stretch(SPLIT, 0), nice=False),
        axis=alt.Axis(tickCount=5, orient="left", minExtent=34, maxExtent=34, grid=False),
    )
    slope = alt.Y(
        "s:Q",
        title="傾き(mV/秒)",
        scale=alt.Scale(domain=[-90, 80], range=_stretch(1, SPLIT + 0.1), nice=False),
        axis=alt.Axis(tickCount=5, orient="left", minExtent=34, maxExtent=34, grid=False),
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=[NORMAL, BEAT, SAMPLED], range=[view.GREY, view.BLUE, view.ORANGE]),
        legend=alt.Legend(orient="top", title=None),
    )
    curves = base.transform_filter(f"datum.name != '{SAMPLED}'")
    width = alt.condition(f"datum.name == '{NORMAL}'", alt.value(1.5), alt.value(2.5))
    above = curves.mark_line().encode(x=x, y=volts, color=colour, strokeWidth=width)
    below = curves.mark_line().encode(x=x, y=slope, color=colour, strokeWidth=width)
    dots = base.transform_filter(f"datum.name == '{SAMPLED}'").mark_point(size=36, filled=True, opacity=0.9)
    dots = dots.encode(x=x, y=slope, color=colour)
    now = base.transform_filter(f"datum.name == '{BEAT}' && datum.step == step")
    tangent = (
        now.transform_calculate(
            half="min(0.03, 0.35 / max(abs(datum.s), 1))",  # seconds; a steep tangent stays in its panel
            t0="datum.t - datum.half",
            t1="datum.t + datum.half",
            v0="datum.v - datum.half * datum.s",
            v1="datum.v + datum.half * datum.s",
        )
        .mark_rule(color=view.RED, strokeWidth=2.5, clip=True)
        .encode(x=alt.X("t0:Q", title="時刻(秒)"), x2="t1:Q", y=volts_like("v0:Q"), y2="v1:Q")
    )
    on_top = now.mark_point(size=80, filled=True, color=view.RED).encode(x=x, y=volts)
    under = now.mark_point(size=80, filled=True, color=view.RED).encode(x=x, y=slope)
    zero = (
        now.transform_calculate(nought="0")
        .mark_rule(color=view.GREY, opacity=0.5)
        .encode(y=alt.Y("nought:Q", title="傾き(mV/秒)"))
    )
    said = (
        now.transform_calculate(
            said="format(datum.t, '.3f') + ' 秒の接線の傾き ' + format(datum.s, '.1f') + ' mV/秒'"
        )
        .mark_text(align="left", baseline="top", fontSize=13, fontWeight="bold", color=view.RED)
        .encode(x=alt.value(6), y=alt.value(alt.ExprRef(f"{SPLIT + 0.02} * height")), text="said:N")
    )
    panel_above = alt.layer(above, tangent, on_top)
    panel_below = alt.layer(zero, dots, below, under)
    chart = alt.layer(panel_above, panel_below, said).resolve_scale(y="independent").add_params(step)
    return charts.finish(chart, HEIGHT)


def volts_like(field: str) -> alt.Y:
    """Return the y channel of a voltage under another name, on the upper panel's scale and axis."""
    return alt.Y(field, title="電位(mV)")


def show(spec: BeatSpec, slopes: tuple[Array, Array], still: bool) -> None:
    """Draw the normal beat and that of ``spec`` with autograd's ``slopes`` at ``TIMES``, and sampled ones."""
    tables = []
    for name, delay, found in ((NORMAL, 100, slopes[0]), (BEAT, spec.delay, slopes[1])):
        tables.append(
            charts.rows(
                name,
                t=TIMES,
                v=ecg.voltage(np, ecg.waves(delay), TIMES),
                s=found,
                step=np.arange(len(TIMES), dtype=np.int16),
            )
        )
    if not still:
        t, s = ecg.sampled_slopes(ecg.waves(spec.delay), spec.rate)
        tables.append(charts.rows(SAMPLED, t=t, v=np.zeros_like(t), s=s, step=np.full(len(t), -1, np.int16)))
    rows = pa.concat_tables(tables)
    alt_text = f"模式的な心電図1拍(上)と、その傾き(下)。正常と、興奮の広がる時間が {spec.delay}% の心拍。"
    if still:
        charts.draw(_spec(True), rows, alt_text, key="dv_ecg/still")
        return
    player.play(_spec(False), rows, steps=STEPS, key="dv_ecg", alt_text=alt_text, label="時刻", speed=30)
