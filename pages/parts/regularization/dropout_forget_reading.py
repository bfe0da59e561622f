"""What the same patients predicted again and again have shown, in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core.dropout import REPEATS, Jitter
from core.history import TableRun
from core.specs import TableRunSpec
from pages.parts.regularization import dropout_forget_view as view
from pages.ui import lesson
from pages.ui import side_by_side as parts

CHOICES = ["0人", "1〜50人", "51〜100人", "101人以上"]
HIDDEN = (128, 64)


def answer(found: Jitter, forgotten: bool) -> lesson.Answer:
    """Say how many patients ever had another diagnosis than with eval()."""
    shown = view.shown(found, forgotten)
    count = int((found.differing(shown) > 0).sum())
    place = sum(count > edge for edge in (0, 50, 100))
    return lesson.Answer(
        CHOICES[place],
        f"{len(found.targets)} 人のうち {count} 人が、"
        f"{REPEATS} 回のうち一度でも eval() と違う診断になりました。",
    )


def whys(spec: TableRunSpec, result: TableRun, found: Jitter, forgotten: bool) -> list[str]:
    """Say why these settings fail, if they do."""
    p, reasons = spec.model.dropout, []
    changed = int((found.changed > 0).sum())
    if p and forgotten and changed:
        first, second = (units * (1 - p) for units in HIDDEN)
        reasons.append(
            f"train() のままなので、予測のたびに {HIDDEN[0]} 個のうち約 {first:.0f} 個、{HIDDEN[1]} 個のうち"
            f"約 {second:.0f} 個だけが働き、顔ぶれがくじ引きで変わります(**eval() の呼び忘れ**)。"
            "同じ患者に、毎回ちがうネットワークが答えているのと同じです。"
        )
    if p >= 0.8:
        last = parts.validation_losses(result)[-1]
        reasons.append(
            f"1回に働くのは平均 {HIDDEN[1] * (1 - p):.1f} 個(2層目)で、値は {1 / (1 - p):.0f} 倍されます。"
            f"学習のあいだも信号が雑音に埋もれ、{len(result.history)} エポックで学習損失は "
            f"{result.history[-1].train_loss:.3f}、検証損失は {last:.3f} でした"
            "(ln 2 ≈ 0.693 が何も知らないときの値。**休みすぎ**)。"
        )
    return reasons


def sentences(spec: TableRunSpec, found: Jitter) -> list[str]:
    """Tell what the repeated predictions have shown, in numbers."""
    called = found.accuracies(found.called[:1])[0]
    if spec.model.dropout == 0:
        return [
            f"p = 0 では休むユニットがいないので、eval() を忘れても {REPEATS} 回の予測は同じです"
            f"(テスト正解率 {called:.1%})。忘れたことに気づけないまま、p を上げたときに困ります。"
        ]
    spread = found.spreads(found.forgotten)
    low, high = found.forgotten.min(axis=0), found.forgotten.max(axis=0)
    worst = int(np.argmax(high - low))
    accuracies = found.accuracies(found.forgotten)
    mean = found.forgotten.mean(axis=0)
    right = (found.called[0] > 0.5) == found.targets
    return [
        "**ゆれの大きさ**: 忘れると、同じ患者の予測確率の標準偏差は"
        f"中央値 {100 * np.median(spread):.1f} ポイント、"
        f"最大 {100 * spread.max():.1f} ポイントでした。最もゆれた患者では {low[worst]:.0%} から "
        f"{high[worst]:.0%} まで動きました。",
        f"**呼んだとき**: {REPEATS} 回の予測の差は、全員で {np.ptp(found.called, axis=0).max():g} でした。"
        "重みは同じで、変えたのは `model.eval()` の1行だけです。",
        f"**成績**: eval() ならテスト正解率は {called:.1%} で一定です。"
        f"忘れると、平均 {accuracies.mean():.1%}、"
        f"回によって {accuracies.min():.1%} から {accuracies.max():.1%} まで変わります。"
        "たまたま高い回があっても、実力が上がったわけではありません。",
        f"**わざと忘れる使い方**: 何度も予測して、平均を答え、ゆれを「自信のなさ」として読む方法を"
        "モンテカルロ・ドロップアウト(Gal & Ghahramani 2016)と呼びます。"
        f"この学習では、平均で診断したときの正解率は {((mean > 0.5) == found.targets).mean():.1%} でした。"
        + _doubt(spread, right),
    ]


def _doubt(spread: Any, right: Any) -> str:
    """Compare the jitter of patients judged wrongly with that of the others."""
    if right.all() or not right.any():
        return ""
    return (
        f"標準偏差の中央値は、当てた患者で {100 * np.median(spread[right]):.1f} ポイント、"
        f"外した患者で {100 * np.median(spread[~right]):.1f} ポイントです。"
    )


def formula(spec: TableRunSpec, found: Jitter, patient: int) -> None:
    """Show the mean and the spread of one patient's predictions."""
    risks = found.forgotten[:, patient]
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown(f"患者 {view.letter(len(view.QUANTILES) // 2)} の、train() のままの予測です。")
        st.latex(
            rf"\bar p = \frac{{1}}{{{REPEATS}}} \sum_{{t=1}}^{{{REPEATS}}} \hat p_t"
            rf" = {risks.mean():.3f}"
        )
        st.latex(
            rf"s = \sqrt{{\frac{{1}}{{{REPEATS}}} \sum_{{t=1}}^{{{REPEATS}}} (\hat p_t - \bar p)^2}}"
            rf" = {risks.std():.3f}"
        )
        st.latex(rf"\hat p_{{\text{{eval}}}} = {found.called[0, patient]:.3f}")
        st.markdown(
            "学習の設定は `nn.Dropout("
            f"{spec.model.dropout:g})`、`Adam(lr=0.001, weight_decay={spec.optimizer.weight_decay:g})` です。"
        )
