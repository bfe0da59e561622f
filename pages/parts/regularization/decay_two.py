"""Lesson 正則化, weight decay: two weights that only the decay can move for good."""

from __future__ import annotations

from typing import Any

import streamlit as st

from core import decay_script, jobs
from core.decay import DecaySpec, Shrinking, Twins
from core.specs import digest
from pages.parts.regularization import decay_two_reading as reading
from pages.parts.regularization import decay_two_view as view
from pages.ui import lesson, runs, workings
from pages.ui import side_by_side as parts

SLOT = "rg_d_two"
RULES = {"SGD": "sgd", "Adam": "adam"}
RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
STRENGTHS = [0.0, 0.0005, 0.005, 0.015, 0.05, 0.15, 0.5, 1.5, 5.0]
PULLS = [0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


def _setting(rule: str, lr: float, strength: float, large: float, small: float) -> dict[str, Any]:
    return {
        "rg_d_rule": rule,
        "rg_d_lr": lr,
        "rg_d_strength": strength,
        "rg_d_large": large,
        "rg_d_small": small,
    }


PRESETS = [
    lesson.Preset("SGD では同じ", _setting("SGD", 0.01, 0.05, 3.0, 0.3)),
    lesson.Preset("Adam では食い違う", _setting("Adam", 0.01, 0.05, 3.0, 0.3)),
    lesson.Preset("勾配の差を広げる", _setting("Adam", 0.01, 0.05, 10.0, 0.1)),
    lesson.Preset("減衰が強すぎる", _setting("Adam", 0.3, 5.0, 3.0, 0.3)),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _shrunk(name: str, _spec: DecaySpec) -> Shrinking:  # noqa: ARG001 - the key
    """Walk on the quick lane; equal settings are walked once for all readers."""
    found: Shrinking = runs.engine().quick(jobs.decayed, _spec, timeout=30)
    return found


@st.cache_data(max_entries=200, show_spinner=False)
def _twins(rule: str, lr: float, strength: float) -> Twins:
    found: Twins = runs.engine().quick(jobs.twins, rule, lr, strength, timeout=30)
    return found


def _slider(label: str, options: list[float], default: float, key: str) -> float:
    found: float = st.select_slider(
        label, options, default, format_func=lambda v: f"{v:g}", key=key, bind="query-params"
    )
    return found


def _settings() -> DecaySpec:
    rule = st.segmented_control(
        "オプティマイザ", list(RULES), default="Adam", required=True, key="rg_d_rule", bind="query-params"
    )
    strength = _slider("減衰の強さ λ(weight_decay = 2λ)", STRENGTHS, 0.05, "rg_d_strength")
    lr = _slider("学習率 η", RATES, 0.01, "rg_d_lr")
    large = _slider("重み A の勾配の大きさ", PULLS, 3.0, "rg_d_large")
    small = _slider("重み B の勾配の大きさ", PULLS, 0.3, "rg_d_small")
    return DecaySpec(rule=RULES[rule], lr=lr, strength=strength, pulls=(large, small))


@st.fragment
def show() -> None:
    """Shrink two weights in two ways, and compare where they end."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        button = st.container()
        spec = _settings()
        with question:
            lesson.predict(
                SLOT, f"{view.RULES[spec.rule]} で、重み A がより小さくなるのは?", view.CHOICES, spec
            )
        if button.button(
            "2つの方法で縮める",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key="rg_d_two/start",
        ):
            st.session_state["rg_d_two/asked"] = spec
        parts.presets(SLOT, PRESETS)
    with stage:
        if st.session_state.get("rg_d_two/asked") != spec:
            view.show_start(spec)
            return
        try:
            found = _shrunk(digest(spec), spec)
            twins = _twins(spec.rule, spec.lr, spec.strength)
        except TimeoutError:
            st.info(workings.WAIT)
            return
        view.play(spec, found)
    st.header("読み解き")
    lesson.score(SLOT, spec, lambda: reading.answer(spec, found))
    reading.show_table(spec, found)
    parts.whys(reading.whys(spec, found))
    parts.points(reading.sentences(spec, found, twins))
    reading.show_formula(spec, found)
    workings.script("rg_d_two", decay_script.script(spec), "weight_decay")
