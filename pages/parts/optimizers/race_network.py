"""Lesson オプティマイザ, second experiment: the same ones on a real network, five seeds each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TrainingSpec, with_seeds
from core.update_rules import RULES, for_every_rule
from pages.parts.optimizers import race_formula, race_result
from pages.parts.optimizers.race_view import LABELS, NAMES
from pages.ui import code, compare, lesson, runs, text
from pages.ui.rules import RATES

SLOT = "op_net"
SEEDS = 5
TUNED = for_every_rule({"sgd": 0.1, "momentum": 0.01, "adagrad": 0.01, "rmsprop": 0.001, "adam": 0.003})
DEFAULT_OF_TORCH = {name: RULES[name].lr for name in NAMES}
_RATES = sorted({*RATES, *DEFAULT_OF_TORCH.values()})


def _preset(label: str, rates: dict[str, float], why: str = "") -> lesson.Preset:
    usual: dict[str, Any] = {"op_net_who": list(LABELS), "op_net_epochs": 60, "op_net_batch": 32}
    return lesson.Preset(label, usual | {f"op_n_{name}": rate for name, rate in rates.items()}, why)


PRESETS = (
    _preset("それぞれに合う学習率", TUNED),
    _preset(
        "全員 0.001",
        dict.fromkeys(NAMES, 0.001),
        "同じ η でも、1歩の長さはまるで違います。SGD の1歩は η × 勾配ですが、"
        "RMSprop や Adam の1歩は勾配の大きさで割るため、ほぼ η そのものです。"
        "勾配が小さいこの課題では、0.001 は SGD には小さすぎます。",
    ),
    _preset(
        "全員 1.0",
        dict.fromkeys(NAMES, 1.0),
        "モメンタムは、同じ向きの勾配が続くと1歩が最大で 1/(1 − β) = 10 倍に伸びます。"
        "そのため、SGD なら持ちこたえる学習率でも行き過ぎます。"
        "適応的な方法では、どの重みも毎回 1 近く動くため、損失が高い所まで飛ばされます。",
    ),
    _preset(
        "PyTorch の既定値のまま",
        DEFAULT_OF_TORCH,
        "既定値は、どの課題にも合う値ではありません。方法ごとに桁の違う学習率を使っているので、"
        "この順位は方法の優劣よりも、学習率がこの課題に合ったかどうかを映しています。",
    ),
)


def _settings() -> tuple[TableRunSpec, ...]:
    """Ask who takes part and for how long; a spec for each seed of each."""
    chosen = st.pills(
        "出場者",
        LABELS,
        selection_mode="multi",
        default=LABELS,
        key="op_net_who",
        bind="query-params",
        wrap=True,
    )
    epochs = st.slider("エポック数", 10, 120, 60, step=10, key="op_net_epochs", bind="query-params")
    with st.expander("詳しい設定(学習率など)"):
        rates = {
            name: st.select_slider(
                f"{text.OPTIMIZER_LABELS[name]} の学習率 η",
                _RATES,
                TUNED[name],
                format_func=lambda v: f"{v:g}",
                key=f"op_n_{name}",
                bind="query-params",
            )
            for name in NAMES
        }
        batch = st.select_slider(
            "バッチサイズ", [8, 16, 32, 64, 128], 32, key="op_net_batch", bind="query-params"
        )
        hidden = st.select_slider(
            "隠れユニット数", [4, 8, 16, 32, 64], 16, key="op_net_hidden", bind="query-params"
        )
        seed = st.number_input("最初の乱数の種", 0, 9999, 0, key="op_net_seed", bind="query-params")
    specs: list[TableRunSpec] = []
    for name in NAMES:
        if text.OPTIMIZER_LABELS[name] in chosen:
            spec = TableRunSpec(
                model=MLPSpec(hidden=(hidden,)),
                optimizer=OptimizerSpec(name=name, lr=rates[name]),
                training=TrainingSpec(epochs=epochs, batch_size=batch, seed=int(seed)),
            )
            specs += with_seeds(spec, SEEDS)
    return tuple(specs)


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    button = st.container()
    specs = _settings()
    st.caption("試してみる設定:")
    lesson.presets(SLOT, PRESETS)
    if not specs:
        st.warning("「出場者」を1つ以上選んでください。")
    else:
        labels = [text.OPTIMIZER_LABELS[name] for name in race_result.members(specs)]
        with question:
            lesson.predict(
                SLOT,
                "最後の検証損失(5シードの中央値)がいちばん低いのは?",
                [*labels, race_result.EVEN],
                specs,
            )
    if button.button(
        f"{len(specs)} 個を同時に学習",
        type="primary",
        icon=":material/sprint:",
        width="stretch",
        disabled=not specs,
        key="op_net/start",
    ):
        runs.start(SLOT, jobs.perceptrons, specs)
        st.rerun()
    watched = runs.current(SLOT)
    if watched and watched.specs != specs:
        st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def show() -> None:
    """Train all optimizers on the breast cancer table together, and rank them with their spread."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        _controls(question)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            st.info(
                "乳腺腫瘍の細胞核の特徴30項目から悪性か良性かを見分けるネットワーク(569例)を、"
                f"{len(NAMES)}つの方法で学習させます。"
                "それぞれ5つの乱数の種で学習し、中央値を線、最小から最大までを帯で描きます。"
                "本物の学習では、勾配はミニバッチごとの推定値なので、いつも少しゆれています。",
                icon=":material/sprint:",
            )
        else:
            with st.container(horizontal=True, gap="medium"):
                training = st.toggle("学習損失で見る", key="op_net_train", bind="query-params")
                log = st.toggle("縦軸を対数目盛にする", value=True, key="op_net_log", bind="query-params")
            runs.live(SLOT, lambda w: race_result.draw(w, not training, log))
    if watched and watched.run.done:
        _result(watched)
    compare.show("optimizers")


