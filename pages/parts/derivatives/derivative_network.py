"""Partial derivatives of a network trained on the spot: the risk per mmHg, per year, per pg/mL."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs, partials
from core.history import TableRun
from core.partials import Partials
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, digest, with_seeds
from pages.parts.derivatives import derivative_patient
from pages.ui import code, compare, lesson, loss_view, runs, text, verdict
from pages.ui import workings as view

SLOT = "dv_run"
LABELS = ("年齢", "収縮期血圧", "LVEF", "BNP")
RATES = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2]
SEEDS = lesson.SEEDS


def _setting(rate: float, epochs: int, hidden: int) -> dict[str, Any]:
    return {"dv_rate_net": rate, "dv_epochs": epochs, "dv_hidden": hidden}


PRESETS = [
    lesson.Preset("ほどよい学習", _setting(1e-3, 60, 16)),
    lesson.Preset(
        "学習が足りない",
        _setting(1e-4, 10, 16),
        "重みがほとんど初期値のままです。入力を動かしてもリスクはあまり変わらず、"
        "偏微分の符号も、たまたま選ばれた初期値しだいです。",
    ),
    lesson.Preset(
        "覚え込みすぎ",
        _setting(1e-2, 150, 64),
        "学習データの偶然まで覚え込んだモデルです。入力がわずかに違うだけでリスクが大きく変わり、"
        "患者によっては偏微分が極端な値になります。乱数の種を変えるだけで、符号まで変わることもあります。",
    ),
]


def _settings() -> tuple[tuple[TableRunSpec, ...], str]:
    rate = st.select_slider(
        "学習率 η", RATES, 1e-3, format_func=lambda v: f"{v:g}", key="dv_rate_net", bind="query-params"
    )
    epochs = st.slider("エポック数", 10, 200, 60, step=10, key="dv_epochs", bind="query-params")
    hidden = st.select_slider("隠れユニット数", [4, 8, 16, 32, 64], 16, key="dv_hidden", bind="query-params")
    mode = lesson.seeds("dv_seeds")
    seed = st.number_input("乱数の種", 0, 9999, 0, key="dv_seed", bind="query-params")
    spec = TableRunSpec(
        table=TableSpec(name="readmission"),
        model=MLPSpec(hidden=(int(hidden),), activation="tanh"),
        optimizer=OptimizerSpec(name="adam", lr=float(rate)),
        training=TrainingSpec(epochs=int(epochs), batch_size=32, seed=int(seed)),
    )
    return with_seeds(spec, 5 if mode == SEEDS[2] else 1), mode


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    buttons = st.container(horizontal=True, gap="small")
    specs, mode = _settings()
    with question:
        lesson.predict(SLOT, "学習したモデルのリスクを、いちばん大きく動かす入力は?", LABELS, specs)
    with buttons:
        start = st.button("学習開始", type="primary", icon=":material/play_arrow:", key="dv_run/start")
        one = st.button("1エポックずつ", icon=":material/skip_next:", key="dv_run/step")
    if start or one:
        specs = lesson.seeded(SLOT, specs, mode)
        runs.start(SLOT, jobs.perceptrons, specs, context=_describe(specs), one_epoch=one)
        st.rerun()
    watched = runs.current(SLOT)
    if watched and watched.specs != specs and mode != SEEDS[1]:
        st.caption("表示中の結果は変更前の設定のものです。「学習開始」で、いまの設定で学習し直します。")


def _describe(specs: tuple[TableRunSpec, ...]) -> dict[str, str]:
    first, last = specs[0], specs[-1]
    until = f"〜{last.training.seed}" if len(specs) > 1 else ""
    return {
        "学習率": f"η {first.optimizer.lr:g}",
        "ユニット": f"{first.model.hidden[0]} ユニット",
        "乱数": f"種 {first.training.seed}{until}",
    }


def show() -> None:
    """Train a small network on simulated patients with heart failure, then differentiate its risk."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
        st.caption("試してみる設定:")
        lesson.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "心不全で退院した模擬患者 1,000 人の年齢・収縮期血圧・LVEF・BNP から、"
                "30日以内の再入院を予測する小さなネットワークを学習させます。"
                "学習が終わると、入力ごとの偏微分を調べられます。",
                icon=":material/show_chart:",
            )
        else:
            runs.live(SLOT, lambda w: loss_view.show(w, "損失(交差エントロピー)"))
    if watched and watched.run.done:
        _result(watched)
    compare.show("derivatives")


@st.cache_data(max_entries=50, show_spinner=False)
def _over_patients(name: str, _spec: TableRunSpec, _networks: tuple[dict[str, Any], ...]) -> Partials:  # noqa: ARG001
    patients = partials.test_patients(_spec)
    found: Partials = runs.engine().quick(jobs.network_partials, _spec, _networks, patients, timeout=30)
    return found


def _answer(results: tuple[TableRun, ...], found: Partials, spec: TableRunSpec) -> lesson.Answer:
    sizes = 100 * partials.influence(found.gradients, partials.test_patients(spec))
    ranked = np.argsort(-sizes)
    told = "、".join(f"{LABELS[i]} {sizes[i]:.1f}" for i in ranked)
    return lesson.Answer(
        LABELS[int(ranked[0])],
        f"入力を標準偏差1つ分動かしたときのリスクの変化は、{told} ポイントでした"
        f"(偏微分の大きさをテスト患者 {results[0].rows[2]} 人で平均)。",
    )


def _result(watched: runs.Watched) -> None:
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    results: tuple[TableRun, ...] = run.result
    first = results[0]
    if not first.history or any(result.ending == "diverged" for result in results):
        st.info(
            "学習が始まらないうちに停止したか、損失が数値として計算できなくなったため、偏微分を求められません。"
        )
        return
    networks = tuple(result.weights for result in results)
    name = f"{digest(watched.specs)}/{run.key}/{len(first.history)}"
    try:
        found = _over_patients(name, watched.spec, networks)
    except TimeoutError:
        st.info(view.WAIT)
        return
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(results, found, watched.spec))
    end = first.history[-1]
    reading = verdict.read_run(first)
    label = text.VERDICT_LABELS[reading.verdict]
    left, right = st.columns(2, gap="large")
    with left:
        view.sentences(
            [
                f"学習の判定は「{label}」です。{verdict.sentence(reading)}",
                f"学習に使っていない {first.rows[2]} 人の正解率は {first.test_accuracy or 0.0:.1%} でした。",
            ]
        )
    with right:
        why = next((p.why for p in PRESETS if p.why and _is_preset(p, watched.spec)), "")
        if why:
            st.markdown(f"**なぜ** — {why}")
        compare.pin_button(
            "derivatives",
            f"再入院 η {watched.spec.optimizer.lr:g} {watched.spec.model.hidden[0]} ユニット",
            watched.context,
            {
                "判定": label,
                "学習損失": end.train_loss,
                "検証損失": end.validation_loss,
                "テスト正解率": first.test_accuracy,
            },
            first.seconds,
            run.rows,
        )
    derivative_patient.show(name, watched.specs, networks)
    code.show("derivatives", watched.specs)


def _is_preset(preset: lesson.Preset, spec: TableRunSpec) -> bool:
    return preset.values == _setting(spec.optimizer.lr, spec.training.epochs, spec.model.hidden[0])
