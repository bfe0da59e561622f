"""Lesson 学習率, first experiment: three doses side by side on a landscape with a local minimum."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.landscape import LANDSCAPES, Path, PathSpec, outcome
from core.specs import OptimizerSpec, digest
from pages.parts.learning_rate import rate_view
from pages.ui import lesson, runs, text

LANDSCAPE = "two_valleys_1d"
RATES = [0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0]
DEFAULTS = (0.0001, 0.01, 1.5)
STEPS = 200
SLOT = "doses"
CHOICES = ["小", "中", "大", "どれも同じ"]


@st.cache_data(max_entries=200, show_spinner=False)
def _walk(name: str, _specs: tuple[PathSpec, ...]) -> tuple[Path, ...]:  # noqa: ARG001 - the key
    """Walk the doses on the quick lane; equal settings are walked once for all readers."""
    paths: tuple[Path, ...] = runs.engine().quick(jobs.descend, _specs, timeout=30)
    return paths


def _answer(paths: tuple[Path, ...]) -> lesson.Answer:
    """Say which dose ended lowest, among those that did not diverge."""
    ends = {
        name: float(path.losses[-1])
        for name, path in zip(rate_view.DOSES, paths, strict=True)
        if path.ending == "finished"
    }
    if not ends:
        return lesson.Answer("どれも同じ", "3つとも発散しました。")
    best = min(ends, key=ends.__getitem__)
    ranked = "、".join(f"{name} {text.number(loss)}" for name, loss in ends.items())
    if max(ends.values()) - min(ends.values()) < 1e-6 and len(ends) > 1:
        return lesson.Answer("どれも同じ", f"{STEPS} 歩後の損失に差がありませんでした({ranked})。")
    lost = "(発散したものは除きます)" if len(ends) < len(paths) else ""
    return lesson.Answer(best, f"{STEPS} 歩後の損失は、{ranked} でした{lost}。")


@st.fragment
def show() -> None:
    """Let the reader choose three doses and a start, predict, and watch them walk."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        start = st.slider("出発点 w", -4.0, 4.0, -3.5, step=0.1, key="from", bind="query-params")
        rates = [
            st.select_slider(
                f"{name}(学習率 η)",
                RATES,
                default,
                format_func=lambda v: f"{v:g}",
                key=key,
                bind="query-params",
            )
            for name, default, key in zip(
                rate_view.DOSES, DEFAULTS, ("small", "middle", "large"), strict=True
            )
        ]
        specs = tuple(
            PathSpec(
                landscape=LANDSCAPE,
                start=(float(start),),
                optimizer=OptimizerSpec(name="sgd", lr=lr),
                steps=STEPS,
            )
            for lr in rates
        )
        with question:
            lesson.predict(SLOT, f"{STEPS} 歩後に、いちばん低い所にいるのは?", CHOICES, specs)
        if st.button(
            "走らせる", type="primary", icon=":material/play_arrow:", width="stretch", key="doses/start"
        ):
            st.session_state["doses/asked"] = specs
        st.caption("試してみる設定:")
        lesson.presets(
            SLOT,
            [
                lesson.Preset(
                    "既定の3用量",
                    dict(zip(("small", "middle", "large"), DEFAULTS, strict=True)) | {"from": -3.5},
                ),
                lesson.Preset("浅い谷から出発", {"from": 3.5}),
                lesson.Preset("大きめの用量", {"small": 0.1, "middle": 0.5, "large": 1.0}),
            ],
        )
    with stage:
        if st.session_state.get("doses/asked") != specs:
            rate_view.show_start(specs[0])
            st.info(
                "予想を選んで「走らせる」を押すと、3つの点が坂を下り始めます。", icon=":material/play_arrow:"
            )
            return
        try:
            paths = _walk(digest(specs), specs)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後にもう一度「走らせる」を押してください。")
            return
        rate_view.show_doses(specs, paths)
        lesson.score(SLOT, specs, lambda: _answer(paths))
        for name, spec, path in zip(rate_view.DOSES, specs, paths, strict=True):
            st.markdown("- " + rate_view.dose_sentence(name, spec, path))
        _explain(specs, paths)


def _explain(specs: tuple[PathSpec, ...], paths: tuple[Path, ...]) -> None:
    spec, path = specs[1], paths[1]
    with st.expander("数式で見る(「中」の最初の1歩)"):
        st.latex(LANDSCAPES[LANDSCAPE].latex)
        after = float(path.positions[1, 0]) if len(path.positions) > 1 else float("nan")
        rate_view.formula(spec.optimizer.lr, float(path.gradients[0, 0]), float(path.positions[0, 0]), after)
    if outcome(paths[1], LANDSCAPES[LANDSCAPE]) == "local":
        st.caption(
            "学習率がちょうどよくても、出発点しだいで浅い谷に落ち着くことがあります。"
            "勾配だけを頼りに下る方法には、その谷の先にもっと深い谷があることは見えません。"
        )
