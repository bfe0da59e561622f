"""Charts of gradients that go back through time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa

from core.backtime import Back
from core.history import Frame
from pages.parts.vitals.backtime_cells import COLOURS, NAMES, colour
from pages.ui import charts, player

MEMORY, RULE = "LSTMのセル状態 c", "目安 ρ の累乗"
FLOOR, CEILING = 1e-60, 1e30
MAIN, OTHER, EPOCH = range(3)
LOWEST = 1e-30
BEYOND = 1e3
"""How far the rule of thumb is drawn beyond what was measured, as a factor."""
_GREY = charts.COLOURS["実測値"]


@lru_cache(maxsize=32)
def _fresh_spec(length: int) -> charts.Spec:
    names, colours = (*NAMES, MEMORY, RULE), (*COLOURS, "#E69F00", _GREY)
    base = alt.Chart(alt.NamedData("rows")).encode(
        x=alt.X(
            "back:Q",
            title="窓の終わりから見た時刻(点)",
            scale=alt.Scale(domain=[-length, 0], nice=False),
        ),
        y=alt.Y(
            "y:Q",
            title="勾配の大きさ(対数目盛)",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(format="~e", tickCount=7, minExtent=40),
        ),
        color=colour(names, colours, 2),
        detail="length:N",
        tooltip=[
            alt.Tooltip("name:N", title="ネットワーク"),
            alt.Tooltip("length:Q", title="窓の長さ T"),
            alt.Tooltip("back:Q", title="時刻"),
            alt.Tooltip("y:Q", title="勾配の大きさ", format=".2e"),
        ],
    )
    others = base.transform_filter(f"datum.kind == {OTHER}").mark_line(strokeWidth=1, opacity=0.45)
    dashed = f"datum.name == '{MEMORY}' || datum.name == '{RULE}'"
    main = (
        base.transform_filter(f"datum.kind == {MAIN}")
        .mark_line()
        .encode(
            strokeDash=alt.condition(dashed, alt.value([5, 4]), alt.value([1, 0])),
            strokeWidth=alt.condition(dashed, alt.value(1.8), alt.value(3)),
        )
    )
    return charts.finish(alt.layer(others, main), 320)


def _line(name: str, norms: Sequence[float], length: int, kind: int) -> pa.Table:
    """Make the rows of one line, whose last value belongs to the end of the window or just before it."""
    values = np.asarray(norms, dtype=np.float64)
    back = np.arange(-len(values) + 1, 1, dtype=np.int16) - (1 if name == MEMORY else 0)
    fit = np.isfinite(values) & (values > 0)
    return charts.rows(
        name,
        back=back[fit],
        y=np.clip(values[fit], FLOOR, CEILING),
        length=np.full(int(fit.sum()), length, dtype=np.int16),
        kind=np.full(int(fit.sum()), kind, dtype=np.int8),
    )


def show_fresh(found: dict[int, tuple[Back, ...]], length: int) -> None:
    """Draw the networks on windows of ``length`` in bold, and on those of the other lengths thinly."""
    tables = []
    for each, backs in found.items():
        for name, back in zip(NAMES, backs, strict=True):
            tables.append(_line(name, back.hidden.tolist(), each, MAIN if each == length else OTHER))
    rnn, lstm, _ = found[length]
    tables.append(_line(MEMORY, lstm.memory.tolist(), length, MAIN))
    rule = rnn.hidden[-1] * rnn.radius ** np.arange(length - 1, -1, -1, dtype=np.float64)
    every = np.concatenate([back.hidden for backs in found.values() for back in backs])
    seen = (rule >= every.min() / BEYOND) & (rule <= every.max() * BEYOND)
    tables.append(_line(RULE, np.where(seen, rule, np.nan).tolist(), length, MAIN))
    charts.draw(
        _fresh_spec(max(found)),
        pa.concat_tables(tables),
        f"長さ {length} の窓で、時刻ごとの勾配の大きさ。右端が窓の終わり、左へ行くほど過去。",
        key="vb_fresh_chart",
    )


@lru_cache(maxsize=32)
def _trained_spec(length: int, steps: int, low: int) -> charts.Spec:
    step = player.step_param(steps, "コマ") if steps else alt.param(name="step", value=0)
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "back:Q",
        title="窓の終わりから見た時刻(点)",
        scale=alt.Scale(domain=[1 - length, 0], nice=False),
    )
    y = alt.Y(
        "y:Q",
        title="勾配の大きさ(対数目盛)",
        scale=alt.Scale(type="log", domain=[10.0**low, 100], nice=False),
        axis=alt.Axis(
            format="~e", values=[10.0**k for k in range(low, 3, 5 if low < -10 else 2)], minExtent=40
        ),
    )
    before = (
        base.transform_filter(f"datum.kind == {OTHER}")
        .mark_line(strokeWidth=1.2, opacity=0.6, strokeDash=[4, 4], clip=True)
        .encode(x=x, y=y, color=colour())
    )
    now = (
        base.transform_filter(f"datum.step == step && datum.kind == {MAIN}")
        .mark_line(strokeWidth=2.8, clip=True)
        .encode(
            x=x,
            y=y,
            color=colour(),
            tooltip=[
                alt.Tooltip("name:N", title="ネットワーク"),
                alt.Tooltip("back:Q", title="時刻"),
                alt.Tooltip("y:Q", title="勾配の大きさ", format=".2e"),
            ],
        )
    )
    said = (
        base.transform_filter(f"datum.step == step && datum.kind == {EPOCH}")
        .transform_calculate(said="datum.y == 0 ? '学習前' : format(datum.y, 'd') + ' エポック後'")
        .mark_text(align="left", baseline="top", dx=6, dy=4, fontSize=14, fontWeight="bold", color=_GREY)
        .encode(x=alt.value(0), y=alt.value(0), text="said:N")
    )
    return charts.finish(alt.layer(before, now, said).add_params(step), 290)


def show_trained(frames: Sequence[Frame], length: int, playable: bool) -> None:
    """Draw the gradients at the latest look, or at all of them to be played; dashed is before training."""
    if not frames:
        return
    shown = frames if playable else frames[-1:]
    smallest = min(float(np.nanmin(one["hidden"])) for frame in frames for one in frame.arrays[:3])
    low = max(-30, 5 * math.floor(math.log10(max(smallest, LOWEST)) / 5))
    back = np.arange(1 - length, 1, dtype=np.int16)
    epochs = np.array([frame.epoch for frame in shown], dtype=np.float64)
    steps = np.arange(len(shown), dtype=np.int16)
    marks = np.full(len(shown), EPOCH, dtype=np.int8)
    tables = [charts.rows(NAMES[0], back=np.zeros_like(steps), y=epochs, step=steps, kind=marks)]
    for place, name in enumerate(NAMES):
        lines = [(frames[0], 0, OTHER), *((frame, step, MAIN) for step, frame in enumerate(shown))]
        for frame, step, kind in lines:
            norms = np.nan_to_num(frame.arrays[place]["hidden"])
            tables.append(
                charts.rows(
                    name,
                    back=back,
                    y=np.clip(norms, LOWEST, 100),
                    step=np.full(length, step, dtype=np.int16),
                    kind=np.full(length, kind, dtype=np.int8),
                )
            )
    told = f"長さ {length} の窓で、時刻ごとの勾配の大きさ。破線が学習前。"
    if playable and len(shown) > 1:
        player.play(
            _trained_spec(length, len(shown) - 1, low),
            pa.concat_tables(tables),
            steps=len(shown) - 1,
            key="vb_trained_play",
            alt_text=told,
            label="コマ",
            speed=2,
        )
    else:
        charts.draw(_trained_spec(length, 0, low), pa.concat_tables(tables), told)
