"""A worker's side of a run: it reports epochs, and looks whether to stop or pause."""

from __future__ import annotations

import os
import pickle
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from core.history import Epoch, Frame, Paused
from core.specs import SpecError

TOPIC = "lab-progress"
REPORT_EVERY_S = 0.1

PackedEpoch = tuple[int, tuple[tuple[float, float | None, float, float, float | None], ...]]
"""Number, and (training loss, validation loss, learning rate, seconds) of each run."""


def pause_flag(key: str) -> str:
    """Name the event that asks the run ``key`` to pause; its own name asks it to stop."""
    return f"{key}/pause"


class WorkerWatch:
    """Sends epochs in bundles, at most ten a second, and asks every 100 ms whether to stop or pause.

    With ``pause_after`` the run pauses by itself after that epoch.
    """

    def __init__(self, key: str, pause_after: int | None) -> None:
        from distributed import Event, get_worker

        self._key, self._run = key, uuid.uuid4().hex
        self._pause_after = pause_after
        self._worker: Any = get_worker()
        self._flags: tuple[Any, Any] = (Event(key), Event(pause_flag(key)))
        self._rows: list[PackedEpoch] = []
        self._frames: list[Frame] = []
        self._sent, self._asked = time.monotonic(), 0.0
        self._stop = self._pause = False
        self.flush()

    def report(self, row: Sequence[Epoch]) -> None:
        """Keep an epoch and send what has gathered, at most ten times a second."""
        losses = tuple((e.train_loss, e.validation_loss, e.lr, e.seconds, e.validation_accuracy) for e in row)
        self._rows.append((row[0].number, losses))
        if self._pause_after is not None and row[0].number >= self._pause_after:
            self._pause = True
        if time.monotonic() - self._sent >= REPORT_EVERY_S:
            self.flush()

    def frame(self, frame: Frame) -> None:
        """Keep a look into the networks, to be sent with the epochs."""
        self._frames.append(frame)

    def flush(self) -> None:
        """Send what has gathered."""
        frames = pickle.dumps(self._frames) if self._frames else b""
        message = {"key": self._key, "run": self._run, "rows": self._rows, "frames": frames}
        self._worker.log_event(TOPIC, message)
        self._rows, self._frames, self._sent = [], [], time.monotonic()

    def interrupted(self) -> bool:
        """Say whether a watcher asked to stop."""
        self._look()
        return self._stop

    def pausing(self) -> bool:
        """Say whether a watcher asked to pause, or the epoch to pause after has come."""
        self._look()
        return self._pause

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._asked < REPORT_EVERY_S:
            return
        self._asked = now
        stop, pause = self._flags
        self._stop = self._stop or bool(stop.is_set())
        self._pause = self._pause or bool(pause.is_set())
        if self._rows and now - self._sent >= REPORT_EVERY_S:
            self.flush()


def carry_out(
    job: Callable[..., Any], args: tuple[Any, ...], key: str, paused: Paused | None, pause_after: int | None
) -> Any:
    """Do ``job(*args, paused, watch)`` on a worker.

    A reader's mistake comes back as a value, so that no log repeats it.
    """
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, 0, 10)  # the page that draws the run comes first
    watch = WorkerWatch(key, pause_after)
    try:
        return job(*args, paused, watch)
    except SpecError as error:
        return error
    finally:
        watch.flush()
