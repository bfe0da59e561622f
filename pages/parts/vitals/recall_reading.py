"""What a training on delayed recall has shown: the answer, a table, sentences and formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.recall import CHANCE, HELD_OUT, KNOWN, RecallRun, RecallSpec
from pages.parts.vitals.backtime_cells import NAMES, size, tex
from pages.ui import lesson, side_by_side

YES, PARTLY, NO = "思い出せる", "途中まで", "思い出せない"
CHOICES = [YES, PARTLY, NO]
RNN, LSTM, GRU = range(3)
TINY = 1e-6


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One kind of network over the seeds: medians, and how often it remembered."""

    name: str
    accuracy: float
    times: int
    seeds: int
    learnt: int | None
    flipped: float
    before: float
    after: float
    keep: float

    @property
    def verdict(self) -> str:
        """Return whether it remembers."""
        return YES if self.accuracy >= KNOWN else PARTLY if self.accuracy >= CHANCE else NO


def standings(results: Sequence[RecallRun]) -> list[Standing]:
    """Return how the three networks stand, in their order."""
    made = []
    for place, name in enumerate(NAMES):
        mine = results[place :: len(NAMES)]
        made.append(
            Standing(
                name=name,
                accuracy=float(np.median([r.accuracy for r in mine])),
                times=sum(r.accuracy >= KNOWN for r in mine),
                seeds=len(mine),
                learnt=mine[0].learnt,
                flipped=float(np.median([r.flipped for r in mine])),
                before=float(np.median([r.before[0] for r in mine])),
                after=float(np.median([r.after[0] for r in mine])),
                keep=float(np.median([r.keep for r in mine])),
            )
        )
    return made


def answer(spec: RecallSpec, found: Sequence[Standing]) -> lesson.Answer:
    """Say whether the SimpleRNN remembers, with the number that decides."""
    rnn, others = found[RNN], found[LSTM:]
    seeds = f"({rnn.seeds}つの種のうち {rnn.times} つで思い出せました)" if rnn.seeds > 1 else ""
    compared = "、".join(f"{one.name}は {one.accuracy:.1%}" for one in others)
    return lesson.Answer(
        rnn.verdict,
        f"SimpleRNNの正解率は {rnn.accuracy:.1%} です{seeds}。当てずっぽうなら 50%、"
        f"「思い出せた」とするのは {KNOWN:.0%} 以上です。{compared}でした(合図は {spec.length} 回前)。",
    )


def show_table(found: Sequence[Standing]) -> None:
    """Compare the three in numbers."""
    side_by_side.table(
        ["ネットワーク", "正解率", "逆で変化", "感度(前)", "感度(後)"],
        [
            [one.name, f"{one.accuracy:.1%}", f"{one.flipped:.0%}", size(one.before), size(one.after)]
            for one in found
        ],
    )
    several = f"数値は{found[0].seeds}つの種の中央値です。" if found[0].seeds > 1 else ""
    st.caption(
        f"{HELD_OUT} 人の、学習に使っていない記録で測りました。「逆で変化」は、合図の符号だけを逆にしたときに"
        "答えが変わった人の割合、「感度」は、学習の前と後に、合図を少し動かしたときの答えの動きです。"
        f"{several}"
    )


def whys(spec: RecallSpec, found: Sequence[Standing]) -> list[str]:
    """Say why a network fails, if it does."""
    told, (rnn, lstm, gru) = [], found
    if rnn.verdict != YES:
        told.append(
            f"**勾配消失(SimpleRNN)**: 学習前、{spec.length} 回前の合図への感度は {size(rnn.before)} でした。"
            f"1回さかのぼるごとにおよそ {rnn.keep:.2f} 倍になり、合図が答えに効いていることが、"
            "学習に伝わりません。損失は ln 2 ≈ 0.693 のあたりで止まり、覚えるきっかけがつかめませんでした。"
        )
    if lstm.verdict != YES:
        told.append(
            f"**忘却ゲート(LSTM)**: 学習前のゲートは、1回ごとに平均 {lstm.keep:.3f} しか残しません。"
            f"{spec.length - 1} 回で {size(lstm.keep ** (spec.length - 1))} です。"
            "LSTM というだけで長く覚えられるわけではなく、ゲートを開けて始める必要があります。"
            if lstm.keep < 0.9
            else f"**LSTM も学びきれませんでした**: ゲートは平均 {lstm.keep:.3f} を残していますが、"
            f"{spec.training.epochs} エポックでは足りなかったか、雑音に埋もれました。"
        )
    if gru.verdict != YES and gru.keep >= 0.9:
        told.append(
            f"**書き込みが遅い(GRU)**: GRU は1つの更新ゲートで「残す」と「書く」を分け合います。"
            f"残す割合が {gru.keep:.3f} なら、書ける割合は {1 - gru.keep:.3f} です。"
            "LSTM の入力ゲートは別なので、この制限がありません。エポックを増やすと追いつくことがあります。"
        )
    elif gru.verdict != YES:
        told.append(
            f"**更新ゲート(GRU)**: 学習前は1回ごとに平均 {gru.keep:.3f} しか残しません"
            f"({spec.length - 1} 回で {size(gru.keep ** (spec.length - 1))})。"
        )
    return told


