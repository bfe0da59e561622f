"""Lesson データ拡張: an augmentation that changes the answer, and what it costs a trained network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import AugmentSpec, TableRunSpec
from pages.parts.augmentation import harm_view as view
from pages.parts.augmentation import harm_words as words
from pages.parts.augmentation import pairs
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "au_h"
PAGE = "augmentation_harm"
PICTURES = {"心臓の左右": "situs", "手書きの数字": "digits"}
LABELS = {name: label for label, name in PICTURES.items()}
FLIP, TURN, ROTATE, ERASE = view.KINDS
KINDS = {kind: kind for kind in view.KINDS}
EPOCHS = {"digits": 40, "situs": 20}
STEPS = 10  # updates an epoch, whatever the number of pictures
CHOICES = [
    "上がる(2ポイント以上)",
    "ほとんど変わらない",
    "2〜10ポイント下がる",
    "10〜30ポイント下がる",
    "30ポイント以上下がる",
]
EDGES = (-0.02, 0.02, 0.10, 0.30)


def _setting(pictures: str, kind: str, strength: int) -> dict[str, Any]:
    slider = {"au_h_degrees": strength} if kind == ROTATE else {"au_h_chance": strength}
    return {"au_h_pictures": pictures, "au_h_kind": kind, **slider}


PRESETS = [
    lesson.Preset("心臓の左右を反転", _setting("心臓の左右", FLIP, 50)),
    lesson.Preset("ときどきだけ反転", _setting("心臓の左右", FLIP, 20)),
    lesson.Preset("6と9を半回転", _setting("手書きの数字", TURN, 100)),
    lesson.Preset("半分だけ半回転", _setting("手書きの数字", TURN, 50)),
    lesson.Preset("害のない回転", _setting("心臓の左右", ROTATE, 10)),
    lesson.Preset("数字も少しの回転なら", _setting("手書きの数字", ROTATE, 10)),
]


def _augment(kind: str, strength: int) -> AugmentSpec:
    share = strength / 100
    made = {
        TURN: {"upside_down": share},
        FLIP: {"flip": share},
        ROTATE: {"degrees": float(strength)},
        ERASE: {"erase": share},
    }
    return AugmentSpec(**made[kind])


def _settings(details: DeltaGenerator) -> tuple[tuple[TableRunSpec, ...], str]:
    table: str = parts.choice("画像", PICTURES, "au_h_pictures")
    kind: str = parts.choice("拡張", KINDS, "au_h_kind")
    if kind == ROTATE:
        strength = st.slider(
            "回転の大きさ", 0, 90, 10, step=5, format="±%d°", key="au_h_degrees", bind="query-params"
        )
    else:
        strength = st.slider(
            "かける確率", 0, 100, 50, step=10, format="%d %%", key="au_h_chance", bind="query-params"
        )
    mode = lesson.seeds("au_h_seeds")
    with details.expander("詳しい設定"):
        rows = st.select_slider(
            "学習に使う画像(枚)", [60, 100, 200, 300], 200, key="au_h_rows", bind="query-params"
        )
        seed = st.number_input("乱数の種", 0, 9999, 0, key="au_h_seed", bind="query-params")
    seeds = range(int(seed), int(seed) + (5 if mode == lesson.SEEDS[2] else 1))
    augment = _augment(kind, int(strength))
    lr = 0.02 if table == "digits" else 0.01
    return pairs.pair_specs(table, augment, rows, EPOCHS[table], STEPS, lr, seeds), mode


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    button, above, below = st.container(), st.container(), st.container()
    with above:
        specs, mode = _settings(below)
    with question:
        lesson.predict(SLOT, "拡張すると、テストの正解率は?", CHOICES, specs)
    with button:
        parts.start(SLOT, "拡張なし・ありで学習", jobs.perceptrons, specs, mode)
    with picture:
        pairs.show_pictures(specs[1])
        if runs.current(SLOT) is None:
            st.info(
                "同じ画像・同じ初期値のネットワークを、拡張なしと拡張ありで学習し、"
                "**拡張していないテスト画像**で比べます。"
                "下の段の画像に、ラベルはまだ合っていますか?",
                icon=":material/flip:",
            )


def show() -> None:
    """Train with an augmentation that breaks the labels, and see which classes pay for it."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    pairs.show_bands(watched.run.rows, watched.epochs, True, "au_h/bands")
    several = "線は5つの種の平均、帯は最小から最大です。" if len(watched.specs) > 2 else ""
    st.caption(f"検証の画像は、どちらの学習でも拡張していません。{several}")


def _answer(results: Sequence[TableRun]) -> lesson.Answer:
    """Say by how much the accuracy changed."""
    without, changed = (float(np.mean(values)) for values in pairs.accuracies(results))
    place = sum(without - changed >= edge for edge in EDGES)
    mean = "(5つの種の平均)" if len(results) > 2 else ""
    return lesson.Answer(
        CHOICES[place],
        f"テストの正解率{mean}は、拡張なし {without:.1%}、拡張あり {changed:.1%}"
        f"({pairs.points(changed - without)})でした。",
    )


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    specs = watched.specs
    table = specs[0].table.name
    found = view.read(table, results)
    st.header("読み解き")
    lesson.score(SLOT, specs, lambda: _answer(results))
    left, right = st.columns(2, gap="large")
    with left:
        view.show_classes(found)
    with right:
        view.show_answers(found)
    parts.whys(words.whys(specs, found, results))
    parts.points(words.sentences(specs, found, results))
    augment = pairs.augmentation(specs)
    without, changed = (float(np.mean(values)) for values in pairs.accuracies(results))
    compare.pin_button(
        PAGE,
        f"{LABELS[table]} {view.told(augment)}",
        {"画像": LABELS[table], "拡張": view.told(augment), "乱数": parts.seeds_told(specs)},
        {
            "正解率(拡張なし)": round(without, 4),
            "正解率(拡張あり)": round(changed, 4),
            "最も下がった": found.answers[found.worst],
        },
        results[0].seconds + results[1].seconds,
        [row[1::2] for row in watched.run.rows],
    )
    words.show_formula(specs, found, results)
    code.show(SLOT, specs[:2])
