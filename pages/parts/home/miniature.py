"""A network that learns on the first page, trained once for everybody; then its film plays in the browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st

from core import jobs
from core.playground import setting
from core.run import Run
from core.specs import digest
from pages.parts.home import miniature_film as film
from pages.ui import plane_view, runs

_PLAYED = setting("circle", hidden=(8,), activation="tanh", lr=0.02, epochs=40, batch_size=16)
SPEC = replace(_PLAYED, table=replace(_PLAYED.table, patients=240))
HOUSE = "home"  # who asks for the run, so that it takes the place of none of a reader's own
MOST_LOOKS = 240  # of one opening, should the engine be out of reach
_LOOKS, _ENDED = "hm_looks", "hm_ended"


def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


_stage = st.components.v2.component(
    "lab_miniature",
    html=_read("miniature.html"),
    css=_read("miniature.css"),
    js=plane_view.SCRIPT + _read("miniature.js"),
)


@st.cache_resource(show_spinner=False)
def house_run() -> Run:
    """Return the one run of the miniature, asked for once by this server."""
    return runs.engine().submit(jobs.mapped_perceptrons, (SPEC,), None, name=f"home-{digest(SPEC)}", by=HOUSE)


def show() -> None:
    """Draw the miniature; only while it trains, look again and again. Never waits."""
    given_up = st.session_state.pop(_ENDED, False)
    run = house_run()
    if _broken(run) and not given_up:
        house_run.clear()
        run = house_run()
    st.session_state[_LOOKS] = 0
    pace = runs.POLL_EVERY_S if not (run.done or given_up) else None
    st.fragment(_draw, run_every=pace)(run, pace, given_up)


def _draw(run: Run, pace: float | None, given_up: bool) -> None:
    st.session_state[_LOOKS] = looks = st.session_state.get(_LOOKS, 0) + 1
    if pace is not None and (run.done or looks > MOST_LOOKS):
        st.session_state[_ENDED] = not run.done or _broken(run)
        st.rerun()  # once: the page is drawn without asking again
    run.seen(HOUSE)
    looks_into = len(film.kept_frames(run))
    data = film.message(SPEC, None, 0, True) if given_up else film.message(SPEC, run, looks_into, run.done)
    _stage(key="hm_stage", data=data)


def _broken(run: Run) -> bool:
    """Say whether the run ended without what it was for."""
    return run.done and (run.state != "finished" or run.asked_to_stop)
