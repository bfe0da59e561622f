"""Lesson 微分と連鎖律, fourth experiment: dose → blood pressure → risk of stroke, and the signs that hold."""

from __future__ import annotations

import streamlit as st

from core import chain, derivative_script, jobs
from core.chain import ChainSpec, Links
from core.specs import digest
from pages.parts.derivatives import derivative_chain_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "dv_chain"
DIGITS = 3
SHAPES = {"直線(例題)": "line", "頭打ちの曲線": "curve"}
CHOICES = ["上がる", "ほとんど変わらない", "下がる"]
HARDLY = 0.05
PRESETS = [
    lesson.Preset("例題", {"dv_first": -2.0, "dv_second": 0.5, "dv_dose": 1.0, "dv_shape": "直線(例題)"}),
    lesson.Preset(
        "符号を取り違える",
        {"dv_first": -2.0, "dv_second": -0.5, "dv_dose": 1.0, "dv_shape": "直線(例題)"},
        "「血圧が 1 mmHg 下がると −0.5%」という言い方の −0.5 を、そのまま dz/dy に入れた設定です。"
        "微分の分母は +1 mmHg なので、正しくは (−0.5%) ÷ (−1 mmHg) = +0.5 %/mmHg です。"
        "取り違えると積は +1 になり、降圧薬を増やすほどリスクが上がるという、逆の結論になります。",
    ),
    lesson.Preset(
        "効き目が頭打ち",
        {"dv_first": -2.0, "dv_second": 0.5, "dv_dose": 8.0, "dv_shape": "頭打ちの曲線"},
        "用量 0 での傾き −2 は、この用量ではもう成り立ちません。微分はその点だけの傾きなので、"
        "連鎖律では、2つの傾きをどちらも**いまの用量で**測って掛けます。",
    ),
]


@st.cache_data(max_entries=500, show_spinner=False)
def _autograd(name: str, _spec: ChainSpec) -> Links:  # noqa: ARG001 - the key
    links: Links = runs.engine().quick(jobs.chain_links, _spec, timeout=30)
    return links


def _settings() -> ChainSpec:
    shape = view.choice("関係の形", SHAPES, "dv_shape")
    first = st.slider(
        "用量 +1 mg あたりの血圧の変化(mmHg)",
        -4.0,
        4.0,
        -2.0,
        step=0.5,
        format="%.1f",
        key="dv_first",
        bind="query-params",
    )
    second = st.slider(
        "血圧 +1 mmHg あたりの脳卒中リスクの変化(相対、%)",
        -1.0,
        1.0,
        0.5,
        step=0.1,
        format="%.1f",
        key="dv_second",
        bind="query-params",
    )
    dose = st.slider(
        "いまの用量(mg)", 0.0, 10.0, 1.0, step=0.5, format="%.1f", key="dv_dose", bind="query-params"
    )
    return ChainSpec(first=float(first), second=round(float(second), 1), dose=float(dose), shape=shape)


def _answer(whole: float) -> lesson.Answer:
    choice = CHOICES[1] if abs(whole) < HARDLY else CHOICES[0] if whole > 0 else CHOICES[2]
    return lesson.Answer(choice, f"dz/dx = {view.signed(whole, 2)} %/mg でした(自動微分)。")


