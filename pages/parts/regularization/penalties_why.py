"""Why a way of the race of five fails, and the losses with their penalties, in the numbers of the run."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.history import Frame
from core.specs import TableRunSpec
from core.weight_bins import SIZES, SQUARES
from pages.parts.regularization import penalties_plan as plan
from pages.parts.regularization.penalties_plan import ALL, DROPOUT, L1, L2, NONE
from pages.parts.regularization.penalties_reading import CLOSE, Standing
from pages.ui import text
from pages.ui.workings import signed

UNDERFIT = 0.8
"""Share of what a constant answer costs, above which a network has learnt hardly anything."""


def whys(specs: Sequence[TableRunSpec], found: Sequence[Standing], rows: int, weights: int) -> list[str]:
    """Say why ways fail, by the numbers of their run."""
    strength, told = plan.strength_of(specs), []
    none, best = found[NONE], min(found, key=lambda s: s.test)
    dead = [s for s in (found[L1], found[L2]) if s.train > UNDERFIT * s.constant]
    if dead:
        lost = dead[0]
        told.append(
            f"**λ が大きすぎる(未学習)**: 「{'」「'.join(s.name for s in dead)}」では、"
            "予測を当てるより罰を減らすほうが得になり、"
            f"重みがほとんど消えました(「{lost.name}」は Σw² {text.number(lost.squares)}、"
            f"ほぼ0が {lost.small:.0%})。学習損失 {text.number(lost.train)} は、"
            f"患者を見ずにいつも同じ答えを返す場合({text.number(lost.constant)})とほとんど変わりません。"
        )
    rest = found[DROPOUT]
    units = specs[0].model.hidden
    if strength.dropout and rest.train > max(2 * none.train, 0.5 * rest.constant):
        left = (1 - strength.dropout) * units[0]
        told.append(
            f"**ドロップアウトが効きすぎる(未学習)**: 1層 {units[0]} 個のユニットのうち、毎回働くのは平均 "
            f"{left:.1f} 個だけです。残った少数では患者の違いを表しきれず、"
            f"学習損失が {text.number(rest.train)} までしか下がりません(なしでは {text.number(none.train)})。"
            "小さなネットワークには、休ませる余裕がありません。"
        )
    if not dead and found[ALL].test > (1 + CLOSE) * best.test and found[ALL].train > 1.5 * best.train:
        told.append(
            "**重ねすぎ**: 3つの正則化を全部かけると、それぞれの強さは同じでも、"
            "ブレーキの合計は強くなります。"
            f"「全部」の学習損失は {text.number(found[ALL].train)} で、"
            f"「{best.name}」の {text.number(best.train)} より高く止まりました。"
            "組み合わせるときは、1つずつを弱めます。"
        )
    if none.gap > 0.5 * none.held and none.test > (1 + CLOSE) * best.test:
        told.append(
            f"**なし(過学習)**: {weights:,} 個の重みで {rows} 人を追うと、雑音まで覚えられます。"
            f"学習損失は {text.number(none.train)} まで下がったのに、"
            f"検証損失は {text.number(none.held)} です。"
        )
    elif none.test <= (1 + CLOSE) * best.test:
        told.append(
            f"**正則化しても変わらない**: 患者が {rows} 人いると、正則化なしでも"
            f"学習と検証の差は {signed(none.gap, 3)} です。"
            f"テスト損失は「なし」{text.number(none.test)}、"
            f"いちばん低い「{best.name}」{text.number(best.test)} で、"
            "抑えるべき過学習がほとんどありません。"
        )
    return told


def show_formula(specs: Sequence[TableRunSpec], frame: Frame) -> None:
    """Show the loss with its penalty, with the numbers of the first seed."""
    strength = plan.strength_of(specs)
    with st.expander("数式で見る(最後のエポック、1つ目の種の数字)"):
        st.latex(r"L_\text{合計} = L + \lambda R(W)")
        st.markdown("L1 の罰は、大きさの合計です。どの重みも、同じ力で 0 へ引かれます。")
        _total(frame, L1, r"\sum |w|", strength.l1, SIZES)
        st.markdown("L2 の罰は、2乗の合計です。大きい重みほど、強く引かれます。")
        _total(frame, L2, r"\sum w^2", strength.l2, SQUARES)
        st.markdown(
            "重みが 0 から 1 に増えるときの罰の増え方は、L1 でも L2 でも 1 です。"
            "2 から 3 に増えるときは、L1 では 1 のまま、L2 では 5 になります。"
        )
        st.latex(r"1^2 - 0^2 = 1, \qquad 3^2 - 2^2 = 5")
        st.markdown(
            "ドロップアウトは罰を足しません。学習の1回ごとに、隠れユニットの出力 h を確率 p で 0 にし、"
            "残りを 1/(1 − p) 倍します。"
        )
        p = strength.dropout
        st.latex(rf"\frac{{1}}{{1 - p}} = \frac{{1}}{{1 - {p:g}}} = {1 / (1 - p):.3f}")


def _total(frame: Frame, place: int, penalty: str, strength: float, which: int) -> None:
    loss, size = float(frame.arrays[place]["train"][0]), float(frame.arrays[place]["sums"][which])
    st.latex(
        rf"L + \lambda {penalty} = {loss:.4f} + {strength:g} \times {size:.2f} = {loss + strength * size:.4f}"
    )
