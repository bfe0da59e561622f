"""Lesson 微分と連鎖律, second experiment: how steep the QRS upstroke is, and what a conduction delay does."""

from __future__ import annotations

import streamlit as st

from core import derivative_script, ecg, jobs
from core.ecg import Array, BeatSpec, Upstroke
from pages.parts.derivatives import derivative_ecg_view
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "dv_ecg"
DIGITS = 3
WIDE_MS = 120
CHOICES = ["急になる", "変わらない(2%以内)", "ゆるやかになる"]
PRESETS = [
    lesson.Preset("正常な伝導", {"dv_delay": 100, "dv_rate": "1000"}),
    lesson.Preset("伝導の遅れ(虚血・線維化)", {"dv_delay": 160, "dv_rate": "500"}),
    lesson.Preset(
        "粗すぎるサンプリング",
        {"dv_delay": 100, "dv_rate": "100"},
        "100 Hz では標本が 10 ms おきにしかありません。差分は 20 ms の平均の傾きになり、"
        "十数 ms で駆け上がる立ち上がりでは、いちばん急な瞬間がならされてしまいます。",
    ),
]
RATES = {str(rate): str(rate) for rate in ecg.RATES}


@st.cache_data(max_entries=100, show_spinner=False)
def _slopes(delay: int) -> tuple[Array, Array, float]:
    """Return autograd's slopes of the normal beat and of the delayed one, and that at its upstroke."""
    import numpy as np

    normal, beat = ecg.waves(100), ecg.waves(delay)
    times = (derivative_ecg_view.TIMES, derivative_ecg_view.TIMES, np.array([ecg.upstroke(beat).time]))
    found = runs.engine().quick(jobs.heartbeat_slopes, (normal, beat, beat), times, timeout=30)
    return found[0], found[1], float(found[2][0])


@st.cache_data(max_entries=100, show_spinner=False)
def _upstroke(delay: int) -> Upstroke:
    return ecg.upstroke(ecg.waves(delay))


def _answer(normal: Upstroke, beat: Upstroke) -> lesson.Answer:
    ratio = beat.slope / normal.slope
    choice = CHOICES[0] if ratio > 1.02 else CHOICES[2] if ratio < 0.98 else CHOICES[1]
    return lesson.Answer(
        choice,
        f"最大の傾きは、正常が {normal.slope:.1f} mV/秒、"
        f"この心拍が {beat.slope:.1f} mV/秒(正常の {ratio:.0%})でした。",
    )


@st.fragment
def show() -> None:
    """Let the reader slow the conduction and sample the beat, and compare its slope with the normal one."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        delay = st.slider(
            "心室に興奮が広がる時間(正常 = 100%)",
            100,
            250,
            160,
            step=10,
            format="%d%%",
            key="dv_delay",
            bind="query-params",
        )
        rate = view.choice("サンプリング周波数(Hz)", RATES, "dv_rate", "500")
        spec = BeatSpec(delay=int(delay), rate=int(rate))
        with question:
            lesson.predict(SLOT, "正常と比べて、QRS の立ち上がりの傾きは?", CHOICES, spec)
        asked = view.asked(SLOT, "傾きを測る")
        view.presets(SLOT, PRESETS)
        st.caption(
            "**教育用の模式図です。** 波形は、McSharry らの合成心電図モデル(2003)にならった、"
            "5つのガウス関数の和です。"
            "高さ(mV)と時刻(秒)はこのアプリで決めた値で、実際の患者さんの記録ではありません。"
        )
    with stage:
        if not asked:
            drawn = [ecg.formula_slope(ecg.waves(d), derivative_ecg_view.TIMES) for d in (100, spec.delay)]
            derivative_ecg_view.show(spec, (drawn[0], drawn[1]), still=True)
            st.info("予想を選んで「傾きを測る」を押し、▶ で再生すると、接線が心電図の上を動きます。")
            return
        try:
            on_normal, on_beat, steepest = _slopes(spec.delay)
        except TimeoutError:
            st.info(view.WAIT)
            return
        derivative_ecg_view.show(spec, (on_normal, on_beat), still=False)
        normal, beat = _upstroke(100), _upstroke(spec.delay)
        lesson.score(SLOT, spec, lambda: _answer(normal, beat))
    if asked:
        _result(spec, normal, beat, steepest)


def _result(spec: BeatSpec, normal: Upstroke, beat: Upstroke, steepest: float) -> None:
    waves = ecg.waves(spec.delay)
    sampled = ecg.difference(waves, beat.time, 1 / spec.rate)
    left, right = st.columns([5, 4], gap="large")
    with left:
        st.caption(
            f"QRS の立ち上がりが最も急な瞬間({view.fixed(beat.time, 4)} 秒)の傾き(mV/秒)。"
            "「差」は自動微分との差です。"
        )
        view.agreement(
            [
                ("差分(1 µs)", ecg.difference(waves, beat.time, 1e-6)),
                (f"差分({spec.rate} Hz)", sampled),
                ("微分の公式", beat.slope),
            ],
            steepest,
            DIGITS,
        )
    with right:
        wide = "以上です" if beat.qrs_ms >= WIDE_MS else "には届きません"
        _, slopes = ecg.sampled_slopes(waves, spec.rate)
        view.sentences(
            [
                f"最大の傾きは正常 {normal.slope:.1f} mV/秒、この心拍 {beat.slope:.1f} mV/秒"
                f"({beat.slope / normal.slope:.0%})。",
                f"QRS 幅は正常 {normal.qrs_ms:.0f} ms、この心拍 {beat.qrs_ms:.0f} ms で、"
                f"幅広い QRS の目安である {WIDE_MS} ms {wide}。",
                f"{spec.rate} Hz の標本から求めた最大の傾きは {slopes.max():.1f} mV/秒で、"
                f"真の値の {slopes.max() / beat.slope:.1%} です。",
            ]
        )
        view.why(PRESETS)
    _formula(beat, steepest)
    view.script(SLOT, derivative_script.heartbeat(spec), f"ecg_{spec.delay}_{spec.rate}hz")


def _formula(beat: Upstroke, steepest: float) -> None:
    with st.expander("数式で見る(いまの数字)"):
        st.latex(r"V(t) = \sum_{i \in \{P,Q,R,S,T\}} a_i \, e^{-(t-t_i)^2 / 2 b_i^2}")
        st.latex(r"\frac{dV}{dt} = -\sum_i \frac{t-t_i}{b_i^2}\, a_i \, e^{-(t-t_i)^2 / 2 b_i^2}")
        st.latex(
            rf"\frac{{dV}}{{dt}}({beat.time:.4f}\,\text{{秒}}) = {beat.slope:.{DIGITS}f}\ \text{{mV/秒}}"
        )
        st.latex(rf"\text{{自動微分}} = {steepest:.{DIGITS}f}\ \text{{mV/秒}}")
