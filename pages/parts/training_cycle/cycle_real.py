"""Lesson 学習サイクル, second experiment: the same five lines, thousands of times, on real patients."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, with_seeds
from pages.parts.training_cycle import cycle_run
from pages.ui import code, compare, lesson, loss_view, run_reading, runs, text, verdict
from pages.ui.rules import OPTIMIZERS, RATES

PAGE = "training_cycle"
SLOT = "tc_run"
TABLES = {"乳腺腫瘍": "breast_cancer", "糖尿病": "diabetes"}
ABOUT = {
    "breast_cancer": "**乳腺腫瘍** — 穿刺吸引細胞診の画像で測った細胞核の特徴30項目から、"
    "悪性か良性かを見分けます"
    "(scikit-learn の breast cancer、569例)。",
    "diabetes": "**糖尿病** — 年齢・BMI・血圧など10項目から、1年後の進行度(点数)を予測します"
    "(scikit-learn の diabetes、442例)。",
}
LOSS_LABELS = {"breast_cancer": "損失(交差エントロピー)", "diabetes": "損失(MSE)"}
HIDDEN = [0, 4, 16, 64]


def _setting(optimizer: str, rate: float, epochs: int = 40) -> dict[str, Any]:
    """Return the controls of a preset: all that decides how its run ends, but data and seed."""
    return {
        "tc_optimizer": optimizer,
        "tc_run_rate": rate,
        "tc_run_epochs": epochs,
        "tc_hidden": 16,
        "tc_batch": 32,
    }


PRESETS = [
    lesson.Preset("ちょうどよい", _setting("SGD", 0.1)),
    lesson.Preset(
        "修正が小さすぎる",
        _setting("SGD", 1e-4),
        "学習率が小さく、1回の修正で重みがほとんど動きません。サイクルは回っているのに、予測が変わらない状態です。",
    ),
    lesson.Preset(
        "修正が大きすぎる",
        _setting("SGD+モメンタム", 1.0),
        "修正のたびに正解を飛び越え、外れが広がります。直す向きは正しくても、直す量が大きすぎます。",
    ),
    lesson.Preset(
        "エポックが足りない",
        _setting("SGD", 0.01, epochs=3),
        "学習率は妥当ですが、3エポックでは修正の回数が足りません。損失はまだ下がる途中です。",
    ),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    """Ask for the settings, the finer ones in ``details``.

    Returns the specs, and which random numbers to start them with.
    """
    table = st.segmented_control(
        "患者の表",
        list(TABLES),
        default=next(iter(TABLES)),
        required=True,
        key="tc_table",
        bind="query-params",
    )
    optimizer = st.segmented_control(
        "オプティマイザ", OPTIMIZERS, default="SGD", required=True, key="tc_optimizer", bind="query-params"
    )
    rate = st.select_slider(
        "学習率 η", RATES, 0.1, format_func=lambda v: f"{v:g}", key="tc_run_rate", bind="query-params"
    )
    epochs = st.slider("エポック数", 1, 100, 40, key="tc_run_epochs", bind="query-params")
    with details:
        mode = lesson.seeds("tc_seeds")
    with details.expander("詳しい設定"):
        hidden = st.select_slider(
            "隠れユニット数",
            HIDDEN,
            16,
            format_func=lambda v: f"{v}" if v else "なし",
            key="tc_hidden",
            bind="query-params",
        )
        batch = st.select_slider(
            "バッチサイズ",
            [1, 8, 32, 128],
            32,
            key="tc_batch",
            bind="query-params",
            help="1回の修正に使う患者の人数です。",
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="tc_seed", bind="query-params")
    names = {label: name for name, label in text.OPTIMIZER_LABELS.items()}
    spec = TableRunSpec(
        table=TableSpec(name=TABLES[table]),
        model=MLPSpec(hidden=(hidden,) if hidden else ()),
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
        lesson.predict(
            SLOT, "最後のエポックの学習損失は、最初のエポックの何%になる?", cycle_run.CHOICES, specs
        )
    with buttons:
        run_reading.start_buttons(SLOT, SLOT, specs, mode, _describe)


def _describe(specs: tuple[TableRunSpec, ...]) -> dict[str, str]:
    spec = specs[0]
    labels = {name: label for label, name in TABLES.items()}
    return {
        "データ": labels[spec.table.name],
        "オプティマイザ": text.OPTIMIZER_LABELS[spec.optimizer.name],
        "学習率": f"η {spec.optimizer.lr:g}",
        "隠れユニット": str(spec.model.hidden[0]) if spec.model.hidden else "なし",
        "バッチ": f"バッチ {spec.training.batch_size}",
        "乱数": f"種 {spec.training.seed}" + (f"〜{specs[-1].training.seed}" if len(specs) > 1 else ""),
    }


def show() -> None:
    """Train a network on a table of patients: the same cycle, for real."""
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
                "同じ5行を、本物の患者の表でくり返します。「学習開始」を押すと、損失の曲線が描かれます。\n\n"
                + "\n\n".join(ABOUT.values()),
                icon=":material/show_chart:",
            )
        else:
            log = st.toggle("縦軸を対数目盛にする", key="tc_log", bind="query-params")
            runs.live(SLOT, lambda w: loss_view.show(w, LOSS_LABELS[w.spec.table.name], log))
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _result(watched: runs.Watched) -> None:
    results, spec = run_reading.results(watched), watched.spec
    if results is None:
        return
    first = results[0]
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: cycle_run.answer(first))
    labels = [text.VERDICT_LABELS[verdict.read_run(result).verdict] for result in results]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(cycle_run.rounds(first, spec))
        run_reading.facts(results, labels)
    with right:
        why = next((p.why for p in PRESETS if p.why and _is_preset(p, spec)), "")
        if why:
            st.markdown(f"**なぜ** — {why}")
        end = first.history[-1]
        compare.pin_button(
            PAGE,
            f"{text.OPTIMIZER_LABELS[spec.optimizer.name]} η {spec.optimizer.lr:g}",
            watched.context,
            {
                "判定": labels[0],
                "学習損失": end.train_loss,
                "検証損失": end.validation_loss,
                "テスト損失": first.test_loss,
            },
            first.seconds,
            watched.run.rows,
        )
    cycle_run.formula(first, spec)
    code.show(PAGE, watched.specs)


def _is_preset(preset: lesson.Preset, spec: TableRunSpec) -> bool:
    label = text.OPTIMIZER_LABELS[spec.optimizer.name]
    (hidden,) = spec.model.hidden or (0,)
    return preset.values == {
        **_setting(label, spec.optimizer.lr, spec.training.epochs),
        "tc_hidden": hidden,
        "tc_batch": spec.training.batch_size,
    }
