"""The sixth experiment: flag simulated patients by a forecaster's errors, and count what flags are worth."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.early_warning_specs import SIGNALS, STEP_S, WarningSpec
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec
from pages.parts.vitals import warning_result as result
from pages.parts.vitals import warning_view as view
from pages.parts.vitals import warning_words as words
from pages.ui import lesson, loss_view, runs
from pages.ui import side_by_side as parts

SLOT = "vw_run"
PAGE = "vitals_warning"
SOURCES = {"別の患者たち": "ward", "この患者だけ": "own", "悪化も混ぜる": "mixed"}
AHEAD = {"5分": 1, "15分": 3, "30分": 6, "60分": 12}
ARTEFACTS = [0, 1, 2, 5, 10, 20]


def _preset(label: str, **others: Any) -> lesson.Preset:
    usual: dict[str, Any] = {
        "vw_source": "別の患者たち",
        "vw_ahead": "30分",
        "vw_artefacts": 1,
        "vw_hours": 24,
        "vw_threshold": 3.0,
        "vw_minutes": 60,
        "vw_combine": "平均的な外れ",
        "vw_clip": True,
    }
    return lesson.Preset(label, usual | others)


PRESETS = [
    _preset("既定"),
    _preset("しきい値が低すぎる", vw_threshold=1.5),
    _preset(
        "乱れが多いのにならさない",
        vw_artefacts=10,
        vw_minutes=5,
        vw_combine="最大の外れ",
        vw_clip=False,
    ),
    _preset("悪化を「ふつう」と学ぶ", vw_source="悪化も混ぜる"),
    _preset("この患者だけから学ぶ", vw_source="この患者だけ"),
]


def _settings(details: DeltaGenerator) -> WarningSpec:
    source = parts.choice("何から学ぶか", SOURCES, "vw_source")
    ahead = st.segmented_control(
        "何分先の予測と比べるか",
        list(AHEAD),
        default="30分",
        required=True,
        key="vw_ahead",
        bind="query-params",
    )
    artefacts = st.select_slider(
        "測定の乱れ(体動・センサー外れ・欠測)の割合",
        ARTEFACTS,
        1,
        format_func=lambda share: f"{share}%",
        key="vw_artefacts",
        bind="query-params",
    )
    with details.expander("詳しい設定"):
        hours = st.select_slider(
            "観察する時間",
            [24, 36, 48],
            24,
            format_func=lambda hours: f"{hours}時間",
            key="vw_hours",
            bind="query-params",
        )
        seed = st.number_input("グラフに出す患者の種", 0, 9999, 0, key="vw_seed", bind="query-params")
        cell = parts.cell("vw_cell", "lstm")
        ward = st.select_slider(
            "学習に使う別の患者の数",
            [4, 8, 16, 32],
            8,
            key="vw_ward",
            bind="query-params",
            disabled=source == "own",
        )
        hidden = st.select_slider("隠れユニット数", [4, 8, 16, 32], 16, key="vw_hidden", bind="query-params")
        length = st.select_slider(
            "窓の長さ",
            [6, 12, 24],
            12,
            format_func=lambda length: f"{length * STEP_S // 60}分",
            key="vw_window",
            bind="query-params",
        )
        lr = st.select_slider(
            "学習率 η",
            [1e-3, 3e-3, 5e-3, 1e-2, 3e-2],
            5e-3,
            format_func=lambda rate: f"{rate:g}",
            key="vw_lr",
            bind="query-params",
        )
        weights = st.number_input("重みの乱数の種", 0, 9999, 0, key="vw_weights", bind="query-params")
    spec = WarningSpec(
        source=source,
        seed=int(seed),
        hours=hours,
        artefacts=artefacts / 100,
        ward=ward,
        length=length,
        horizon=AHEAD[ahead],
        model=ModelSpec(name=cell, hidden=hidden),
        optimizer=OptimizerSpec(lr=lr),
        training=TrainingSpec(epochs=25, batch_size=64, patience=8, seed=int(weights)),
    )
    if source == "own":  # one patient has few windows: smaller steps, and more of them
        spec = replace(spec, ward=8, training=replace(spec.training, batch_size=8))
    return spec


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    button, below = st.container(), st.container()
    with button:
        try:
            specs = (_settings(below),)
        except SpecError as error:
            st.error(str(error))
            return
        pressed = st.button(
            "学習して見守る",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key=f"{SLOT}/start",
        )
        if pressed:
            runs.start(SLOT, jobs.followed_patients, specs)
            st.rerun()
        watched = runs.current(SLOT)
        if watched and watched.specs != specs:
            st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")
    with question:
        lesson.predict(SLOT, words.QUESTION, words.CHOICES, specs)
    with picture:
        view.label()
        signal = st.segmented_control(
            "グラフに出す信号",
            SIGNALS,
            default=SIGNALS[0],
            required=True,
            key="vw_signal",
            bind="query-params",
            label_visibility="collapsed",
        )
        view.show_patient(specs[0], signal)


def _draw(watched: runs.Watched) -> None:
    loss_view.show(watched, "損失(MSE、標準化した値)")


def show() -> None:
    """Train a forecaster on calm patients, and watch others by its errors."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=result.show)
    st.caption(words.NO_UPLOAD)
