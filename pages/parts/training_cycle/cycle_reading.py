"""What the walk of one neuron has shown, in sentences and formulas whose numbers are its own."""

from __future__ import annotations

import re

import streamlit as st

from core.neuron import LACTATE, NeuronSpec, Trace, Update, standardized
from pages.ui import lesson, text

MOVED = ["増える", "減る", "変わらない"]
COMPARED = ["低くなる", "ほぼ同じ", "高くなる"]
SAME = 0.1
"""Losses that differ by less than this share are 「ほぼ同じ」."""
LEARNT = 0.2
"""Below this share of the loss at the start, the weights say something about the patients."""


def answer(trace: Trace, other: Trace | None) -> lesson.Answer:
    """Say how the first update moved w₁, or what forgetting has done to the loss beside ``other``."""
    if other is None:
        first = trace.updates[0]
        before, after = first.before[0], first.after[0]
        choice = MOVED[0] if after > before else MOVED[1] if after < before else MOVED[2]
        side = "より低かった" if first.slope < 0 else "より高かった" if first.slope > 0 else "と同じだった"
        return lesson.Answer(
            choice,
            _minus_signs(
                f"w₁ は {before:.3f} から {after:.3f} になりました。予測 {first.output:.2f} が正解 "
                f"{LACTATE[first.patient]:.1f} {side}ため、勾配は {first.gradient[0]:.3f} です。"
                "重みは、勾配と逆の向きに動きます。"
            ),
        )
    mine, theirs = trace.last.mean_loss, other.last.mean_loss
    ratio = mine / theirs
    choice = COMPARED[0] if ratio < 1 - SAME else COMPARED[2] if ratio > 1 + SAME else COMPARED[1]
    return lesson.Answer(
        choice,
        f"忘れたときの平均損失は {text.number(mine)}、忘れないときは {text.number(theirs)} で、"
        f"{text.number(ratio)} 倍です。",
    )


def sentences(spec: NeuronSpec, trace: Trace, other: Trace | None) -> list[str]:
    """Tell the walk: its losses, its weights, one update worked out, and what has piled up."""
    first, last = trace.updates[0], trace.last
    w, g, after = first.before[0], first.gradient[0], first.after[0]
    told = [_losses(trace)]
    told.append(
        f"最初の修正を確かめると、w₁ は {_minus(w)} − {spec.lr:g} × {_minus(g)} = {after:.3f} です"
        "(いまの重み − 学習率 × 勾配)。"
    )
    told.append(
        "重みは "
        + "、".join(
            f"{name} が {before:.2f} → {text.number(end) if abs(end) >= 1000 else f'{end:.2f}'}"
            for name, before, end in zip(("w₁", "w₂", "b"), first.before, last.after, strict=True)
        )
        + " と動きました。"
    )
    if last.mean_loss < LEARNT * trace.first_loss and last.after[0] > 0 > last.after[1]:
        told.append(
            "w₁ が正、w₂ が負になりました。「心拍数が高いほど、血圧が低いほど、乳酸値は高い」という"
            "6人の傾向を、外れを減らすだけで見つけたことになります。"
        )
    if other is not None:
        told.append(_piled(trace))
    for edit in spec.edits:
        if edit.update <= len(trace.updates):
            at = trace.updates[edit.update - 1]
            told.append(
                f"{edit.update} 回目の修正の前に書きかえた w₁ = {edit.weights[0]:g} から計算し直し、"
                f"この回の損失は {text.number(at.loss)}、修正後の w₁ は {at.after[0]:.3f} になりました。"
            )
    return [_minus_signs(sentence) for sentence in told]


def _minus_signs(sentence: str) -> str:
    return re.sub(r"-(?=\d)", "−", sentence)


def _minus(value: float) -> str:
    return f"({value:.3f})" if value < 0 else f"{value:.3f}"


def _losses(trace: Trace) -> str:
    start, end = trace.first_loss, trace.last.mean_loss
    if trace.diverged_at is not None:
        return (
            f"6人の平均損失は {text.number(start)} から {text.number(end)} へ増え、"
            f"{trace.diverged_at} 回目の修正で重みが 100 万を超えたため、そこで打ち切りました(**発散**)。"
        )
    told = f"6人の平均損失は、{len(trace.updates)} 回の修正で {text.number(start)} から {text.number(end)} に"
    if abs(end - start) <= 0.05 * start:
        return told + "なりました。ほとんど変わっていません。"
    return told + ("下がりました。" if end < start else "上がりました。")


def _piled(trace: Trace) -> str:
    """Show the update at which the pile was furthest from what the patient alone would have given."""
    worst = max(trace.updates, key=lambda u: abs(u.gradient[0] - u.own[0]))
    return (
        f"**積もった勾配**: {worst.number} 回目の修正(患者{worst.patient + 1})では、"
        f"この患者だけの勾配は w₁ について {text.number(worst.own[0])} なのに、"
        f"実際に使われたのは、1回目からの合計 {text.number(worst.gradient[0])} でした。"
    )


def formula(spec: NeuronSpec, update: Update) -> None:
    """Write the five lines of one update as formulas with its numbers."""
    (x1, x2), y = standardized()[update.patient], LACTATE[update.patient]
    w1, w2, b = update.before
    st.markdown("**予測(順伝播 forward)** — 入力に重みを掛けて足します。")
    st.latex(
        r"\begin{aligned}\hat y &= w_1 x_1 + w_2 x_2 + b \\"
        rf"&= {_minus(w1)} \times {_minus(x1)} \\ &\quad + {_minus(w2)} \times {_minus(x2)} + {_minus(b)} \\"
        rf"&= {update.output:.3f}\end{{aligned}}"
    )
    st.markdown("**採点(損失 loss)** — 外れを2乗します。")
    st.latex(
        rf"\begin{{aligned}}L &= (\hat y - y)^2 = ({update.output:.3f} - {y:.3f})^2 \\"
        rf"&= {update.loss:.3f}\end{{aligned}}"
    )
    st.markdown(
        "**反省(逆伝播 backward)** — 重みを少し増やすと損失がどれだけ増えるか(勾配)を、"
        "出力の側から逆にたどって求めます。"
    )
    st.latex(
        r"\begin{aligned}\frac{\partial L}{\partial w_1} &= \frac{\partial L}{\partial \hat y} \cdot"
        r" \frac{\partial \hat y}{\partial w_1} = 2(\hat y - y)\, x_1 \\"
        rf"&= {_minus(update.slope)} \times {_minus(x1)} = {update.own[0]:.3f}\end{{aligned}}"
    )
    st.markdown("**修正(オプティマイザの step)** — 勾配と逆の向きへ、学習率 η を掛けたぶんだけ動かします。")
    st.latex(
        r"\begin{aligned}w_1 &\leftarrow w_1 - \eta\,\frac{\partial L}{\partial w_1} \\"
        rf"&= {_minus(w1)} - {spec.lr:g} \times {_minus(update.gradient[0])} \\"
        rf"&= {update.after[0]:.3f}\end{{aligned}}"
    )
