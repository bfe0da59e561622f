"""What the engine does when something around it breaks: a worker hangs, a scheduler goes, a clock jumps."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from core.engine import Engine
from core.run import Run
from tests.core.probes import loop_clock, probe
from tests.server import free_port


def submit(engine: Engine, epochs: int) -> Run:
    return engine.submit(probe, epochs, None, name=None, by="a")


def until(condition: Callable[[], object], run: Run | None = None, seconds: float = 60) -> None:
    """Wait for ``condition``, watching ``run`` meanwhile as a page does."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        if run is not None:
            run.seen("a")
        time.sleep(0.02)


def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKER_TTL", "5s")
    monkeypatch.setenv("LAB_TRAINING_WORKERS", "1")
    engine = Engine()
    engine.start()
    assert engine.wait_ready(60)
    run = submit(engine, 300)
    until(lambda: len(run.history) > 5)
    os.kill(int(run.history[-1].train_loss), signal.SIGSTOP)  # the probe's loss is its process id
    until(lambda: run.done, run)
    assert run.restarts == 1
    assert run.result == (300, None)
    assert [row.number for row in run.history] == list(range(1, 301))
    engine.close()


@contextmanager
def process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "DASK_LOGGING__DISTRIBUTED": "error"}
    running = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + command[0], *command[1:]],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    try:
        yield running
    finally:
        family = [*psutil.Process(running.pid).children(recursive=True)] if running.poll() is None else []
        running.kill()
        running.wait()
        for child in family:
            if child.is_running():
                child.kill()


def test_a_scheduler_that_goes_and_comes_back_is_found_again() -> None:
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    worker = ("dask_worker", address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1")
    lanes = ("--resources", "train=1 quick=1")
    engine = Engine(address)
    with process(*scheduler), process(*worker, *lanes):
        engine.start()
        assert engine.wait_ready(60)
        run = submit(engine, 400)
        until(lambda: len(run.history) > 5)
    until(lambda: not engine.ready)
    assert run.state == "preparing"
    with process(*scheduler), process(*worker, *lanes):
        until(lambda: run.done, run)
        assert run.result == (400, None)
        assert run.restarts == 1
    engine.close()


def test_a_clock_that_is_set_back_and_forth_changes_nothing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time
    for jump in (-86_400.0, 86_400.0, 0.0):
        run = submit(engine, 30)
        until(lambda run=run: len(run.history) > 5)  # type: ignore[misc]
        monkeypatch.setattr(time, "time", lambda jump=jump: now() + jump)
        until(lambda run=run: run.done, run)  # type: ignore[misc]
        assert run.result == (30, None)
        assert run.restarts == 0


def test_workers_wait_by_the_steady_clock(engine: Engine) -> None:
    assert engine.quick(loop_clock) < 1
