"""Charts of the experiment on the chain rule: three small ones, a +1 mg that travels through them."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core import chain
from core.chain import ChainSpec, Links
from core.ecg import Array
from pages.ui import charts
from pages.ui import workings as view

WIDE_MG, HIGH_MMHG, HIGH_PERCENT = 6.0, 12.0, 12.0
"""Each chart is a window of this width or half height around the point at work, so that slopes compare."""


@lru_cache(maxsize=8)
def _spec(x_title: str, y_title: str, colour: str) -> charts.Spec:
    """Return a curve, the point at work, its tangent, and the step across and up (or down) from there."""
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("x:Q", title=x_title, scale=alt.Scale(zero=False, nice=False), axis=alt.Axis(tickCount=4))
    y = alt.Y(
        "y:Q",
        title=y_title,
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(tickCount=4, minExtent=36, maxExtent=36),
    )

    def part(name: str) -> alt.Chart:
        return base.transform_filter(f"datum.name == '{name}'")

    chart = alt.layer(
        part("枠").mark_point(opacity=0).encode(x=x, y=y),
        part("曲線").mark_line(strokeWidth=4, opacity=0.5, color=view.GREY, clip=True).encode(x=x, y=y),
        part("接線").mark_line(strokeWidth=1.5, strokeDash=[5, 4], color=colour, clip=True).encode(x=x, y=y),
        part("一歩").mark_line(strokeWidth=3.5, color=colour, clip=True).encode(x=x, y=y, order="order:Q"),
        part("点").mark_point(size=90, filled=True, opacity=1, color=colour).encode(x=x, y=y),
    )
    return charts.finish(chart, 210)


def _rows(
    curve: tuple[Array, Array], at: tuple[float, float], half: tuple[float, float], slope: float, run: float
) -> pa.Table:
    """Make a chart's rows: ``curve`` in a window around ``at``, and a step of ``run`` along its tangent."""
    x, y = at
    window = np.array([x - half[0], x + half[0]])
    if curve[0][0] == 0 and x < half[0]:  # no dose below zero
        window = np.array([0.0, 2 * half[0]])
    parts = (
        ("枠", window, np.array([y - half[1], y + half[1]])),
        ("曲線", *curve),
        ("接線", window, y + slope * (window - x)),
        ("一歩", np.array([x, x + run, x + run]), np.array([y, y, y + slope * run])),
        ("点", np.array([x]), np.array([y])),
    )
    return pa.concat_tables(
        charts.rows(name, x=a, y=np.asarray(b, dtype=np.float64), order=np.arange(len(a)))
        for name, a, b in parts
    )


def _doses(spec: ChainSpec) -> Array:
    left = max(0.0, spec.dose - WIDE_MG / 2)
    return np.linspace(left, left + WIDE_MG, 41)


def show_links(spec: ChainSpec, links: Links, told: bool) -> None:
    """Draw both links side by side: what +1 mg does to the pressure, and what that does to the risk."""
    y = float(chain.pressure(spec, spec.dose))
    z = float(chain.risk(np, spec, y))
    doses = _doses(spec)
    pressures = np.linspace(y - HIGH_MMHG, y + HIGH_MMHG, 41)
    step = links.first  # along the tangent
    left, right = st.columns(2, gap="small")
    with left:
        st.markdown(f"① +1 mg → **{view.signed(step, 2)} mmHg**")
        charts.draw(
            _spec("用量 x(mg)", "血圧 y(mmHg)", view.BLUE),
            _rows(
                (doses, np.asarray(chain.pressure(spec, doses))),
                (spec.dose, y),
                (WIDE_MG / 2, HIGH_MMHG),
                step,
                1.0,
            ),
            f"用量と血圧の関係。傾き {view.fixed(step, 2)} mmHg/mg。",
            key="dv_chain/first",
        )
    with right:
        effect = f"{view.signed(step * links.second, 2)}%" if told else "?"
        st.markdown(f"② {view.signed(step, 2)} mmHg → **{effect}**")
        charts.draw(
            _spec("血圧 y(mmHg)", "リスクの変化 z(%)", view.ORANGE),
            _rows(
                (pressures, np.asarray(chain.risk(np, spec, pressures))),
                (y, z),
                (HIGH_MMHG, HIGH_PERCENT),
                links.second,
                step,
            ),
            f"血圧とリスクの関係。傾き {view.fixed(links.second, 2)} %/mmHg。",
            key="dv_chain/second",
        )


def show_whole(spec: ChainSpec, links: Links) -> None:
    """Draw the two links as one: what +1 mg does to the risk."""
    doses = _doses(spec)
    risks = chain.risk(np, spec, chain.pressure(spec, doses))
    here = float(chain.risk(np, spec, chain.pressure(spec, spec.dose)))
    st.markdown(f"③ +1 mg → **{view.signed(links.whole, 2)}%**")
    charts.draw(
        _spec("用量 x(mg)", "リスクの変化 z(%)", view.RED),
        _rows((doses, np.asarray(risks)), (spec.dose, here), (WIDE_MG / 2, HIGH_PERCENT), links.whole, 1.0),
        f"用量とリスクの関係。傾き {view.fixed(links.whole, 2)} %/mg。",
        key="dv_chain/whole",
    )
