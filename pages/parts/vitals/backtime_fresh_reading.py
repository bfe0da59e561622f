"""What gradients of untrained networks show: the answer, a table, sentences and formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.backtime import Back, BackSpec
from pages.parts.vitals.backtime_cells import NAMES, size, tex
from pages.ui import lesson, side_by_side

RNN, LSTM, GRU = range(3)
VANISHED, EXPLODED = 1e-3, 10.0


def answer(backs: Sequence[Back]) -> lesson.Answer:
    """Say which network keeps the most, with the shares that decide."""
    order = sorted(range(len(backs)), key=lambda place: -backs[place].left)
    told = "、".join(f"{NAMES[place]} {size(backs[place].left)} 倍" for place in order)
    return lesson.Answer(
        NAMES[order[0]],
        f"窓の最初の勾配 |∂L/∂h₁| は、最後の勾配 |∂L/∂h_T| の {told}でした"
        f"({len(backs[0].hidden) - 1} 点前)。",
    )


def _guess(place: int, back: Back) -> float:
    """Return the rule of thumb for one step back."""
    return back.radius * back.keep if place == RNN else back.keep


def show_table(backs: Sequence[Back]) -> None:
    """Compare the networks in numbers."""
    side_by_side.table(
        ["ネットワーク", "最初まで残る割合", "1点ごとの倍率", "目安"],
        [
            [name, size(back.left), f"{back.factor:.3f}", f"{_guess(place, back):.3f}"]
            for place, (name, back) in enumerate(zip(NAMES, backs, strict=True))
        ],
    )
    st.caption(
        "「目安」は、SimpleRNN が ρ(W_hh) × tanh の傾きの平均、LSTM が忘却ゲートの平均、"
        "GRU が更新ゲートの平均です。ほかの経路を通る勾配を数えないため、測った倍率とはずれます。"
    )


def whys(spec: BackSpec, backs: Sequence[Back]) -> list[str]:
    """Say why gradients vanish or explode."""
    told = []
    gone = [name for name, back in zip(NAMES, backs, strict=True) if back.left < VANISHED]
    grown = [name for name, back in zip(NAMES, backs, strict=True) if back.left > EXPLODED]
    if gone:
        told.append(
            f"**勾配消失({'、'.join(gone)})**: 1点さかのぼるごとに 1 より小さい数が掛かり、"
            f"{spec.length - 1} 回の積はほとんど 0 になります。"
            "窓をいくら長くしても、遠い過去は学習に効きません。"
        )
    if grown:
        told.append(
            f"**勾配爆発({'、'.join(grown)})**: 1点さかのぼるごとに 1 より大きい数が掛かり、"
            "過去ほど勾配が大きくなります。1回の修正で重みが吹き飛びかねません(「爆発を止める」へ)。"
        )
    return told


def sentences(spec: BackSpec, found: Mapping[int, Sequence[Back]]) -> list[str]:
    """Say what the numbers mean."""
    rnn, lstm, gru = found[spec.length]
    told = [
        f"W_hh のスペクトル半径 ρ は {rnn.radius:.3f}、tanh の傾きの平均は {rnn.keep:.3f} です。積 "
        f"{rnn.radius * rnn.keep:.3f} に対して、測った倍率は1点あたり {rnn.factor:.3f} でした。"
    ]
    if rnn.radius > 1 and rnn.keep < 0.9:
        told.append(
            f"ρ は 1 より大きいのに、勾配の増え方が ρ より小さいのは、状態が飽和して "
            f"tanh の傾きが {rnn.keep:.3f} に下がったためです。飽和が爆発にブレーキをかけています。"
        )
    if spec.gate == 0:
        better = "残っていません" if lstm.left < rnn.left else "残ってはいますが、わずかです"
        told.append(
            f"学習前の LSTM の忘却ゲートは平均 {lstm.keep:.3f}、GRU の更新ゲートは {gru.keep:.3f} で、"
            f"1点ごとに約半分を忘れます。LSTM の勾配は SimpleRNN より{better}。"
            "「LSTM だから遠くまで届く」とは、学習前には言えません。"
        )
    else:
        told.append(
            f"ゲートのバイアスに {spec.gate:g} を足したので、忘却ゲートは平均 {lstm.keep:.3f}、"
            f"更新ゲートは {gru.keep:.3f} です。{spec.length - 1} 乗すると "
            f"{size(lstm.keep ** (spec.length - 1))} と {size(gru.keep ** (spec.length - 1))} になります。"
            "SimpleRNN には、開けておけるゲートがありません。"
        )
    if len(found) > 1:
        shares = "、".join(
            f"T = {length} で {size(backs[RNN].left)} 倍(1点ごとに {backs[RNN].factor:.3f} 倍)"
            for length, backs in found.items()
        )
        told.append(f"SimpleRNN の最初まで残る割合は、窓の長さで変わります: {shares}。")
    return told


def show_formula(spec: BackSpec, backs: Sequence[Back]) -> None:
    """Show the product through time with the numbers found."""
    rnn, lstm, gru = backs
    steps = spec.length - 1
    with st.expander("数式で見る(いまの数字)"):
        st.markdown("h_t を少し動かした影響は、次の状態へ、また次の状態へと伝わります(連鎖律)。")
        st.latex(
            r"\frac{\partial L}{\partial h_t} = \frac{\partial L}{\partial h_T}"
            r"\prod_{k=t+1}^{T} \frac{\partial h_k}{\partial h_{k-1}}"
        )
        st.latex(r"\frac{\partial h_k}{\partial h_{k-1}} = \mathrm{diag}(1 - h_k^2)\, W_{hh}")
        st.markdown("積の大きさの目安はスペクトル半径 ρ(W_hh) の累乗、上限は最大特異値 σ の累乗です。")
        st.latex(rf"\rho^{{T-1}} = {rnn.radius:.3f}^{{{steps}}} = {tex(rnn.radius**steps)}")
        st.latex(rf"\sigma^{{T-1}} = {rnn.largest:.3f}^{{{steps}}} = {tex(rnn.largest**steps)}")
        st.markdown("測った割合です。")
        st.latex(
            rf"\frac{{|\partial L/\partial h_1|}}{{|\partial L/\partial h_T|}}"
            rf" = \frac{{{tex(float(rnn.hidden[0]))}}}{{{tex(float(rnn.hidden[-1]))}}} = {tex(rnn.left)}"
        )
        st.markdown("LSTM のセル状態と GRU の状態には、W_hh の代わりにゲートが直接掛かる道があります。")
        st.latex(r"c_t = f_t \odot c_{t-1} + \cdots")
        st.latex(rf"\bar f^{{\,T-1}} = {lstm.keep:.3f}^{{{steps}}} = {tex(lstm.keep**steps)}")
        st.latex(r"h_t = z_t \odot h_{t-1} + \cdots")
        st.latex(rf"\bar z^{{\,T-1}} = {gru.keep:.3f}^{{{steps}}} = {tex(gru.keep**steps)}")
