"""Lesson 過学習と未学習, first experiment: one data set, three capacities, trained side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.overfitting import fit_capacity_view as view
from pages.ui import code, compare, lesson, runs, text, verdict
from pages.ui import side_by_side as parts

SLOT = "of_capacity"
PAGE = "overfitting_capacity"
NAMES = view.NAMES
ALIKE = "ほぼ同じ"
CHOICES = [*NAMES, ALIKE]
CLOSE = 0.05  # of the lowest validation loss: less is the luck of 90 patients
PATIENTS, HELD_OUT = 300, 0.3
SMALL, MIDDLE = (), (8, 8)
LARGE: dict[str, tuple[int, ...]] = {
    "16×2層": (16, 16),
    "64×3層": (64, 64, 64),
    "128×3層": (128, 128, 128),
    "256×2層": (256, 256),
}


def _setting(rows: int, noise: float, large: str, epochs: int) -> dict[str, Any]:
    return {"of_rows": rows, "of_noise": noise, "of_large": large, "of_epochs": epochs}


PRESETS = [
    lesson.Preset("既定", _setting(40, 0.3, "128×3層", 600)),
    lesson.Preset("患者を増やす", _setting(120, 0.3, "128×3層", 600)),
    lesson.Preset("少人数で雑音が多い", _setting(24, 0.6, "128×3層", 600)),
    lesson.Preset("早く切り上げすぎる", _setting(40, 0.3, "128×3層", 50)),
]


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    rows = st.slider("学習に使う患者数(人)", 20, 120, 40, step=4, key="of_rows", bind="query-params")
    noise = st.slider("体温の雑音(標準偏差 ℃)", 0.0, 0.6, 0.3, step=0.1, key="of_noise", bind="query-params")
    large = st.select_slider(
        "「大」の容量(ユニット×層)", list(LARGE), "128×3層", key="of_large", bind="query-params"
    )
    mode = lesson.seeds("of_seeds")
    with details.expander("詳しい設定"):
        epochs = st.select_slider(
            "エポック数", [50, 100, 200, 400, 600, 1000], 600, key="of_epochs", bind="query-params"
        )
        ward = st.number_input("患者の乱数の種", 0, 9999, 3, key="of_ward", bind="query-params")
        seed = st.number_input("重みの乱数の種", 0, 9999, 0, key="of_seed", bind="query-params")
    table = TableSpec(
        name="wave",
        patients=PATIENTS,
        noise=round(noise, 1),
        validation=HELD_OUT,
        test=HELD_OUT,
        train_rows=rows,
        seed=int(ward),
    )
    return tuple(
        TableRunSpec(
            table=table,
            model=MLPSpec(hidden=hidden, activation="tanh"),
            optimizer=OptimizerSpec(lr=0.01),
            training=TrainingSpec(epochs=epochs, batch_size=128, seed=int(seed) + repeat),
        )
        for repeat in range(5 if mode == lesson.SEEDS[2] else 1)
        for hidden in (SMALL, MIDDLE, LARGE[large])
    ), mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    above, button, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "最後の検証損失がいちばん低いのは?", CHOICES, specs)
    with button:
        parts.start(SLOT, "3つを同時に学習", jobs.curved_perceptrons, specs, mode)
    if runs.current(SLOT) is None:
        with picture:
            view.show_patients(specs[0].table)
            st.info(
                "3日間の体温の波(模擬)を、容量(表せる形の多さ)の違う3つのネットワークに、"
                "同じ患者たちのデータから覚えさせます。"
                f"{view.describe(specs)}。",
                icon=":material/show_chart:",
            )


def show() -> None:
    """Fit a temperature curve with networks that are too simple, about right, and far too large."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    frames, table = watched.run.frames, watched.spec.table
    if watched.run.done:
        view.play(table, frames)
    else:
        view.show_latest(table, frames)
        st.caption("いまの曲線です。学習が終わると、エポックごとに再生できます。")
    parts.curves(
        watched.run.rows,
        NAMES,
        view.COLOURS,
        epochs=watched.epochs,
        title="損失(MSE、対数目盛)",
        alt_text="3つのネットワークの、エポックごとの損失。実線が検証、破線が学習。",
        log=True,
        height=230,
    )
    several = "(5つの種の中央値)" if len(watched.specs) > len(NAMES) else ""
    st.caption(f"実線は検証損失、破線は学習損失です{several}。単位は、標準化した体温の2乗です。")


def _answer(results: tuple[TableRun, ...]) -> lesson.Answer:
    """Say which network ends with the lowest validation loss."""
    ends = {
        name: float(np.median([parts.validation_losses(result)[-1] for result in results[i :: len(NAMES)]]))
        for i, name in enumerate(NAMES)
    }
    first, second = sorted(ends, key=ends.__getitem__)[:2]
    seeds = "(5シードの中央値)" if len(results) > len(NAMES) else ""
    because = f"最後の検証損失{seeds}は、{parts.ranked(ends)} でした。"
    if ends[second] - ends[first] < CLOSE * ends[first]:
        return lesson.Answer(ALIKE, because + f"「{first}」と「{second}」の差は {CLOSE:.0%} 未満です。")
    return lesson.Answer(first, because)


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    st.header("読み解き")
    lesson.score(SLOT, watched.specs, lambda: _answer(results))
    readings = [verdict.read_run(result) for result in results]
    count = len(NAMES)
    specs, first, three = watched.specs[:count], results[:count], readings[:count]
    view.show_table(specs, first, three)
    parts.whys(view.whys(specs, first, three))
    parts.points(view.sentences(specs, first, three))
    if len(results) > count:
        for place, name in enumerate(NAMES):
            labels = "、".join(text.VERDICT_LABELS[reading.verdict] for reading in readings[place::count])
            st.markdown(f"- 「{name}」の5つの種の判定は、順に {labels} でした。")
    table = watched.spec.table
    compare.pin_button(
        PAGE,
        f"「大」{view.shape(watched.specs[2].model)} {table.train_rows} 人",
        {
            "患者数": f"{table.train_rows} 人",
            "雑音": f"{table.noise:g} ℃",
            "乱数": parts.seeds_told(watched.specs),
        },
        {
            key: value
            for name, result, reading in zip(NAMES, first, three, strict=True)
            for key, value in (
                (f"判定({name})", text.VERDICT_LABELS[reading.verdict]),
                (f"検証損失({name})", round(parts.validation_losses(result)[-1], 4)),
            )
        },
        first[2].seconds,
        [row[2:3] for row in watched.run.rows],
    )
    view.show_formula(specs, first, three[2])
    code.show(SLOT, specs)
