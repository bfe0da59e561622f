"""Lesson 損失関数, third experiment: one line through mistyped blood pressures, under three losses."""

from __future__ import annotations

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, tables
from core.history import TableRun
from core.specs import (
    LOSSES_OF_NUMBERS,
    LossSpec,
    MLPSpec,
    OptimizerSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)
from pages.parts.loss_functions import loss_outliers_charts as charts
from pages.parts.loss_functions import loss_outliers_view as view
from pages.parts.loss_functions import loss_parts as parts
from pages.ui import code, compare, lesson, runs, text

SLOT = "lf_outliers"
NAMES = tuple(text.LOSS_LABELS[name] for name in LOSSES_OF_NUMBERS)
SEVERAL, ALIKE = "複数が同じくらい", "どれも大差ない"
CHOICES = [*NAMES, SEVERAL, ALIKE]
CLOSE = 1.0  # mmHg between best and worst
SIMILAR = 0.8  # of the worst error
DELTAS = [1, 5, 10, 20, 50, 100, 500, 1000]
RATES = [0.001, 0.005, 0.02, 0.05, 0.1, 0.3]
GROUPS = {"この1組だけ": 1, "別の患者でも(5組)": 5}
BASE = {"lf_wrong": 3, "lf_d": 20, "lf_rate": 0.05, "lf_epochs": 60, "lf_patients": 3}
PRESETS = [
    lesson.Preset("打ち間違いなし", {**BASE, "lf_wrong": 0}),
    lesson.Preset("打ち間違い3件", BASE),
    lesson.Preset("打ち間違い8件", {**BASE, "lf_wrong": 8}),
    lesson.Preset("δ が大きすぎる", {**BASE, "lf_d": 1000}),
    lesson.Preset("学習が足りない", {**BASE, "lf_wrong": 0, "lf_rate": 0.001, "lf_epochs": 10}),
]


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, ...]:
    mistyped = st.slider("血圧を10倍に打ち間違えた患者(人)", 0, 20, 3, key="lf_wrong", bind="query-params")
    delta = st.select_slider("Huber 損失の δ(mmHg)", DELTAS, 20, key="lf_d", bind="query-params")
    groups = parts.choice("くり返し", GROUPS, "lf_groups")
    with details.expander("詳しい設定"):
        rate = st.select_slider(
            "学習率 η(Adam)", RATES, 0.05, format_func=lambda v: f"{v:g}", key="lf_rate", bind="query-params"
        )
        epochs = st.slider("エポック数", 10, 200, 60, step=10, key="lf_epochs", bind="query-params")
        seed = st.number_input("患者の乱数の種", 0, 9999, 3, key="lf_patients", bind="query-params")
    specs = []
    for group in range(groups):
        table = TableSpec(name="blood_pressure", mistyped=mistyped, seed=int(seed) + group)
        scale = tables.load(table).target_scale
        for name in LOSSES_OF_NUMBERS:
            spec = TableRunSpec(
                table=table,
                model=MLPSpec(hidden=()),
                loss=LossSpec(
                    name=name, delta=min(round(delta / scale, 4), 100.0) if name == "huber" else 1.0
                ),
                optimizer=OptimizerSpec(lr=rate),
                training=TrainingSpec(epochs=epochs, batch_size=32),
            )
            specs.append(spec)
    st.session_state[f"{SLOT}/delta"] = delta
    return tuple(specs)


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs = _settings(below)
    with question:
        lesson.predict(SLOT, "打ち間違いのない新しい患者で、いちばん大きく外す線は?", CHOICES, specs)
    with button:
        start = st.button(
            "3つの損失で同時に学習",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            key="lf_outliers/start",
        )
    if start:
        runs.start(SLOT, jobs.perceptrons, specs, context=st.session_state[f"{SLOT}/delta"])
        st.rerun()
    watched = runs.current(SLOT)
    same = watched is not None and watched.specs[0].table == specs[0].table
    with picture:
        results = watched.run.result if watched and watched.run.done and same else None
        charts.show_lines(specs[0], (results or ())[: len(NAMES)])
    if watched and watched.specs != specs:
        st.caption("学習の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def show() -> None:
    """Train one line under three losses on ages and blood pressures, some of them mistyped."""
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
        if watched is None:
            st.info(
                "年齢から収縮期血圧を予測する直線を、3つの損失で同時に学習します。"
                "打ち間違い(130 → 1300 など)は学習用の患者だけにあり、テストの患者は正しい値です。",
                icon=":material/show_chart:",
            )
        else:
            runs.live(SLOT, lambda w: parts.curves(w, NAMES))
    if watched and watched.run.done:
        _result(watched)
    compare.show("loss_outliers", charts.show_pins)


def _answer(errors: dict[str, float], groups: int) -> lesson.Answer:
    """Say which line errs most; ``errors`` are mean absolute errors in mmHg."""
    ranked = sorted(errors, key=errors.__getitem__, reverse=True)
    told = "、".join(f"{name} {errors[name]:.1f}" for name in ranked)
    because = (
        f"テストの患者での平均の誤差(MAE{'、5組の中央値' if groups > 1 else ''})は、{told} mmHg でした。"
    )
    if errors[ranked[0]] - errors[ranked[-1]] < CLOSE:
        return lesson.Answer(ALIKE, because + f"差は {CLOSE:g} mmHg 未満です。")
    if errors[ranked[1]] > SIMILAR * errors[ranked[0]]:
        return lesson.Answer(SEVERAL, because)
    return lesson.Answer(ranked[0], because)


def _result(watched: runs.Watched) -> None:
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    results: tuple[TableRun, ...] = run.result
    if not all(result.history for result in results):
        st.info("1エポックも終わらないうちに停止しました。")
        return
    lines = [charts.line(spec, result) for spec, result in zip(watched.specs, results, strict=True)]
    groups = len(lines) // len(NAMES)
    median = {name: float(np.median([fit.error for fit in lines[i::3]])) for i, name in enumerate(NAMES)}
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(median, groups))
    view.show_table(watched.specs, lines)
    parts.whys(view.whys(watched.specs, lines, watched.context))
    parts.points(view.reading(watched.specs, lines, median))
    mistyped = watched.spec.table.mistyped
    compare.pin_button(
        "loss_outliers",
        f"打ち間違い {mistyped} 件",
        {"δ": f"{watched.context} mmHg", "学習率": f"η {watched.spec.optimizer.lr:g}"},
        {
            charts.MISTYPED: float(mistyped),
            **{charts.ERROR.format(name): round(error, 2) for name, error in median.items()},
        },
        results[0].seconds,
        run.rows,
    )
    view.show_formula(watched.specs, lines)
    code.show(SLOT, watched.specs)
