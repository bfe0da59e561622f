"""One run as its watchers see it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from core.history import Epoch, Frame, Paused, Row
from core.watch import PackedEpoch

if TYPE_CHECKING:
    from core.engine import Engine

State = Literal["preparing", "queued", "running", "paused", "finished", "failed", "cancelled"]

ACTIVE_WITHIN_S = 5.0


class Run:
    """A run that was asked for. Threads of the engine write it, pages read it."""

    def __init__(
        self,
        key: str,
        job: Callable[..., Any],
        args: tuple[Any, ...],
        engine: Engine,
        name: str | None = None,
    ) -> None:
        self.key, self.name = key, name
        self.job, self.args = job, args
        self.problem: str | None = None
        self.result: Any = None
        self.paused: Paused | None = None
        self.pause_after: int | None = None
        self.restarts = 0
        self.asked_to_stop = False
        self.future: Any = None
        self._engine = engine
        self._state: State = "preparing"
        self._rows: list[Row] = []
        self._frames: list[Frame] = []
        self._worker_run: str | None = None
        self._seen: dict[str, float] = {}
        self._done = threading.Event()

    @property
    def state(self) -> State:
        """Return where the run is on its way."""
        return self._state

    @property
    def done(self) -> bool:
        """Say whether nothing more will come."""
        return self._done.is_set()

    @property
    def waits(self) -> bool:
        """Say whether the run has asked for a worker and has none."""
        return self._state in ("preparing", "queued")

    @property
    def busy(self) -> bool:
        """Say whether the run has, or asks for, a worker."""
        return self._state in ("preparing", "queued", "running")

    @property
    def rows(self) -> list[Row]:
        """Return the epochs so far, an entry for each network, as a list of the caller's own."""
        return list(self._rows)

    @property
    def frames(self) -> list[Frame]:
        """Return the looks into the networks so far, as a list of the caller's own."""
        return list(self._frames)

    @property
    def history(self) -> list[Epoch]:
        """Return the epochs so far of the first network."""
        return [row[0] for row in self.rows]

    @property
    def place(self) -> int:
        """Return the place in the queue, from 1; 0 when the run has left it."""
        return self._engine.place(self)

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the result.

        Raises:
            TimeoutError: it took longer than ``timeout`` seconds.
        """
        if not self._done.wait(timeout):
            raise TimeoutError(self.key)
        return self.result

    def seen(self, by: str) -> None:
        """Note that ``by`` is watching; a run that nobody has watched for a while is stopped."""
        self._seen[by] = time.monotonic()

    def watchers(self) -> list[str]:
        """Return who watched within the last seconds."""
        limit = time.monotonic() - ACTIVE_WITHIN_S
        return [by for by, when in list(self._seen.items()) if when >= limit]

    def is_watched_by(self, by: str) -> bool:
        """Say whether ``by`` started or joined this run and has not left it."""
        return by in self._seen

    def leave(self, by: str) -> bool:
        """Stop for ``by``: alone, the run ends; otherwise it goes on for the others. True if it ends."""
        self._seen.pop(by, None)
        if self.watchers():
            return False
        self._engine.stop(self)
        return True

    def pause(self) -> None:
        """Ask the run to hand back what it has learnt after the epoch under way; its worker is then free."""
        self._engine.pause(self)

    def resume(self, by: str, pause_after: int | None = None) -> None:
        """Go on with a paused run, to its end or to the end of epoch ``pause_after``.

        Raises:
            TooManyRuns: ``by`` already has two runs under way.
        """
        self._engine.resume(self, by, pause_after)

    def last_seen(self) -> float:
        """Return the time (monotonic seconds) of the last look at this run."""
        return max(list(self._seen.values()), default=0.0)

    # What follows is the engine's side.

    def on_rows(self, worker_run: str, packed: Sequence[PackedEpoch], frames: Sequence[Frame] = ()) -> None:
        """Take epochs and frames from a worker; a second one for the same stretch has begun it again."""
        if not self.busy:
            return
        if worker_run != self._worker_run:
            if self._worker_run is not None:
                self.restarts += 1
            self._worker_run = worker_run
            self._rows = list(self.paused.rows) if self.paused else []
            done = len(self._rows) if self.paused else -1
            self._frames = [frame for frame in self._frames if frame.epoch <= done]
            self._state = "running"
        for number, losses in packed:
            self._rows.append(
                tuple(
                    Epoch(
                        number=number,
                        train_loss=t,
                        validation_loss=v,
                        lr=lr,
                        seconds=seconds,
                        validation_accuracy=accuracy,
                    )
                    for t, v, lr, seconds, accuracy in losses
                )
            )
        if frames:
            kept = [frame for frame in (*self._frames, *frames[:-1]) if not frame.fleeting]
            self._frames = [*kept, frames[-1]]

    def on_submitted(self, future: Any) -> None:
        """Note that the scheduler has the run."""
        self.future = future
        if self._state == "preparing":
            self._state = "queued"

    def on_preparing(self) -> None:
        """Note that the run waits for an engine."""
        self.future, self._state = None, "preparing"

    def on_paused(self, paused: Paused) -> None:
        """Keep what a worker handed back. From here on the run is its reader's own."""
        self.key, self.name = uuid.uuid4().hex, None
        self.paused, self._rows = paused, list(paused.rows)
        self.future, self._worker_run, self._state = None, None, "paused"

    def finish(self, state: State, result: Any = None, problem: str | None = None) -> None:
        """End the run, once. ``result`` holds an entry for each network."""
        if self.done:
            return
        self.result, self.problem, self._state = result, problem, state
        self.future, self.args, self.paused = None, (), None
        self._done.set()
