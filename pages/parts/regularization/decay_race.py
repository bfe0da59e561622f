"""Lesson 正則化, weight decay: Adam with L2 against AdamW on a real network, five seeds each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import Frame
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, with_seeds
from pages.parts.regularization import decay_race_reading as reading
from pages.parts.regularization import decay_race_view as view
from pages.parts.regularization.decay_race_view import NAMES
from pages.parts.regularization.penalties_bands import judged
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "rg_d_race"
PAGE = "regularization_decay"
SEEDS = 5
DECAYS = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
RATES = [0.0003, 0.001, 0.003, 0.01, 0.03]
TABLES = {
    "マーカー": TableSpec(name="markers", patients=600, noise=0.1, validation=0.3, test=0.3, train_rows=100),
    "乳腺": TableSpec(name="breast_cancer", train_rows=100),
}


def _setting(table: str, decay: float, lr: float = 0.003) -> dict[str, Any]:
    return {"rg_d_table": table, "rg_d_decay": decay, "rg_d_net_lr": lr, "rg_d_epochs": 100}


PRESETS = [
    lesson.Preset("既定(0.1)", _setting("マーカー", 0.1)),
    lesson.Preset("よくある値(0.01)", _setting("マーカー", 0.01)),
    lesson.Preset("強すぎる(3)", _setting("マーカー", 3.0)),
    lesson.Preset("減衰なし(0)", _setting("マーカー", 0.0)),
]


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, ...]:
    table = parts.choice("患者(学習は100人)", TABLES, "rg_d_table")
    decay = st.select_slider(
        "減衰の強さ weight_decay(= 2λ)",
        DECAYS,
        0.1,
        format_func=lambda v: f"{v:g}",
        key="rg_d_decay",
        bind="query-params",
    )
    lr = st.select_slider(
        "学習率 η", RATES, 0.003, format_func=lambda v: f"{v:g}", key="rg_d_net_lr", bind="query-params"
    )
    with details.expander("詳しい設定"):
        epochs = st.select_slider(
            "エポック数", [20, 50, 100, 200, 300], 100, key="rg_d_epochs", bind="query-params"
        )
        seed = st.number_input("最初の乱数の種", 0, 9999, 0, key="rg_d_seed", bind="query-params")
    first = TableRunSpec(
        table=table,
        model=MLPSpec(hidden=(64,)),
        training=TrainingSpec(epochs=epochs, batch_size=16, seed=int(seed)),
    )
    rules = (
        OptimizerSpec(name="adam", lr=lr, weight_decay=0.0),
        OptimizerSpec(name="adam", lr=lr, weight_decay=decay),
        OptimizerSpec(name="adamw", lr=lr, weight_decay=decay),
    )
    return tuple(replace(spec, optimizer=rule) for spec in with_seeds(first, SEEDS) for rule in rules)


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    button, settings, details = st.container(), st.container(), st.container()
    with settings:
        specs = _settings(details)
    with question:
        lesson.predict(
            SLOT, "同じ weight_decay で、重みの2乗の合計 Σw² がより小さくなるのは?", reading.CHOICES, specs
        )
    with button:
        parts.start(SLOT, "5シードで同時に学習", jobs.weighed_perceptrons, specs, lesson.SEEDS[2])


def show() -> None:
    """Train without decay, with L2 through Adam and with AdamW, and compare weights and losses."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
        parts.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "同じ患者、同じ初期値、同じ weight_decay で、Adam(罰を損失に足す L2)と "
                "AdamW(重みを直接縮める)を5つの乱数の種で競わせます。減衰なしの Adam も並べます。",
                icon=":material/compress:",
            )
            st.markdown(
                "PyTorch では、`Adam(weight_decay=…)` が L2、`AdamW(weight_decay=…)` が重み減衰です。"
                "名前も数字も同じですが、していることは違います。"
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    view.draw(watched.run.rows, watched.run.frames, watched.epochs, watched.run.done)


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    rows = watched.run.rows
    frame: Frame | None = judged(watched.run.frames, rows)
    if results is None or frame is None:
        return
    st.header("読み解き")
    found = reading.standings(results, frame, rows)
    lesson.score(SLOT, watched.specs, lambda: reading.answer(found))
    reading.show_table(found)
    parts.whys(reading.whys(watched.specs, found))
    parts.points(reading.sentences(watched.specs, found, results))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox("比較に残す方法", NAMES, index=2, key="rg_d_race/pinned", width=220)
        place = NAMES.index(name)
        one, rule = found[place], watched.specs[place].optimizer
        compare.pin_button(
            PAGE,
            f"{name} {rule.weight_decay:g}",
            {
                "方法": name,
                "weight_decay": f"{rule.weight_decay:g}",
                "学習率": f"η {rule.lr:g}",
                "乱数": parts.seeds_told(watched.specs),
            },
            {"Σw²": round(one.square, 2), "検証損失": round(one.held, 4), "テスト損失": round(one.test, 4)},
            rows[-1][place].seconds,
            [row[place :: len(NAMES)] for row in rows],
        )
    reading.show_formula(watched.specs, frame)
    code.show(SLOT, watched.specs)
