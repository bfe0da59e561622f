"""The one place where pages meet the engine: start a run, share it, watch it live, pause it, stop it."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.engine import MAX_UNFINISHED, Engine, TooManyRuns
from core.history import elapsed
from core.run import Run
from core.specs import SpecError, digest

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
    """A run that a page shows, the specs it was started with, and what the page keeps beside it."""

    specs: tuple[Any, ...]
    run: Run
    job: Callable[..., Any]
    context: Any = None

    @property
    def spec(self) -> Any:
        """Return the first spec, which the others differ from in learning rate, schedule or seed."""
        return self.specs[0]

    @property
    def epochs(self) -> int:
        """Return how many epochs the run may take."""
        epochs: int = self.spec.training.epochs
        return epochs


def reader() -> str:
    """Return the name under which this browser session is known to the engine."""
    context = get_script_run_ctx()
    return context.session_id if context else "nobody"


@st.cache_resource(max_entries=200, show_spinner=False)
def _shared(name: str, _job: Callable[..., Any], _specs: tuple[Any, ...], _by: str) -> Run:
    """Return the one run called ``name`` for all readers. Only specs come here, never a reader's data."""
    return engine().submit(_job, _specs, None, name=name, by=_by)


def _name(job: Callable[..., Any], specs: tuple[Any, ...]) -> str:
    return f"{job.__name__}-{digest(specs)}"


def start(
    slot: str,
    job: Callable[..., Any],
    specs: tuple[Any, ...],
    data: Any = None,
    context: Any = None,
    one_epoch: bool = False,
) -> None:
    """Start ``job`` on ``specs`` and show it in ``slot``.

    A run on the reader's own ``data``, and one that goes epoch by epoch, stays theirs; any other is
    shared with all who ask for the same specs. A run that would cost too much is not begun; the page says so.
    """
    from core.cost import require_affordable  # here, where a run is asked for: a first page does without it

    by = reader()
    try:
        require_affordable(specs, len(data.values) if data is not None else None)
    except SpecError as error:
        st.session_state[f"{slot}/notice"] = str(error)
        return
    previous = current(slot)
    if previous is not None and (previous.specs != specs or one_epoch):
        previous.run.leave(by)
    try:
        if data is not None or one_epoch:
            pause_after = 1 if one_epoch else None
            run = engine().submit(job, specs, data, name=None, by=by, pause_after=pause_after)
        else:
            name = _name(job, specs)
            run = _shared(name, job, specs, by)
            if run.state == "paused" or (run.done and (run.state != "finished" or run.asked_to_stop)):
                _shared.clear(name)
                run = _shared(name, job, specs, by)
    except TooManyRuns:
        st.session_state[f"{slot}/notice"] = _TOO_MANY
        return
    run.seen(by)
    st.session_state[slot] = Watched(specs=specs, run=run, job=job, context=context)


_TOO_MANY = (
    f"同時に進められる学習は、おひとり {MAX_UNFINISHED} つまでです。"
    "進行中の学習が終わるか、停止してから、もう一度お試しください。"
)


def current(slot: str) -> Watched | None:
    """Return what ``slot`` shows, if anything."""
    watched = st.session_state.get(slot)
    return watched if isinstance(watched, Watched) else None


def show_notice(slot: str) -> None:
    """Show, once, what the last press of a button has to tell."""
    notice = st.session_state.pop(f"{slot}/notice", None)
    if notice:
        st.warning(notice)


def live(slot: str, draw: Callable[[Watched], None], every: float = POLL_EVERY_S) -> None:
    """Draw the run of ``slot`` with its progress and its buttons, again ``every`` seconds while it trains.

    While it waits for a worker, half a second is enough for anybody.
    """
    watched = current(slot)
    if watched is None:
        return
    pace = _pace(watched.run, every)
    st.fragment(_watch, run_every=pace)(slot, draw, every, pace)


def _pace(run: Run, every: float) -> float | None:
    """Return how often to look at ``run`` now, None for no more."""
    if not run.busy:
        return None
    return every if run.state == "running" else POLL_EVERY_S


def _watch(slot: str, draw: Callable[[Watched], None], every: float, pace: float | None) -> None:
    watched = current(slot)
    if watched is None:
        return
    run = watched.run
    if pace != _pace(run, every):
        st.rerun()  # once, so that the whole page reads the result, and polling ends, begins or speeds up
    run.seen(reader())
    share, text = _progress(run, watched.epochs)
    st.progress(share, text=text)
    _buttons(slot, watched)
    if run.restarts:
        st.info("計算プロセスが途中で止まったため、最初からやり直しました。同じ設定なら結果は変わりません。")
    draw(watched)


def _buttons(slot: str, watched: Watched) -> None:
    """Draw the buttons of a run; each is there all the time, so that nothing jumps."""
    run = watched.run
    with st.container(horizontal=True, gap="small"):
        if run.state == "paused":
            if st.button("再開", icon=":material/play_arrow:", key=f"{slot}/resume"):
                _resume(slot, run, None)
        elif st.button(
            "一時停止", icon=":material/pause:", key=f"{slot}/pause", disabled=run.state != "running"
        ):
            _pause(slot, watched)
        if st.button(
            "1エポック", icon=":material/skip_next:", key=f"{slot}/one", disabled=run.state != "paused"
        ):
            _resume(slot, run, len(run.rows) + 1)
        if st.button("停止", icon=":material/stop:", key=f"{slot}/stop", disabled=run.done):
            _stop(slot, run)
        if st.button("リセット", icon=":material/restart_alt:", key=f"{slot}/reset"):
            run.leave(reader())
            del st.session_state[slot]
            st.rerun()


def _progress(run: Run, total: int) -> tuple[float, str]:
    rows = run.rows
    done = rows[-1][0].number if rows else 0
    share = min(done / total, 1.0)
    if run.state == "preparing":
        return share, "計算の準備をしています(数秒かかります)"
    if run.state == "queued":
        return share, f"順番を待っています({run.place}番目に実行します)"
    if not rows:
        return 0.0, "終了しました" if run.done else "学習を始めています"
    seconds = elapsed(rows[-1])
    if run.done:
        return share, f"{done} エポックで終了({seconds:.1f} 秒)"
    if run.state == "paused":
        return share, f"エポック {done} / {total} で一時停止中"
    return share, f"エポック {done} / {total}(残り約{max(seconds / done * (total - done), 1):.0f}秒)"


def _pause(slot: str, watched: Watched) -> None:
    others = [by for by in watched.run.watchers() if by != reader()]
    if others:
        st.session_state[f"{slot}/notice"] = (
            "同じ設定の学習をほかの人も見ているため、一時停止はできません。"
            "「1エポックずつ」で始めると、ご自分だけの学習になります。"
        )
        st.rerun()
    _shared.clear(_name(watched.job, watched.specs))
    watched.run.pause()


def _resume(slot: str, run: Run, pause_after: int | None) -> None:
    try:
        run.resume(reader(), pause_after)
    except TooManyRuns:
        st.session_state[f"{slot}/notice"] = _TOO_MANY
    st.rerun()


def _stop(slot: str, run: Run) -> None:
    if run.leave(reader()):
        st.rerun()
    del st.session_state[slot]
    st.session_state[f"{slot}/notice"] = (
        "同じ設定の学習をほかの人も見ているため、計算は続けたまま、この画面での表示だけを終えました。"
    )
    st.rerun()
