"""What a training whose gradient explodes has shown, beside the same one with clipping."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.backtime_clip import ClipRun, ClipSpec, constant_loss, exploded
from pages.parts.vitals.backtime_cells import size, tex
from pages.ui import lesson, side_by_side, text

PLAIN, CLIPPED = range(2)
FINE, BROKEN = "最後まで学べる", "爆発して壊れる"
CHOICES = [FINE, BROKEN]
NEAR = 1.0
"""How far the weights must be able to go, all steps taken together, to learn anything."""


def broken(spec: ClipSpec, result: ClipRun) -> bool:
    """Say whether a training came to nothing: its loss has grown out of all bounds."""
    return exploded(result.history, constant_loss(spec.length))


def answer(spec: ClipSpec, results: Sequence[ClipRun]) -> lesson.Answer:
    """Say how the training without clipping ended."""
    plain, clipped = results[PLAIN::2], results[CLIPPED::2]
    times = sum(broken(spec, one) for one in plain)
    ends = [one.history[-1].train_loss for one in clipped]
    seeds = f"{len(plain)} 回中 {times} 回壊れました。" if len(plain) > 1 else ""
    largest = float(np.nanmax(np.where(np.isfinite(plain[0].norms), plain[0].norms, np.nan)))
    last = plain[0].history[-1].train_loss
    return lesson.Answer(
        BROKEN if 2 * times > len(plain) else FINE,
        f"{seeds}クリッピングなしの損失は {_loss(last)}(数えられた最大の勾配は {size(largest)})、"
        f"同じ初期値でクリッピングありは {_loss(float(np.median(ends)))} で終わりました。",
    )


def _loss(value: float) -> str:
    return "計算不能" if not math.isfinite(value) else size(value)


def show_table(results: Sequence[ClipRun], longest: float) -> None:
    """Compare both trainings of the first seed in numbers."""
    side_by_side.table(
        ["クリッピング", "最後の損失", "最大の勾配", f"{longest:g} を超えた更新"],
        [
            [
                name,
                _loss(one.history[-1].train_loss),
                _loss(float(np.max(np.nan_to_num(one.norms, nan=np.inf)))),
                f"{len(one.norms)} 回中 {one.clipped(longest):.0%}",
            ]
            for name, one in zip(("なし", "あり"), results, strict=False)
        ],
    )


def first_jump(result: ClipRun) -> int:
    """Return the update, from 1, whose gradient was longest compared with that before it."""
    norms = np.nan_to_num(result.norms, nan=np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        growth = np.nan_to_num(norms[1:] / np.maximum(norms[:-1], 1e-12), nan=0.0)
    beyond = np.flatnonzero(norms[1:] > 100)
    return int(beyond[0] + 2) if len(beyond) else int(np.argmax(growth) + 2)


def whys(spec: ClipSpec, results: Sequence[ClipRun]) -> list[str]:
    """Say why a training has failed, if one has."""
    told = []
    plain, clipped = results[PLAIN], results[CLIPPED]
    if broken(spec, plain):
        at = first_jump(plain)
        before, now = plain.norms[at - 2], plain.norms[at - 1]
        told.append(
            f"**勾配爆発**: W_hh を {spec.scale:g} 倍にして始めたため、"
            f"時間をさかのぼるたびに勾配が膨らみます。{at} 回目の更新で、勾配の長さが "
            f"{size(float(before))} から {_loss(float(now))} へ跳ね上がりました。"
            f"学習率 {spec.optimizer.lr:g} を掛けた1歩が重みを遠くへ飛ばし、状態が ±1 に張り付いて、"
            "損失が戻らなくなりました。"
        )
    last, constant = clipped.history[-1].train_loss, constant_loss(spec.length)
    step = spec.optimizer.lr * (spec.training.clip or math.inf)
    share, reach = clipped.clipped(spec.training.clip or math.inf), step * len(clipped.norms)
    first = clipped.history[0].train_loss
    if reach < NEAR and last > first / 2:
        told.append(
            f"**上限が小さすぎる**: 更新の {share:.0%} が切り詰められました。1歩の長さは最大でも "
            f"η × 上限 = {step:.2g} なので、{len(clipped.norms)} 回合わせても {reach:.2g} しか動けません。"
            f"損失は {text.number(first)} から {text.number(last)} までしか下がりませんでした。"
        )
    elif last > constant / 2:
        told.append(
            f"**上限が大きすぎる**: 更新の {share:.0%} を切り詰めても、1歩の長さが最大で η × 上限 = {step:g} "
            f"もあり、落ち着けません。損失は {_loss(last)} です(いつも 0 と答える場合は "
            f"{text.number(constant)})。上限か学習率を下げる必要があります。"
        )
    return told


def sentences(spec: ClipSpec, results: Sequence[ClipRun]) -> list[str]:
    """Say what the numbers mean."""
    plain, clipped = results[PLAIN], results[CLIPPED]
    longest = spec.training.clip or math.inf
    step = spec.optimizer.lr * longest
    told = [
        f"クリッピングは、更新 {len(clipped.norms)} 回のうち {clipped.clipped(longest):.0%} で働きました。"
        f"SGD なら、1歩の長さは最大でも η × 上限 = {spec.optimizer.lr:g} × {longest:g} = {step:g} です。",
        "切り詰めるのは長さだけで、**向きは変えません**。勾配消失は治せません。",
    ]
    if not broken(spec, plain):
        told.append(
            "この設定では、クリッピングなしでも爆発しませんでした。W_hh の倍率か学習率を上げると壊れます。"
        )
    if len(results) > 2:
        saved = sum(
            broken(spec, p) and not broken(spec, c)
            for p, c in zip(results[PLAIN::2], results[CLIPPED::2], strict=True)
        )
        told.append(f"{len(results) // 2} つの種のうち {saved} つで、クリッピングが学習を救いました。")
    return told


def show_formula(spec: ClipSpec, result: ClipRun) -> None:
    """Show the rule with the numbers of the update that it shortened most."""
    longest = spec.training.clip or math.inf
    finite = np.where(np.isfinite(result.norms), result.norms, 0.0)
    norm = float(finite.max())
    with st.expander("数式で見る(この学習の数字)"):
        st.latex(r"g \leftarrow g \cdot \min\!\left(1,\ \frac{c}{\lVert g \rVert + 10^{-6}}\right)")
        st.markdown(f"いちばん長かった勾配は、{int(finite.argmax()) + 1} 回目の更新のものでした。")
        st.latex(rf"\lVert g \rVert = {tex(norm)},\quad c = {longest:g}")
        st.latex(
            rf"\min\!\left(1, \frac{{{longest:g}}}{{{tex(norm)}}}\right) = {tex(min(1.0, longest / norm))}"
        )
