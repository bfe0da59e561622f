"""Dropout, third part: a network trained for real, whose eval() is forgotten when it is used."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import dropout_script, jobs
from core.dropout import REPEATS, Jitter
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec, digest
from pages.parts.regularization import dropout_forget_reading as reading
from pages.parts.regularization import dropout_forget_view as view
from pages.ui import code, compare, lesson, loss_view, runs, workings
from pages.ui import side_by_side as parts

SLOT = "rg_o_forget"
PAGE = "regularization_dropout"
FORGOTTEN, CALLED = "忘れる(train() のまま)", "呼ぶ"
DECAYS = [0.0, 1e-5, 1e-4, 1e-3, 1e-2]


def _setting(p: float, eval_: str = FORGOTTEN) -> dict[str, Any]:
    return {"rg_o_rate": p, "rg_o_eval": eval_, "rg_o_decay": 1e-4, "rg_o_epochs": 50}


PRESETS = [
    lesson.Preset("既定(p = 0.5、忘れる)", _setting(0.5)),
    lesson.Preset("p = 0.1 で忘れる", _setting(0.1)),
    lesson.Preset("p = 0.9 は休みすぎ", _setting(0.9)),
    lesson.Preset("eval() を呼ぶ", _setting(0.5, CALLED)),
]


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, str]:
    p = st.slider("休む確率 p", 0.0, 0.9, 0.5, step=0.1, key="rg_o_rate", bind="query-params")
    mode: str = st.segmented_control(
        "乱数",
        lesson.SEEDS[:2],
        default=lesson.SEEDS[0],
        required=True,
        key="rg_o_seeds",
        bind="query-params",
    )
    with details.expander("詳しい設定"):
        epochs = st.slider("エポック数", 10, 100, 50, step=10, key="rg_o_epochs", bind="query-params")
        decay = st.select_slider(
            "重み減衰(weight_decay)",
            DECAYS,
            1e-4,
            format_func=lambda v: f"{v:g}",
            key="rg_o_decay",
            bind="query-params",
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="rg_o_run_seed", bind="query-params")
    return TableRunSpec(
        table=TableSpec(name="markers"),
        model=MLPSpec(hidden=reading.HIDDEN, dropout=round(float(p), 1)),
        optimizer=OptimizerSpec(name="adam", lr=1e-3, weight_decay=float(decay)),
        training=TrainingSpec(epochs=int(epochs), batch_size=32, seed=int(seed)),
    ), mode


def _guesses(forgotten: bool) -> str:
    """Name the slot of the predictions, which are made for either way of using the network."""
    return SLOT if forgotten else f"{SLOT}_called"


@st.fragment
def _controls(question: DeltaGenerator, forgotten: bool) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        spec, mode = _settings(below)
    specs: tuple[TableRunSpec, ...] = (spec,)
    with question:
        lesson.predict(
            _guesses(forgotten),
            f"テスト 200 人を {REPEATS} 回ずつ予測すると、診断が一度でもひっくり返る患者は?",
            reading.CHOICES,
            specs,
        )
    with button:
        if st.button(
            "学習開始", type="primary", icon=":material/play_arrow:", width="stretch", key=f"{SLOT}/start"
        ):
            specs = lesson.seeded(_guesses(forgotten), specs, mode)
            runs.start(SLOT, jobs.perceptrons, specs)
            st.rerun()
        watched = runs.current(SLOT)
        if watched and watched.specs != specs and mode != lesson.SEEDS[1]:
            st.caption("表示中の結果は変更前の設定のものです。もう一度押すと、いまの設定で学習し直します。")


def show() -> None:
    """Train with dropout, then predict the same patients again and again, with and without eval()."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        forgotten: bool = parts.choice(
            "予測の前に model.eval() を", {FORGOTTEN: True, CALLED: False}, "rg_o_eval"
        )
        _controls(question, forgotten)
        parts.presets(SLOT, PRESETS)
    with stage:
        runs.show_notice(SLOT)
        watched = runs.current(SLOT)
        if watched is None:
            first, second = reading.HIDDEN
            st.info(
                "20種類のバイオマーカーから疾患の有無を見分けるネットワーク"
                f"(20 – {first} – {second} – 2)を、ドロップアウトつきで学習します"
                "(模擬データ 1000 人、うち学習に 600 人、テストに 200 人)。"
                f"学習が終わったら、同じテスト患者を {REPEATS} 回ずつ予測させて、"
                "答えがどれだけ変わるかを測ります。",
                icon=":material/vital_signs:",
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched, forgotten)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    loss_view.show(watched, "損失(交差エントロピー)")
    st.caption("学習損失は休みながら(train())、検証損失は全員が働いて(eval())計算した値です。")


@st.cache_resource(max_entries=50, show_spinner=False)
def _jitter(name: str, _spec: TableRunSpec, _weights: dict[str, Any]) -> Jitter:  # noqa: ARG001 - the key
    """Measure on the quick lane; the same trained network is measured once for all readers."""
    found: Jitter = runs.engine().quick(jobs.jitter, _spec, _weights, timeout=30)
    return found


def _result(watched: runs.Watched, forgotten: bool) -> None:
    results = parts.results(watched)
    if results is None:
        return
    (result,), spec = results, watched.spec
    try:
        name = f"{digest(spec)}/{watched.run.key}/{len(result.history)}"
        found = _jitter(name, spec, result.weights)
    except TimeoutError:
        st.info(workings.WAIT)
        return
    st.header("読み解き")
    lesson.score(_guesses(forgotten), watched.specs, lambda: reading.answer(found, forgotten))
    parts.whys(reading.whys(spec, result, found, forgotten))
    patients = view.chosen(found)
    left, right = st.columns(2, gap="large")
    with left:
        view.show_patients(found, patients, forgotten)
    with right:
        view.show_accuracies(found, forgotten)
    view.show_table(found, patients, forgotten)
    parts.points(reading.sentences(spec, found))
    _pin(watched, result, found)
    reading.formula(spec, found, int(patients[len(patients) // 2]))
    if result.ending == "finished":
        workings.script(f"{SLOT}_script", dropout_script.jitter(spec), "dropout_eval")
    code.show(SLOT, watched.specs)


def _pin(watched: runs.Watched, result: TableRun, found: Jitter) -> None:
    spec = watched.spec
    accuracies = found.accuracies(found.forgotten)
    compare.pin_button(
        PAGE,
        f"p = {spec.model.dropout:g}",
        {
            "p": f"{spec.model.dropout:g}",
            "重み減衰": f"{spec.optimizer.weight_decay:g}",
            "乱数": parts.seeds_told(watched.specs),
        },
        {
            "検証損失": round(parts.validation_losses(result)[-1], 4),
            "正解率(eval)": result.test_accuracy,
            "正解率(忘れたときの平均)": round(float(accuracies.mean()), 4),
            "ゆれの標準偏差(中央値)": round(float(np.median(found.spreads(found.forgotten))), 4),
            "診断が変わった患者": float((found.changed > 0).sum()),
        },
        result.seconds,
        watched.run.rows,
    )
