"""Lesson 学習率, second experiment: a real network, from far too small a rate to far too large a one."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TrainingSpec, with_seeds
from pages.ui import code, compare, lesson, loss_view, run_reading, runs, text, verdict
from pages.ui.rules import OPTIMIZERS, RATES, latex

SLOT = "rate_run"
CHOICES = ["収束した", "遅すぎる", "振動している", "発散した", "過学習", "その他"]


def _setting(optimizer: str, rate: float) -> dict[str, Any]:
    """Return the controls of a preset: all that decides how its run ends, but the seed."""
    return {
        "optimizer": optimizer,
        "rate": rate,
        "rate_epochs": 60,
        "rate_hidden": 16,
        "rate_batch": 32,
    }


PRESETS = [
    lesson.Preset("ちょうどよい", _setting("Adam", 1e-3)),
    lesson.Preset(
        "少なすぎる用量",
        _setting("SGD", 1e-4),
        "1回の修正が小さすぎて、このエポック数では損失がほとんど下がりません。"
        "エポック数を増やせば下がりますが、時間がかかります。",
    ),
    lesson.Preset(
        "多すぎる用量",
        _setting("SGD+モメンタム", 1.0),
        "修正が谷を飛び越え、飛び越えた先の急な坂がさらに大きな修正を生みます。"
        "これがくり返されて、重みが数値として表せない大きさになります。",
    ),
    lesson.Preset(
        "覚え込みすぎる用量",
        _setting("Adam", 1e-2),
        "速く学べる用量では、学習データのたまたまの偏りまで早く覚え込みます。"
        "検証損失が上がり始めたところが、やめどきです。",
    ),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    """Ask for the settings, the finer ones in ``details``.

    Returns the specs, and which random numbers to start them with.
    """
    optimizer = st.segmented_control(
        "オプティマイザ", OPTIMIZERS, default="Adam", required=True, key="optimizer", bind="query-params"
    )
    rate = st.select_slider(
        "学習率 η", RATES, 1e-3, format_func=lambda v: f"{v:g}", key="rate", bind="query-params"
    )
    st.caption("Adam では、まず 0.001 か 0.0001 から試すのが定番です。")
    epochs = st.slider("エポック数", 10, 200, 60, step=10, key="rate_epochs", bind="query-params")
    with details:
        mode = lesson.seeds("seeds")
    with details.expander("詳しい設定"):
        hidden = st.select_slider(
            "隠れユニット数", [4, 8, 16, 32, 64], 16, key="rate_hidden", bind="query-params"
        )
        batch = st.select_slider(
            "バッチサイズ", [8, 16, 32, 64, 128], 32, key="rate_batch", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="rate_seed", bind="query-params")
    names = {label: name for name, label in text.OPTIMIZER_LABELS.items()}
    spec = TableRunSpec(
        model=MLPSpec(hidden=(hidden,)),
        optimizer=OptimizerSpec(name=names[optimizer], lr=rate),
        training=TrainingSpec(epochs=epochs, batch_size=batch, seed=int(seed)),
    )
    return with_seeds(spec, 5 if mode == lesson.SEEDS[2] else 1), mode


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    above, buttons, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "この学習は、どう終わるでしょう?", CHOICES, specs)
    with buttons:
        run_reading.start_buttons(SLOT, "rate", specs, mode, _describe)


def _describe(specs: tuple[TableRunSpec, ...]) -> dict[str, str]:
    spec = specs[0]
    seeds = f"種 {spec.training.seed}" + (f"〜{specs[-1].training.seed}" if len(specs) > 1 else "")
    return {
        "オプティマイザ": text.OPTIMIZER_LABELS[spec.optimizer.name],
        "学習率": f"η {spec.optimizer.lr:g}",
        "ユニット": f"{spec.model.hidden[0]} ユニット",
        "バッチ": f"バッチ {spec.training.batch_size}",
        "乱数": seeds,
    }


def show() -> None:
    """Train a perceptron on the breast cancer table at the reader's learning rate."""
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
                "乳腺腫瘍の細胞核の特徴30項目から悪性か良性かを見分けるネットワークを学習させます"
                "(scikit-learn の breast cancer、569例)。「学習開始」を押すと、損失の曲線が描かれます。",
                icon=":material/show_chart:",
            )
        else:
            log = st.toggle("縦軸を対数目盛にする", key="rate_log", bind="query-params")
            runs.live(SLOT, lambda w: loss_view.show(w, "損失(交差エントロピー)", log))
    if watched and watched.run.done:
        _result(watched)
    compare.show("learning_rate")


def _result(watched: runs.Watched) -> None:
    results = run_reading.results(watched)
    if results is None:
        return
    first = results[0]
    readings = [verdict.read_run(result) for result in results]
    reading = readings[0]
    label = text.VERDICT_LABELS[reading.verdict]
    choice = label if label in CHOICES else "その他"
    st.header("読み解き")
    sentence = verdict.sentence(reading)
    lesson.score(SLOT, watched.specs, lambda: lesson.Answer(choice, f"判定は「{label}」。{sentence}"))
    left, right = st.columns(2, gap="large")
    with left:
        run_reading.facts(results, [text.VERDICT_LABELS[r.verdict] for r in readings])
    with right:
        why = next((p.why for p in PRESETS if p.why and _is_preset(p, watched.spec)), "")
        if why:
            st.markdown(f"**なぜ** — {why}")
        end = first.history[-1]
        compare.pin_button(
            "learning_rate",
            f"{text.OPTIMIZER_LABELS[watched.spec.optimizer.name]} η {watched.spec.optimizer.lr:g}",
            watched.context,
            {
                "判定": label,
                "学習損失": end.train_loss,
                "検証損失": end.validation_loss,
                "テスト正解率": first.test_accuracy,
            },
            first.seconds,
            watched.run.rows,
        )
    _formula(first, watched.spec)
    code.show("learning_rate", watched.specs)


def _formula(result: TableRun, spec: TableRunSpec) -> None:
    """Show loss and update rule with the numbers of the run."""
    end = result.history[-1]
    with st.expander("数式で見る(この学習の数字)"):
        loss = math.nan if end.validation_loss is None else end.validation_loss
        value = f"{loss:.4f}" if math.isfinite(loss) else r"\text{計算不能}"
        st.markdown("損失(交差エントロピー)は、正解のクラスに与えた確率 p の対数から計算します。")
        st.latex(
            rf"L = -\frac{{1}}{{N}}\sum_i \log p_i = {value}"
            rf"\qquad (N = {result.rows[1]},\ \text{{検証}},\ {end.number}\ \text{{エポック}})"
        )
        st.markdown("重みは、1つのミニバッチごとに勾配と逆の向きへ動きます。")
        per_epoch = -(-result.rows[0] // spec.training.batch_size)
        st.latex(latex(spec.optimizer.name) + rf"\qquad \eta = {end.lr:g}")
        st.latex(
            rf"\lceil {result.rows[0]} / {spec.training.batch_size} \rceil \times {end.number}"
            rf" = {per_epoch * end.number}\ \text{{回の修正}}"
        )


def _is_preset(preset: lesson.Preset, spec: TableRunSpec) -> bool:
    label = text.OPTIMIZER_LABELS[spec.optimizer.name]
    (hidden,) = spec.model.hidden
    return preset.values == {
        **_setting(label, spec.optimizer.lr),
        "rate_epochs": spec.training.epochs,
        "rate_hidden": hidden,
        "rate_batch": spec.training.batch_size,
    }