@st.fragment
def show() -> None:
    """Let the reader set both links, predict the sign of the whole, and compare it with autograd."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec = _settings()
        with question:
            lesson.predict(SLOT, "用量を 1 mg 増やすと、脳卒中リスクは?", CHOICES, spec)
        asked = view.asked(SLOT, "つなげて計算する")
        view.presets(SLOT, PRESETS)
        st.caption(
            f"リスクの変化は、用量 0 mg(血圧 {chain.START_MMHG:g} mmHg)のときのリスクを 100% とした"
            "相対的な変化です。数字は計算の例題で、薬の効果の推定値ではありません。"
        )
    with stage:
        hand = chain.by_hand(spec)
        derivative_chain_view.show_links(spec, hand, told=asked)
        if not asked:
            st.info("2つの関係のグラフを見て予想を選び、「つなげて計算する」を押してください。")
            return
        try:
            found = _autograd(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        left, right = st.columns(2, gap="small")
        with left:
            derivative_chain_view.show_whole(spec, hand)
        with right:
            lesson.score(SLOT, spec, lambda: _answer(found.whole))
            view.why(PRESETS)
        _table(spec, hand, found)
    _trap(hand)
    _formula(spec, hand, found)
    view.script(SLOT, derivative_script.links(spec), f"chain_{spec.shape}")


def _table(spec: ChainSpec, hand: Links, found: Links) -> None:
    """Show every slope by hand, numerically and by autograd."""
    numeric = chain.numeric(spec)
    lines = ["| 傾き | 手計算 | 差分 | 自動微分 |", "|:--|--:|--:|--:|"]
    for name, by_hand, difference, truth in (
        ("dy/dx (mmHg/mg)", hand.first, numeric.first, found.first),
        ("dz/dy (%/mmHg)", hand.second, numeric.second, found.second),
        ("dz/dx (%/mg)", hand.whole, numeric.whole, found.whole),
    ):
        shown = [view.fixed(value, DIGITS) for value in (by_hand, difference, truth)]
        lines.append(f"| {name} | {' | '.join(shown)}{view.mark(len(set(shown)) == 1)} |")
    st.markdown("\n".join(lines))
    st.caption(
        "手計算の dz/dx は2つの傾きの積、自動微分の dz/dx は用量からリスクまでを一度にさかのぼった値です。"
    )


def _trap(hand: Links) -> None:
    """Say which signs hold, with the numbers of now."""
    st.markdown("**符号の落とし穴**")
    view.sentences(
        [
            f"連鎖律: ({view.signed(hand.second, 2)} %/mmHg) × ({view.signed(hand.first, 2)} mmHg/mg)"
            f" = **{view.signed(hand.whole, 2)} %/mg**。"
            f" 用量を 1 mg 増やすと、リスクは約 {view.signed(hand.whole, 2)}% 変わります。",
            f"「血圧が 1 mmHg 下がると {view.signed(-hand.second, 2)}%」の数をそのまま掛けて"
            f" ({view.signed(-hand.second, 2)}) × ({view.signed(hand.first, 2)})"
            f" = {view.signed(-hand.whole, 2)} と書き、"
            f"「{view.fixed(abs(hand.whole), 2)}% {'下がる' if hand.whole < 0 else '上がる'}」"
            "と読む説明を見かけます。これは符号が逆です。向きを知っている人が、答えに合わせて読み替えているだけです。"
            "どちらも「+1 増えたら」にそろえてから掛ければ、読み替えは要りません。",
        ]
    )


def _formula(spec: ChainSpec, hand: Links, found: Links) -> None:
    with st.expander("数式で見る(いまの数字)"):
        st.latex(r"\frac{dz}{dx} = \frac{dz}{dy} \cdot \frac{dy}{dx}")
        st.latex(
            rf"{hand.whole:.{DIGITS}f} = {view.tex(hand.second, DIGITS)}"
            rf" \times {view.tex(hand.first, DIGITS)}"
        )
        st.latex(rf"\text{{自動微分}} = {found.whole:.{DIGITS}f}")
        if spec.shape == "curve":
            st.latex(rf"y = {chain.START_MMHG:g} + \frac{{({spec.first:g})\,x}}{{1 + x / {chain.HALF_MG:g}}}")
            st.latex(rf"z = 100\left(e^{{({spec.second:g})(y - {chain.START_MMHG:g}) / 100}} - 1\right)")
        else:
            st.latex(rf"y = {chain.START_MMHG:g} + ({spec.first:g})\,x")
            st.latex(rf"z = ({spec.second:g})\,(y - {chain.START_MMHG:g})")
