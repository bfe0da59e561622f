"""Lesson 学習率, fourth experiment: seven schedules raced on the same network, trained as one."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import OptimizerSpec, ScheduleSpec, TableRunSpec, TrainingSpec
from pages.parts.learning_rate import rate_plans, rate_view
from pages.ui import code, lesson, runs, text
from pages.ui.rules import OPTIMIZERS, RATES

SLOT = "schedule_run"
LABELS = tuple(text.SCHEDULE_LABELS.values())


def _specs() -> tuple[TableRunSpec, ...]:
    optimizer = st.segmented_control(
        "オプティマイザ", OPTIMIZERS, default="SGD", required=True, key="sched_opt", bind="query-params"
    )
    rate = st.select_slider(
        "最初(最大)の学習率 η",
        RATES,
        0.3,
        format_func=lambda v: f"{v:g}",
        key="sched_rate",
        bind="query-params",
    )
    epochs = st.slider("エポック数", 20, 120, 60, step=10, key="sched_epochs", bind="query-params")
    seed = st.number_input("乱数の種", 0, 9999, 0, key="sched_seed", bind="query-params")
    names = {label: name for name, label in text.OPTIMIZER_LABELS.items()}
    spec = TableRunSpec(
        optimizer=OptimizerSpec(name=names[optimizer], lr=rate),
        training=TrainingSpec(epochs=epochs, batch_size=32, seed=int(seed)),
    )
    third = max(epochs // 3, 1)
    schedules = {name: ScheduleSpec(name=name, every=third) for name in text.SCHEDULE_LABELS}
    schedules["exponential"] = ScheduleSpec(name="exponential", gamma=0.95)
    return tuple(replace(spec, schedule=schedule) for schedule in schedules.values())


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    specs = _specs()
    with question:
        lesson.predict(SLOT, "最後の検証損失がいちばん低いのは?", LABELS, specs)
    if st.button(
        "7つを同時に学習", type="primary", icon=":material/play_arrow:", width="stretch", key="sched/start"
    ):
        runs.start(SLOT, jobs.perceptrons, specs)
        st.rerun()
    watched = runs.current(SLOT)
    if watched and watched.specs != specs:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def _draw(watched: runs.Watched) -> None:
    rows = watched.run.rows
    histories = [
        [
            (row[run].lr, row[run].validation_loss or math.nan)
            for row in rows
            if math.isfinite(row[run].validation_loss or math.nan)
        ]
        for run in range(len(watched.specs))
    ]
    rate_view.show_race(LABELS, histories)


def _answer(results: tuple[TableRun, ...]) -> lesson.Answer:
    ends = {
        label: result.history[-1].validation_loss or math.inf
        for label, result in zip(LABELS, results, strict=True)
        if result.ending != "diverged"
    }
    if not ends:
        return lesson.Answer("どれでもない", "7つとも発散しました。学習率を下げて試してください。")
    ranked = sorted(ends, key=ends.__getitem__)
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else ranked[0]
    return lesson.Answer(
        best,
        f"最後の検証損失は「{best}」が {text.number(ends[best])}、"
        f"次が「{second}」の {text.number(ends[second])} でした。",
    )


def show() -> None:
    """Race seven schedules from the same initial weights, learning rate and loss under one another."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "スケジュールは、学習の進み具合に応じて学習率を変える計画です。"
                "7種類を同じ初期値から同時に学習し、学習率と検証損失を上下に並べます。",
                icon=":material/timeline:",
            )
            return
        runs.live(SLOT, _draw)
    if watched.run.done and watched.run.result is not None:
        results: tuple[TableRun, ...] = watched.run.result
        if all(result.history for result in results):
            st.header("読み解き")
            lesson.score(SLOT, watched.specs, lambda: _answer(results))
            rate_plans.table(watched.specs, results)
            st.caption(
                "1回の結果には乱数の運も含まれます。種を変えて、順位が入れ替わるかどうかも確かめてください。"
            )
            rate_plans.formulas(watched.specs, results)
        code.show("schedules", watched.specs)