def _result(watched: runs.Watched) -> None:
    run = watched.run
    if run.result is None:
        st.info(run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    results: tuple[TableRun, ...] = run.result
    if not results[0].history:
        st.info("1エポックも終わらないうちに停止しました。")
        return
    st.header("読み解き")
    standings = race_result.rank(watched.specs, results)
    lesson.score(SLOT, watched.specs, lambda: race_result.answer(standings))
    race_result.table(standings)
    race_result.facts(standings)
    why = next((p.why for p in PRESETS if p.why and _is_preset(p, watched.specs)), "")
    if why:
        st.markdown(f"**なぜ** — {why}")
    _pin(watched, standings)
    _formula(watched.specs, results)
    code.show("optimizers", watched.specs)


def _is_preset(preset: lesson.Preset, specs: Sequence[TableRunSpec]) -> bool:
    """Say whether a run was started with the rates of a preset."""
    return len(specs) == len(NAMES) * SEEDS and all(
        preset.values[f"op_n_{spec.optimizer.name}"] == spec.optimizer.lr for spec in specs
    )


def _pin(watched: runs.Watched, standings: Sequence[race_result.Standing]) -> None:
    """Offer to keep the curves of one of the runners."""
    by_label = {text.OPTIMIZER_LABELS[s.name]: s for s in standings}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("比較に残すオプティマイザ", list(by_label), key="op_net/pinned", width=260)
        chosen = by_label.get(label, standings[0])
        first = watched.specs[chosen.places[0]]
        compare.pin_button(
            "optimizers",
            f"{text.OPTIMIZER_LABELS[chosen.name]} η {chosen.lr:g}",
            {
                "オプティマイザ": text.OPTIMIZER_LABELS[chosen.name],
                "学習率": f"η {chosen.lr:g}",
                "バッチ": f"バッチ {first.training.batch_size}",
                "ユニット": f"{first.model.hidden[0]} ユニット",
            },
            {"検証損失(中央値)": chosen.median, "最小": chosen.low, "最大": chosen.high},
            chosen.seconds,
            [tuple(row[place] for place in chosen.places) for row in watched.run.rows],
        )


def _formula(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """Show each rule with its learning rate, and how many updates they all made."""
    with st.expander("数式で見る(この学習の規則)"):
        for name in race_result.members(specs):
            spec = next(s for s in specs if s.optimizer.name == name)
            st.markdown(f"**{text.OPTIMIZER_LABELS[name]}**")
            for line in race_formula.rule(spec.optimizer):
                st.latex(line)
        size, rows = specs[0].training.batch_size, results[0].rows[0]
        epochs = max(len(result.history) for result in results)
        st.markdown("どの方法も、同じ回数だけ重みを修正しました。")
        st.latex(
            rf"\lceil {rows} / {size} \rceil \times {epochs} = {race_result.updates(rows, size) * epochs}"
        )
