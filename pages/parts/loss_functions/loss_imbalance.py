"""Lesson 損失関数, fourth experiment: screening for a rare disease under three losses."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, tables
from core.history import TableRun
from core.specs import (
    LOSSES_OF_CLASSES,
    LossSpec,
    MLPSpec,
    OptimizerSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)
from pages.parts.loss_functions import loss_imbalance_view as view
from pages.parts.loss_functions import loss_parts as parts
from pages.parts.loss_functions.loss_screening_charts import FOUND, NAMES, SPARED, show_pins
from pages.ui import code, compare, lesson, runs

SLOT = "lf_imbalance"
ALIKE = "同じ"
CHOICES = [*NAMES, ALIKE]
PATIENTS = 4000
WEIGHTS = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 200.0]
BASE = {"lf_share": 5, "lf_weight": 20.0, "lf_gamma": 2.0, "lf_ep": 30, "lf_lr": 0.01}
PRESETS = [
    lesson.Preset("有病率に合わせた重み", BASE),
    lesson.Preset("重みが強すぎる", {**BASE, "lf_weight": 200.0}),
    lesson.Preset("重みが効いていない", {**BASE, "lf_share": 2, "lf_weight": 1.0, "lf_gamma": 0.0}),
    lesson.Preset("不均衡が軽い", {**BASE, "lf_share": 20, "lf_weight": 5.0}),
    lesson.Preset("学習が足りない", {**BASE, "lf_share": 2, "lf_ep": 5, "lf_lr": 0.001}),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    share = st.slider("敗血症の患者の割合(%)", 2, 20, 5, key="lf_share", bind="query-params")
    weight = st.select_slider(
        "「重み付き」の陽性の重み",
        WEIGHTS,
        20.0,
        format_func=lambda v: f"{v:g}",
        key="lf_weight",
        bind="query-params",
    )
    gamma = st.slider("focal 損失の γ", 0.0, 5.0, 2.0, step=0.5, key="lf_gamma", bind="query-params")
    mode = lesson.seeds("lf_seeds")
    with details.expander("詳しい設定"):
        rate = st.select_slider(
            "学習率 η(Adam)",
            [0.0003, 0.001, 0.003, 0.01, 0.03],
            0.01,
            format_func=lambda v: f"{v:g}",
            key="lf_lr",
            bind="query-params",
        )
        epochs = st.slider("エポック数", 5, 60, 30, step=5, key="lf_ep", bind="query-params")
        seed = st.number_input("乱数の種", 0, 9999, 0, key="lf_seed", bind="query-params")
    table = TableSpec(name="sepsis", patients=PATIENTS, positive_share=share / 100)
    return tuple(
        TableRunSpec(
            table=table,
            model=MLPSpec(hidden=(8,)),
            loss=LossSpec(name=name, positive_weight=weight, gamma=gamma),
            optimizer=OptimizerSpec(lr=rate),
            training=TrainingSpec(epochs=epochs, batch_size=64, seed=int(seed) + repeat),
        )
        for repeat in range(5 if mode == lesson.SEEDS[2] else 1)
        for name in LOSSES_OF_CLASSES
    ), mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "しきい値 0.5 で、感度がいちばん高いのは?", CHOICES, specs)
    with button:
        start = st.button(
            "3つの損失で同時に学習",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key="lf_imbalance/start",
        )
    if start:
        specs = lesson.seeded(SLOT, specs, mode)
        runs.start(SLOT, jobs.perceptrons, specs)
        st.rerun()
    watched = runs.current(SLOT)
    if watched is None:
        with picture:
            view.show_nobody(tables.load(specs[0].table).test.targets.astype(np.int64))
    elif watched.specs != specs and mode != lesson.SEEDS[1]:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def show() -> None:
    """Train a screening for sepsis under three losses, and choose its threshold afterwards."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with stage:
        picture = st.container()
    with controls:
        _controls(question, picture)
        parts.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is not None:
            runs.live(SLOT, lambda w: parts.curves(w, NAMES))
    if watched and watched.run.done:
        _result(watched, stage)
    compare.show("loss_imbalance", show_pins)


def _answer(results: tuple[TableRun, ...]) -> lesson.Answer:
    found = {
        name: float(np.median([view.judged(result, 0.5).sensitivity for result in results[i::3]]))
        for i, name in enumerate(NAMES)
    }
    ranked = sorted(found, key=found.__getitem__, reverse=True)
    told = "、".join(f"{name} {found[name]:.1%}" for name in ranked)
    seeds = "(5シードの中央値)" if len(results) > len(NAMES) else ""
    best = ranked[0] if found[ranked[0]] > found[ranked[1]] else ALIKE
    return lesson.Answer(best, f"しきい値 0.5 での感度{seeds}は、{told} でした。")


def _result(watched: runs.Watched, stage: DeltaGenerator) -> None:
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    results: tuple[TableRun, ...] = run.result
    if not all(result.history for result in results):
        st.info("1エポックも終わらないうちに停止しました。")
        return
    if not all(np.isfinite(result.test_outputs).all() for result in results):
        st.warning("損失が計算不能になりました。学習率を下げて試してください。")
        return
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(results))
    below = st.container()
    with stage:
        view.show_threshold(watched, below)
    parts.whys(view.whys(watched.specs, results))
    parts.points(view.reading(results))
    judged = [view.judged(result, 0.5) for result in results[: len(NAMES)]]
    compare.pin_button(
        "loss_imbalance",
        f"有病率 {watched.spec.table.positive_share:.0%}",
        {
            "有病率": f"{watched.spec.table.positive_share:.0%}",
            "重み": f"{watched.spec.loss.positive_weight:g}倍",
            "γ": f"γ {watched.spec.loss.gamma:g}",
            "乱数": f"種 {watched.spec.training.seed}",
        },
        {
            key.format(name): round(value, 4)
            for name, found in zip(NAMES, judged, strict=True)
            for key, value in ((FOUND, found.sensitivity), (SPARED, found.specificity))
        },
        results[0].seconds,
        run.rows,
    )
    view.show_formula(watched.specs, results)
    code.show(SLOT, watched.specs)
