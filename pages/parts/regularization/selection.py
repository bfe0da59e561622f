"""Lesson 正則化: which penalty finds ten real markers among 190 useless ones?"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, shrinkage_script
from core.marker_study import (
    ELASTIC,
    HELD_OUT,
    L1,
    L2,
    MARKERS,
    NONE,
    REAL,
    REPEATS,
    STRENGTHS,
    TESTED,
    Study,
    StudySpec,
)
from core.specs import digest
from pages.parts.regularization import selection_formula, selection_reading, selection_view
from pages.parts.regularization.selection_reading import Choice
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "rg_s"
CHOICES = ["10個全部", "7〜9個", "4〜6個", "0〜3個"]
SHOWN = {"L1": L1, "L1+L2": ELASTIC, "L2": L2, "なし": NONE}
AUTO, MANUAL = "検証損失で選ぶ", "自分で決める"
RULES = {AUTO: "auto", MANUAL: "manual"}
PLACES = {float(f"{strength:.2g}"): place for place, strength in enumerate(STRENGTHS)}
PATIENTS = [50, 75, 100, 150, 200, 300, 500, 1000]
TWINS = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98]
REAL_COUNT = len(REAL)
DEFAULTS = {
    "rg_s_patients": 300,
    "rg_s_twins": 0.0,
    "rg_s_rule": AUTO,
    "rg_s_strength": 0.2,
    "rg_s_shown": "L1",
    "rg_s_effect": 0.5,
    "rg_s_noise": 1.0,
    "rg_s_seed": 0,
}


def _preset(label: str, why: str = "", **values: object) -> lesson.Preset:
    return lesson.Preset(label, DEFAULTS | {f"rg_s_{name}": value for name, value in values.items()}, why)


PRESETS = [
    _preset("患者が多い", patients=500),
    _preset(
        "患者が少なすぎる",
        "50人では、役に立たないマーカーも偶然だけで重症度と相関します。190個もあれば、"
        "本物より強く見えるものがまず間違いなく混じり、L1 は本物を取りこぼして偶然を拾います。",
        patients=50,
    ),
    _preset(
        "強すぎる λ",
        "L1 は、どの重みからも λ/2 ぶんの手柄を差し引きます。λ が大きすぎると、"
        "本物の効果まで罰に負けて、みな 0 になります。",
        patients=500,
        rule=MANUAL,
        strength=0.63,
    ),
    _preset(
        "双子のマーカー",
        "本物どうしがほとんど同じ動きをすると、片方があれば、もう片方を足しても損失がほとんど減りません。"
        "L1 には両方に分けて重みを置く理由がないので、たまたま少し有利な片方だけを残しがちです。"
        "L2 を混ぜたエラスティックネットは、双子に重みを分け合わせます。",
        patients=150,
        twins=0.98,
        noise=1.5,
        seed=2,
    ),
    _preset(
        "罰なし",
        "罰がなければ、偶然の相関にも遠慮なく重みが付きます。200個すべてが「関係あり」になり、"
        "何も選んでいないのと同じです。あとから都合のよいマーカーだけを取り出して物語を作ると、"
        "p 値あさり(p-hacking)と同じ落とし穴に落ちます。",
        shown="なし",
    ),
]


@st.cache_data(max_entries=100, show_spinner=False)
def _study(name: str, _spec: StudySpec) -> Study:  # noqa: ARG001 - the key
    found: Study = runs.engine().quick(jobs.marker_study, _spec, timeout=30)
    return found


def _settings(details: DeltaGenerator) -> tuple[Choice, int]:
    """Ask for the settings; return them, and the penalty to draw."""
    patients = st.select_slider(
        "学習に使う患者数(人)", PATIENTS, 300, key="rg_s_patients", bind="query-params"
    )
    twins = st.select_slider(
        "となりどうしの相関",
        TWINS,
        0.0,
        format_func=lambda v: f"{v:g}",
        key="rg_s_twins",
        bind="query-params",
        help="200個のマーカーは2つずつ組になっています。本物の10個も5組の双子です。",
    )
    rule = view.choice("λ の決め方", RULES, "rg_s_rule")
    strength = st.select_slider(
        "罰の強さ λ(自分で決めるとき)",
        list(PLACES),
        0.2,
        format_func=lambda v: f"{v:g}",
        key="rg_s_strength",
        bind="query-params",
        disabled=rule == "auto",
    )
    shown = view.choice("図に描く罰", {name: name for name in SHOWN}, "rg_s_shown")
    with details.expander("詳しい設定"):
        effect = st.slider(
            "本物の効果の大きさ",
            0.1,
            1.0,
            0.5,
            step=0.1,
            format="%.1f",
            key="rg_s_effect",
            bind="query-params",
        )
        noise = st.slider(
            "重症度スコアの雑音",
            0.5,
            4.0,
            1.0,
            step=0.5,
            format="%.1f",
            key="rg_s_noise",
            bind="query-params",
        )
        seed = st.number_input("患者の乱数の種", 0, 999, 0, key="rg_s_seed", bind="query-params")
    study = StudySpec(
        patients=int(patients), effect=round(effect, 1), noise=round(noise, 1), twins=twins, seed=int(seed)
    )
    return Choice(study=study, place=None if rule == "auto" else PLACES[strength]), SHOWN[shown]


def _answer(choice: Choice, found: Study) -> lesson.Answer:
    place = choice.places(found)[L1]
    count, wrong = int(found.found[L1, 0, place]), int(found.wrong[L1, 0, place])
    label = CHOICES[0 if count == REAL_COUNT else 1 if count >= 7 else 2 if count >= 4 else 3]
    return lesson.Answer(
        label,
        f"λ = {STRENGTHS[place]:.2g} の L1 は、本物 {REAL_COUNT} 個のうち {count} 個に重みを残し、"
        f"役に立たないマーカーも {wrong} 個残しました。",
    )


@st.fragment
def show() -> None:
    """Let the reader gather patients, predict how many real markers L1 finds, and look at all 200 weights."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        above, buttons, below = st.container(), st.container(), st.container()
        with above:
            choice, shown = _settings(below)
        with question:
            lesson.predict(SLOT, "L1 は、本物10個のうち何個を見つける?", CHOICES, choice)
        with buttons:
            asked = view.asked(SLOT, "マーカーを選ばせる")
            view.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            selection_view.show_correlations(choice.study)
            st.info(
                f"模擬患者の {MARKERS} 個のバイオマーカーから、重症度スコアを予測します。"
                f"本当に関係があるのは {REAL_COUNT} 個だけです。"
                f"上の相関の図で、残り {MARKERS - REAL_COUNT} 個の偶然の相関と見分けがつくでしょうか。\n\n"
                f"検証用 {HELD_OUT} 人とテスト用 {TESTED} 人を別に用意し、"
                f"患者の集め直しを {REPEATS} 回くり返します。",
                icon=":material/biotech:",
            )
            return
        try:
            found = _study(digest(choice.study), choice.study)
        except TimeoutError:
            st.info(view.WAIT)
            return
        lesson.score(SLOT, choice, lambda: _answer(choice, found))
        selection_view.show_weights(found, shown, choice.places(found)[shown])
    _result(choice, found)


def _result(choice: Choice, found: Study) -> None:
    places = choice.places(found)
    st.header("読み解き")
    left, right = st.columns(2, gap="large")
    with left:
        view.why(PRESETS)
        view.sentences(selection_reading.reading(choice, found))
    with right:
        selection_reading.show_table(choice, found)
    strength = float(STRENGTHS[places[L1]])
    for column, show_chart in zip(
        st.columns(3, gap="medium"),
        (selection_view.show_found, selection_view.show_wrong, selection_view.show_losses),
        strict=True,
    ):
        with column:
            show_chart(found, strength)
    st.caption(
        f"線は患者を集め直した {REPEATS} 回の中央値、帯は最小から最大まで、縦の破線は1回目の L1 の λ です。"
    )
    selection_formula.show(choice.study, places[L1])
    view.script(SLOT, shrinkage_script.markers(choice.study, places), "marker_selection")
