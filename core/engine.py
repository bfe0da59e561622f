"""Where runs are carried out: dask.distributed, on this machine or on many. No torch in this process.

Without ``DASK_SCHEDULER_ADDRESS`` the engine starts the lab's own cluster in a process of its own; with
it, the same code talks to that scheduler. Workers of a real cluster carry the resources ``train`` or
``quick``: ``dask worker ADDRESS --nthreads 1 --resources "train=1"``.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import pickle
import subprocess
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from core import cluster
from core.cluster import QUICK_LANE, TRAINING_LANE
from core.history import Paused
from core.quick_lane import QuickLane
from core.run import Run, State
from core.specs import SpecError
from core.watch import TOPIC, carry_out, pause_flag

MAX_UNFINISHED = 2
# A run goes on for as long after its last reader has gone: a phone that sleeps comes back.
FORGET_AFTER_S = float(os.environ.get("LAB_FORGET_AFTER", "90"))
LOWER_AFTER_S = 30.0
_log = logging.getLogger(__name__)


class TooManyRuns(Exception):  # noqa: N818 - told to the reader, not logged
    """A reader has as many unfinished runs as one reader may have."""


class Engine:
    """Carries out runs. ``start`` returns at once; runs asked for meanwhile wait until workers are up."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address or os.environ.get("DASK_SCHEDULER_ADDRESS")
        self._runs: dict[str, Run] = {}
        self._keys: dict[str, Run] = {}
        self._attempts: dict[str, int] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._client: Any = None
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._started: set[str] = set()
        self._flags: list[tuple[float, str]] = []
        self._quick = QuickLane(self._submit_quick)

    def start(self) -> None:
        """Bring the engine up in the background."""
        self._thread.start()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until workers can take runs; say whether they can."""
        return self._ready.wait(timeout)

    @property
    def ready(self) -> bool:
        """Say whether workers can take runs now."""
        return self._ready.is_set()

    def counts(self) -> dict[str, int]:
        """Count the runs by state, and those that a worker has ever begun."""
        runs = list(self._runs.values())
        numbers = {s: sum(r.state == s for r in runs) for s in ("preparing", "queued", "running")}
        return {**numbers, "started": len(self._started)}

    def submit(
        self,
        job: Callable[..., Any],
        *args: Any,
        name: str | None,
        by: str,
        pause_after: int | None = None,
    ) -> Run:
        """Ask for ``job(*args, paused, watch)`` in the training lane and return its run at once.

        Runs of one ``name`` are one run, for every session and server on the cluster; a run without
        a name is nobody else's. With ``pause_after`` the run pauses after that epoch.

        Raises:
            TooManyRuns: ``by`` already has two unfinished runs.
        """
        base = name or uuid.uuid4().hex
        with self._lock:
            key = f"{base}-{self._attempts.get(base, 0)}"
            run = self._runs.get(key)
            if run is None or run.done:
                self._require_room(by)
                run = Run(key, job, args, self, name)
                run.pause_after = pause_after
                self._runs[key] = run
            run.seen(by)
            if run.state == "preparing" and self.ready:
                self._submit(run)
        return run

    def quick(self, job: Callable[..., Any], *args: Any, timeout: float = 10.0) -> Any:
        """Carry out a short ``job(*args)`` in the quick lane and return its result.

        Raises:
            TimeoutError: the engine is not up, or took longer than ``timeout`` seconds.
        """
        if not self.wait_ready(timeout):
            raise TimeoutError("the engine is not ready")
        return self._quick.ask(job, args, timeout)

    def _submit_quick(self, function: Callable[..., Any], argument: Any) -> Any:
        return self._client.submit(function, argument, pure=False, resources={QUICK_LANE: 1})

    def place(self, run: Run) -> int:
        """Return the place of ``run`` among those that wait here, from 1; 0 when it does not wait."""
        waiting = [r for r in list(self._runs.values()) if r.waits]
        return waiting.index(run) + 1 if run in waiting else 0

    def stop(self, run: Run) -> None:
        """Ask a run to stop: one that waits is dropped, one that runs returns what it has learnt.

        A paused run is taken up once more, to stop at once and be judged by what it had learnt. One that
        readers of another server wait for goes on for them, and is only let go of here.
        """
        if self._wanted_elsewhere(run):
            self._close_run(run, "cancelled")
            return
        run.asked_to_stop = True
        if run.state == "paused":
            with self._lock:
                self._runs[run.key] = run
                run.pause_after = None
                run.on_preparing()
                if self.ready:
                    self._raise_flag(self._stretch(run))
                    self._submit(run)
            return
        waiting, future = run.waits, run.future
        if future is not None:
            # Also for a run that seems to wait: a worker may just have begun it.
            self._raise_flag(self._stretch(run))
        if waiting:
            self._close_run(run, "cancelled")
            if future is not None:
                future.cancel()

    def pause(self, run: Run) -> None:
        """Ask a run to hand itself back after the epoch under way, if nobody else waits for it."""
        if run.future is not None and not self._wanted_elsewhere(run):
            self._raise_flag(pause_flag(self._stretch(run)))

    def resume(self, run: Run, by: str, pause_after: int | None) -> None:
        """Go on with a paused run.

        Raises:
            TooManyRuns: ``by`` already has two runs under way.
        """
        with self._lock:
            if run.state != "paused":
                return
            self._require_room(by)
            run.seen(by)
            run.pause_after = pause_after
            self._runs[run.key] = run
            run.on_preparing()
            if self.ready:
                self._submit(run)

    def _wanted_elsewhere(self, run: Run) -> bool:
        """Say whether another server waits for the same run; one with a cluster of its own need not ask."""
        if self._address is None or self._client is None or run.future is None:
            return False

        def servers(dask_scheduler: Any, key: str) -> int:
            task = dask_scheduler.tasks.get(key)
            return len(task.who_wants or ()) if task else 0

        with contextlib.suppress(Exception):  # the scheduler is gone: so is the run
            return bool(self._client.run_on_scheduler(servers, key=self._stretch(run)) > 1)
        return False

    def _require_room(self, by: str) -> None:
        mine = [r for r in self._runs.values() if r.busy and r.is_watched_by(by)]
        if len(mine) >= MAX_UNFINISHED:
            raise TooManyRuns

    def _raise_flag(self, name: str) -> None:
        """Set an event that a worker looks at; it is cleared once it has had time to."""
        if self._client is not None:
            from distributed import Event

            Event(name, client=self._client).set()
            self._flags.append((time.monotonic(), name))

    def close(self) -> None:
        """Stop everything: within a few seconds no process of the engine is left."""
        self._closing.set()
        process = self._process
        if process is not None:
            cluster.end(process)
        if self._thread.is_alive():
            self._thread.join(timeout=2)

    def _submit(self, run: Run) -> None:
        key = self._stretch(run)
        self._keys[key] = run
        future = self._client.submit(
            carry_out,
            run.job,
            run.args,
            key,
            run.paused,
            run.pause_after,
            key=key,
            resources={TRAINING_LANE: 1},
        )
        run.on_submitted(future)
        future.add_done_callback(lambda done: self._on_done(run, done))

    def _on_event(self, event: tuple[float, dict[str, Any]]) -> None:
        _, message = event
        self._started.add(message["run"])
        run = self._keys.get(message["key"])
        if run is not None:
            frames = pickle.loads(message["frames"]) if message["frames"] else []
            run.on_rows(message["run"], message["rows"], frames)

    def _on_done(self, run: Run, future: Any) -> None:
        if run.done:
            return
        try:
            result = future.result(timeout=10)
        except BaseException as error:
            if isinstance(error, concurrent.futures.CancelledError):
                return  # the scheduler is gone, or a waiting run was dropped: _tend and stop see to it
            _log.warning("run %s failed: %s", run.key, type(error).__name__)
            self._close_run(run, "failed", problem=_explain(error))
            return
        if isinstance(result, Paused):
            with self._lock:
                self._forget(run)
                run.on_paused(result)
            if run.asked_to_stop:
                self.stop(run)
        elif isinstance(result, SpecError):
            self._close_run(run, "failed", problem=str(result))
        else:
            self._close_run(run, "finished", result=result)

    def _close_run(self, run: Run, state: State, result: Any = None, problem: str | None = None) -> None:
        run.finish(state, result, problem)
        with self._lock:
            if run.name is not None and (state != "finished" or run.asked_to_stop):
                self._attempts[run.name] = self._attempts.get(run.name, 0) + 1
            self._forget(run)

    def _forget(self, run: Run) -> None:
        """Let go of a run that no worker has any more."""
        self._runs.pop(run.key, None)
        for key in [key for key, known in self._keys.items() if known is run]:
            del self._keys[key]

    @staticmethod
    def _stretch(run: Run) -> str:
        """Name the stretch of a run from one pause to the next."""
        done = len(run.paused.rows) if run.paused else 0
        return f"{run.key}@{done}" if done else run.key

    def _serve(self) -> None:
        """Keep a client connected to a cluster that is up, until the engine closes."""
        while not self._closing.is_set():
            try:
                if self._address is None:
                    self._process = cluster.start()
                address = self._address or cluster.address_of(self._process)
                if not address:
                    continue
                self._connect(address)
                self._tend()
            except Exception as error:
                _log.warning("engine: %s: %s", type(error).__name__, error)
                self._closing.wait(1.0)
            finally:
                self._disconnect()

    def _connect(self, address: str) -> None:
        cluster.configure()
        from distributed import Client

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        client = Client(address, timeout=30, set_as_default=False)
        client.subscribe_topic(TOPIC, self._on_event)
        with self._lock:
            self._client = client
            self._ready.set()
            for run in list(self._runs.values()):
                if not run.done:
                    self._submit(run)

    def _tend(self) -> None:
        """Stop runs that nobody watches any more; return when the cluster is gone."""
        while not self._closing.wait(1.0):
            gone = self._process is not None and self._process.poll() is not None
            if gone or self._client.status != "running":
                return
            self._lower_flags()
            limit = time.monotonic() - FORGET_AFTER_S
            for run in list(self._runs.values()):
                if not run.asked_to_stop and run.last_seen() < limit:
                    self.stop(run)

    def _lower_flags(self) -> None:
        """Clear the stop flags of runs that have had time to see them; the scheduler keeps set ones."""
        from distributed import Event

        limit = time.monotonic() - LOWER_AFTER_S
        while self._flags and self._flags[0][0] < limit:
            Event(self._flags.pop(0)[1], client=self._client).clear()

    def _disconnect(self) -> None:
        """Let go of the client; runs that were under way wait for the next cluster."""
        self._ready.clear()
        client, self._client = self._client, None
        with self._lock:
            for run in self._runs.values():
                run.on_preparing()
        if client is not None:
            with contextlib.suppress(Exception):
                client.close(timeout=1)
        process, self._process = self._process, None
        if process is not None:
            cluster.end(process)


def _explain(error: BaseException) -> str:
    """Say in a reader's words why a run failed."""
    if type(error).__name__ == "KilledWorker":
        return (
            "この設定の学習は、計算プロセスがくり返し停止したため中止しました。"
            "メモリを使いすぎた可能性があります。隠れユニット数や窓の長さを小さくしてください。"
        )
    return "計算の途中で問題が起きました。もう一度「学習開始」を押してください。"
