"""Charts of coefficient paths: three methods under one another, their last steps, their losses."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.shrinkage import COLUMNS, STRENGTHS, TAIL, Paths, PathsSpec, nearly_zeros, zeros
from pages.ui import charts, player
from pages.ui import workings as view

PANELS = ("L1: 近接勾配法", "L1: 劣勾配法", "L2")
METHODS = ("近接勾配法", "劣勾配法", "L2")
METHOD_COLOURS = ("#009E73", "#D55E00", "#2D8BD0")
COLOURS = (
    "#2D8BD0",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#D55E00",
    "#8A8F94",
    "#56B4E9",
    "#B8A800",
    "#2D8BD0",
    "#E69F00",
)
DASHES = [[5, 3]] * 4 + [[1, 0]] * 6
LINE, COUNT = range(2)
HEIGHTS = (0.4, 0.5, 0.6, 0.8, 1.0, 1.4, 2.0, 3.0, 4.0, 6.0, 10.0)
APART = 2.7  # from the middle of a panel to that of the next, in half heights
GREY = charts.COLOURS["実測値"]


@lru_cache(maxsize=32)
def _paths_spec(half: float, first: int) -> charts.Spec:
    """Return three panels, each ``half`` high above and below zero; the rule stands at ``first``."""
    step = alt.param(
        name="step",
        value=first,
        bind=alt.binding_range(min=0, max=len(STRENGTHS) - 1, step=1, name="λ の番号 "),
    )
    middles = [half * APART * place for place in (2, 1, 0)]
    ticks = [middle + side * half / 2 for middle in middles for side in (-1, 0, 1)]
    shown = " : ".join(
        f"abs(datum.value - {middle + side * half / 2}) < 1e-6 ? '{view.fixed(side * half / 2, 2)}'"
        for middle in middles
        for side in (-1, 0, 1)
    )
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "x:Q",
        title="罰の強さ λ(対数目盛)",
        scale=alt.Scale(type="log", domain=[float(STRENGTHS[0]), float(STRENGTHS[-1])], nice=False),
        axis=alt.Axis(values=[0.001, 0.01, 0.1, 1, 10], format="~g", grid=False),
    )
    y = alt.Y(
        "y:Q",
        title="標準化した係数",
        scale=alt.Scale(domain=[-1.05 * half, middles[0] + 1.45 * half], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"{shown} : ''", labelOverlap=False, grid=False),
    )
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=COLUMNS, range=COLOURS),
        legend=alt.Legend(orient="bottom", title=None, columns=2, symbolType="stroke", symbolSize=260),
    )
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=COLUMNS, range=DASHES))
    lines = base.transform_filter(f"datum.kind == {LINE}")
    hover = [
        alt.Tooltip("name:N", title="項目"),
        alt.Tooltip("x:Q", title="λ", format=".3g"),
        alt.Tooltip("w:Q", title="係数", format=".4f"),
    ]
    path = lines.mark_line(strokeWidth=1.8, clip=True).encode(
        x=x, y=y, color=colour, strokeDash=dash, detail="panel:N"
    )
    here = base.transform_filter("datum.step == step")
    at = here.transform_filter(f"datum.kind == {LINE}")
    standing = (
        at.transform_filter("datum.w != 0")
        .mark_circle(size=45, opacity=1, clip=True)
        .encode(x=x, y=y, color=colour, tooltip=hover)
    )
    gone = (
        at.transform_filter("datum.w == 0")
        .mark_point(size=70, strokeWidth=2, color=GREY, clip=True)
        .encode(x=x, y=y, tooltip=hover)
    )
    counts = here.transform_filter(f"datum.kind == {COUNT}")
    rule = counts.transform_filter("datum.panel == 0").mark_rule(strokeWidth=1.5, color=GREY).encode(x=x)
    said = counts.transform_calculate(said="'ちょうど 0: ' + datum.zero + '(0.001 未満: ' + datum.near + ')'")
    number = said.mark_text(align="right", baseline="middle", fontSize=12, fontWeight="bold", color=GREY)
    names = here.transform_filter(f"datum.kind == {COUNT}").transform_calculate(
        title=" : ".join(f"datum.panel == {i} ? '{name}'" for i, name in enumerate(PANELS)) + " : ''"
    )
    title = names.mark_text(align="left", baseline="middle", fontSize=12, fontWeight="bold", color=GREY)
    strength = (
        counts.transform_filter("datum.panel == 0")
        .transform_calculate(told="'λ = ' + format(datum.x, '.3~g')")
        .mark_text(align="center", baseline="bottom", fontSize=12, fontWeight="bold", color=GREY)
    )
    zero = counts.transform_calculate(level=f"(2 - datum.panel) * {half * APART}").mark_rule(
        strokeDash=[3, 3], color=GREY, opacity=0.6
    )
    chart = alt.layer(
        zero.encode(y=alt.Y("level:Q", title="標準化した係数")),
        path,
        rule,
        standing,
        gone,
        title.encode(x=alt.value(4), y=y, text="title:N"),
        number.encode(x=alt.value("width"), y=y, text="said:N"),
        strength.encode(x=x, y=alt.value(-2), text="told:N"),
    )
    return charts.finish(chart.add_params(step), 520)


def _rows(found: Paths, half: float) -> pa.Table:
    """Return the paths and, for each panel and λ, its counts of zeros."""
    every = np.arange(len(STRENGTHS))
    tables = []
    for panel, weights in enumerate((found.lasso, found.plain, found.ridge)):
        inside = np.clip(weights, -1.1 * half, 1.1 * half)
        exact, near = zeros(weights), nearly_zeros(weights)
        columns = len(COLUMNS)
        title = np.full(len(every), 1.2 * half)
        for kind, names, step, level in (
            (LINE, list(COLUMNS) * len(every), np.repeat(every, columns), inside.reshape(-1)),
            (COUNT, [COLUMNS[0]] * len(every), every, title),
        ):
            tables.append(
                charts.rows(
                    names,
                    x=STRENGTHS[step],
                    y=(half * APART * (2 - panel) + level).astype(np.float32),
                    w=weights.reshape(-1).astype(np.float32) if kind == LINE else title.astype(np.float32),
                    step=step.astype(np.int16),
                    panel=np.full(len(step), panel, dtype=np.int8),
                    kind=np.full(len(step), kind, dtype=np.int8),
                    zero=exact[step].astype(np.int16),
                    near=near[step].astype(np.int16),
                )
            )
    return pa.concat_tables(tables)


def play(found: Paths, place: int) -> None:
    """Draw the paths, whose rule the reader moves from λ to λ in the browser, from ``place`` on."""
    calm = found.plain[STRENGTHS <= 1]  # beyond, plain steps may swing far out of the picture
    largest = max(float(np.abs(w).max()) for w in (found.lasso, found.ridge, calm))
    half = next((height for height in HEIGHTS if height >= largest), HEIGHTS[-1])
    player.play(
        _paths_spec(half, place),
        _rows(found, half),
        steps=len(STRENGTHS) - 1,
        key=f"rg_p_paths/{place}",
        alt_text="λ を 0.001 から 10 まで変えたときの10項目の係数。近接勾配法では次々にちょうど 0 になり、"
        "劣勾配法では 0 の近くに残り、L2 ではそろって縮む。",
        label="λ",
        speed=10,
    )
    told = (
        "○ は、ちょうど 0 になった係数です。破線は体の項目、実線は血液検査です。再生すると λ が強くなります。"
    )
    if np.abs(found.plain).max() > 1.1 * half:
        told += "劣勾配法の、枠からはみ出す揺れは、端にそろえて描いています。"
    st.caption(told)


@lru_cache(maxsize=1)
def _dance_spec() -> charts.Spec:
    lines = (
        alt.Chart(alt.NamedData("rows"))
        .mark_line(strokeWidth=1.8, point=alt.OverlayMarkDef(size=16))
        .encode(
            x=alt.X(
                "step:Q",
                title="歩数",
                scale=alt.Scale(zero=False, nice=False),
                axis=alt.Axis(format="d", tickCount=5),
            ),
            y=alt.Y("w:Q", title="係数", axis=alt.Axis(format="~g")),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=METHODS[:2], range=METHOD_COLOURS[:2]),
                legend=alt.Legend(orient="top", title=None),
            ),
            tooltip=[
                alt.Tooltip("name:N", title="方法"),
                alt.Tooltip("step:Q", title="歩数"),
                alt.Tooltip("w:Q", title="係数", format=".5f"),
            ],
        )
    )
    return charts.finish(lines, 220)


def dancer(found: Paths, place: int) -> int | None:
    """Return the column that L1 makes zero at ``place`` and plain subgradients move most; None without."""
    gone = found.lasso[place] == 0
    if not gone.any():
        return None
    steps = np.abs(np.diff(found.tail[:, place], axis=0)).mean(axis=0)
    return int(np.where(gone, steps, -1).argmax())


def show_dance(spec: PathsSpec, found: Paths, place: int) -> None:
    """Draw the last steps of a weight that ought to be zero."""
    column = dancer(found, place)
    if column is None:
        st.info("この λ では、0 になるはずの係数がありません。λ を強くすると、往復が見られます。")
        return
    tail = found.tail[:, place, column]
    step = np.arange(spec.steps - TAIL, spec.steps + 1)
    rows = [
        charts.rows(METHODS[0], step=step, w=np.zeros_like(tail)),
        charts.rows(METHODS[1], step=step, w=tail),
    ]
    charts.draw(
        _dance_spec(),
        pa.concat_tables(rows),
        f"{COLUMNS[column]}の係数の最後の {TAIL} 歩。近接勾配法は 0、"
        f"劣勾配法は {tail.min():.4f} から {tail.max():.4f} のあいだ。",
    )
    size, product = float(np.abs(np.diff(tail)).mean()), spec.lr * float(STRENGTHS[place])
    st.caption(
        f"{COLUMNS[column]}の係数。近接勾配法の答えはちょうど 0、劣勾配法は1歩平均 {view.scientific(size)}"
        f"(η·λ = {view.scientific(product)})ずつ動いています。"
    )


@lru_cache(maxsize=1)
def _losses_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "x:Q",
        title="罰の強さ λ(対数目盛)",
        scale=alt.Scale(type="log", domain=[float(STRENGTHS[0]), float(STRENGTHS[-1])], nice=False),
        axis=alt.Axis(values=[0.001, 0.01, 0.1, 1, 10], format="~g"),
    )
    lines = (
        base.transform_filter("datum.kind == 0")
        .mark_line(strokeWidth=2)
        .encode(
            x=x,
            y=alt.Y("y:Q", title="検証損失(MSE、標準化)", scale=alt.Scale(zero=False)),
            color=alt.Color(
                "name:N",
                scale=alt.Scale(domain=METHODS, range=METHOD_COLOURS),
                legend=alt.Legend(orient="top", title=None),
            ),
            strokeDash=alt.condition("datum.name == '劣勾配法'", alt.value([5, 4]), alt.value([1, 0])),
            tooltip=[
                alt.Tooltip("name:N", title="方法"),
                alt.Tooltip("x:Q", title="λ", format=".3g"),
                alt.Tooltip("y:Q", title="検証損失", format=".4f"),
            ],
        )
    )
    rule = base.transform_filter("datum.kind == 1").mark_rule(color=GREY, strokeDash=[4, 3]).encode(x=x)
    return charts.finish(alt.layer(lines, rule), 220)


def show_losses(found: Paths, strength: float) -> None:
    """Draw the validation loss over λ, and mark the λ chosen."""
    highest = 1.3 * float(found.losses[[0, 2]].max())
    tables = [
        charts.rows(
            name,
            x=STRENGTHS,
            y=np.where(loss > highest, np.nan, loss),
            kind=np.zeros(len(STRENGTHS), dtype=np.int8),
        )
        for name, loss in zip(METHODS, found.losses, strict=True)
    ]
    tables.append(charts.rows(METHODS[0], x=[strength], y=[float("nan")], kind=np.ones(1, dtype=np.int8)))
    charts.draw(_losses_spec(), pa.concat_tables(tables), "λ に対する検証損失の曲線(3つの方法)。")
    beyond = f"劣勾配法の {highest:.2f} を超える点は省いています。" if found.losses.max() > highest else ""
    st.caption(f"縦の破線は、いま選んでいる λ です。{beyond}")
