"""Lesson 活性化関数, third experiment: what is left of the gradient when it reaches the first layer."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.activations import activation_parts as parts
from pages.parts.activations import activation_vanish_view as view
from pages.ui import code, compare, lesson, runs, side_by_side, text

SLOT = "ac_vanish"
PAGE = "activations_vanish"
DEFAULT = ("sigmoid", "tanh", "relu")
RATES = [0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.3, 0.5, 1.0]
OPTIMIZERS = {text.OPTIMIZER_LABELS[name]: name for name in ("sgd", "adam")}


def _setting(names: tuple[str, ...], depth: int, optimizer: str, rate: float) -> dict[str, object]:
    return {
        "ac_v_who": list(parts.labels(names)),
        "ac_v_depth": depth,
        "ac_v_opt": optimizer,
        "ac_v_rate": rate,
        "ac_v_width": 16,
        "ac_v_epochs": 60,
    }


PRESETS = [
    lesson.Preset("深い5層", _setting(DEFAULT, 5, "SGD", 0.05)),
    lesson.Preset("浅い2層", _setting(DEFAULT, 2, "SGD", 0.05)),
    lesson.Preset("学習率を10倍に", _setting(DEFAULT, 5, "SGD", 0.5)),
    lesson.Preset("Adam で補う", _setting(DEFAULT, 5, "Adam", 0.001)),
    lesson.Preset("ReLU が死ぬ", _setting(("relu", "leaky_relu"), 5, "Adam", 0.1)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    names = parts.activations("比べる活性化関数", parts.BENT, DEFAULT, "ac_v_who")
    depth = st.slider("隠れ層の数", 2, 6, 5, key="ac_v_depth", bind="query-params")
    optimizer = side_by_side.choice("オプティマイザ", OPTIMIZERS, "ac_v_opt")
    rate = st.select_slider(
        "学習率 η", RATES, 0.05, format_func=lambda v: f"{v:g}", key="ac_v_rate", bind="query-params"
    )
    with details.expander("詳しい設定"):
        mode = lesson.seeds("ac_v_seeds")
        width = st.select_slider("1層のユニット数", [4, 8, 16, 32], 16, key="ac_v_width", bind="query-params")
        epochs = st.slider("エポック数", 20, 120, 60, step=20, key="ac_v_epochs", bind="query-params")
        batch = st.select_slider("バッチサイズ", [16, 32, 64, 128], 32, key="ac_v_batch", bind="query-params")
        seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="ac_v_seed", bind="query-params")
    return tuple(
        TableRunSpec(
            table=TableSpec(name="readmission"),
            model=MLPSpec(hidden=(int(width),) * int(depth), activation=name),
            optimizer=OptimizerSpec(name=optimizer, lr=rate),
            training=TrainingSpec(epochs=int(epochs), batch_size=batch, seed=int(seed) + repeat),
        )
        for repeat in range(5 if mode == lesson.SEEDS[2] else 1)
        for name in names
    ), mode


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    if not specs:
        button.warning("「比べる活性化関数」を1つ以上選んでください。")
        return
    names = parts.members(specs)
    with question:
        choices = [*parts.labels(names), *([view.SEVERAL] if len(names) > 1 else []), view.NOBODY]
        lesson.predict(SLOT, "最後まで学べないのは?", choices, specs)
    with button:
        side_by_side.start(SLOT, "同時に学習", jobs.flowing_perceptrons, specs, mode)


def show() -> None:
    """Train deep stacks with several activations side by side, and watch the gradient of every layer."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
        side_by_side.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "心不全の退院後30日以内に再入院するかどうかを、年齢・収縮期血圧・LVEF・ln BNP から予測します"
                "(模擬、1000人)。"
                "層を深く重ねたネットワークを、活性化関数だけを変えて同時に学習させ、"
                "層ごとに届く**勾配の大きさ**を、学習しながら描きます。",
                icon=":material/stacked_line_chart:",
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    names = parts.members(watched.specs)
    layers = len(watched.spec.model.hidden) + 1
    frames = watched.run.frames
    view.show_gradients(names, layers, frames, playable=watched.run.done)
    side_by_side.curves(
        watched.run.rows,
        parts.labels(names),
        parts.colours(names),
        epochs=watched.epochs,
        title="損失(対数目盛)",
        log=True,
        alt_text="活性化関数ごとの、エポックごとの損失。実線が検証、破線が学習。",
        height=190,
    )
    several = "(5つの種の中央値。勾配は最初の種)" if len(watched.specs) > len(names) else ""
    st.caption(f"損失は交差エントロピーです。実線は検証、破線は学習です{several}。")
    view.show_silence(names, watched.epochs, frames)


def _result(watched: runs.Watched) -> None:
    run = watched.run
    results = view.results(run)
    frames = run.frames
    if results is None or len(frames) < 2:
        return
    names = parts.members(watched.specs)
    specs = watched.specs[: len(names)]
    first = results[: len(names)]
    gains = view.gains(names, results)
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: view.answer(gains))
    view.show_table(specs, first, frames, gains)
    side_by_side.whys(view.whys(specs, frames, gains))
    side_by_side.points(view.sentences(specs, frames))
    if len(results) > len(names):
        side_by_side.points(view.luck(names, results))
    parts.pin(PAGE, watched, results)
    view.show_formula(specs, frames)
    code.show(SLOT, specs)
