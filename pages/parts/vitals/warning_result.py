"""What the experiment on early warning shows after a run: how residuals become flags, and their worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core.early_warning_specs import WarningSpec
from core.specs import digest
from core.warning_rules import RuleSpec, combine, judge, level, outside, smooth, sweep
from core.warning_run import WarningRun
from core.warning_script import script
from pages.parts.vitals import warning_formula as formula
from pages.parts.vitals import warning_looks as looks
from pages.parts.vitals import warning_view as view
from pages.parts.vitals import warning_words as words
from pages.ui import compare, lesson, runs, workings
from pages.ui import side_by_side as parts

PAGE = "vitals_warning"
COMBINE = {"平均的な外れ": "rms", "最大の外れ": "max"}
LIMITS = {"NEWS2で3点の値": "news2", "CSVを読むときの目安": "import"}
LOOKS = {"この患者": looks.patient, "20人の成績": looks.population, "当たる割合": looks.value}
CLIP = 3.0


@dataclass(frozen=True)
class Choices:
    """How the reader wants flags to come about, and how to count them."""

    rule: RuleSpec
    threshold: float
    limits: str
    times: int
    within: int
    allowed: float


@st.cache_resource(max_entries=60, show_spinner=False)
def _seen(_run: WarningRun, _spec: WarningSpec, name: str, rule: RuleSpec) -> looks.Smoothed:  # noqa: ARG001
    """Smooth the residuals of a run; equal ``name`` and ``rule`` are smoothed once for all readers."""
    lead = _spec.cut.test.start - _spec.cut.calibration.start
    smoothed = smooth(_run.z, rule)[..., lead:, :]
    statistic = combine(smoothed, rule)
    return looks.Smoothed(statistic=statistic, own=smoothed[:, 0], swept=sweep(statistic[:, 1:], _spec))


def _choices() -> Choices:
    threshold = st.slider(
        "しきい値(ふだんの何倍の外れで目印を出すか)",
        1.0,
        8.0,
        3.0,
        step=0.1,
        format="%.1f",
        key="vw_threshold",
        bind="query-params",
    )
    minutes = st.select_slider(
        "残差をならす時間",
        [5, 15, 30, 60, 120],
        60,
        format_func=lambda minutes: f"{minutes}分",
        key="vw_minutes",
        bind="query-params",
    )
    together = parts.choice("5つの信号のまとめ方", COMBINE, "vw_combine")
    clipped = st.toggle(f"飛び値を ±{CLIP:g} 倍で頭打ち", True, key="vw_clip", bind="query-params")
    with st.expander("比べる相手と数え方"):
        limits = parts.choice("「範囲の外」の範囲", LIMITS, "vw_limits")
        st.caption(view.limits(limits))
        times = st.slider("範囲の外が何回続いたら目印にするか", 1, 6, 1, key="vw_times", bind="query-params")
        within = st.slider(
            "悪化から何時間以内なら「気づいた」とするか", 1, 12, 2, key="vw_within", bind="query-params"
        )
        allowed = st.select_slider(
            "そろえる誤った目印の数(回/24時間)",
            [0.5, 1.0, 2.0, 4.0],
            2.0,
            key="vw_allowed",
            bind="query-params",
        )
    rule = RuleSpec(minutes=minutes, combine=together, clip=CLIP if clipped else None)
    return Choices(rule, threshold, limits, times, within, allowed)


def show(watched: runs.Watched) -> None:
    """Read a run that is done."""
    if watched.run.result is None:
        st.info(watched.run.problem or "順番を待っているあいだに停止しました。学習は行われていません。")
        return
    (result,) = watched.run.result
    if not result.history:
        st.info("1エポックも終わらないうちに停止しました。")
        return
    st.header("読み解き")
    _reading(watched, result)


@st.fragment
def _reading(watched: runs.Watched, run: WarningRun) -> None:
    """Ask how flags come about, and show what they lead to. A fragment: the training is not touched."""
    spec: WarningSpec = watched.spec
    score = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        chosen = _choices()
    found = _found(spec, run, chosen)
    with score:
        lesson.score("vw_run", watched.specs, lambda: words.answer(found.levelled, chosen.allowed))
        up = float(found.flags[0][1:, 1].mean())
        parts.whys(words.whys(spec, chosen.rule, found.outcomes, up, found.levelled))
    with stage:
        view.label()
        look = lesson.part("見方", LOOKS, "vw_look")
        LOOKS[look](found)
    formula.show(spec, run, chosen.rule, found.seen.own[0, 0], chosen.threshold)
    code = script(
        spec,
        chosen.rule,
        threshold=chosen.threshold,
        limits=chosen.limits,
        times=chosen.times,
        within=chosen.within,
        allowed=chosen.allowed,
    )
    workings.script("vw_run", code, "early_warning")
    late = found.levelled.outcome.median_delay.tolist()
    compare.pin_button(
        PAGE,
        f"{words.SOURCES[spec.source]} {chosen.rule.minutes} 分",
        words.settings(spec, chosen.rule),
        {
            **dict(zip((f"気づくまで({name})" for name in view.NAMES), map(words.delay, late), strict=True)),
            "そろえた誤り(回/24時間)": chosen.allowed,
        },
        run.seconds,
        watched.run.rows,
    )


def _found(spec: WarningSpec, run: WarningRun, chosen: Choices) -> looks.Found:
    seen = _seen(run, spec, f"{digest(spec)}/{len(run.history)}/{run.ending}", chosen.rule)
    ranged = outside(run.readings[:, :, spec.cut.test.start :], chosen.limits, chosen.times)
    flags = (*(seen.statistic > np.float32(chosen.threshold)), ranged.any(axis=-1))
    return looks.Found(
        spec=spec,
        run=run,
        seen=seen,
        rule=chosen.rule,
        threshold=chosen.threshold,
        within=chosen.within,
        allowed=chosen.allowed,
        flags=flags,
        leading=(*np.abs(seen.own[:, 0]).argmax(axis=-1), ranged[0, 0].argmax(axis=-1)),
        outcomes=tuple(judge(each[1:], spec) for each in flags),
        levelled=level(seen.swept, chosen.allowed),
    )
