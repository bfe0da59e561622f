"""Lesson 活性化関数, first experiment: six curves, their slopes, and what ReLU makes of five numbers."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import activation_curves, jobs
from core.activation_curves import FUNCTIONS, Points
from core.specs import SpecError
from pages.parts.activations import activation_parts as parts
from pages.parts.activations import activation_slopes_view as curves
from pages.ui import lesson, runs
from pages.ui import workings as view

SLOT = "ac_curves"
DEFAULT = ("sigmoid", "tanh", "relu")
ALIKE = "差がない"
GRID = np.arange(-600, 601) / 100  # every place of the slider, and those between
NUMBERS = "-3, -0.5, 0, 1, 2.5"


def _setting(names: tuple[str, ...], x: float) -> dict[str, object]:
    return {"ac_c_who": list(parts.labels(names)), "ac_c_x": x, "ac_c_n": 5}


PRESETS = [
    lesson.Preset("坂のまんなか", _setting(DEFAULT, 0.5)),
    lesson.Preset(
        "飽和したシグモイド",
        _setting(DEFAULT, 5.0),
        "シグモイドも tanh も、大きな値が入ると曲線が平らになります(**飽和**)。"
        "傾きがほぼ 0 なので、損失を減らしたくても「どちらへ動けばよいか」がほとんど伝わりません。",
    ),
    lesson.Preset(
        "眠った ReLU",
        _setting(("relu", "leaky_relu", "gelu"), -3.0),
        "負の値が入った ReLU は、出力も傾きもちょうど 0 です。どの患者でもこうなるユニットは、"
        "二度と学べません(**死んだ ReLU**)。LeakyReLU は 0.01 の傾きを残して、目を覚ます道を開けておきます。",
    ),
    lesson.Preset(
        "角の上",
        _setting(("relu", "leaky_relu", "silu"), 0.0),
        "ReLU と LeakyReLU は x = 0 で折れ曲がり、そこに微分はありません。"
        "計算が止まらないように、PyTorch は左側の傾き(0 と 0.01)を使う約束にしています。",
    ),
    lesson.Preset("へこみのある曲線", _setting(("relu", "gelu", "silu"), -1.5)),
]


@st.cache_data(max_entries=2, show_spinner=False)
def _grid() -> dict[str, Points]:
    """Compute every activation over the grid with torch, once for all readers."""
    found: dict[str, Points] = runs.engine().quick(jobs.activation_points, tuple(FUNCTIONS), GRID, timeout=30)
    return found


@st.cache_data(max_entries=200, show_spinner=False)
def _listed(name: str, numbers: tuple[float, ...]) -> Points:
    points: dict[str, Points] = runs.engine().quick(
        jobs.activation_points, (name,), np.array(numbers), timeout=30
    )
    return points[name]


def _answer(slopes: dict[str, float]) -> lesson.Answer:
    told = "、".join(f"{parts.LABELS[name]} {view.fixed(slope, 4)}" for name, slope in slopes.items())
    because = f"自動微分で求めた傾きは、{told} でした。"
    best = max(slopes, key=slopes.__getitem__)
    rest = [slope for name, slope in slopes.items() if name != best]
    if rest and slopes[best] - max(rest) < 1e-6:
        return lesson.Answer(ALIKE, because)
    return lesson.Answer(parts.LABELS[best], because)


def show() -> None:
    """Show activations and their slopes at the reader's point, then their values for a few numbers."""
    _curves()
    _numbers()


@st.fragment
def _curves() -> None:
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        names = parts.activations("描く活性化関数", parts.BENT, DEFAULT, "ac_c_who")
        x = st.slider("入力 x", -6.0, 6.0, 0.5, step=0.1, format="%.1f", key="ac_c_x", bind="query-params")
        layers = st.slider("重ねる層の数 n", 1, 10, 5, key="ac_c_n", bind="query-params")
        asked = view.asked(SLOT, "傾きを測る") and bool(names)
        view.presets(SLOT, PRESETS)
    if not names:
        stage.warning("「描く活性化関数」を1つ以上選んでください。")
        return
    x = round(float(x), 1)
    with question:
        question_text = f"x = {view.fixed(x, 1)} で、傾きがいちばん大きいのは?"
        lesson.predict(SLOT, question_text, [*parts.labels(names), ALIKE], (names, x))
    with stage:
        try:
            grid = _grid()
        except TimeoutError:
            st.info(view.WAIT)
            return
        at = round(x * 100) + 600
        shown = {name: grid[name] for name in names}
        curves.show_values(GRID, shown, at, asked)
        if not asked:
            st.info("予想を選んで「傾きを測る」を押すと、接線と傾きの曲線を描きます。")
            return
        curves.show_slopes(GRID, shown, at)
        slopes = {name: float(points.slopes[at]) for name, points in shown.items()}
        lesson.score(SLOT, (names, x), lambda: _answer(slopes))
        curves.show_table(
            x, {n: (float(p.values[at]), float(p.slopes[at])) for n, p in shown.items()}, layers
        )
        view.why(PRESETS)
    curves.show_steepest(GRID, shown)
    curves.show_formulas(x, names)
    view.script(
        SLOT,
        activation_curves.script(names, x, layers, "relu", activation_curves.numbers(NUMBERS)),
        "activation_curves",
    )


@st.fragment
def _numbers() -> None:
    st.header("数の並びを通してみる")
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        label = st.selectbox(
            "活性化関数", list(parts.labels(parts.BENT)), index=2, key="ac_c_list", bind="query-params"
        )
        written = st.text_input(
            "数の並び(カンマ区切り)", NUMBERS, max_chars=200, key="ac_c_numbers", bind="query-params"
        )
        st.caption("数を書き換えると、PyTorch がその場で計算し直します。")
    name = parts.NAMES.get(label, "relu")
    with stage:
        try:
            numbers = activation_curves.numbers(written)
            curves.show_numbers(name, numbers, _listed(name, numbers))
        except SpecError as problem:
            st.warning(str(problem))
        except TimeoutError:
            st.info("計算の準備をしています。数秒後に、数の並びをもう一度確定してください。")
