"""Lesson 過学習と未学習, fourth experiment: real clinical tables, and what more patients are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.scalers import Scaler
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, digest
from pages.parts.overfitting import fit_patients_view as view
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "of_real"
PAGE = "overfitting_real"
STUDIES = {study.label: study for study in view.STUDIES.values()}
GROUPS = {"3組": 3, "5組": 5}
CHOICES = ["ほとんど変わらない(1割未満)", "1〜3割よくなる", "3〜6割よくなる", "6割以上よくなる", "悪くなる"]


def _setting(label: str, units: int, epochs: int) -> dict[str, Any]:
    return {"of_table": label, "of_real_hidden": units, "of_real_epochs": epochs}


PRESETS = [
    lesson.Preset("乳腺腫瘍", _setting("乳腺腫瘍", 16, 60)),
    lesson.Preset("糖尿病", _setting("糖尿病", 16, 60)),
    lesson.Preset("少人数に大きなネットワーク", _setting("糖尿病", 128, 120)),
    lesson.Preset("学習が足りない", _setting("糖尿病", 4, 10)),
]


@st.cache_data(max_entries=200, show_spinner=False)
def _find(name: str, _tables: tuple[TableSpec, ...], column: int) -> tuple[Scaler, ...]:  # noqa: ARG001
    """Find the scalers on the quick lane; equal tables are looked at once for all readers."""
    found: tuple[Scaler, ...] = runs.engine().quick(jobs.scalers, _tables, column, timeout=30)
    return found


def _scalers(study: view.Study, specs: Sequence[TableRunSpec]) -> tuple[Scaler, ...]:
    tables = tuple(spec.table for spec in specs)
    return _find(digest(tables), tables, study.column)


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, ...]:
    study: view.Study = parts.choice("患者の表", STUDIES, "of_table")
    groups = parts.choice("くり返し(患者の分け方と初期値を変えて)", GROUPS, "of_groups")
    hidden = st.select_slider(
        "隠れユニット数", [4, 16, 64, 128], 16, key="of_real_hidden", bind="query-params"
    )
    epochs = st.select_slider("エポック数", [10, 30, 60, 120], 60, key="of_real_epochs", bind="query-params")
    with details.expander("詳しい設定"):
        seed = st.number_input("乱数の種", 0, 9999, 0, key="of_real_seed", bind="query-params")
    return tuple(
        TableRunSpec(
            table=TableSpec(name=study.name, train_rows=size, seed=int(seed) + group),
            model=MLPSpec(hidden=(hidden,)),
            optimizer=OptimizerSpec(lr=1e-3),
            training=TrainingSpec(epochs=epochs, batch_size=16, seed=int(seed) + group),
        )
        for size in study.sizes
        for group in range(groups)
    )


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs = _settings(below)
    study = view.STUDIES[specs[0].table.name]
    with question:
        lesson.predict(
            SLOT,
            f"患者を 20 人から {study.train} 人に増やすと、テストの{'損失' if study.classes else '誤差'}は?",
            CHOICES,
            specs,
        )
    with button:
        parts.start(SLOT, f"{len(specs)} 個のネットワークを同時に学習", jobs.perceptrons, specs, "")


def show() -> None:
    """Train on ever more patients of a real table, several times each."""
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
                "scikit-learn に入っている本物の患者の表です。学習に使う人数を 20、40、80、160、全員と変え、"
                "検証とテストの患者は同じままで、成績がどう変わるか(**学習曲線**)を見ます。\n\n"
                + "\n\n".join(f"**{study.label}** — {study.about}" for study in STUDIES.values()),
                icon=":material/groups:",
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    study = view.STUDIES[watched.spec.table.name]
    try:
        scalers = () if study.classes else _scalers(study, watched.specs)
    except TimeoutError:
        st.info("計算の準備をしています。まもなく図が描かれます。")
        return
    rows = watched.run.rows
    results = watched.run.result if watched.run.done else None
    usable = results if results and all(result.history for result in results) else None
    view.show_sizes(study, rows[-1] if rows else None, usable, scalers)
    st.caption(
        "線は中央値、帯はくり返しの最小から最大です。テストの成績は、学習が終わってから1回だけ測ります。"
    )


def _answer(study: view.Study, results: Sequence[TableRun], scalers: Sequence[Scaler]) -> lesson.Answer:
    """Say by how much the test error fell from the fewest patients to all."""
    each = len(results) // len(study.sizes)
    test = view.errors(study, np.array([result.test_loss for result in results]), scalers)
    few, many = float(np.median(test[:each])), float(np.median(test[-each:]))
    gain = 1 - many / few
    place = 4 if gain < -0.1 else sum(gain >= edge for edge in (0.1, 0.3, 0.6))
    change = f"{gain:.0%} よくなり" if gain >= 0 else f"{-gain:.0%} 悪くなり"
    digits = ".3f" if study.classes else ".1f"
    return lesson.Answer(CHOICES[place], f"中央値は {few:{digits}} から {many:{digits}} へ、{change}ました。")


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    study = view.STUDIES[watched.spec.table.name]
    try:
        scalers = _scalers(study, watched.specs)
    except TimeoutError:
        st.info("計算の準備をしています。数秒後にページを読み直してください。")
        return
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(study, results, scalers))
    left, right = st.columns([5, 6], gap="large")
    with left:
        view.show_clinical(study, results)
    with right:
        view.show_table(study, results, scalers)
    parts.whys(view.whys(study, results, scalers))
    parts.points(view.sentences(study, watched.specs, results, scalers))
    view.show_scalers(study, watched.specs, scalers)
    each = len(results) // len(study.sizes)
    test = view.errors(study, np.array([result.test_loss for result in results]), scalers).reshape(-1, each)
    last = watched.specs[-each:]
    compare.pin_button(
        PAGE,
        f"{study.label} {watched.spec.model.hidden[0]} ユニット",
        {
            "患者の表": study.label,
            "ユニット": str(watched.spec.model.hidden[0]),
            "乱数": parts.seeds_told(last),
        },
        {
            f"テスト({count} 人)": round(float(np.median(row)), 4)
            for count, row in zip(("20", "40", "80", "160", "全"), test, strict=True)
        },
        results[-1].seconds,
        [row[-each:] for row in watched.run.rows],
    )
    view.show_formula(study, results, scalers)
    st.caption("下のコードは、1組目の5つの学習です。")
    code.show(SLOT, watched.specs[::each])
