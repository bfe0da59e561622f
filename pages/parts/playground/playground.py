"""Lesson 活性化関数: a playground, where a network of one's own learns to tell two classes on a plane."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core import jobs
from core.specs import TableRunSpec
from pages.parts.playground import (
    playground_presets,
    playground_result,
    playground_settings,
    playground_stage,
)
from pages.ui import compare, lesson, loss_view, run_reading, runs

PAGE = SLOT = playground_result.PAGE
REFRESH_S = 0.125


def show() -> None:
    """Let the reader build a network, predict, and watch its decision map while it trains."""
    _play()
    watched = runs.current(SLOT)
    if watched and watched.run.done:
        playground_result.formula(watched)
    compare.show(PAGE)


@st.fragment
def _play() -> None:
    top = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    stage = st.container()
    reading, details = st.columns([3, 2], gap="large")
    with details:
        st.caption("試してみる設定:")
        lesson.presets(SLOT, playground_presets.PRESETS)
    chosen = playground_settings.choose(top, details)
    if chosen is None:
        return
    specs, mode = chosen.specs, chosen.mode
    with top:
        run_reading.start_buttons(
            SLOT, "pg", specs, mode, playground_settings.describe, jobs.mapped_perceptrons
        )
    watched = runs.current(SLOT)
    shown = watched if watched and (watched.run.busy or _same(watched.specs, specs, mode)) else None
    with reading, st.container(horizontal=True, gap="medium"):
        test = st.toggle("テスト患者も表示", key="pg_test", bind="query-params")
        discrete = st.toggle("2色に塗り分ける", key="pg_discrete", bind="query-params")
    with stage:
        if shown is None:
            st.fragment(_before)(specs, test, discrete)
        else:
            runs.live(
                SLOT,
                lambda w: playground_stage.show(SLOT, w.spec, w, test=test, discrete=discrete),
                REFRESH_S,
            )
    with reading:
        if watched is None:
            st.info(
                "2つの検査値 A、B から、病気の有無を見分けるネットワークです"
                "(模擬データ、500 人。A、B は標準化した値)。"
                "「学習開始」を押すと、地図が塗り分けられていく様子が見られます。",
                icon=":material/map:",
            )
            return
        if len(watched.specs) > 1:
            st.caption("地図とネットワークは、1つ目の種のものです。損失は5つの中央値と幅です。")
        busy = watched.run.busy
        st.fragment(_losses, run_every=runs.POLL_EVERY_S if busy else None)()
        if watched.run.done:
            playground_result.show(watched)


def _before(specs: tuple[TableRunSpec, ...], test: bool, discrete: bool) -> None:
    """Ask for a prediction above the stage. Laid out like a run, so that the same stage goes on with it."""
    with st.container():
        lesson.predict(SLOT, playground_result.QUESTION, playground_result.CHOICES, specs)
    with st.container():
        runs.show_notice(SLOT)
    playground_stage.show(SLOT, specs[0], None, test=test, discrete=discrete)


def _losses() -> None:
    watched = runs.current(SLOT)
    if watched:
        loss_view.show(watched, "損失(交差エントロピー)")


def _same(one: tuple[TableRunSpec, ...], other: tuple[TableRunSpec, ...], mode: str) -> bool:
    """Say whether two settings are the same, but for the seed where that is drawn at each start."""
    if mode != lesson.SEEDS[1]:
        return one == other
    return [_unseeded(spec) for spec in one] == [_unseeded(spec) for spec in other]


def _unseeded(spec: TableRunSpec) -> TableRunSpec:
    return replace(spec, training=replace(spec.training, seed=0))
