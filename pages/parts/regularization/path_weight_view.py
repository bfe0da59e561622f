"""Charts of one weight: its loss with each penalty, and three walks to the bottom."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.shrinkage import Walks, WeightSpec, lowest_l1, lowest_l2
from pages.ui import charts

LOSSES = ("罰なし", "L1 を足す", "L2 を足す")
LOSS_COLOURS = ("#8A8F94", "#D55E00", "#2D8BD0")
WALKS = ("近接勾配法(L1)", "劣勾配法(L1)", "L2")
WALK_COLOURS = ("#009E73", "#D55E00", "#2D8BD0")
CURVE, BOTTOM = range(2)


@lru_cache(maxsize=1)
def _loss_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("x:Q", title="重み w", scale=alt.Scale(domain=[-2.5, 2.5], nice=False)),
        y=alt.Y("y:Q", title="損失 + λ × 罰", scale=alt.Scale(domain=[0, 10])),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=LOSSES, range=LOSS_COLOURS),
            legend=alt.Legend(orient="top", title="● は谷底", symbolOpacity=1),
        ),
    )
    curve = base.transform_filter(f"datum.kind == {CURVE}").mark_line(strokeWidth=2, clip=True)
    bottom = base.transform_filter(f"datum.kind == {BOTTOM}").mark_point(size=130, filled=True, opacity=1)
    hover = [
        alt.Tooltip("x:Q", title="谷底の w", format=".3f"),
        alt.Tooltip("y:Q", title="高さ", format=".3f"),
    ]
    zero = base.transform_filter(f"datum.kind == {BOTTOM}").mark_rule(strokeDash=[3, 3], opacity=0.6)
    return charts.finish(
        alt.layer(curve, zero.encode(y2=alt.value("height")), bottom.encode(tooltip=hover)), 260
    )


def show_losses(spec: WeightSpec) -> None:
    """Draw the loss alone and with each penalty, and mark the lowest point of each."""
    a, strength = spec.target, spec.strength
    w = np.linspace(-2.5, 2.5, 201)
    tables = []
    lowest = (a, lowest_l1(a, strength), lowest_l2(a, strength))
    for name, at, share1, share2 in zip(LOSSES, lowest, (0, 1, 0), (0, 0, 1), strict=True):
        for kind, x in ((CURVE, w), (BOTTOM, np.array([at]))):
            y = (x - a) ** 2 + strength * (share1 * np.abs(x) + share2 * x**2)
            tables.append(charts.rows(name, x=x, y=y, kind=np.full(len(x), kind, dtype=np.int8)))
    charts.draw(
        _loss_spec(),
        pa.concat_tables(tables),
        f"罰を足す前と足した後の損失の曲線。谷底は、罰なし {lowest[0]:.2f}、"
        f"L1 {lowest[1]:.2f}、L2 {lowest[2]:.2f}。",
    )


@lru_cache(maxsize=1)
def _walk_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=WALKS, range=WALK_COLOURS),
        legend=alt.Legend(orient="top", title=None),
    )
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=12)).encode(
        x=alt.X("step:Q", title="歩数"),
        y=alt.Y("w:Q", title="重み w"),
        color=colour,
        tooltip=[
            alt.Tooltip("name:N", title="方法"),
            alt.Tooltip("step:Q", title="歩数"),
            alt.Tooltip("w:Q", title="重み", format=".4f"),
        ],
    )
    return charts.finish(line, 270)


def show_walks(spec: WeightSpec, walks: Walks) -> None:
    """Draw the weight at each step, for each method."""
    steps = np.arange(spec.steps + 1)
    found = (walks.proximal, walks.plain, walks.squared)
    rows = [charts.rows(name, step=steps, w=walk) for name, walk in zip(WALKS, found, strict=True)]
    charts.draw(
        _walk_spec(),
        pa.concat_tables(rows),
        f"{spec.steps} 歩のあいだの重み。近接勾配法は {walks.proximal[-1]:.3f}、"
        f"劣勾配法は {walks.plain[-1]:.3f}、L2 は {walks.squared[-1]:.3f} で終わる。",
    )
