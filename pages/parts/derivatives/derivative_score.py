"""Partial derivatives of a made-up readmission score, gathered into a gradient that points up."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import derivative_script, jobs, score
from core.score import Array, PatientSpec
from core.specs import digest
from pages.parts.derivatives import derivative_score_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "dv_score"
DIGITS = 3
LABELS = ("収縮期血圧", "LVEF", "年齢", "BNP")
UNITS = ("+10 mmHg", "+10%", "+10 歳", "2倍")
SIZES = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.5]
BNP = [25, 50, 100, 200, 400, 800, 1600]
REFERENCE = {"dv_sbp": 130, "dv_lvef": 45, "dv_age": 70, "dv_bnp": 200}
PRESETS = [
    lesson.Preset("例題の患者さん", {**REFERENCE, "dv_stride": 0.2}),
    lesson.Preset(
        "血圧も LVEF も低い", {"dv_sbp": 95, "dv_lvef": 25, "dv_age": 70, "dv_bnp": 800, "dv_stride": 0.2}
    ),
    lesson.Preset(
        "歩幅が大きすぎる",
        {**REFERENCE, "dv_stride": 1.5},
        "勾配が教えるのは、足もとの坂の向きと急さだけです。歩幅が大きいと、坂が続いているつもりで谷底を通り越し、"
        "向かいの斜面を登ってしまいます。",
    ),
]


@st.cache_data(max_entries=500, show_spinner=False)
def _autograd(name: str, _spec: PatientSpec) -> Array:  # noqa: ARG001 - the key
    gradient: Array = runs.engine().quick(jobs.score_gradient, _spec, timeout=30)
    return gradient


def _settings() -> tuple[PatientSpec, int, float]:
    sbp = st.slider("収縮期血圧(mmHg)", 90, 180, 130, step=5, key="dv_sbp", bind="query-params")
    lvef = st.slider("LVEF(%)", 20, 70, 45, step=5, key="dv_lvef", bind="query-params")
    age = st.slider("年齢(歳)", 40, 95, 70, step=5, key="dv_age", bind="query-params")
    bnp = st.select_slider("BNP(pg/mL)", BNP, 200, key="dv_bnp", bind="query-params")
    moved = view.choice("1つだけ動かす入力", {label: label for label in LABELS}, "dv_moved")
    stride = st.select_slider(
        "勾配に沿った歩幅 η", SIZES, 0.2, format_func=lambda v: f"{v:g}", key="dv_stride", bind="query-params"
    )
    spec = PatientSpec(sbp=float(sbp), lvef=float(lvef), age=float(age), bnp=float(bnp))
    return spec, LABELS.index(moved), float(stride)


def _answer(gradient: Array) -> lesson.Answer:
    ranked = np.argsort(-np.abs(gradient))
    first, second = int(ranked[0]), int(ranked[1])
    return lesson.Answer(
        LABELS[first],
        f"偏微分の大きさは {LABELS[first]}({view.signed(gradient[first], 1)})が最大で、"
        f"次は {LABELS[second]}({view.signed(gradient[second], 1)})でした。",
    )


@st.fragment
def show() -> None:
    """Let the reader choose a patient and a stride; show four partials, and a step up and down."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec, moved, stride = _settings()
        with question:
            lesson.predict(SLOT, "1単位増やすと、再入院スコアを最も大きく動かす入力は?", LABELS, spec)
        asked = view.asked(SLOT, "偏微分を計算する")
        view.presets(SLOT, PRESETS)
        st.caption(
            "1単位は、血圧 10 mmHg、LVEF 10%、年齢 10 歳、BNP は2倍です。"
            "スコアは偏微分の例題として作ったもので、実在の予測スコアではありません。"
        )
    with stage:
        left, right = st.columns(2, gap="medium")
        with left:
            st.markdown(f"**{LABELS[moved]}だけ**を動かす")
            curve = st.container()
        if not asked:
            with curve:
                derivative_score_view.show_one(spec, moved, LABELS[moved], None)
            st.info("曲線を見て予想を選び、「偏微分を計算する」を押してください。")
            return
        try:
            gradient = _autograd(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        with curve:
            derivative_score_view.show_one(spec, moved, LABELS[moved], gradient[moved])
        with right:
            st.markdown("勾配 ∇f に沿って ±1 歩")
            derivative_score_view.show_walk(spec.units, gradient, stride)
        lesson.score(SLOT, spec, lambda: _answer(gradient))
        derivative_score_view.show_bars(LABELS, gradient)
        _table(spec, gradient)
    _result(spec, gradient, stride)


def _table(spec: PatientSpec, gradient: Array) -> None:
    """Show each partial derivative by the formula, numerically and by autograd."""
    numeric, formula = score.numeric_gradient(spec.units), score.formula_gradient(spec.units)
    lines = ["| 1単位 | 公式 | 差分 | 自動微分 |", "|:--|--:|--:|--:|"]
    for name, unit, *values in zip(LABELS, UNITS, formula, numeric, gradient, strict=True):
        shown = [view.signed(value, DIGITS) for value in values]
        lines.append(f"| {name} {unit} | {' | '.join(shown)}{view.mark(len(set(shown)) == 1)} |")
    st.markdown("\n".join(lines))


def _result(spec: PatientSpec, gradient: Array, stride: float) -> None:
    u = spec.units
    here, up, down = (float(score.score(u + s * gradient)) for s in (0, stride, -stride))
    went = "下がりました" if down < here else "**かえって上がりました**"
    view.sentences(
        [
            f"いまのスコアは {here:.1f} 点です。"
            f"勾配の向き(+∇f)へ歩幅 {stride:g} で進むと {up:.1f} 点に上がり、"
            f"逆向き(−∇f)へ進むと {down:.1f} 点に{went}。",
            "勾配は、いちばん急に**上がる**向きを指します。だからモデルは、勾配の**逆**へ進みます。"
            "学習で動かすのは患者さんの検査値ではなく、モデルの重みです。",
        ]
    )
    view.why(PRESETS)
    with st.expander("数式で見る(いまの数字)"):
        st.latex(view.tex_gradient("f", LABELS, gradient.tolist(), 1))
        st.latex(rf"f(u + {stride:g}\,\nabla f) = {up:.2f}")
        st.latex(rf"f(u) = {here:.2f}")
        st.latex(rf"f(u - {stride:g}\,\nabla f) = {down:.2f}")
    view.script(SLOT, derivative_script.gradient(spec, stride), "gradient")
