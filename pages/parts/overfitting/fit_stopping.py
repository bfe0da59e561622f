"""Lesson 過学習と未学習, second experiment: early stopping, its counter, the best weights restored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.overfitting import fit_stopping_view as view
from pages.ui import code, compare, lesson, run_reading, runs, text
from pages.ui import side_by_side as parts

SLOT = "of_stop"
FULL_SLOT = "of_stop_full"
PAGE = "overfitting_stop"
CHOICES = ["10以下", "11〜20", "21〜40", "41以上"]
DELTAS = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1]


def _setting(patience: int, delta: float, epochs: int = 100) -> dict[str, Any]:
    return {"of_patience": patience, "of_delta": delta, "of_stop_epochs": epochs}


PRESETS = [
    lesson.Preset("既定(我慢 7)", _setting(7, 0.0)),
    lesson.Preset("我慢が短すぎる", _setting(1, 0.0)),
    lesson.Preset("改善幅が大きすぎる", _setting(7, 0.1)),
    lesson.Preset("我慢が長すぎる", _setting(30, 0.0, 50)),
]


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, str]:
    patience = st.slider("我慢(patience、回)", 1, 30, 7, key="of_patience", bind="query-params")
    delta = st.select_slider(
        "最小の改善幅 δ(min delta)",
        DELTAS,
        0.0,
        format_func=lambda v: f"{v:g}",
        key="of_delta",
        bind="query-params",
    )
    epochs = st.slider("最大エポック数", 20, 200, 100, step=10, key="of_stop_epochs", bind="query-params")
    mode: str = st.segmented_control(
        "乱数",
        lesson.SEEDS[:2],
        default=lesson.SEEDS[0],
        required=True,
        key="of_stop_seeds",
        bind="query-params",
    )
    with details.expander("詳しい設定"):
        wrong = st.slider("診断名の誤り(%)", 0, 40, 15, step=5, key="of_wrong", bind="query-params")
        hidden = st.select_slider(
            "隠れユニット数", [4, 16, 64, 256], 64, key="of_stop_hidden", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="of_stop_seed", bind="query-params")
    return TableRunSpec(
        table=TableSpec(name="markers", patients=1000, noise=wrong / 100),
        model=MLPSpec(hidden=(hidden,)),
        optimizer=OptimizerSpec(lr=1e-3),
        training=TrainingSpec(
            epochs=epochs, batch_size=32, seed=int(seed), patience=patience, min_delta=delta
        ),
    ), mode


@st.fragment
def _controls(question: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        spec, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "何エポック目の重みに戻ることになる?", CHOICES, (spec,))
    with button:
        run_reading.start_buttons(SLOT, SLOT, (spec,), mode, _describe)


def _describe(specs: tuple[TableRunSpec, ...]) -> dict[str, str]:
    (spec,) = specs
    return {
        "我慢": f"{spec.training.patience} 回",
        "δ": f"{spec.training.min_delta:g}",
        "診断名の誤り": f"{spec.table.noise:.0%}",
        "ユニット": str(spec.model.hidden[0]),
        "乱数": parts.seeds_told(specs),
    }


def show() -> None:
    """Train until the validation loss has not improved for a while, then go back to the best weights."""
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
                "20種類のバイオマーカーから疾患の有無を見分けます(模擬データ 1000 人、うち学習に 600 人)。"
                "検証損失が**我慢**の回数だけ続けて最良を更新できなければ学習をやめ、いちばんよかった重みに戻します。"
                "「学習開始」を押すと、我慢カウンターが動きます。",
                icon=":material/timer:",
            )
        else:
            runs.live(SLOT, _draw)
    if watched and watched.run.done:
        _result(watched)
    compare.show(PAGE)


def _draw(watched: runs.Watched) -> None:
    history = watched.run.history
    stopped = watched.run.done and bool(history)
    full = _continued(watched)
    on = full.run.history if full and full.run.done else []
    view.show_counter(watched.spec, history)
    view.show_curves(watched.spec, history, stopped, on)


def _never_stopping(spec: TableRunSpec) -> TableRunSpec:
    return replace(spec, training=replace(spec.training, patience=None, min_delta=0.0))


def _continued(watched: runs.Watched) -> runs.Watched | None:
    """Return the run of the same settings without early stopping, if there is one."""
    full = runs.current(FULL_SLOT)
    return full if full and full.spec == _never_stopping(watched.spec) else None


def _answer(result: TableRun) -> lesson.Answer:
    best = result.weights_epoch
    place = sum(best > edge for edge in (10, 20, 40))
    held = view.losses(result.history)
    return lesson.Answer(
        CHOICES[place], f"検証損失は {best} エポック目の {text.number(held[best - 1])} が最良でした。"
    )


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    (result,), spec = results, watched.spec
    full = _continued(watched)
    known: TableRun | None = full.run.result[0] if full and full.run.result else None
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(result))
    if result.ending == "stopped":
        st.info("途中で停止したので、早期終了の判断まで進んでいません。それまでの最良の重みに戻しています。")
    view.show_table(result, known)
    parts.whys(view.whys(spec, result, known))
    parts.points(view.sentences(spec, result, known))
    if known is None:
        _continue(watched, full)
    compare.pin_button(
        PAGE,
        f"我慢 {spec.training.patience} δ {spec.training.min_delta:g}",
        watched.context,
        {
            "戻した先": float(result.weights_epoch),
            "テスト損失(戻す)": round(result.test_loss, 4),
            "テスト損失(戻さない)": round(result.last_test_loss, 4),
            "テスト正解率": result.test_accuracy,
        },
        result.seconds,
        watched.run.rows,
    )
    view.show_formula(spec, result)
    code.show(SLOT, watched.specs)


def _continue(watched: runs.Watched, full: runs.Watched | None) -> None:
    """Offer the same training without early stopping: a run of its own, with the same numbers so far."""
    runs.show_notice(FULL_SLOT)
    if full is not None:
        runs.live(
            FULL_SLOT, lambda w: view.show_curves(watched.spec, watched.run.history, True, w.run.history)
        )
        return
    if st.button(
        f"止めずに {watched.epochs} エポックまで続けていたら?",
        icon=":material/fast_forward:",
        key="of_stop_full/start",
    ):
        runs.start(FULL_SLOT, jobs.perceptrons, (_never_stopping(watched.spec),))
        st.rerun()
