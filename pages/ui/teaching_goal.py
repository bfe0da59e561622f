"""The goal of a teacher's link, checked against the reader's own runs."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator

import streamlit as st

from core.class_link import ClassLink, Goal
from pages.ui import runs, teaching, text

LOOK_EVERY_S = 2.0
NEAR = 0.25  # of the goal: closer than this is 「あと少し」
BEST = "tl_best"


def written(goal: Goal) -> str:
    """Write a goal: 「検証損失を 0.4 以下に」."""
    side = "以上" if goal.accuracy else "以下"
    return f"{text.GOAL_LABELS[goal.metric]}を {_number(goal, goal.value)} {side}に"


def _number(goal: Goal, value: float) -> str:
    return f"{100 * value:.4g}%" if goal.accuracy else f"{value:.4g}"


def show(link: ClassLink) -> None:
    """Show the goal and how close the reader's runs have come, again and again while one is under way."""
    if link.goal is None:
        return
    arrived: dict[str, list[weakref.ref[runs.Watched]]] = st.session_state.setdefault(teaching.ARRIVED, {})
    if link.id not in arrived:  # what was trained elsewhere, or before, does not count
        arrived[link.id] = [weakref.ref(watched) for watched in _watched()]
    pace = LOOK_EVERY_S if _busy(link) else None
    st.fragment(_check, run_every=pace)(link, link.goal, pace)


def _watched() -> list[runs.Watched]:
    return [value for value in st.session_state.values() if isinstance(value, runs.Watched)]


def _counted(link: ClassLink) -> list[runs.Watched]:
    before = [ref() for ref in st.session_state.get(teaching.ARRIVED, {}).get(link.id, [])]
    return [watched for watched in _watched() if not any(watched is other for other in before)]


def _busy(link: ClassLink) -> bool:
    return any(watched.run.busy for watched in _counted(link))


def _check(link: ClassLink, goal: Goal, pace: float | None) -> None:
    if (pace is not None) != _busy(link):
        st.rerun()  # once, so that looking begins or ends
    best = _best(link, goal)
    asked = f"**目標: {written(goal)}** — "
    if best is None:
        st.info(f"{asked}学習すると、その結果をここで確かめます。", icon=":material/flag:")
    elif goal.reached(best):
        st.success(f"{asked}達成しました。いまの最良 {_number(goal, best)}", icon=":material/check_circle:")
    else:
        near = abs(best - goal.value) <= NEAR * goal.value
        told = "あと少しです" if near else "まだ届いていません"
        st.info(f"{asked}{told}: いまの最良 {_number(goal, best)}", icon=":material/flag:")


def _best(link: ClassLink, goal: Goal) -> float | None:
    """Return the best value of all counted runs so far; one that was reset stays counted."""
    bests: dict[str, float] = st.session_state.setdefault(BEST, {})
    values = [value for watched in _counted(link) for value in _values(watched, goal.metric)]
    if link.id in bests:
        values.append(bests[link.id])
    if not values:
        return None
    bests[link.id] = max(values) if goal.accuracy else min(values)
    return bests[link.id]


def _values(watched: runs.Watched, metric: str) -> Iterator[float]:
    """Yield the numbers called ``metric``: those of epochs so far, or those of results."""
    run = watched.run
    found = run.result if metric.startswith("test") else [epoch for row in run.rows for epoch in row]
    for one in found if isinstance(found, (list, tuple)) else ():
        value = getattr(one, metric, None)
        if isinstance(value, (int, float)) and math.isfinite(value):
            yield float(value)
