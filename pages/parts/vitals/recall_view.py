"""Charts of the task of delayed recall: the sequences, the accuracy as it rises, what an answer hangs on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.history import Frame, Row
from core.recall import KNOWN, RecallSpec, sequences
from pages.parts.vitals.backtime_cells import COLOURS, NAMES, colour
from pages.ui import charts, player, side_by_side

FLOOR = 1e-24
SHOWN = ("合図 1(あり)", "合図 −1(なし)")
LINE, EPOCH = range(2)
_GREY = charts.COLOURS["実測値"]


@lru_cache(maxsize=32)
def _examples_spec(length: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("t:Q", title="記録の番号 t(回目)", scale=alt.Scale(domain=[0.5, length + 0.5], nice=False)),
        y=alt.Y("x:Q", title="記録の値", axis=alt.Axis(tickCount=4)),
        color=colour(SHOWN, ("#E69F00", "#8A8F94"), 2),
    )
    lines = base.mark_line(strokeWidth=1.2, opacity=0.8)
    cue = base.transform_filter("datum.t == 1").mark_point(size=110, filled=True)
    return charts.finish(lines + cue, 170)


@st.cache_data(max_entries=64, show_spinner=False)
def _examples(length: int, noise: float, seed: int) -> pa.Table:
    readings, classes = sequences(2, length, noise, seed)
    t = np.arange(1, length + 1, dtype=np.int16)
    return pa.concat_tables(
        charts.rows(SHOWN[0] if klass else SHOWN[1], t=t, x=row)
        for row, klass in zip(readings, classes, strict=True)
    )


def show_examples(spec: RecallSpec) -> None:
    """Draw a sequence of either class: only the first reading tells them apart."""
    charts.draw(
        _examples_spec(spec.length),
        _examples(spec.length, spec.noise, spec.training.seed),
        f"2人分の記録。{spec.length} 回のうち、1回目だけが合図で、残りは雑音。",
    )
    st.caption(
        f"大きな点(t = 1)が合図です。{spec.length} 回目まで読んだあとで、合図がどちらだったかを答えます。"
    )


@lru_cache(maxsize=32)
def _accuracy_spec(epochs: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False))
    scale = alt.Scale(domain=[30, 100], nice=False, zero=False)
    y = alt.Y("share:Q", title="正解率(%)", scale=scale)
    band = base.mark_area(opacity=0.15, clip=True).encode(
        x=x, y=alt.Y("low:Q", title="正解率(%)", scale=scale), y2="high:Q", color=colour()
    )
    lines = base.mark_line(strokeWidth=2.5, clip=True, point=alt.OverlayMarkDef(size=18)).encode(
        x=x,
        y=y,
        color=colour(),
        tooltip=[
            alt.Tooltip("name:N", title="ネットワーク"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("share:Q", title="正解率(%)", format=".1f"),
        ],
    )
    level = base.transform_aggregate(rows="count()").transform_calculate(
        level="50", said="'当てずっぽう(50%)'"
    )
    rule = level.mark_rule(strokeDash=[3, 3], color=_GREY, strokeWidth=1.5).encode(y="level:Q")
    said = level.mark_text(align="right", dy=11, fontSize=11, color=_GREY).encode(
        x=alt.value("width"), y="level:Q", text="said:N"
    )
    return charts.finish(alt.layer(band, lines, rule, said), 230)


def show_live(rows: Sequence[Row], epochs: int, several: bool) -> None:
    """Draw accuracy and loss so far; of several seeds the median, and their range."""
    epoch = np.arange(1, len(rows) + 1, dtype=np.int16)
    tables = []
    for place, name in enumerate(NAMES):
        shares = np.array(
            [[100 * (e.validation_accuracy or 0.0) for e in row[place :: len(NAMES)]] for row in rows]
        ).reshape(len(rows), -1 if rows else 1)
        tables.append(
            charts.rows(
                name,
                epoch=epoch,
                share=np.median(shares, axis=1) if len(rows) else np.empty(0),
                low=shares.min(axis=1, initial=np.inf),
                high=shares.max(axis=1, initial=-np.inf),
            )
        )
    charts.draw(
        _accuracy_spec(epochs),
        pa.concat_tables(tables),
        "3つのネットワークの、エポックごとの正解率。",
        key="vr_accuracy",
    )
    side_by_side.curves(
        rows,
        NAMES,
        COLOURS,
        epochs=epochs,
        title="損失",
        alt_text="3つのネットワークの、エポックごとの損失。実線が検証、破線が学習。",
        rule=(float(np.log(2)), "ln 2(何も分からないときの損失)"),
        height=170,
    )
    seeds = "線は5つの種の中央値、正解率の帯は最小から最大です。" if several else ""
    st.caption(
        f"正解率は、学習に使っていない患者で測ります。{KNOWN:.0%} 以上で「思い出せた」とします。"
        f"損失の実線は検証、破線は学習です。{seeds}"
    )


@lru_cache(maxsize=32)
def _saliency_spec(length: int, steps: int) -> charts.Spec:
    step = player.step_param(steps, "コマ")
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.step == step")
    line = (
        base.transform_filter(f"datum.kind == {LINE}")
        .mark_line(strokeWidth=2.2, clip=True, point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X(
                "t:Q", title="記録の番号 t(回目)", scale=alt.Scale(domain=[0.5, length + 0.5], nice=False)
            ),
            y=alt.Y(
                "y:Q",
                title="答えへの効き方(対数目盛)",
                scale=alt.Scale(type="log", domain=[FLOOR, 100], nice=False),
                axis=alt.Axis(format="~e", values=[10.0**k for k in range(-24, 3, 4)], minExtent=40),
            ),
            color=colour(),
            tooltip=[
                alt.Tooltip("name:N", title="ネットワーク"),
                alt.Tooltip("t:Q", title="記録の番号"),
                alt.Tooltip("y:Q", title="|∂(答え)/∂x|", format=".2e"),
            ],
        )
    )
    said = (
        base.transform_filter(f"datum.kind == {EPOCH}")
        .transform_calculate(said="datum.y == 0 ? '学習前' : format(datum.y, 'd') + ' エポック後'")
        .mark_text(
            align="right", baseline="bottom", dx=-4, dy=-6, fontSize=14, fontWeight="bold", color=_GREY
        )
        .encode(x=alt.value("width"), y=alt.value("height"), text="said:N")
    )
    return charts.finish(alt.layer(line, said).add_params(step), 300)


def show_saliency(frames: Sequence[Frame], length: int) -> None:
    """Let the reader play how much the answers hang on each reading, from before the training on."""
    steps = np.arange(len(frames), dtype=np.int16)
    epochs = np.array([frame.epoch for frame in frames], dtype=np.float64)
    nothing = np.zeros(len(frames), dtype=np.int16)
    tables = [charts.rows(NAMES[0], t=nothing, y=epochs, step=steps, kind=nothing + EPOCH)]
    t = np.arange(1, length + 1, dtype=np.int16)
    for place, name in enumerate(NAMES):
        found = np.stack([frame.arrays[place]["saliency"] for frame in frames])  # (frames, T)
        tables.append(
            charts.rows(
                name,
                t=np.tile(t, len(frames)),
                y=np.clip(np.nan_to_num(found), FLOOR, 100).ravel().astype(np.float64),
                step=np.repeat(steps, length),
                kind=np.full(found.size, LINE, dtype=np.int16),
            )
        )
    player.play(
        _saliency_spec(length, len(frames) - 1),
        pa.concat_tables(tables),
        steps=len(frames) - 1,
        key="vr_saliency",
        alt_text="記録の番号ごとの、答えへの効き方。左端が合図。",
        label="コマ",
        speed=2,
    )
