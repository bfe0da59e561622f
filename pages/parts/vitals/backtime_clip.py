"""Lesson RNN, gradients through time: a training that explodes, and the same one with clipping."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import backtime_script, jobs
from core.backtime import training_windows
from core.backtime_clip import ClipRun, ClipSpec, pair
from core.specs import OptimizerSpec, TrainingSpec
from pages.parts.vitals import backtime_clip_reading as reading
from pages.parts.vitals import backtime_clip_view as view
from pages.parts.vitals.backtime_cells import pin, seeds_told
from pages.ui import lesson, run_reading, runs, workings
from pages.ui import side_by_side as parts

SLOT = "vb_clip"
PAGE = "vitals_clip"
LIMITS = [0.001, 0.01, 0.1, 0.3, 1.0, 3.0, 10.0]


def _setting(scale: float, limit: float, lr: float = 0.1, length: int = 60) -> dict[str, Any]:
    return {"vb_c_scale": scale, "vb_c_limit": limit, "vb_c_lr": lr, "vb_c_length": length}


PRESETS = [
    lesson.Preset("爆発と、上限 1", _setting(2.0, 1.0)),
    lesson.Preset("爆発しない", _setting(1.0, 1.0)),
    lesson.Preset("上限が小さすぎる", _setting(2.0, 0.001)),
    lesson.Preset("上限が大きすぎる", _setting(2.5, 10.0, lr=0.3)),
]


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    limit = st.select_slider(
        "勾配クリッピングの上限",
        LIMITS,
        1.0,
        format_func=lambda v: f"{v:g}",
        key="vb_c_limit",
        bind="query-params",
    )
    scale = st.select_slider(
        "最初の W_hh に掛ける倍率",
        [1.0, 1.5, 2.0, 2.5, 3.0],
        2.0,
        format_func=lambda v: f"×{v:g}",
        key="vb_c_scale",
        bind="query-params",
    )
    button = st.container()
    with st.expander("詳しい設定"):
        mode = lesson.seeds("vb_c_seeds")
        length = st.select_slider(
            "窓の長さ T(点)", [10, 30, 60, 100], 60, key="vb_c_length", bind="query-params"
        )
        lr = st.select_slider(
            "学習率 η(SGD)",
            [0.01, 0.03, 0.1, 0.3],
            0.1,
            format_func=lambda v: f"{v:g}",
            key="vb_c_lr",
            bind="query-params",
        )
        epochs = st.slider("エポック数", 10, 80, 40, step=10, key="vb_c_epochs", bind="query-params")
        seed = st.number_input("乱数の種", 0, 9999, 0, key="vb_c_seed", bind="query-params")
    spec = ClipSpec(
        length=length,
        scale=scale,
        optimizer=OptimizerSpec(name="sgd", lr=lr),
        training=TrainingSpec(epochs=epochs, seed=int(seed)),
    )
    specs = pair(spec, limit, 5 if mode == lesson.SEEDS[2] else 1)
    with question:
        lesson.predict(SLOT, "クリッピングなしの SimpleRNN は?", reading.CHOICES, specs)
    with button:
        parts.start(SLOT, "なし・ありを同時に学習", jobs.clipped, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            st.info(
                "W_hh を大きくした SimpleRNN に、例題の波を SGD で学ばせます。"
                "同じ初期値から、クリッピングなしとありを並べ、更新ごとの勾配の長さを記録します。",
                icon=":material/content_cut:",
            )


def show() -> None:
    """Train from the same weights without and with clipping, and record every update."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _updates(spec: ClipSpec) -> int:
    windows = len(training_windows(spec.length))
    return -(-windows // spec.training.batch_size) * spec.training.epochs


def _draw(watched: runs.Watched) -> None:
    run = watched.run
    view.show(run.rows, run.frames, watched.specs, _updates(watched.spec))


def _result(watched: runs.Watched) -> None:
    results: tuple[ClipRun, ...] | None = cast(Any, run_reading.results(watched))
    if results is None:
        return
    clipped = watched.specs[reading.CLIPPED]
    longest = clipped.training.clip or 1.0
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: reading.answer(clipped, results))
    reading.show_table(results, longest)
    parts.whys(reading.whys(clipped, results))
    parts.points(reading.sentences(clipped, results))
    pin(
        PAGE,
        view.NAMES,
        {
            "倍率": f"W_hh ×{clipped.scale:g}",
            "上限": f"上限 {longest:g}",
            "学習率": f"η {clipped.optimizer.lr:g}",
            "乱数": seeds_told([spec.training for spec in watched.specs]),
        },
        [
            {"上限を超えた割合": round(one.clipped(longest), 3), "更新回数": float(len(one.norms))}
            for one in results[:2]
        ],
        watched.run.rows,
    )
    reading.show_formula(clipped, results[reading.CLIPPED])
    workings.script(SLOT, backtime_script.clipped(watched.specs), "gradient_clipping")
