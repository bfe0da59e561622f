"""How the weights of several networks are spread: one row of bars a network, to be played in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.history import Frame
from core.weight_bins import REACH, SMALL, SQUARES, TINY, WIDTH
from pages.ui import charts, player
from pages.ui.side_by_side import Array

AREA, SAID, EPOCH = range(3)
ROW_PX = 44
AROUND_PX = 62  # for the axis below and the epoch above
LABEL = 0.74  # of a row: where its name and numbers stand
TALL = 0.92  # of a row, for a bin that holds every weight


def last_step(steps: int) -> alt.Parameter:
    """Return the parameter of a chart that is played from the beginning and shows the end until then."""
    if not steps:
        return alt.param(name="step", value=0)
    return alt.param(name="step", value=steps, bind=alt.binding_range(min=0, max=steps, step=1, name="コマ "))


@lru_cache(maxsize=16)
def _spec(names: tuple[str, ...], colours: tuple[str, ...], steps: int) -> charts.Spec:
    step = last_step(steps)
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.step == step")
    reach = REACH * WIDTH
    x = alt.X(
        "x:Q",
        title="重み w(両端の棒は、それより外側も含みます)",
        scale=alt.Scale(domain=[-reach - WIDTH, reach + WIDTH], nice=False),
    )
    y = alt.Y("low:Q", axis=None, scale=alt.Scale(domain=[0, len(names)], nice=False, zero=False))
    above = alt.Y("high:Q", axis=None)
    colour = alt.Color("name:N", scale=alt.Scale(domain=names, range=colours), legend=None)
    area = (
        base.transform_filter(f"datum.kind == {AREA}")
        .transform_calculate(x=f"datum.bin * {WIDTH}")
        .mark_area(interpolate="step", opacity=0.75, line=False)
        .encode(x=x, y=y, y2="high:Q", color=colour)
    )
    said = base.transform_filter(f"datum.kind == {SAID}")
    rule = said.mark_rule(opacity=0.35).encode(y=y, color=colour)
    name = said.mark_text(align="left", dx=4, fontSize=12, fontWeight="bold").encode(
        x=alt.value(0), y=above, text="name:N", color=colour
    )
    grey = charts.COLOURS["実測値"]
    number = (
        said.transform_calculate(
            said="'Σw² ' + format(datum.square, '.3~s') + ' / ほぼ0 ' + format(datum.tiny, '.0%')"
        )
        .mark_text(align="right", dx=-2, fontSize=12, color=grey)
        .encode(x=alt.value("width"), y=above, text="said:N")
    )
    epoch = (
        base.transform_filter(f"datum.kind == {EPOCH}")
        .transform_calculate(said="format(datum.high, 'd') + ' エポック'")
        .mark_text(align="center", baseline="bottom", fontSize=13, fontWeight="bold", color=grey)
        .encode(x=alt.value(alt.expr("width / 2")), y=alt.value(0), text="said:N")
    )
    chart = alt.layer(area, rule, name, number, epoch).add_params(step)
    return charts.finish(chart, ROW_PX * len(names) + AROUND_PX)


def spread(frame: Frame, count: int) -> tuple[Array, Array]:
    """Return the shares of every bin (networks, bins) and the sums (networks, 4) of a look.

    The runs of a frame are those of ``count`` networks, over and over: repeated ones give the mean of their
    shares, and the median of their sums.
    """
    shares, sums = [], []
    for place in range(count):
        mine = frame.arrays[place::count]
        counts = np.array([arrays["counts"] for arrays in mine], dtype=np.float64)
        shares.append((counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)).mean(axis=0))
        sums.append(np.median([arrays["sums"] for arrays in mine], axis=0))
    return np.array(shares), np.array(sums)


def weights_of(frame: Frame, place: int) -> int:
    """Return how many weights the network at ``place`` has."""
    return int(frame.arrays[place]["counts"].sum())


def _look(names: tuple[str, ...], frame: Frame, step: int) -> pa.Table:
    shares, sums = spread(frame, len(names))
    bins = np.arange(-REACH, REACH + 1)
    count, width = len(names), len(bins)
    base = np.arange(count)[::-1].astype(np.float32)  # the first network is the top row
    size = np.array([max(weights_of(frame, place), 1) for place in range(count)])
    tops = base[:, None] + TALL * np.sqrt(shares)
    return charts.rows(
        [*np.repeat(names, width), *names, names[0]],
        kind=np.repeat(np.array([AREA, SAID, EPOCH], dtype=np.int8), [count * width, count, 1]),
        step=np.full(count * width + count + 1, step, dtype=np.int16),
        bin=np.concatenate([np.tile(bins, count), np.zeros(count + 1)]).astype(np.int8),
        low=np.concatenate([np.repeat(base, width), base, [0]]).astype(np.float32),
        high=np.concatenate([tops.ravel(), base + LABEL, [frame.epoch]]).astype(np.float32),
        square=np.concatenate([np.zeros(count * width), sums[:, SQUARES], [0]]).astype(np.float32),
        tiny=np.concatenate([np.zeros(count * width), sums[:, SMALL] / size, [0]]).astype(np.float32),
    )


@lru_cache(maxsize=16)
def _album(names: tuple[str, ...], frames: tuple[Frame, ...]) -> pa.Table:
    looks = [_look(names, frame, step) for step, frame in enumerate(frames)]
    return pa.concat_tables(looks).unify_dictionaries().combine_chunks()


def show(
    names: tuple[str, ...], colours: tuple[str, ...], frames: Sequence[Frame], key: str, play: bool
) -> None:
    """Draw the spread of the weights now, or, with ``play``, every look at them to be moved through."""
    if not frames:
        return
    steps = len(frames) - 1
    if not play or steps < 1:
        charts.draw(
            _spec(names, colours, 0),
            _look(names, frames[-1], 0),
            f"{frames[-1].epoch} エポック目の、{len(names)} つのネットワークの重みの分布。",
        )
        return
    player.play(
        _spec(names, colours, steps),
        _album(names, tuple(frames)),
        steps=steps,
        key=key,
        alt_text=f"重みの分布が、{frames[-1].epoch} エポックのあいだに変わる様子({len(names)} つ)。",
        label="コマ",
        speed=10,
    )


def caption(frame: Frame) -> str:
    """Say how to read the rows, and how many weights each network has."""
    return (
        f"1段が1つのネットワークの、{weights_of(frame, 0):,} 個の重みの分布です。"
        "高さは割合の平方根なので、少ない棒も見えます。"
        f"「ほぼ0」は |w| が {TINY:g} より小さい重みの割合です。"
    )
