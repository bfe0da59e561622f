"""How the race of batch sizes looks: its curves, and what each size costs as a table and as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.batches import Held, leftover, training_rows, updates
from pages.parts.mini_batches.batch_race_result import Standing, label, members
from pages.ui import charts, loss_view, text
from pages.ui.runs import Watched

CEILING = 5.0
"""Losses above are drawn at this height, so that one that diverges doesn't flatten the others."""

AXES = {"エポック": "epoch", "更新回数": "updates", "秒": "seconds"}

_COLOURS = {128: "#009E73", 64: "#E69F00", 32: "#D55E00", 1: "#CC79A7"}

WHOLE_COLOUR, OWN_COLOUR = "#2D8BD0", "#8A8F94"


def colour(size: int, rows: int) -> str:
    """Return the colour of a batch size, the same in every chart."""
    return WHOLE_COLOUR if size >= rows else _COLOURS.get(size, OWN_COLOUR)


def options() -> tuple[str, bool, bool]:
    """Ask against what to draw the losses; return the axis, and whether training loss and log scale."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        axis = st.segmented_control(
            "横軸", list(AXES), default="エポック", required=True, key="mb_axis", bind="query-params"
        )
        training = st.toggle("学習損失で見る", key="mb_train", bind="query-params")
        log = st.toggle("縦軸を対数目盛に", value=True, key="mb_log", bind="query-params")
    return axis, training, log


@lru_cache(maxsize=64)
def _curves_spec(
    names: tuple[str, ...], colours: tuple[str, ...], axis: str, last: int, title: str, log: bool
) -> charts.Spec:
    titles = {"epoch": "エポック", "updates": "更新回数(対数目盛)", "seconds": "学習にかかった秒数(対数目盛)"}
    if axis == "epoch":
        across = alt.Scale(domain=[0, last], nice=False)
    elif axis == "updates":
        across = alt.Scale(type="log", domain=[1, last], nice=False)
    else:
        across = alt.Scale(type="log", nice=False)
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=True)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X(f"{axis}:Q", title=titles[axis], scale=across),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=list(names), range=list(colours)),
            legend=alt.Legend(
                orient="top", title="B", columns=3, symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=3
            ),
        ),
    )
    band = base.mark_area(opacity=0.13, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    lines = base.mark_line(strokeWidth=2, clip=True, point=alt.OverlayMarkDef(size=12)).encode(
        y=alt.Y("loss:Q", title=title, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title="B"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("updates:Q", title="更新回数", format=","),
            alt.Tooltip("seconds:Q", title="秒", format=".3g"),
            alt.Tooltip("loss:Q", title=title, format=".3g"),
        ],
    )
    return charts.finish(band + lines, 320)


def draw(watched: Watched, axis: str, training: bool, log: bool) -> None:
    """Draw the losses so far: a line a batch size, or the median of five seeds with their range."""
    rows, specs = watched.run.rows, watched.specs
    losses = loss_view.curve(rows, not training)
    losses = np.minimum(np.where(np.isnan(losses), CEILING, losses), CEILING)
    patients = training_rows(specs[0].table)
    groups, parts = members(specs), []
    for name, places in groups.items():
        mine = losses[:, list(places)] if rows else np.empty((0, 1))
        epoch = np.arange(1, len(mine) + 1)
        parts.append(
            charts.rows(
                name,
                epoch=epoch,
                updates=epoch * updates(patients, specs[places[0]].training.batch_size),
                seconds=np.array([row[places[0]].seconds for row in rows], dtype=np.float64),
                loss=np.median(mine, axis=1),
                low=mine.min(axis=1, initial=np.inf),
                high=mine.max(axis=1, initial=-np.inf),
            )
        )
    sizes = [specs[places[0]].training.batch_size for places in groups.values()]
    colours = tuple(colour(size, patients) for size in sizes)
    field = AXES[axis]
    last = watched.epochs * (updates(patients, min(sizes)) if field == "updates" else 1)
    title = "学習損失" if training else "検証損失"
    charts.draw(
        _curves_spec(tuple(groups), colours, field, last, title, log),
        pa.concat_tables(parts),
        f"バッチサイズごとの{title}。横軸は{axis}。",
        key="mb_race/curves",
    )


@lru_cache(maxsize=32)
def _bars_spec(
    names: tuple[str, ...], colours: tuple[str, ...], title: str, form: str, height: int
) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        y=alt.Y("name:N", sort=list(names), title=None, axis=alt.Axis(labelLimit=110)),
    )
    bars = base.mark_bar(height={"band": 0.7}).encode(
        x=alt.X(
            "from:Q",
            title=title,
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(labels=False, ticks=False, grid=False),
        ),
        x2="value:Q",
        color=alt.Color("name:N", scale=alt.Scale(domain=list(names), range=list(colours)), legend=None),
    )
    words = base.mark_text(align="left", dx=4, color="#8A8F94", fontSize=12).encode(
        x="value:Q", text=alt.Text("value:Q", format=form)
    )
    return charts.finish(bars + words, height)


def _bars(
    sizes: Sequence[int],
    rows: int,
    values: Sequence[float],
    title: str,
    form: str,
    alt_text: str,
    height: int,
) -> None:
    names = tuple(label(size, rows) for size in sizes)
    kept = np.maximum(np.array(values, dtype=np.float64), 1e-9)
    least = 10 ** math.floor(math.log10(kept.min()) - 0.3)
    charts.draw(
        _bars_spec(names, tuple(colour(size, rows) for size in sizes), title, form, height),
        charts.rows(list(names), **{"from": np.full(len(kept), least), "value": kept}),
        alt_text,
    )


def updates_bars(sizes: Sequence[int], rows: int, height: int) -> None:
    """Draw how many updates an epoch makes with each batch size."""
    counts = [updates(rows, size) for size in sizes]
    told = "、".join(f"B = {label(s, rows)} は {c} 回" for s, c in zip(sizes, counts, strict=True))
    _bars(sizes, rows, counts, "1エポックの更新 [回]", ",d", f"1エポックの更新回数。{told}。", height)


def preview(sizes: Sequence[int], rows: int, epochs: int) -> None:
    """Tell what will be trained, and draw how many updates each batch size will make."""
    st.info(
        "同じネットワークを、同じ初期値から、バッチサイズだけを変えて同時に学習します。"
        f"学習用の {rows} 人を何人ずつに分けるかで、1エポックの更新回数はこれだけ変わります。",
        icon=":material/stacks:",
    )
    updates_bars(sizes, rows, 26 * len(sizes) + 60)
    size = min(sizes)
    st.latex(
        rf"\lceil N / B \rceil \times \text{{エポック}} = \lceil {rows} / {size} \rceil \times {epochs}"
        rf" = {updates(rows, size) * epochs:,}\ \text{{回の更新}}"
    )


def bars(standings: Sequence[Standing], memory: Sequence[Held] | None) -> None:
    """Draw updates, seconds and memory of each batch size side by side."""
    sizes, rows = [s.size for s in standings], standings[0].rows
    height = 26 * len(sizes) + 30
    updating, timing, holding = st.columns(3, gap="medium")
    with updating:
        updates_bars(sizes, rows, height)
    with timing:
        took, said = [s.per_epoch * 1e3 for s in standings], "バッチサイズごとの1エポックの時間。"
        _bars(sizes, rows, took, "1エポックの時間 [ms]", ",.3~r", said, height)
    if memory:
        with holding:
            held, said = [m.batch / 1024 for m in memory], "バッチサイズごとの、逆伝播のために保持した量。"
            _bars(sizes, rows, held, "逆伝播まで保持 [KiB]", ",.3~r", said, height)


def table(standings: Sequence[Standing], memory: Sequence[Held] | None) -> None:
    """Show what each batch size did and cost."""
    held = {m.batch_size: f"{m.batch / 1024:.1f}" for m in memory or ()}
    lines = [
        "| B | 更新 | 端数 | drop_last | 合計 | ms | KiB | 検証損失 | 正解率 |",
        "|:--|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for s in standings:
        cells = [
            str(s.size),
            f"{s.updates:,}",
            str(leftover(s.rows, s.size)),
            f"{updates(s.rows, s.size, drop_last=True):,}",
            f"{s.updates * s.epochs:,}",
            text.number(s.per_epoch * 1e3),
            held.get(s.size, "—"),
            text.number(s.median),
            f"{s.accuracy:.1%}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    st.markdown("\n".join(lines))
    st.caption(
        "**更新**は1エポックの更新回数、**端数**は最後のバッチに余る人数、"
        "**drop_last** は端数を使わないときの1エポックの更新回数、**合計**はこの学習の更新回数です。"
    )
    st.caption(
        "**ms** は1エポックの時間(検証を含む中央値)で、コンピューターの混みぐあいでも変わります。"
        "**KiB** は、1バッチの順伝播のあと、逆伝播のために PyTorch が残していた量の実測です。"
        "5シードのときは、時間は5つをまとめたもの、成績は中央値です。下の棒の長さは対数目盛です。"
    )
