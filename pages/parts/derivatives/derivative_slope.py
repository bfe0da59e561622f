"""Lesson 微分と連鎖律, first experiment: Δx shrinks, the secant becomes the tangent – or does not."""

from __future__ import annotations

import streamlit as st

from core import derivative_script, jobs, slopes
from core.slopes import CURVES, SlopeSpec
from core.specs import digest
from pages.parts.derivatives import derivative_slope_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "dv_slope"
LABELS = {"x²": "square", "sin x": "sin", "eˣ": "exp", "σ(x)": "sigmoid", "|x|": "abs"}
POWERS = list(range(1, 17))
DIGITS = 6
CHOICES = ["小数8桁以上", "小数4〜7桁", "小数3桁以下", "傾きが決まらない"]
PRESETS = [
    lesson.Preset("なめらかな曲線", {"dv_fn": "x²", "dv_x": 1.0, "dv_dx": 8}),
    lesson.Preset(
        "Δx が大きすぎる",
        {"dv_fn": "eˣ", "dv_x": 1.0, "dv_dx": 1},
        "Δx の幅のなかでも曲線は曲がっています。割線の傾きはその幅での平均なので、1点での傾きとはずれます。",
    ),
    lesson.Preset(
        "Δx が小さすぎる",
        {"dv_fn": "x²", "dv_x": 1.0, "dv_dx": 15},
        "コンピューターの小数は、有効数字が約16桁です。ほとんど等しい2つの数を引くと上の桁が打ち消し合い、"
        "残った端数を小さな Δx で割るため、誤差が大きく見えてきます(**桁落ち**)。",
    ),
    lesson.Preset(
        "角のある関数",
        {"dv_fn": "|x|", "dv_x": 0.0, "dv_dx": 8},
        "右から近づくと +1、左から近づくと −1 で、どこまで拡大しても角は角のままです。"
        "左右の極限が一致しないので、この点に微分はありません。",
    ),
]


@st.cache_data(max_entries=500, show_spinner=False)
def _autograd(name: str, _spec: SlopeSpec) -> float:  # noqa: ARG001 - the key
    slope: float = runs.engine().quick(jobs.slope, _spec, timeout=30)
    return slope


def _settings() -> tuple[SlopeSpec, int]:
    curve = view.choice("関数 f(x)", LABELS, "dv_fn")
    x = st.slider("点 x", -3.0, 3.0, 1.0, step=0.1, format="%.1f", key="dv_x", bind="query-params")
    power = st.select_slider(
        "Δx をどこまで縮めるか",
        POWERS,
        8,
        format_func=lambda k: view.power(-k),
        key="dv_dx",
        bind="query-params",
    )
    return SlopeSpec(curve=curve, x=round(float(x), 1)), int(power)


def _answer(spec: SlopeSpec, forward: float, truth: float) -> lesson.Answer:
    if slopes.formula_slope(spec) is None:
        return lesson.Answer(
            CHOICES[3],
            f"右からの傾きは {view.signed(forward, 0)}、左からは {view.signed(-forward, 0)} でした。",
        )
    places = slopes.decimals(forward, truth)
    right = CHOICES[0] if places >= 8 else CHOICES[1] if places >= 4 else CHOICES[2]
    gap = view.scientific(abs(forward - truth))
    return lesson.Answer(right, f"前進差分と接線の傾きの差は {gap} で、小数 {places} 桁まで一致しました。")


@st.fragment
def show() -> None:
    """Let the reader choose a curve, a point and how far Δx shrinks, and compare four kinds of slope."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        spec, power = _settings()
        with question:
            lesson.predict(
                SLOT,
                "いちばん小さい Δx の割線の傾きは、接線の傾きと何桁まで一致する?",
                CHOICES,
                (spec, power),
            )
        asked = view.asked(SLOT, "Δx を縮める")
        view.presets(SLOT, PRESETS)
    with stage:
        if not asked:
            derivative_slope_view.show_zoom(spec, power, slopes.formula_slope(spec), still=True)
            st.info("予想を選んで「Δx を縮める」を押し、▶ で再生すると、拡大しながら2点が近づきます。")
            return
        try:
            truth = _autograd(digest(spec), spec)
        except TimeoutError:
            st.info(view.WAIT)
            return
        derivative_slope_view.show_zoom(
            spec, power, truth if slopes.formula_slope(spec) is not None else None, still=False
        )
        dx = 10.0**-power
        found = slopes.quotients(spec, dx)
        forward, central = float(found.forward), float(found.central)
        lesson.score(SLOT, (spec, power), lambda: _answer(spec, forward, truth))
        st.caption(f"Δx = {view.power(-power)} のときの傾き(倍精度)。「差」は自動微分との差です。")
        view.agreement(
            [
                ("前進差分", forward),
                ("後退差分", float(found.backward)),
                ("中心差分", central),
                ("微分の公式", slopes.formula_slope(spec)),
            ],
            truth,
            DIGITS,
        )
        view.why(PRESETS)
        view.sentences(_reading(spec, power, truth))
    derivative_slope_view.show_errors(spec, power, truth)
    _formula(spec, power, truth)
    view.script(SLOT, derivative_script.slope(spec, power), f"slope_{spec.curve}")


def _reading(spec: SlopeSpec, power: int, truth: float) -> list[str]:
    if slopes.formula_slope(spec) is None:
        return [
            f"PyTorch の自動微分は {view.fixed(truth, 0)} と答えます。"
            "微分のない点でも計算が止まらないように、左右の傾きのあいだの値を1つ選ぶ決まりだからです。",
            "中心差分も同じ値ですが、左右の傾きを平均しただけです。値が一致しても、微分があるとは限りません。",
        ]
    every = slopes.quotients(spec, 10.0**-derivative_slope_view.EXPONENTS)
    errors = abs(every.forward - truth)
    best = int(errors.argmin())
    lines = [
        f"前進差分の誤差が最も小さいのは、Δx = {view.scientific(every.dx[best])} のときの"
        f" {view.scientific(errors[best])} です。それより縮めると、桁落ちで誤差がまた増えます。"
    ]
    steps = slopes.grid_steps(spec, 10.0**-power)
    if steps < 1e6:
        lines.append(
            f"Δx = {view.power(-power)} では、f(x+Δx) と f(x) の差は"
            f"コンピューターが区別できる最小の目盛りで {steps:,.0f} 個分しかありません。"
        )
    return lines


def _formula(spec: SlopeSpec, power: int, truth: float) -> None:
    curve, dx = CURVES[spec.curve], 10.0**-power
    forward = float(slopes.quotients(spec, dx).forward)
    with st.expander("数式で見る(いまの数字)"):
        st.latex(r"\frac{dy}{dx} = \lim_{\Delta x \to 0} \frac{f(x+\Delta x) - f(x)}{\Delta x}")
        st.latex(
            rf"\frac{{f({spec.x:g} + 10^{{-{power}}}) - f({spec.x:g})}}{{10^{{-{power}}}}}"
            rf" = {forward:.{DIGITS}f}"
        )
        st.latex(rf"f(x) = {curve.latex}")
        st.latex(rf"f'(x) = {curve.slope_latex}")
        slope = slopes.formula_slope(spec)
        if slope is not None:
            st.latex(rf"f'({spec.x:g}) = {slope:.{DIGITS}f}")
        st.latex(rf"\text{{自動微分}} = {truth:.{DIGITS}f}")
