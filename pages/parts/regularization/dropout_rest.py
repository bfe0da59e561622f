"""Dropout, first part: a small network whose hidden units rest, another selection for each patient."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import dropout_script, jobs
from core.dropout_rest import LAYERS, STEPS, Rest, RestSpec, silent_share, silent_steps
from core.specs import digest
from pages.parts.regularization import dropout_drawing
from pages.ui import lesson, runs, text, workings

SLOT = "rg_o_rest"
UNITS = sum(LAYERS)
CHOICES = ["1種類だけ", "2〜30種類", f"31〜{STEPS - 1}種類", f"{STEPS}種類(毎回ちがう)"]
REAL = (128, 64)
PRESETS = [
    lesson.Preset("既定(p = 0.5)", {"rg_o_p": 0.5}),
    lesson.Preset("少し休む(p = 0.1)", {"rg_o_p": 0.1}),
    lesson.Preset("休みすぎ(p = 0.9)", {"rg_o_p": 0.9}),
    lesson.Preset("誰も休まない(p = 0)", {"rg_o_p": 0.0}),
]


@st.cache_resource(max_entries=200, show_spinner=False)
def _rest(name: str, _spec: RestSpec) -> Rest:  # noqa: ARG001 - the key
    """Train on the quick lane; equal settings are trained once for all readers."""
    found: Rest = runs.engine().quick(jobs.resting, _spec, timeout=30)
    return found


def _settings() -> RestSpec:
    p = st.slider("休む確率 p", 0.0, 0.9, 0.5, step=0.1, key="rg_o_p", bind="query-params")
    seed = st.number_input("乱数の種", 0, 9999, 0, key="rg_o_seed", bind="query-params")
    return RestSpec(p=round(float(p), 1), seed=int(seed))


@st.fragment
def show() -> None:
    """Let the reader step through a training, see who rests, and switch to eval()."""
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        spec = _settings()
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
        st.caption(
            f"敗血症の模擬患者 {STEPS} 人を1人ずつ学習します(4 – {LAYERS[0]} – {LAYERS[1]} – 2、tanh、Adam)。"
            "線の太さは重みの大きさ、青は正、橙は負です。棒が灰色のユニットは、いま休んでいます。"
        )
        asked = st.button(
            "答え合わせと読み解き", type="primary", icon=":material/fact_check:", key="rg_o_rest_answer"
        )
    with question:
        lesson.predict(SLOT, f"{STEPS} ステップで、働く顔ぶれは何種類現れる?", CHOICES, spec)
    with stage:
        try:
            found = _rest(digest(spec), spec)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後に、もう一度設定を変えるか、ページを読み直してください。")
            return
        dropout_drawing.show(spec, found, SLOT)
    if asked:
        st.session_state["rg_o_rest_asked"] = spec
    if st.session_state.get("rg_o_rest_asked") == spec:
        _result(spec, found)


def kinds(found: Rest) -> int:
    """Count the selections of working units that differ."""
    return len(np.unique(found.working, axis=0))


def answer(found: Rest) -> lesson.Answer:
    """Say how many selections of working units there were."""
    count = kinds(found)
    place = sum(count > edge for edge in (1, 30, STEPS - 1))
    return lesson.Answer(CHOICES[place], f"{STEPS} ステップで {count} 種類の顔ぶれが現れました。")


def _result(spec: RestSpec, found: Rest) -> None:
    st.header("読み解き")
    lesson.score(SLOT, spec, lambda: answer(found))
    for why in whys(spec, found):
        st.markdown(f"**なぜ** — {why}")
    workings.sentences(sentences(spec, found))
    if spec.p:
        _formula(spec, found)
    workings.script("rg_o_rest_script", dropout_script.rest(spec), "dropout_rest")


def sentences(spec: RestSpec, found: Rest) -> list[str]:
    """Tell what the steps have shown, in numbers."""
    working = found.working
    rested = (~working).sum(axis=0)
    half = slice(STEPS // 2, None)
    right = int(((found.called_risks > 0.5) == (found.targets == 1))[half].sum())
    later = f"後半の {STEPS // 2} 人を、学習する直前に eval() で予測すると、{right} 人が正解でした。"
    if spec.p == 0:
        return ["p = 0 では全員がいつも働くので、train() と eval() の予測は同じです。", later]
    real = 2.0 ** sum(REAL)
    mantissa, exponent = f"{real:.1e}".split("e+")
    gap = np.abs(found.risks - found.called_risks)
    widest = int(gap.argmax())
    return [
        f"**顔ぶれ**: ユニットごとに「働く・休む」の2通りなので、{UNITS} 個なら 2{_raised(UNITS)} = "
        f"{2**UNITS:,} 種類の、間引いたネットワークがありえます。"
        f"{REAL[0]} + {REAL[1]} = {sum(REAL)} 個なら 2{_raised(sum(REAL))} ≈ "
        f"{mantissa}×10{_raised(int(exponent))} 種類です。"
        "どれも同じ重みを分け合っているので、別々に学習するわけではありません。",
        f"**休んだ割合**: 平均 {(~working).mean():.1%}(p = {spec.p:g})。"
        f"いちばん休んだユニットは {rested.max()} 回休み、"
        f"いちばん働いたユニットは {rested.min()} 回しか休みませんでした。"
        "ステップを重ねるほど、どのユニットも p に近づきます。",
        f"**予測のゆれ**: 同じ患者・同じ重みでも、train() と eval() の予測は平均で "
        f"{100 * gap.mean():.1f} ポイント違いました。最大は {widest + 1} 人目で、"
        f"{found.risks[widest]:.0%} と {found.called_risks[widest]:.0%} です。",
        later,
        "誰が休むか分からないので、どのユニットも特定の相棒に頼れません。"
        "当直明けで誰かが抜けても診療が回るように、それぞれが役に立つ所見を覚えます。",
        "ここでは1人ずつ学習しました。ミニバッチで学習するときも、くじは**患者ごとに別々**に引かれます。",
    ]


def whys(spec: RestSpec, found: Rest) -> list[str]:
    """Say why this p fails, if it does."""
    silent = silent_steps(found)
    if silent > STEPS // 4:
        return [
            f"{STEPS} ステップのうち {silent} ステップで、どちらかの層の全員が休みました(**休みすぎ**)。"
            "そのステップでは患者の値が予測に届かないので、何も学べません。"
            f"起こる確率は 1 − (1 − p{_raised(LAYERS[0])})(1 − p{_raised(LAYERS[1])}) = "
            f"{silent_share(spec.p):.0%} です。ユニットの少ない層ほど、p を控えめにします。"
        ]
    if spec.p == 0:
        return ["顔ぶれがいつも同じなので、覚え込みへのブレーキはかかりません(**ドロップアウトなし**)。"]
    return []


def _raised(exponent: int) -> str:
    return text.superscript(exponent)


def _formula(spec: RestSpec, found: Rest) -> None:
    """Show the rule with the numbers of one unit of the first step in which one works."""
    first = found.passed[0]
    step, unit = (int(place) for place in np.argwhere(first != 0)[0])
    passed = float(first[step, unit])
    before = passed * (1 - spec.p)
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("m は 0 か 1 のくじです。出力 h は、休めば 0 に、働けば 1/(1−p) 倍になります。")
        st.latex(
            r"\tilde h = \frac{m}{1-p}\, h,\qquad P(m = 0) = p"
            rf" = {spec.p:g},\quad P(m = 1) = 1 - p = {1 - spec.p:g}"
        )
        st.markdown(f"{step + 1} 人目の、隠れ層1の上から {unit + 1} 番目(働いた)では")
        st.latex(
            rf"\tilde h = \frac{{1}}{{1 - {spec.p:g}}} \times {workings.tex(before, 3)}"
            rf" = {workings.tex(passed, 3)}"
        )
