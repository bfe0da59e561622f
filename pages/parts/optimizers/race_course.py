"""Lesson オプティマイザ, first experiment: all optimizers on one landscape, from one start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import streamlit as st

from core import jobs
from core.landscape import LANDSCAPES, Path, PathSpec
from core.specs import OptimizerSpec, digest
from pages.parts.optimizers import race_formula, race_presets, race_script, race_view
from pages.parts.optimizers.race_presets import ALIKE, COURSES, EVEN, NEAR, NOBODY, RATES, SCALES, STEPS
from pages.parts.optimizers.race_view import LABELS, NAME_OF, NAMES
from pages.ui import lesson, runs, terrain, text

SLOT = "op_race"
GRID = 0.05  # of the sliders of the start, and so of a click
_GROUNDS = {text.LANDSCAPE_LABELS[name]: name for name in COURSES}


@st.cache_data(max_entries=200, show_spinner=False)
def _walk(name: str, _specs: tuple[PathSpec, ...]) -> tuple[Path, ...]:  # noqa: ARG001 - the key
    """Walk on the quick lane; equal races are walked once for all readers."""
    paths: tuple[Path, ...] = runs.engine().quick(jobs.descend, _specs, timeout=30)
    return paths


def _standing(spec: PathSpec) -> Path:
    """Return a walk that has not begun."""
    land = LANDSCAPES[spec.landscape]
    start = np.array([spec.start])
    return Path(positions=start, losses=land.value(start), gradients=land.gradient(start), ending="finished")


def _take_click() -> None:
    """Move the sliders of the start to where the reader has just clicked."""
    point = terrain.picked(SLOT)
    if point is None:
        return
    name = _GROUNDS.get(st.session_state.get("op_land", ""), next(iter(COURSES)))
    for key, value, (low, high) in zip(("op_x", "op_y"), point, LANDSCAPES[name].domain, strict=True):
        st.session_state[key] = float(np.clip(round(round(value / GRID) * GRID, 2), low, high))


def _suit() -> None:
    """Move start and rates to what suits the landscape just chosen."""
    st.session_state.update(race_presets.suited(_GROUNDS[st.session_state["op_land"]]))


def _settings() -> tuple[PathSpec, ...]:
    """Ask for the landscape, the start and the optimizers; a spec for each that takes part."""
    label = st.selectbox("地形", list(_GROUNDS), key="op_land", bind="query-params", on_change=_suit)
    name = _GROUNDS.get(label, next(iter(COURSES)))
    course = COURSES[name]
    start = [
        st.slider(axis, low, high, value, step=GRID, key=key, bind="query-params")
        for axis, (low, high), value, key in zip(
            ("出発点 w₁(横)", "出発点 w₂(縦)"),
            LANDSCAPES[name].domain,
            course.start,
            ("op_x", "op_y"),
            strict=True,
        )
    ]
    chosen = st.pills(
        "出場者", LABELS, selection_mode="multi", default=LABELS, key="op_who", bind="query-params", wrap=True
    )
    steps = st.select_slider("歩数", STEPS, 200, key="op_steps", bind="query-params")
    with st.expander("詳しい設定(学習率など)"):
        scale = st.select_slider(
            "全員の学習率を何倍にするか", SCALES, 1.0, format_func=_times, key="op_scale", bind="query-params"
        )
        rates = {
            who: st.select_slider(
                f"{text.OPTIMIZER_LABELS[who]} の学習率 η",
                RATES,
                course.rates[who],
                format_func=lambda v: f"{v:g}",
                key=f"op_r_{who}",
                bind="query-params",
            )
            for who in NAMES
        }
        beta = st.slider("モメンタム β", 0.0, 0.99, 0.9, step=0.01, key="op_beta", bind="query-params")
    return tuple(
        PathSpec(
            landscape=name,
            start=(float(start[0]), float(start[1])),
            optimizer=OptimizerSpec(name=who, lr=min(rates[who] * scale, 10.0), momentum=beta),
            steps=steps,
        )
        for who in NAMES
        if text.OPTIMIZER_LABELS[who] in chosen
    )


def _focus(specs: Sequence[PathSpec]) -> str:
    """Ask whose arrows and formulas to show; return its name, "" when nobody takes part."""
    if not specs:
        return ""
    options = [text.OPTIMIZER_LABELS[spec.optimizer.name] for spec in specs]
    usual = "Adam" if "Adam" in options else options[0]
    picked = st.selectbox(
        "矢印と数式で中身を見るのは",
        options,
        index=options.index(usual),
        key="op_focus",
        bind="query-params",
    )
    return NAME_OF[picked if picked in options else usual]


def _times(factor: float) -> str:
    return f"×{factor:g}"


@st.fragment
def show() -> None:
    """Let the reader choose a course and its runners, predict who ends lowest, and watch them."""
    _take_click()
    question = st.container()
    controls, stage = st.columns([1, 2], gap="large")
    with controls:
        button = st.container()
        specs = _settings()
        focus = _focus(specs)
        st.caption("試してみる設定:")
        lesson.presets(SLOT, race_presets.PRESETS)
        if specs:
            labels = [text.OPTIMIZER_LABELS[spec.optimizer.name] for spec in specs]
            with question:
                lesson.predict(
                    SLOT,
                    f"{specs[0].steps} 歩後に、いちばん低い所にいるのは?",
                    [*labels, EVEN, NOBODY],
                    specs,
                )
        if button.button(
            "レース開始",
            type="primary",
            icon=":material/sprint:",
            width="stretch",
            disabled=not specs,
            key="op_race/start",
        ):
            st.session_state["op_race/asked"] = specs
    with stage:
        if not specs:
            st.warning("「出場者」を1つ以上選んでください。")
            return
        paths = _asked(specs)
        _draw(specs, paths or tuple(_standing(spec) for spec in specs), focus, walked=bool(paths))
        if paths:
            race_view.show_losses(specs, paths)
    if paths:
        _tell(specs, paths, focus)


def _asked(specs: tuple[PathSpec, ...]) -> tuple[Path, ...]:
    """Return the walks if the reader has asked for them with these very settings."""
    if st.session_state.get("op_race/asked") != specs:
        return ()
    try:
        return _walk(digest(specs), specs)
    except TimeoutError:
        st.info("計算の準備をしています。数秒後にもう一度「レース開始」を押してください。")
        return ()


def _draw(specs: tuple[PathSpec, ...], paths: Sequence[Path], focus: str, walked: bool) -> None:
    walkers = []
    for spec, path in zip(specs, paths, strict=True):
        name = spec.optimizer.name
        arrows: dict[str, Any] = race_view.arrows(spec, path) if walked and name == focus else {}
        walkers.append(
            terrain.Walker(
                name=text.OPTIMIZER_LABELS[name],
                colour=race_view.COLOURS[name],
                path=replace(path, gradients=np.full_like(path.gradients, np.nan)),  # not in the panel
                arrows=arrows,
            )
        )
    land = text.LANDSCAPE_LABELS[specs[0].landscape]
    walkers.sort(key=lambda walker: bool(walker.arrows))  # on top of the others
    terrain.show(
        specs[0].landscape,
        walkers,
        steps=max(len(path.positions) for path in paths) - 1 if walked else 0,
        key=SLOT,
        alt_text=f"「{land}」の損失の地図と、同じ出発点から下る {len(specs)} つのオプティマイザ。",
        pick=True,
    )
    if not walked:
        st.info(
            "地図の上をクリック(タップ)すると、そこが出発点になります。"
            "予想を選んで「レース開始」を押してください。",
            icon=":material/touch_app:",
        )


def _answer(standings: list[race_view.Standing]) -> lesson.Answer:
    best = standings[0]
    if best.ending == "diverged":
        last = max(standing.diverged_at or 0 for standing in standings)
        return lesson.Answer(NOBODY, f"全員が {last} 歩目までに発散しました。")
    kept = [s for s in standings if s.ending != "diverged"]
    spread = kept[-1].gap - kept[0].gap
    if len(kept) > 1 and spread <= ALIKE and all(s.reached is None for s in kept):
        because = f"谷底に着いたものはありません。最小値との差は {race_view.small(best.gap)} から"
        because += f" {race_view.small(kept[-1].gap)} までで、ほとんど同じでした。"
        return lesson.Answer(EVEN, because)
    because = f"最小値との差は {text.OPTIMIZER_LABELS[best.name]} が {race_view.small(best.gap)}"
    if len(standings) > 1 and standings[1].ending != "diverged":
        second = standings[1]
        because += f"、次の {text.OPTIMIZER_LABELS[second.name]} が {race_view.small(second.gap)}"
    because += "でした。"
    if len(standings) > 1 and max(best.gap, standings[1].gap) <= race_view.FLOOR:
        because += (
            f"どちらも差が {race_view.small(race_view.FLOOR)} 以下なので、"
            "谷底の近くに先に着いたほうを上としました。"
        )
    return lesson.Answer(text.OPTIMIZER_LABELS[best.name], because)


def _tell(specs: tuple[PathSpec, ...], paths: tuple[Path, ...], focus: str) -> None:
    standings = race_view.rank(specs, paths, NEAR)
    lesson.score(SLOT, specs, lambda: _answer(standings))
    why = race_presets.why(specs, paths)
    if why:
        st.markdown(f"**なぜ** — {why}")
    race_view.table(standings, NEAR)
    at = next(i for i, spec in enumerate(specs) if spec.optimizer.name == focus)
    race_formula.show(specs[at].optimizer, paths[at])
    _source(specs)


def _source(specs: tuple[PathSpec, ...]) -> None:
    land = LANDSCAPES[specs[0].landscape]
    with st.expander("このレースとまったく同じ PyTorch のコード"):
        st.latex(land.latex)
        if land.source:
            st.caption(f"地形の出典: {land.source}")
        st.caption("実行すると、この画面と同じ終わりの位置と損失が表示されます。")
        st.download_button(
            "Python(.py)",
            race_script.script(specs),
            file_name=f"race_{specs[0].landscape}_{digest(specs)[:8]}.py",
            mime="text/x-python",
            icon=":material/download:",
            key="op_race/py",
            on_click="ignore",
        )
        st.code(race_script.script(specs), language="python", height=320)