def sentences(found: Sequence[Standing], results: Sequence[RecallRun]) -> list[str]:
    """Say what the numbers mean."""
    rnn = found[RNN]
    told = []
    first = [(one.learnt, one.name) for one in found if one.learnt is not None]
    if first:
        epoch, name = min(first)
        said = "1つ目の種では、" if rnn.seeds > 1 else ""
        told.append(f"{said}いちばん早く思い出せたのは {name} で、{epoch} エポック目でした。")
    if rnn.seeds > 1:
        counts = "、".join(f"{one.name} {one.times} 回" for one in found)
        told.append(f"{rnn.seeds} つの種のうち、思い出せたのは {counts}でした。")
    for one in found:
        if one.verdict == YES and one.flipped > 0.5:
            told.append(
                f"{one.name} は、合図だけを逆にすると {one.flipped:.0%} の人で答えが変わります。"
                "雑音ではなく、合図を見て答えている証拠です。"
            )
            break
    if rnn.times and rnn.before < TINY:
        always = rnn.seeds > 1 and rnn.times == rnn.seeds
        luck = (
            "この長さなら、どの種でも覚え方を探し当てました。"
            if always
            else "重みがさまよううちに、たまたま合図を保つ状態に行き着くことがあります。"
            "5シードで、運の分を確かめてください。"
        )
        told.append(
            f"SimpleRNN は、学習前の感度が {size(rnn.before)} しかないのに、{rnn.seeds} 回中 {rnn.times} 回"
            f"思い出せました。Adam は小さな勾配も1歩の大きさに引き伸ばすためです。{luck}"
        )
    saturated = [one.name for one in found if one.verdict == YES and one.after < TINY and one.flipped > 0.5]
    if saturated:
        told.append(
            f"{'・'.join(saturated)} は思い出せているのに、学習後の感度が {TINY:g} より小さくなりました。"
            "状態が「あり」か「なし」に張り付き(飽和)、合図を少し動かしただけでは答えが動かないためです。"
            "逆にすれば変わります。"
        )
    seconds = sum(r.seconds for r in results)
    told.append(
        f"学習は {len(results[0].history)} エポックで、"
        f"{len(results)} 個のネットワークを合わせて {seconds:.1f} 秒でした。"
    )
    return told


def show_formula(spec: RecallSpec, found: Sequence[Standing]) -> None:
    """Show why time is a product, with the numbers of the run."""
    rnn, lstm, _ = found
    steps = spec.length - 1
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("合図が答えに効く強さは、途中の効き方の**積**です(連鎖律)。")
        st.latex(
            r"\frac{\partial\,\text{答え}}{\partial x_1} = \frac{\partial\,\text{答え}}{\partial h_T}"
            r"\left(\prod_{t=2}^{T} \frac{\partial h_t}{\partial h_{t-1}}\right)"
            r"\frac{\partial h_1}{\partial x_1}"
        )
        st.markdown("SimpleRNN では、1回ごとにおよそ ρ(W_hh) × tanh の傾きの平均 が掛かります(学習前)。")
        st.latex(rf"{rnn.keep:.3f}^{{{steps}}} = {tex(rnn.keep**steps)}")
        st.markdown("LSTM のセル状態では、忘却ゲート f が掛かります(学習前の平均)。")
        st.latex(r"c_t = f_t \odot c_{t-1} + i_t \odot g_t")
        st.latex(rf"{lstm.keep:.3f}^{{{steps}}} = {tex(lstm.keep**steps)}")
        if spec.gate == "length":
            st.markdown(
                "忘却ゲートのバイアスに ln(T − 1) を足すと、ゲートはおよそ σ(ln(T − 1)) = 1 − 1/T になり、"
                "T 回たっても約 1/e ≈ 0.37 が残ります。"
            )
            st.latex(rf"\ln({spec.length} - 1) = {spec.added:.2f}")
            st.latex(rf"\sigma({spec.added:.2f}) = {1 - 1 / spec.length:.3f}")
