"""Lesson ミニバッチ, third experiment: labels in order, with and without shuffling, on the same patients."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.batches import training_rows
from core.history import TableRun
from core.specs import OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, with_seeds
from pages.parts.mini_batches import batch_order_result, batch_order_view
from pages.parts.mini_batches.batch_order_result import ARMS, SEEDS
from pages.ui import code, compare, lesson, run_reading, runs

SLOT = "mb_order"
PAGE = "mini_batches"
TABLES = {
    "乳腺腫瘍: 悪性が先、良性が後": TableSpec(name="breast_cancer", sorted_labels=True),
    "心不全(模擬): 再入院ありが先、なしが後": TableSpec(name="readmission", sorted_labels=True),
}
ALL = "全データ"
SIZES = ["1", "8", "16", "32", "64", ALL]
RATES = [0.01, 0.03, 0.1, 0.3, 1.0]


def _preset(label: str, table: int, size: str, rate: float, why: str = "") -> lesson.Preset:
    values: dict[str, Any] = {
        "mb_order_table": list(TABLES)[table],
        "mb_order_b": size,
        "mb_order_rate": rate,
        "mb_order_epochs": 20,
    }
    return lesson.Preset(label, values, why)


PRESETS = [
    _preset(
        "悪性が先、良性が後",
        0,
        "32",
        1.0,
        "並べたままだと、前半のバッチは悪性だけ、後半は良性だけです。どちらの組でも「全員同じ答え」が損失を"
        "いちばん速く下げるので、重みは一方へ振り切れ、次の組で反対側へ振り切れます。"
        "同じ学習率でも、混ぜたバッチなら両方の患者の勾配が打ち消し合うので、こうはなりません。",
    ),
    _preset(
        "見分けにくい病気なら",
        1,
        "32",
        0.3,
        "2つの組が入り混じっていて、どの患者にも迷いが残る課題です。エポックの終わりには「再入院なし」の患者だけが"
        "続くので、境目がそちらに引きずられ、再入院する人を見落とす(感度が下がる)状態で学習を終えます。",
    ),
    _preset(
        "小さな学習率なら",
        0,
        "32",
        0.03,
        "1歩が小さければ、1エポックの間の行き過ぎも小さく、前半と後半の修正がほとんど平均されます。"
        "並べたままの害は、学習率が大きいほど、同じ組が続けて出るほど、大きくなります。",
    ),
    _preset(
        "全データなら順番は関係ない",
        0,
        ALL,
        0.3,
        "1エポックに1回、全員の勾配の平均で修正するので、足す順番を変えても和は同じです。"
        "ただしコンピューターの小数には桁数の限りがあり、足す順番で末尾の桁だけがわずかに変わります。",
    ),
]


def _settings() -> tuple[TableRunSpec, ...]:
    """Ask how to train; five seeds without shuffling, then the same five with it."""
    table = TABLES[
        st.selectbox("患者と並べ方", list(TABLES), key="mb_order_table", bind="query-params")
        or next(iter(TABLES))
    ]
    size = st.select_slider("バッチサイズ B", SIZES, "32", key="mb_order_b", bind="query-params")
    rate = st.select_slider(
        "学習率 η", RATES, 1.0, format_func=lambda v: f"{v:g}", key="mb_order_rate", bind="query-params"
    )
    epochs = st.slider("エポック数", 5, 40, 20, step=5, key="mb_order_epochs", bind="query-params")
    seed = st.number_input("最初の乱数の種", 0, 9999, 0, key="mb_order_seed", bind="query-params")
    specs: list[TableRunSpec] = []
    for shuffle in ARMS.values():
        spec = TableRunSpec(
            table=table,
            optimizer=OptimizerSpec(name="sgd", lr=rate),
            training=TrainingSpec(
                epochs=epochs,
                batch_size=training_rows(table) if size == ALL else int(size),
                shuffle=shuffle,
                seed=int(seed),
            ),
        )
        specs += with_seeds(spec, SEEDS)
    return tuple(specs)


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    button = st.container()
    specs = _settings()
    with question:
        lesson.predict(SLOT, "テスト損失(5シードの中央値)が低いのは?", batch_order_result.CHOICES, specs)
    if button.button(
        "シャッフルあり・なしを同時に学習",
        type="primary",
        icon=":material/shuffle:",
        width="stretch",
        key="mb_order/start",
    ):
        runs.start(SLOT, jobs.recorded_perceptrons, specs)
        st.rerun()
    watched = runs.current(SLOT)
    if watched and watched.specs != specs:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")
    st.caption("試してみる設定:")
    lesson.presets(SLOT, PRESETS)


def show() -> None:
    """Train on patients sorted by their diagnosis, as they stand and shuffled each epoch."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "学習用の患者を、陽性(悪性、再入院あり)の人が先、陰性の人が後になるように並べておきます。"
                "そのまま順に使う学習と、エポックごとに混ぜ直す学習を、同じ初期値から5シードずつ行います。"
                "午前はがんの患者ばかり、午後はがんでない患者ばかりの外来を、毎日くり返す研修医を思い浮かべてください。",
                icon=":material/shuffle:",
            )
            batch_order_view.show_queue()
        else:
            runs.live(SLOT, batch_order_view.draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _result(watched: runs.Watched) -> None:
    results = run_reading.results(watched)
    if results is None:
        return
    st.header("読み解き")
    arms = batch_order_result.arms(watched.specs, results)
    lesson.score(SLOT, watched.specs, lambda: batch_order_result.answer(arms))
    why = next((p.why for p in PRESETS if p.why and _is_preset(p, watched.spec)), "")
    if why:
        st.markdown(f"**なぜ** — {why}")
    batch_order_result.table(arms)
    frames = watched.run.frames
    batch_order_view.show_updates(frames, watched.specs)
    batch_order_result.facts(arms, frames, watched.specs, results)
    _pin(watched, arms)
    batch_order_result.formula(frames, watched.spec)
    code.show("mb_order", watched.specs)


def _is_preset(preset: lesson.Preset, spec: TableRunSpec) -> bool:
    rows = training_rows(spec.table)
    size = ALL if spec.training.batch_size == rows else str(spec.training.batch_size)
    return preset.values == {
        "mb_order_table": next(label for label, table in TABLES.items() if table == spec.table),
        "mb_order_b": size,
        "mb_order_rate": spec.optimizer.lr,
        "mb_order_epochs": spec.training.epochs,
    }


def _pin(watched: runs.Watched, arms: dict[str, batch_order_result.Arm]) -> None:
    """Offer to keep the curves of one of the two."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("比較に残すほう", list(arms), key="mb_order/pinned", width=240)
        chosen = arms.get(label) or next(iter(arms.values()))
        spec: TableRunSpec = watched.specs[chosen.places[0]]
        first: TableRun = watched.run.result[chosen.places[0]]
        compare.pin_button(
            PAGE,
            f"{chosen.label} B {spec.training.batch_size}",
            {
                "バッチ": str(spec.training.batch_size),
                "シャッフル": "あり" if spec.training.shuffle else "なし",
                "学習率": f"η {spec.optimizer.lr:g}",
                "ユニット": f"{spec.model.hidden[0]} ユニット",
            },
            {"検証損失": chosen.validation, "テスト正解率": chosen.accuracy.middle},
            first.seconds,
            [tuple(row[place] for place in chosen.places) for row in watched.run.rows],
        )
