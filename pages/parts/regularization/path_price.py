"""What L1 and L2 charge for moving one weight."""

from __future__ import annotations

import streamlit as st

from core.shrinkage import l1, l2
from pages.parts.regularization import path_price_view
from pages.ui import lesson
from pages.ui import workings as view

SLOT = "rg_p_price"
CHOICES = ["L1", "L2", "同じ"]


def _preset(label: str, start: float, end: float, why: str = "") -> lesson.Preset:
    return lesson.Preset(label, {"rg_p_from": start, "rg_p_to": end}, why)


PRESETS = [
    _preset("2 → 3", 2.0, 3.0),
    _preset("0 → 1", 0.0, 1.0),
    _preset(
        "0 → 0.1",
        0.0,
        0.1,
        "L2 の曲線は 0 の近くで平らです。小さな重みを 0 に戻しても罰がほとんど減らないので、"
        "L2 には、重みをちょうど 0 まで押し切る力がありません。",
    ),
    _preset("0.1 → 0", 0.1, 0.0),
]


def _answer(start: float, end: float, first: float, second: float) -> lesson.Answer:
    same = abs(abs(first) - abs(second)) < 1e-9
    choice = CHOICES[2] if same else CHOICES[0] if abs(first) > abs(second) else CHOICES[1]
    return lesson.Answer(
        choice,
        f"w を {view.fixed(start, 1)} から {view.fixed(end, 1)} に動かすと、"
        f"L1 は {view.signed(first, 2)}、L2 は {view.signed(second, 2)} 変わりました。",
    )


@st.fragment
def show() -> None:
    """Let the reader move a weight, predict which penalty changes more, and see both."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        st.markdown(
            "大きな重みには「罰」を払わせます。全体の損失は、もとの損失 L に罰 R を λ 倍して足したものです。"
        )
        st.latex(r"L_\text{合計} = L + \lambda\,R(W)")
        start, end = (
            round(st.slider(label, -3.0, 3.0, default, 0.1, format="%.1f", key=key, bind="query-params"), 1)
            for label, default, key in (
                ("動かす前の重み w", 2.0, "rg_p_from"),
                ("動かした後の重み w", 3.0, "rg_p_to"),
            )
        )
        with question:
            lesson.predict(SLOT, "罰が大きく変わるのは?", CHOICES, (start, end))
        asked = view.asked(SLOT, "罰を計算する")
        view.presets(SLOT, PRESETS)
    first, second = l1(end) - l1(start), l2(end) - l2(start)
    with stage:
        path_price_view.show_prices(start, end)
        if not asked:
            st.info("曲線の上の ● から ◆ へ動かしたとき、どちらの罰が大きく変わるかを予想してください。")
            return
        lesson.score(SLOT, (start, end), lambda: _answer(start, end, first, second))
        view.why(PRESETS)
        path_price_view.show_formula(start, end, first, second)
        before, after = ([view.fixed(cost(w), 2) for cost in (l1, l2)] for w in (start, end))
        view.sentences(
            [
                "L1 の罰は重みの大きさに比例します。どこで動かしても、1 あたりの値段は同じ 1 です"
                f"(いまは {before[0]} → {after[0]} で {view.signed(first, 2)})。",
                "L2 の罰は2乗で増えます。大きい重みほど1歩が高くつき、0 の近くではほとんどただです"
                f"(いまは {before[1]} → {after[1]} で {view.signed(second, 2)})。",
                "そのため L2 は大きな重みほど強く縮め、L1 は小さな重みを 0 まで押し切ります。"
                f"動かした後の坂の傾きは、L1 が {_slope_l1(end)}、L2 が {view.fixed(abs(2 * end), 1)} です。",
            ]
        )


def _slope_l1(weight: float) -> str:
    return "1" if weight else "左右で向きの違う 1(0 で折れ曲がる)"
