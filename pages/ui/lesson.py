"""The anatomy that every lesson shares: its goal, the reader's prediction, its glossary, what comes next."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from core.specs import digest
from pages.ui import teaching, text

MAX_GUESSES = 50
NAMED = 8  # terms in the title of the glossary
_OPENED, _NOW = "lessons/opened", "lessons/now"


def opened() -> dict[str, bool]:
    """Return the lessons that this session has opened, by title, and whether an answer was checked there."""
    lessons: dict[str, bool] = st.session_state.setdefault(_OPENED, {})
    return lessons


def header(title: str, goal: str, analogy: str) -> None:
    """Show the title, what the reader will be able to say afterwards, and the analogy in one sentence."""
    opened().setdefault(title, False)
    st.session_state[_NOW] = title
    st.title(title)
    st.markdown(goal)
    st.caption(f":material/stethoscope: {analogy}")
    teaching.welcome()


def part(label: str, parts: Collection[str], key: str) -> str:
    """Ask which of the named ``parts`` of a page to show, the first one at the beginning.

    ``label`` is for those who do not see the row of names.
    """
    chosen: str = st.segmented_control(
        label,
        list(parts),
        default=next(iter(parts)),
        required=True,
        key=key,
        bind="query-params",
        label_visibility="collapsed",
    )
    return chosen


@dataclass(frozen=True)
class Answer:
    """What a run has shown: the right choice, and the sentence with the number that decides it."""

    choice: str
    because: str


def predict(slot: str, question: str, choices: Sequence[str], about: object) -> None:
    """Ask for a prediction before the run. It may be skipped; settings that change (``about``) ask again."""
    name = digest(about)
    guesses: dict[str, str] = st.session_state.setdefault(f"{slot}/guesses", {})
    known = guesses.get(name)
    with st.container(border=True):
        guess = st.radio(
            f"予想: {question}",
            choices,
            index=choices.index(known) if known in choices else None,
            horizontal=True,
            key=f"{slot}/guess/{name}",
        )
        if guess is not None:
            teaching.answered(f"{slot}/{name}/{question}", choices, guess)
    if guess is not None and guess != known:
        guesses[name] = guess
        while len(guesses) > MAX_GUESSES:
            del guesses[next(iter(guesses))]


SEEDS = ["同じ初期値", "新しい乱数", "5シード"]


def seeds(key: str) -> str:
    """Ask which random numbers to use: the seed as set, a new one at each start, or five together."""
    mode: str = st.segmented_control(
        "乱数", SEEDS, default=SEEDS[0], required=True, key=key, bind="query-params"
    )
    return mode


def seeded(slot: str, specs: tuple[Any, ...], mode: str) -> tuple[Any, ...]:
    """Return the specs to start: with 「新しい乱数」 a seed drawn now, and the prediction made for them."""
    if mode != SEEDS[1]:
        return specs
    seed = random.randrange(10_000)
    drawn = tuple(replace(spec, training=replace(spec.training, seed=seed)) for spec in specs)
    guesses = st.session_state.get(f"{slot}/guesses", {})
    if digest(specs) in guesses:
        guesses[digest(drawn)] = guesses[digest(specs)]
    return drawn


def score(slot: str, about: object, answer: Callable[[], Answer]) -> None:
    """Compare the prediction made for ``about`` with what its run has shown; say nothing if none was made."""
    guess = st.session_state.get(f"{slot}/guesses", {}).get(digest(about))
    shown = answer()
    if _NOW in st.session_state:
        opened()[st.session_state[_NOW]] = True
    if guess is None:
        st.markdown(f"**結果**: 正解は「{shown.choice}」でした。{shown.because}")
    elif guess == shown.choice:
        st.success(f"**予想どおりです。** {shown.because}", icon=":material/check_circle:")
    else:
        st.info(
            f"**予想は「{guess}」、結果は「{shown.choice}」でした。** {shown.because}",
            icon=":material/lightbulb:",
        )


@dataclass(frozen=True)
class Preset:
    """A named setting of the controls; ``why`` explains, after the run, one that fails."""

    label: str
    values: dict[str, Any]
    why: str = ""


def presets(slot: str, choices: Sequence[Preset], note: Callable[[Preset], None] | None = None) -> None:
    """Offer settings to try; pressing one moves the controls, whose keys are those of ``values``."""

    def apply(preset: Preset) -> None:
        for key, value in preset.values.items():
            if not teaching.fixes(key):
                st.session_state[key] = value
        if note is not None:
            note(preset)

    with st.container(horizontal=True, gap="small"):
        for number, preset in enumerate(choices):
            st.button(preset.label, key=f"{slot}/preset/{number}", on_click=apply, args=(preset,))


def footer(
    papers: Sequence[str],
    terms: Sequence[str],
    previous: tuple[str, str] | None = None,
    following: tuple[str, str] | None = None,
) -> None:
    """Close a lesson: glossary, papers, neighbours (page file and title), and what it is not for."""
    st.divider()
    more = len(terms) - NAMED
    named = "、".join(terms[:NAMED]) + (f" ほか{more}語" if more > 0 else "")
    with st.expander(f"用語: {named}", icon=":material/menu_book:"):
        st.markdown("\n\n".join(f"**{term}** — {text.GLOSSARY[term]}" for term in terms))
    st.caption("文献: " + " / ".join(papers))
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if previous:
            st.page_link(previous[0], label=f"前: {previous[1]}", icon=":material/arrow_back:")
        if following:
            st.page_link(following[0], label=f"次: {following[1]}", icon=":material/arrow_forward:")
    st.caption(text.EDUCATIONAL)
