"""What the real training of 学習サイクル has shown: its score, its rounds of the cycle, its formulas."""

from __future__ import annotations

import math

import streamlit as st

from core.history import TableRun
from core.specs import TableRunSpec
from pages.ui import lesson, text
from pages.ui.rules import latex

CHOICES = ["10%未満", "10〜50%", "50〜100%", "100%を超えるか、計算不能"]


def answer(result: TableRun) -> lesson.Answer:
    """Say what share of the first epoch's training loss is left in the last."""
    start, end = result.history[0].train_loss, result.history[-1].train_loss
    numbers = f"{text.number(start)} → {text.number(end)}"
    share = end / start if start else math.inf
    if not share <= 1:  # no number is not either
        if math.isfinite(share):
            return lesson.Answer(CHOICES[3], f"学習損失は {numbers} で、最初の {share:.0%} に増えました。")
        return lesson.Answer(
            CHOICES[3],
            f"学習損失は {text.number(start)} から始まり、途中で数値として計算できなくなりました。",
        )
    choice = CHOICES[0] if share < 0.1 else CHOICES[1] if share < 0.5 else CHOICES[2]
    return lesson.Answer(choice, f"学習損失は {numbers} で、最初の {share:.1%} です。")


def _per_epoch(result: TableRun, spec: TableRunSpec) -> int:
    return -(-result.rows[0] // spec.training.batch_size)


def rounds(result: TableRun, spec: TableRunSpec) -> str:
    """Say how often the cycle went round, and how long one round took."""
    rounds = _per_epoch(result, spec) * len(result.history)
    return (
        f"予測 → 採点 → 反省 → 修正を {rounds:,} 回くり返し、{result.parameters:,} 個のパラメータを直しました"
        f"(1回あたり {1000 * result.seconds / rounds:.2f} ミリ秒)。"
    )


def formula(result: TableRun, spec: TableRunSpec) -> None:
    """Show the four steps with the numbers of the run."""
    end, per_epoch = result.history[-1], _per_epoch(result, spec)
    loss = {
        "breast_cancer": r"L = -\frac{1}{N}\sum_i \log p_i",
        "diabetes": r"L = \frac{1}{N}\sum_i (\hat y_i - y_i)^2",
    }[spec.table.name]
    value = rf"{end.train_loss:.4f}" if math.isfinite(end.train_loss) else r"\text{計算不能}"
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown(f"採点: 学習用の患者 {result.rows[0]} 人の損失を平均します({end.number} エポック目)。")
        st.latex(rf"{loss} = {value}")
        st.markdown("修正: 1つのミニバッチごとに、すべてのパラメータ w を勾配と逆の向きへ動かします。")
        st.latex(latex(spec.optimizer.name) + rf"\qquad \eta = {end.lr:g}")
        st.markdown("くり返し: 患者の数をバッチサイズで割り(端数は切り上げ)、エポック数を掛けます。")
        st.latex(
            rf"\lceil {result.rows[0]} / {spec.training.batch_size} \rceil \times {end.number}"
            rf" = {per_epoch * end.number}\ \text{{回の修正}}"
        )
