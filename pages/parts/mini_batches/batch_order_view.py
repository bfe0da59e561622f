"""What order does to a training, drawn: curves of both arms, and what every update showed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core.batches import training_rows, updates
from core.history import Frame
from core.specs import TableRunSpec
from pages.parts.mini_batches.batch_order_result import ARMS, SEEDS, recorded
from pages.ui import charts, loss_view
from pages.ui.runs import Watched

COLOURS = ["#D55E00", "#2D8BD0"]

CEILING, FLOOR = 1e3, 1e-3

MOST_POINTS = 400
"""Updates drawn of a stretch; of more, neighbours are averaged."""


def _colour() -> alt.Color:
    return alt.Color(
        "name:N",
        scale=alt.Scale(domain=list(ARMS), range=COLOURS),
        legend=alt.Legend(
            orient="top", title=None, symbolType="stroke", symbolOpacity=1, symbolStrokeWidth=3
        ),
    )


@lru_cache(maxsize=1)
def _queue_spec() -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    cells = base.mark_rect().encode(
        x=alt.X(
            "place:O",
            title="使う順番(40 人の模式図)",
            axis=alt.Axis(labels=False, ticks=False),
            scale=alt.Scale(paddingInner=0.12),
        ),
        y=alt.Y(
            "arm:O",
            title="シャッフル",
            axis=alt.Axis(labelExpr="datum.value == 0 ? 'なし' : 'あり'"),
            scale=alt.Scale(paddingInner=0.25),
        ),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(domain=["陽性", "陰性"], range=["#D55E00", "#2D8BD0"]),
            legend=alt.Legend(orient="top", title=None),
        ),
    )
    return charts.finish(cells, 150)


def show_queue() -> None:
    """Draw 40 patients in order of their diagnosis, and shuffled."""
    ill = np.arange(40) < 15
    mixed = np.random.RandomState(0).permutation(ill)
    names = ["陽性" if sick else "陰性" for sick in [*ill, *mixed]]
    rows = charts.rows(names, place=np.tile(np.arange(40), 2), arm=np.repeat([0, 1], 40))
    charts.draw(_queue_spec(), rows, "陽性の人が先に並んだ列と、混ぜた列。")


@lru_cache(maxsize=16)
def _curves_spec(epochs: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X("epoch:Q", title="エポック", scale=alt.Scale(domain=[0, epochs], nice=False)),
        color=_colour(),
    )
    scale = alt.Scale(type="log")
    title = "検証損失(対数目盛)"
    band = base.mark_area(opacity=0.15, clip=True).encode(
        y=alt.Y("low:Q", title=title, scale=scale), y2="high:Q"
    )
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        y=alt.Y("loss:Q", title=title, scale=scale),
        tooltip=[
            alt.Tooltip("name:N", title="順番"),
            alt.Tooltip("epoch:Q", title="エポック"),
            alt.Tooltip("loss:Q", title="検証損失", format=".3g"),
        ],
    )
    return charts.finish(band + lines, 270)


def draw(watched: Watched) -> None:
    """Draw the validation losses so far of both arms: the median of five seeds and their range."""
    rows = watched.run.rows
    losses = loss_view.curve(rows, True)
    losses = np.clip(np.where(np.isnan(losses), CEILING, losses), FLOOR, CEILING)
    parts = []
    for arm, label in enumerate(ARMS):
        mine = losses[:, arm * SEEDS : (arm + 1) * SEEDS] if rows else np.empty((0, 1))
        parts.append(
            charts.rows(
                label,
                epoch=np.arange(1, len(mine) + 1),
                loss=np.median(mine, axis=1),
                low=mine.min(axis=1, initial=np.inf),
                high=mine.max(axis=1, initial=-np.inf),
            )
        )
    charts.draw(
        _curves_spec(watched.epochs),
        pa.concat_tables(parts),
        "シャッフルありとなしの検証損失。線は5シードの中央値、帯は最小から最大です。",
        key="mb_order/curves",
    )


STRETCHES = ("最初の3エポック", "最後の3エポック", "全体")


def _stretch(frames: Sequence[Frame], which: str) -> Sequence[Frame]:
    if which == STRETCHES[2]:
        return frames
    return frames[:3] if which == STRETCHES[0] else frames[-3:]


def thinned(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], int]:
    """Average neighbours until at most ``MOST_POINTS`` are left; return them and how many make one."""
    each = max(-(-len(values) // MOST_POINTS), 1)
    kept = len(values) // each * each
    return values[:kept].reshape(-1, each).mean(axis=1), each


@lru_cache(maxsize=8)
def _updates_spec(field: str, title: str, log: bool) -> charts.Spec:
    scale = alt.Scale(type="log") if log else alt.Scale(domain=[0, 1])
    axis = alt.Axis() if log else alt.Axis(format="%")
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X("update:Q", title="更新(縦線はエポックの切れ目)", scale=alt.Scale(nice=False))
    bounds = (
        base.transform_filter("datum.kind == 1")
        .mark_rule(color="#8A8F94", opacity=0.5, strokeDash=[3, 3])
        .encode(x=x)
    )
    lines = (
        base.transform_filter("datum.kind == 0")
        .mark_line(strokeWidth=1.8, clip=True, point=alt.OverlayMarkDef(size=14))
        .encode(
            x=x,
            y=alt.Y(f"{field}:Q", title=title, scale=scale, axis=axis),
            color=_colour(),
            tooltip=[
                alt.Tooltip("name:N", title="順番"),
                alt.Tooltip("update:Q", title="更新"),
                alt.Tooltip("ill:Q", title="バッチの中の陽性", format=".0%"),
                alt.Tooltip(f"{field}:Q", title=title, format=".3g"),
            ],
        )
    )
    return charts.finish(bounds + lines, 210)


def show_updates(frames: Sequence[Frame], specs: Sequence[TableRunSpec]) -> None:
    """Draw what every update showed, in the first seed of both arms."""
    if not frames:
        return
    st.markdown("**1回の修正ごとに見る**(最初の種。損失は 0.001〜1,000 の範囲に収めて描きます)")
    which = st.segmented_control(
        "見るところ",
        STRETCHES,
        default=STRETCHES[0],
        required=True,
        key="mb_order_window",
        bind="query-params",
        label_visibility="collapsed",
    )
    kept = _stretch(frames, which)
    parts = []
    before = updates(training_rows(specs[0].table), specs[0].training.batch_size) * (kept[0].epoch - 1)
    for arm, label in enumerate(ARMS):
        losses, each = thinned(recorded(kept, arm * SEEDS, "losses"))
        losses = np.clip(np.where(np.isfinite(losses), losses, CEILING), FLOOR, CEILING)
        positive, ill = (thinned(recorded(kept, arm * SEEDS, name))[0] for name in ("positive", "ill"))
        at = before + each * np.arange(len(losses)) + (each + 1) / 2
        nothing = np.zeros(len(losses))
        parts.append(charts.rows(label, update=at, losses=losses, positive=positive, ill=ill, kind=nothing))
    per_epoch = updates(training_rows(specs[0].table), specs[0].training.batch_size)
    bounds = before + per_epoch * np.arange(len(kept) + 1) + 0.5
    flat = np.full(len(bounds), 0.5)
    label = next(iter(ARMS))
    parts.append(
        charts.rows(label, update=bounds, losses=flat, positive=flat, ill=flat, kind=np.ones(len(bounds)))
    )
    rows = pa.concat_tables(parts)
    left, right = st.columns(2, gap="medium")
    with left:
        charts.draw(
            _updates_spec("losses", "バッチの損失(対数目盛)", True),
            rows,
            f"{which}の、1回の修正ごとのバッチの損失。シャッフルなしではエポックごとにのこぎりの歯になります。",
        )
    with right:
        charts.draw(
            _updates_spec("positive", "「陽性」と答えた割合", False),
            rows,
            f"{which}の、1回の修正ごとに、検証用の患者のうち陽性と答えた割合。",
        )
