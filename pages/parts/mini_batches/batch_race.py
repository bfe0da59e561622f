"""Lesson ミニバッチ, first experiment: batch sizes raced on the same network from the same weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.batches import Held, training_rows
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, digest, with_seeds
from pages.parts.mini_batches import batch_race_result, batch_race_view
from pages.ui import code, compare, lesson, run_reading, runs

SLOT = "mb_race"
PAGE = "mini_batches"
TABLES = {
    "乳腺腫瘍(良性・悪性)": TableSpec(name="breast_cancer"),
    "心不全の再入院(模擬)": TableSpec(name="readmission"),
}
ALL, ONLINE, OWN = "全データ", "1(オンライン)", "自分の B"
WHO = [ALL, "128", "64", "32", ONLINE, OWN]
OWN_SIZES = [2, 4, 8, 16, 24, 48, 96, 192, 256]
RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0]
SAME, SCALED = "どの B も同じ", "B に比例"
REFERENCE = 32  # the batch size that keeps the chosen rate when rates go with B
HIGHEST_RATE = 10.0


def _preset(label: str, rate: float, epochs: int, why: str = "", scaling: str = SAME) -> lesson.Preset:
    values: dict[str, Any] = {
        "mb_race_table": next(iter(TABLES)),
        "mb_who": WHO[:-1],
        "mb_rate": rate,
        "mb_scaling": scaling,
        "mb_epochs": epochs,
        "mb_hidden": 16,
    }
    return lesson.Preset(label, values, why)


PRESETS = [
    _preset("同じ学習率で", 0.1, 20),
    _preset("学習率を B に比例させる", 0.1, 20, scaling=SCALED),
    _preset(
        "全データには更新が足りない",
        0.03,
        10,
        "全データでは1エポックに1回しか修正しないので、10エポックで10回です。"
        "向きは正確でも、歩数が足りません。エポックを増やすか、学習率を上げる必要があります。",
    ),
    _preset(
        "オンラインには大きすぎる学習率",
        1.0,
        10,
        "たまたま引いた1人の勾配は、全員の平均から大きく外れます。学習率が大きいと、"
        "その外れた1歩が重みを遠くへ飛ばし、飛んだ先ではさらに大きな勾配が返ってきます。"
        "平均すれば打ち消し合うはずのゆれが、打ち消される前に学習を壊しました。",
    ),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    """Ask who takes part and how; a spec for each seed of each batch size, the largest first."""
    who = st.pills(
        "バッチサイズ B",
        WHO,
        selection_mode="multi",
        default=WHO[:-1],
        key="mb_who",
        bind="query-params",
        wrap=True,
    )
    rate = st.select_slider(
        "学習率 η", RATES, 0.1, format_func=lambda v: f"{v:g}", key="mb_rate", bind="query-params"
    )
    scaling = st.segmented_control(
        "学習率の決め方",
        [SAME, SCALED],
        default=SAME,
        required=True,
        key="mb_scaling",
        bind="query-params",
        help=f"「{SCALED}」では、B = {REFERENCE} の学習率を η とし、B が2倍なら学習率も2倍にします。",
    )
    epochs = st.slider("エポック数", 5, 60, 20, step=5, key="mb_epochs", bind="query-params")
    mode = lesson.seeds("mb_seeds")
    with details.expander("詳しい設定(患者・自分の B・ネットワーク)"):
        table = TABLES[
            st.selectbox("患者", list(TABLES), key="mb_race_table", bind="query-params") or next(iter(TABLES))
        ]
        own = st.select_slider("自分の B", OWN_SIZES, 8, key="mb_own", bind="query-params")
        hidden = st.select_slider(
            "隠れユニット数", [4, 8, 16, 32, 64], 16, key="mb_hidden", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="mb_seed", bind="query-params")
    rows = training_rows(table)
    known = {ALL: rows, ONLINE: 1, OWN: own}
    sizes = sorted({min(known.get(name) or int(name), rows) for name in who}, reverse=True)
    specs: list[TableRunSpec] = []
    for size in sizes:
        lr = min(rate * size / REFERENCE, HIGHEST_RATE) if scaling == SCALED else rate
        spec = TableRunSpec(
            table=table,
            model=MLPSpec(hidden=(hidden,)),
            optimizer=OptimizerSpec(name="sgd", lr=lr),
            training=TrainingSpec(epochs=epochs, batch_size=size, seed=int(seed)),
        )
        specs += with_seeds(spec, 5 if mode == lesson.SEEDS[2] else 1)
    return tuple(specs), mode


@st.fragment
def _controls(question: DeltaGenerator, preview: DeltaGenerator) -> None:
    button, above, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    if not specs:
        st.warning("「バッチサイズ B」を1つ以上選んでください。")
    else:
        labels = list(batch_race_result.members(specs))
        with question:
            lesson.predict(
                SLOT, "最後の検証損失がいちばん低いのは?", [*labels, batch_race_result.EVEN], specs
            )
    if button.button(
        "並べて学習",
        type="primary",
        icon=":material/sprint:",
        width="stretch",
        disabled=not specs,
        key="mb_race/start",
    ):
        chosen = lesson.seeded(SLOT, specs, mode)
        runs.start(SLOT, jobs.perceptrons, chosen, context=_preset_of(chosen))
        st.rerun()
    watched = runs.current(SLOT)
    if watched is None and specs:
        with preview:
            sizes = [
                specs[places[0]].training.batch_size for places in batch_race_result.members(specs).values()
            ]
            batch_race_view.preview(sizes, training_rows(specs[0].table), specs[0].training.epochs)
    if watched and watched.specs != specs and mode != lesson.SEEDS[1]:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")
    st.caption("試してみる設定:")
    lesson.presets(SLOT, PRESETS)


def _preset_of(specs: tuple[TableRunSpec, ...]) -> str:
    """Return why the preset that these specs are fails; empty for any other settings."""
    first = specs[0]
    rates = {spec.training.batch_size: spec.optimizer.lr for spec in specs}
    sizes = [training_rows(first.table), 128, 64, 32, 1]
    for preset in PRESETS:
        scaled = preset.values["mb_scaling"] == SCALED
        rate = preset.values["mb_rate"]
        expected = {B: min(rate * B / REFERENCE, HIGHEST_RATE) if scaled else rate for B in sizes}
        if (
            rates == expected
            and first.training.epochs == preset.values["mb_epochs"]
            and first.model.hidden == (preset.values["mb_hidden"],)
            and first.table == TABLES[preset.values["mb_race_table"]]
        ):
            return preset.why
    return ""


@st.cache_data(max_entries=200, show_spinner=False)
def _held(name: str, _spec: TableRunSpec, sizes: tuple[int, ...]) -> tuple[Held, ...]:  # noqa: ARG001
    """Measure on the quick lane; equal settings are measured once for all readers."""
    found: tuple[Held, ...] = runs.engine().quick(jobs.held_for_backward, _spec, sizes, timeout=30)
    return found


def held(specs: tuple[TableRunSpec, ...]) -> tuple[Held, ...] | None:
    """Return what a batch of each size holds in memory; None when workers are not ready."""
    sizes = tuple(dict.fromkeys(spec.training.batch_size for spec in specs))
    spec = replace(specs[0], training=TrainingSpec(), optimizer=OptimizerSpec())
    try:
        return _held(digest((spec, sizes)), spec, sizes)
    except TimeoutError:
        return None


def show() -> None:
    """Train one network with several batch sizes, and compare what each costs and gives."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        preview = st.container()
    with controls:
        _controls(question, preview)
    with stage:
        if watched is not None:
            axis, training, log = batch_race_view.options()
            runs.live(SLOT, lambda w: batch_race_view.draw(w, axis, training, log))
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _result(watched: runs.Watched) -> None:
    results = run_reading.results(watched)
    if results is None:
        return
    st.header("読み解き")
    standings = batch_race_result.rank(watched.specs, results)
    lesson.score(SLOT, watched.specs, lambda: batch_race_result.answer(standings))
    if watched.context:
        st.markdown(f"**なぜ** — {watched.context}")
    memory = held(watched.specs)
    batch_race_view.table(standings, memory)
    batch_race_view.bars(standings, memory)
    batch_race_result.facts(standings, memory)
    _pin(watched, standings)
    batch_race_result.formula(standings, memory, watched.spec)
    code.show("mb_race", watched.specs)


def _pin(watched: runs.Watched, standings: list[batch_race_result.Standing]) -> None:
    """Offer to keep the curves of one of the batch sizes."""
    by_label = {standing.label: standing for standing in standings}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("比較に残すバッチサイズ", list(by_label), key="mb_race/pinned", width=240)
        chosen = by_label.get(label, standings[0])
        spec: TableRunSpec = watched.specs[chosen.places[0]]
        compare.pin_button(
            PAGE,
            f"B {spec.training.batch_size} η {spec.optimizer.lr:g}",
            {
                "バッチ": chosen.label,
                "シャッフル": "あり",
                "学習率": f"η {spec.optimizer.lr:g}",
                "ユニット": f"{spec.model.hidden[0]} ユニット",
                "更新回数": f"{chosen.updates * chosen.epochs:,} 回",
            },
            {"検証損失": chosen.median, "テスト正解率": chosen.accuracy},
            chosen.seconds,
            [tuple(row[place] for place in chosen.places) for row in watched.run.rows],
        )
