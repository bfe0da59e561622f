"""The one place where pages meet the engine: start a run, share it, watch it live, stop it."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.engine import MAX_UNFINISHED, Engine, Run, TooManyRuns
from core.specs import digest

POLL_EVERY_S = 0.5
_engine: Engine | None = None
_engine_lock = threading.Lock()


def engine() -> Engine:
    """Return the server's engine, starting it at the first call."""
    global _engine
    with _engine_lock:
        if _engine is None:
            _engine = Engine()
            _engine.start()
            atexit.register(close_engine)
    return _engine


def close_engine() -> None:
    """Stop the engine's processes."""
    global _engine
    with _engine_lock:
        closing, _engine = _engine, None
    if closing is not None:
        closing.close()


@dataclass(frozen=True)
class Watched:
    """A run that a page shows, the spec it was started with, and what the page keeps beside it."""

    spec: Any
    run: Run
    context: Any = None


def reader() -> str:
    """Return the name under which this browser session is known to the engine."""
    context = get_script_run_ctx()
    return context.session_id if context else "nobody"


@st.cache_resource(max_entries=200, show_spinner=False)
def _shared(name: str, _job: Callable[..., Any], _spec: Any, _by: str) -> Run:
    """Return the one run called ``name`` for all readers. Only specs come here, never a reader's data."""
    return engine().submit(_job, _spec, None, name=name, by=_by)


def start(slot: str, job: Callable[..., Any], spec: Any, data: Any = None, context: Any = None) -> None:
    """Start ``job`` on ``spec`` and show it in ``slot``; a run on the reader's own ``data`` stays theirs."""
    by = reader()
    previous = current(slot)
    if previous is not None and previous.spec != spec:
        previous.run.leave(by)
    try:
        if data is not None:
            run = engine().submit(job, spec, data, name=None, by=by)
        else:
            name = f"{job.__name__}-{digest(spec)}"
            run = _shared(name, job, spec, by)
            if run.done and (run.state != "finished" or run.asked_to_stop):
                _shared.clear(name)
                run = _shared(name, job, spec, by)
    except TooManyRuns:
        st.session_state[f"{slot}/refused"] = True
        return
    run.seen(by)
    st.session_state[slot] = Watched(spec=spec, run=run, context=context)


def current(slot: str) -> Watched | None:
    """Return what ``slot`` shows, if anything."""
    watched = st.session_state.get(slot)
    return watched if isinstance(watched, Watched) else None


def forget(slot: str) -> None:
    """Empty ``slot``; a run that nobody else watches stops."""
    watched = current(slot)
    if watched is not None:
        watched.run.leave(reader())
        del st.session_state[slot]


def show_refusal(slot: str) -> None:
    """Say so if the last start was one too many."""
    if st.session_state.pop(f"{slot}/refused", False):
        st.warning(
            f"同時に進められる学習は、おひとり {MAX_UNFINISHED} つまでです。"
            "進行中の学習が終わるか、停止してから、もう一度お試しください。"
        )


def live(slot: str, draw: Callable[[Watched], None], total: int) -> None:
    """Draw the run of ``slot`` every half second until it is done, with its progress and a stop button.

    ``draw`` gets the run; ``total`` is the number of epochs that it may take.
    """
    watched = current(slot)
    if watched is None:
        return
    every = None if watched.run.done else POLL_EVERY_S
    st.fragment(_watch, run_every=every)(slot, draw, total, polling=every is not None)


def _watch(slot: str, draw: Callable[[Watched], None], total: int, polling: bool) -> None:
    watched = current(slot)
    if watched is None:
        return
    run = watched.run
    if polling:
        if run.done:
            st.rerun()  # once, so that the whole page reads the result and the polling ends
        run.seen(reader())
    bar, button = st.columns([4, 1], vertical_alignment="bottom")
    with bar:
        share, text = _progress(run, total)
        st.progress(share, text=text)
    with button:
        if st.button(
            "停止", icon=":material/stop:", key=f"{slot}/stop", width="stretch", disabled=not polling
        ):
            _stop(slot, run)
    if run.restarts:
        st.info("計算プロセスが途中で止まったため、最初からやり直しました。同じ設定なら結果は変わりません。")
    draw(watched)


def _progress(run: Run, total: int) -> tuple[float, str]:
    if run.state == "preparing":
        return 0.0, "計算の準備をしています(数秒かかります)"
    if run.state == "queued":
        return 0.0, f"順番を待っています({run.place}番目に実行します)"
    rows = run.history
    if not rows:
        return 0.0, "終了しました" if run.done else "学習を始めています"
    last = rows[-1]
    if run.done:
        return last.number / total, f"{last.number} エポックで終了({last.seconds:.1f} 秒)"
    left = last.seconds / last.number * (total - last.number)
    return min(last.number / total, 1.0), f"エポック {last.number} / {total}(残り約{max(left, 1):.0f}秒)"


def _stop(slot: str, run: Run) -> None:
    if run.leave(reader()):
        st.rerun(scope="fragment")
    del st.session_state[slot]
    st.session_state[f"{slot}/left"] = True
    st.rerun()


def show_left(slot: str) -> None:
    """Say so if the reader left a run that goes on for others."""
    if st.session_state.pop(f"{slot}/left", False):
        st.info(
            "同じ設定の学習をほかの人も見ているため、計算は続けたまま、この画面での表示だけを終えました。"
        )
