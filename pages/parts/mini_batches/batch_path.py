"""Lesson ミニバッチ, second experiment: the path of two weights on their own loss, and its noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from core import jobs
from core.batch_walk import DOMAIN, Spread, WalkSpec, bottom, patients
from core.batches import updates
from core.landscape import Path
from core.specs import digest
from pages.parts.mini_batches import batch_path_view, batch_script
from pages.ui import lesson, runs, terrain

SLOT = "mb_path"
MIDDLE = [4, 8, 16, 32, 64]
RATES = [0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.2]
STEPS, EPOCHS = "同じ更新回数", "同じエポック数"
GRID = 0.1  # of the sliders of the start, and so of a click
START = (-2.0, -1.0)
Walked = tuple[tuple[Path, ...], tuple[Spread, ...]]


def _preset(label: str, why: str = "", **others: Any) -> lesson.Preset:
    usual: dict[str, Any] = {
        "mb_path_mode": STEPS,
        "mb_path_rate": 0.1,
        "mb_path_b": 32,
        "mb_path_steps": 90,
        "mb_path_epochs": 3,
        "mb_path_x": START[0],
        "mb_path_y": START[1],
    }
    return lesson.Preset(label, usual | others, why)


PRESETS = [
    _preset("同じ回数だけ修正"),
    _preset("同じエポック数だけ", mb_path_mode=EPOCHS),
    _preset(
        "大きな学習率",
        "全員の損失なら、この学習率でも谷底へ下れます。ところが、年齢が平均から離れた患者では、"
        "その人だけの損失の谷がずっと急です。その人に当たった1歩は谷を飛び越えて、かえって遠ざかります。"
        "1人ずつの学習では、飛び越えが打ち消されないまま重なります。",
        mb_path_rate=0.5,
    ),
    _preset(
        "小さな学習率",
        "1歩が小さいので、たくさんの患者の勾配をならしながら進むことになり、ゆれは小さくなります。"
        "その代わり、同じ回数では谷底まで届きません。",
        mb_path_rate=0.01,
    ),
]


@st.cache_resource(max_entries=200, show_spinner=False)
def _walk(name: str, _specs: tuple[WalkSpec, ...], _noise: int) -> Walked:  # noqa: ARG001 - the key
    """Walk on the quick lane; equal settings are walked once for all readers."""
    walked: Walked = runs.engine().quick(jobs.batch_walks, _specs, _noise, timeout=30)
    return walked


def _take_click() -> None:
    """Move the sliders of the start to where the reader has just clicked."""
    point = terrain.picked(SLOT)
    if point is None:
        return
    for key, value, (low, high) in zip(("mb_path_x", "mb_path_y"), point, DOMAIN, strict=True):
        st.session_state[key] = round(round(min(max(value, low), high) / GRID) * GRID, 10)


def _settings() -> tuple[WalkSpec, ...]:
    """Ask how to walk; return the walks, all patients first."""
    mode = st.segmented_control(
        "そろえるもの",
        [STEPS, EPOCHS],
        default=STEPS,
        required=True,
        key="mb_path_mode",
        bind="query-params",
    )
    if mode == STEPS:
        count = st.slider("更新回数", 10, 200, 90, step=10, key="mb_path_steps", bind="query-params")
    else:
        count = st.slider("エポック数", 1, 5, 3, key="mb_path_epochs", bind="query-params")
    rate = st.select_slider(
        "学習率 η", RATES, 0.1, format_func=lambda v: f"{v:g}", key="mb_path_rate", bind="query-params"
    )
    middle = st.select_slider("ミニバッチの B", MIDDLE, 32, key="mb_path_b", bind="query-params")
    with st.expander("出発点と乱数"):
        st.caption("地図をクリックしても、出発点を選べます。")
        b = st.slider("切片 b(横)", *DOMAIN[0], START[0], step=GRID, key="mb_path_x", bind="query-params")
        w = st.slider("傾き w(縦)", *DOMAIN[1], START[1], step=GRID, key="mb_path_y", bind="query-params")
        seed = st.slider("乱数の種", 0, 20, 0, key="mb_path_seed", bind="query-params")
    rows = len(patients()[0])
    return tuple(
        WalkSpec(
            batch_size=size,
            start=(float(b), float(w)),
            lr=rate,
            updates=count if mode == STEPS else count * updates(rows, size),
            seed=seed,
        )
        for size in (rows, middle, 1)
    )


def _about(specs: tuple[WalkSpec, ...]) -> str:
    whole = len({spec.updates for spec in specs}) == 1
    walked = f"{specs[0].updates} 回修正" if whole else f"{specs[0].updates} エポック学習"
    return f"{walked}した時点で、谷底のいちばん近くにいるのは?"


def _answer(specs: tuple[WalkSpec, ...], paths: tuple[Path, ...]) -> lesson.Answer:
    names = [batch_path_view.name(spec.batch_size) for spec in specs]
    away = [batch_path_view.wander(path) for path in paths]
    ranked = "、".join(
        f"{n} が{batch_path_view.written(d).rstrip()}" for n, d in zip(names, away, strict=True)
    )
    return lesson.Answer(
        names[int(np.argmin(away))],
        f"終わりの4分の1での谷底からの距離(二乗平均の平方根)は、{ranked} でした。",
    )


@st.fragment
def show() -> None:
    """Walk with all patients, a mini-batch and a single one, and measure how gradients scatter."""
    _take_click()
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        button = st.container()
        specs = _settings()
        names = [batch_path_view.name(spec.batch_size) for spec in specs]
        with question:
            lesson.predict(SLOT, _about(specs), names, specs)
        if button.button(
            "歩き始める", type="primary", icon=":material/play_arrow:", width="stretch", key="mb_path/go"
        ):
            st.session_state["mb_path/asked"] = specs
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    with stage:
        if st.session_state.get("mb_path/asked") != specs:
            batch_path_view.show_start(specs)
            st.info(
                "年齢から収縮期血圧を予測する直線(模擬の患者 90 人)を学習します。重みは切片 b と傾き w の"
                "2つだけなので、損失の地形をまるごと地図にできます。予想を選んで「歩き始める」を押してください。",
                icon=":material/play_arrow:",
            )
            return
        try:
            paths, spreads = _walk(digest(specs), specs, specs[0].seed)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後にもう一度「歩き始める」を押してください。")
            return
        batch_path_view.show_paths(specs, paths)
        lesson.score(SLOT, specs, lambda: _answer(specs, paths))
        _why(specs)
        for spec, path in zip(specs, paths, strict=True):
            st.markdown("- " + batch_path_view.sentence(spec, path))
    st.header("ゆれを測る")
    left, right = st.columns(2, gap="large")
    with left:
        batch_path_view.show_spread(spreads)
    with right:
        batch_path_view.spread_table(spreads)
    for said in batch_path_view.spread_reading(spreads, specs[1].batch_size):
        st.markdown(f"- {said}")
    batch_path_view.formula(specs, paths, spreads, bottom())
    batch_script.show("mb_path", batch_script.walk_script(specs), "mini_batch_path.py")


def _why(specs: tuple[WalkSpec, ...]) -> None:
    state = st.session_state
    for preset in PRESETS:
        if preset.why and all(state.get(key, value) == value for key, value in preset.values.items()):
            st.markdown(f"**なぜ** — {preset.why}")
            if preset.values["mb_path_rate"] == specs[0].lr >= 0.5:
                st.markdown("- " + batch_path_view.steepest(specs[0].lr))
