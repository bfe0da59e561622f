"""Charts and sentences of the two weights that shrink in two ways."""

from __future__ import annotations

from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.decay import ROUND, START, DecaySpec, Shrinking
from pages.ui import charts, player

ADDED, TAKEN, SAME = "損失に足す(L2)", "直接縮める(重み減衰)", "同じ"
CHOICES = [ADDED, TAKEN, SAME]
WAYS = {"penalty": ADDED, "decay": TAKEN}
COLOURS = ("#E69F00", "#2D8BD0")
WEIGHTS = ("A", "B")
RULES = {"sgd": "SGD", "adam": "Adam"}
LIMIT, FIRST = 10.0, 5
"""Where one of them diverges, this far up and down is drawn, and this many rounds."""


@lru_cache(maxsize=8)
def _spec(rounds: int, low: float, high: float) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows")).transform_filter("datum.epoch <= step")
    base = base.transform_calculate(said="datum.weight == 0 ? 'A' : 'B'")
    x = alt.X("epoch:Q", title="周(患者4人で1周)", scale=alt.Scale(domain=[0, rounds], nice=False))
    y = alt.Y("w:Q", title="重み w", scale=alt.Scale(domain=[low, high], nice=False))
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=[ADDED, TAKEN], range=COLOURS),
        legend=alt.Legend(orient="top", title=None, labelLimit=260, symbolType="stroke"),
    )
    dash = alt.StrokeDash(
        "said:N",
        scale=alt.Scale(domain=WEIGHTS, range=[[1, 0], [6, 4]]),
        legend=None,
    )
    hover = [
        alt.Tooltip("name:N", title="方法"),
        alt.Tooltip("said:N", title="重み"),
        alt.Tooltip("epoch:Q", title="周"),
        alt.Tooltip("w:Q", title="w", format=".5f"),
    ]
    below = base.transform_filter(f"datum.name == '{TAKEN}'").mark_line(strokeWidth=6, opacity=0.4, clip=True)
    above = base.transform_filter(f"datum.name == '{ADDED}'").mark_line(strokeWidth=2, clip=True)
    lines = [line.encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=hover) for line in (below, above)]
    now = base.transform_filter("datum.epoch == step").encode(x=x, y=y, color=colour)
    dot = now.mark_circle(size=60, opacity=1, clip=True)
    letter = now.mark_text(dx=-10, dy=-10, fontSize=13, fontWeight="bold", clip=True).encode(text="said:N")
    shown = alt.param(
        name="step", value=rounds, bind=alt.binding_range(min=0, max=rounds, step=1, name="周 ")
    )
    return charts.finish(alt.layer(*lines, dot, letter).add_params(shown), 280)


def lost(spec: DecaySpec, found: Shrinking) -> list[str]:
    """Return the ways that diverged."""
    updates = len(ROUND) * spec.rounds
    return [way for way, path in found.paths.items() if len(path) <= updates]


@lru_cache(maxsize=16)
def _rows(found: Shrinking, every: int, last: int) -> pa.Table:
    """Return the rows of every so many updates, up to the round ``last``."""
    tables = []
    for way, label in WAYS.items():
        path = found.paths[way][: last * len(ROUND) + 1 : every]
        for place in range(len(WEIGHTS)):
            tables.append(
                charts.rows(
                    label,
                    epoch=np.arange(len(path), dtype=np.float32) * every / len(ROUND),
                    w=np.clip(path[:, place], -1e4, 1e4).astype(np.float32),
                    weight=np.full(len(path), place, dtype=np.int8),
                )
            )
    return pa.concat_tables(tables).unify_dictionaries()


def show_start(spec: DecaySpec) -> None:
    """Say what is going to happen, before it does."""
    st.info(
        f"2つの重み A と B は、どちらも {START:g} から出発します。1周は4人の患者で、"
        f"A には +{spec.pulls[0]:g}、−{spec.pulls[0]:g}、−{spec.pulls[0]:g}、+{spec.pulls[0]:g}、"
        f"B には同じ順に ±{spec.pulls[1]:g} の勾配が来ます。合計は 0 なので、"
        "重みを最後に動かすのは減衰だけです。",
        icon=":material/compress:",
    )
    st.markdown(
        f"- **{ADDED}**: 損失に λΣw² を足し、その勾配 2λw ごとオプティマイザに渡します。\n"
        f"- **{TAKEN}**: 損失はそのままで、修正のたびに重みを (1 − 2λη) 倍します。"
    )


def play(spec: DecaySpec, found: Shrinking) -> None:
    """Draw where both weights went both ways, to be played."""
    if lost(spec, found):
        every, last, low, high = 1, min(FIRST, spec.rounds), -LIMIT, LIMIT
    else:
        every, last = len(ROUND), spec.rounds
        walked = np.concatenate([path.ravel() for path in found.paths.values()])
        low = min(0.0, float(walked.min()) * 1.1)
        high = max(1.05, float(walked.max()) * 1.02)
    player.play(
        _spec(last, round(low, 2), round(high, 2)),
        _rows(found, every, last),
        steps=last,
        key="rg_d_two/paths",
        alt_text="2つの重みが、2つの方法で縮んでいく様子。",
        label="周",
        speed=50 if last > FIRST else 2,
    )
    st.caption(
        f"実線は重み A(勾配 ±{spec.pulls[0]:g})、破線は重み B(勾配 ±{spec.pulls[1]:g})です。"
        "太く薄い青が「直接縮める」、細い橙が「損失に足す」で、重なるときは青の中に橙が見えます。"
    )
