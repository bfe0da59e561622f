"""Lesson データ拡張: does it help? Five pairs of small networks on few pictures, and an honest verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import jobs
from core.history import TableRun
from core.specs import AugmentSpec, TableRunSpec
from pages.parts.augmentation import benefit_view as view
from pages.parts.augmentation import pairs
from pages.ui import code, compare, lesson, runs
from pages.ui import side_by_side as parts

SLOT = "au_b"
PAGE = "augmentation_benefit"
SEEDS, STEPS = 5, 5
RECIPE, FLIP, TURN = view.KINDS
KINDS = {kind: kind for kind in view.KINDS}
CHOICES = ["拡張ありが、5回とも高い", "はっきりした差はない", "拡張なしが、5回とも高い"]


def _setting(rows: int, kind: str, strength: float, epochs: int = 80) -> dict[str, Any]:
    slider = {"au_b_strength": strength} if kind == RECIPE else {}
    return {"au_b_rows": rows, "au_b_kind": kind, "au_b_epochs": epochs, **slider}


PRESETS = [
    lesson.Preset("少ない画像で", _setting(100, RECIPE, 1.0)),
    lesson.Preset("もっと少ない画像で", _setting(40, RECIPE, 1.0)),
    lesson.Preset("画像が十分にある", _setting(1000, RECIPE, 1.0)),
    lesson.Preset("強すぎる拡張", _setting(100, RECIPE, 4.0)),
    lesson.Preset("まちがった拡張", _setting(100, FLIP, 1.0)),
    lesson.Preset("学習が短すぎる", _setting(100, RECIPE, 2.0, 10)),
]


def _augment(kind: str, strength: float) -> AugmentSpec:
    if kind == FLIP:
        return AugmentSpec(flip=0.5)
    if kind == TURN:
        return AugmentSpec(upside_down=0.5)
    return AugmentSpec(
        degrees=round(8 * strength, 2),
        translate=round(0.03 * strength, 4),
        scale=round(0.08 * strength, 4),
        shear=round(8 * strength, 2),
        noise=round(0.15 * strength, 4),
    )


def _settings(details: DeltaGenerator) -> tuple[TableRunSpec, ...]:
    rows = st.select_slider(
        "学習に使う画像(枚)", [40, 60, 100, 200, 400, 1000], 100, key="au_b_rows", bind="query-params"
    )
    kind: str = parts.choice("拡張", KINDS, "au_b_kind")
    strength = 1.0
    if kind == RECIPE:
        strength = st.slider(
            "拡張の強さ", 0.5, 4.0, 1.0, 0.5, format="%.1f 倍", key="au_b_strength", bind="query-params"
        )
    augment = _augment(kind, float(strength))
    st.caption(view.told(augment))
    with details.expander("詳しい設定"):
        epochs = st.select_slider(
            "エポック数", [10, 20, 40, 80, 120], 80, key="au_b_epochs", bind="query-params"
        )
        seed = st.number_input("最初の乱数の種", 0, 9999, 0, key="au_b_seed", bind="query-params")
    seeds = range(int(seed), int(seed) + SEEDS)
    return pairs.pair_specs("digits", augment, rows, epochs, STEPS, 0.02, seeds)


@st.fragment
def _controls(question: DeltaGenerator, picture: DeltaGenerator) -> None:
    button, above, below = st.container(), st.container(), st.container()
    with above:
        specs = _settings(below)
    with question:
        lesson.predict(SLOT, "5つの種で比べると、最後のテスト正解率は?", CHOICES, specs)
    with button:
        parts.start(SLOT, f"{SEEDS}組 {len(specs)} 個を学習", jobs.perceptrons, specs, "")
    if runs.current(SLOT) is None:
        with picture:
            pairs.show_pictures(specs[1])
            st.info(
                "手書き数字を見分ける小さな CNN を、拡張なしと拡張ありの組にして、"
                f"種を変えて {SEEDS} 組学習します。"
                "組の2つは、同じ画像・同じ初期値・同じ更新回数です。",
                icon=":material/balance:",
            )


def show() -> None:
    """Train five pairs of networks on few pictures, and say only what the seeds support."""
    parts.experiment(SLOT, PAGE, PRESETS, controls=_controls, draw=_draw, result=_result)


def _draw(watched: runs.Watched) -> None:
    rows, epochs = watched.run.rows, watched.epochs
    pairs.show_bands(rows, epochs, True, "au_b/accuracy", view.COLOURS)
    pairs.show_bands(rows, epochs, False, "au_b/loss", view.COLOURS)
    st.caption(f"線は {SEEDS} つの種の平均、帯は最小から最大です。検証の画像は拡張していません。")


def _answer(results: Sequence[TableRun]) -> lesson.Answer:
    """Say which kind of network won, if one won every time."""
    gain = view.gains(results)
    wins, losses = int((gain > 0).sum()), int((gain < 0).sum())
    place = 0 if wins == len(gain) else 2 if losses == len(gain) else 1
    return lesson.Answer(CHOICES[place], view.verdict(results))


def _result(watched: runs.Watched) -> None:
    results = parts.results(watched)
    if results is None:
        return
    specs = watched.specs
    st.header("読み解き")
    lesson.score(SLOT, specs, lambda: _answer(results))
    left, right = st.columns([4, 5], gap="large")
    with left:
        view.show_pairs(results)
    with right:
        view.show_table(specs, results)
    parts.whys(view.whys(specs, results))
    parts.points(view.sentences(results))
    augment = pairs.augmentation(specs)
    without, changed = (float(np.mean(values)) for values in pairs.accuracies(results))
    wins = int((view.gains(results) > 0).sum())
    compare.pin_button(
        PAGE,
        f"{specs[0].table.train_rows} 枚 {view.short(augment)}",
        {
            "画像": f"{specs[0].table.train_rows} 枚",
            "拡張": view.short(augment),
            "乱数": parts.seeds_told(specs),
        },
        {
            "正解率(拡張なし)": round(without, 4),
            "正解率(拡張あり)": round(changed, 4),
            "拡張ありの勝ち": f"{wins}/{len(results) // 2}",
        },
        results[0].seconds + results[1].seconds,
        [row[1::2] for row in watched.run.rows],
    )
    view.show_formula(results)
    st.caption("下のコードは、1組目の2つの学習です。")
    code.show(SLOT, specs[:2])
