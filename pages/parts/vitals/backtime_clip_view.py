"""Charts of a training whose gradient explodes, beside the same one with clipping."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.backtime_clip import ClipSpec
from core.history import Frame, Row
from pages.parts.vitals.backtime_cells import colour
from pages.ui import charts

NAMES = ("クリッピングなし", "クリッピングあり")
COLOURS = ("#D55E00", "#2D8BD0")
LOSS_CEILING, NORM_CEILING, NORM_FLOOR = 1e4, 1e6, 1e-3


@lru_cache(maxsize=32)
def _norms_spec(updates: int, longest: float) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("update:Q", title="更新回数", scale=alt.Scale(domain=[0, updates], nice=False))
    y = alt.Y(
        "y:Q",
        title="勾配の長さ(対数目盛)",
        scale=alt.Scale(type="log", domain=[NORM_FLOOR, NORM_CEILING], nice=False),
        axis=alt.Axis(format="~e", values=[10.0**k for k in range(-3, 7, 3)], minExtent=40),
    )
    lines = base.mark_line(strokeWidth=1.4, clip=True).encode(
        x=x,
        y=y,
        color=colour(NAMES, COLOURS, 2),
        tooltip=[
            alt.Tooltip("name:N", title="学習"),
            alt.Tooltip("update:Q", title="更新回数"),
            alt.Tooltip("y:Q", title="勾配の長さ", format=".3g"),
        ],
    )
    level = base.transform_aggregate(rows="count()").transform_calculate(
        level=f"{longest}", said=f"'上限 {longest:g}'"
    )
    grey = charts.COLOURS["実測値"]
    rule = level.mark_rule(strokeDash=[3, 3], color=grey, strokeWidth=1.5).encode(y="level:Q")
    said = level.mark_text(align="right", dx=-4, dy=-24, fontSize=12, color=grey).encode(
        x=alt.value("width"), y="level:Q", text="said:N"
    )
    return charts.finish(alt.layer(lines, rule, said), 190)


@lru_cache(maxsize=32)
def _losses_spec(epochs: int) -> charts.Spec:
    lines = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=2.2, clip=True, point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
            y=alt.Y(
                "loss:Q",
                title="学習損失(対数目盛)",
                scale=alt.Scale(type="log", domain=[0.02, LOSS_CEILING], nice=False),
                axis=alt.Axis(format="~g", values=[0.1, 1, 10, 100, 1000, 10000], minExtent=40),
            ),
            color=colour(NAMES, COLOURS, 2),
            detail="seed:N",
            tooltip=[
                alt.Tooltip("name:N", title="学習"),
                alt.Tooltip("epoch:Q", title="エポック"),
                alt.Tooltip("loss:Q", title="損失", format=".3g"),
            ],
        )
    )
    return charts.finish(lines, 220)


def show(rows: Sequence[Row], frames: Sequence[Frame], specs: Sequence[ClipSpec], updates: int) -> None:
    """Draw the losses of all seeds, and the gradient's length at every update of the first one."""
    tables = []
    epoch = np.arange(1, len(rows) + 1, dtype=np.int16)
    for place in range(len(specs)):
        losses = np.array([row[place].train_loss for row in rows], dtype=np.float64)
        losses = np.minimum(np.nan_to_num(losses, nan=np.inf), LOSS_CEILING)
        seed = np.full(len(rows), place // 2, dtype=np.int8)
        tables.append(charts.rows(NAMES[place % 2], epoch=epoch, loss=losses, seed=seed))
    charts.draw(
        _losses_spec(specs[0].training.epochs),
        pa.concat_tables(tables),
        "クリッピングなしとありの、エポックごとの学習損失。",
        key="vb_clip_losses",
    )
    longest = specs[1].training.clip or 1.0
    parts = []
    for place, name in enumerate(NAMES):
        norms = np.concatenate([[], *(frame.arrays[place]["norms"] for frame in frames)])
        parts.append(
            charts.rows(
                name,
                update=np.arange(1, len(norms) + 1, dtype=np.int32),
                y=np.clip(np.nan_to_num(norms, nan=np.inf), NORM_FLOOR, NORM_CEILING),
            )
        )
    charts.draw(
        _norms_spec(updates, longest),
        pa.concat_tables(parts),
        "更新ごとの、切り詰める前の勾配の長さ。",
        key="vb_clip_norms",
    )
    several = "損失の線は5つの種、勾配は1つ目の種のものです。" if len(specs) > 2 else ""
    st.caption(
        f"損失は MSE、勾配の長さは切り詰める前のものです。損失 {LOSS_CEILING:,.0f}、勾配 {NORM_CEILING:,.0f} "
        f"より大きい値(計算不能も)は上端に描いています。{several}"
    )
