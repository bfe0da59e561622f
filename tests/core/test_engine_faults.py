"""What the engine does when something around it breaks: a worker hangs, a scheduler goes, a clock jumps."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from core.engine import Engine
from core.run import Run
from tests.core.probes import loop_clock, probe
from tests.replicas import dask_cluster
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


def test_a_scheduler_that_goes_and_comes_back_is_found_again() -> None:
    port = free_port()
    engine = Engine(f"tcp://127.0.0.1:{port}")
    with dask_cluster("train=1 quick=1", port=port):
        engine.start()
        assert engine.wait_ready(60)
        run = submit(engine, 400)
        until(lambda: len(run.history) > 5)
    until(lambda: not engine.ready)
    assert run.state == "preparing"
    with dask_cluster("train=1 quick=1", port=port):
        until(lambda: run.done, run)
        assert run.result == (400, None)
        assert run.restarts == 1
    engine.close()


def test_servers_on_one_scheduler_share_a_run_and_none_stops_it_for_the_others() -> None:
    with dask_cluster("train=1 quick=1") as address:
        here, there = Engine(address), Engine(address)
        for engine in (here, there):
            engine.start()
            assert engine.wait_ready(60)
        mine = here.submit(probe, 150, None, name="shared", by="a")
        until(lambda: mine.history)
        other = there.submit(probe, 150, None, name="shared", by="b")
        until(lambda: len(other.history) > 5)
        here.pause(mine)
        here.stop(mine)
        assert mine.state == "cancelled"
        other.wait(60)
        assert other.result == (150, None)
        assert other.restarts == 0
        assert here.counts()["started"] == there.counts()["started"] == 1
        alone = there.submit(probe, 400, None, name="alone", by="b")
        until(lambda: alone.history)
        there.stop(alone)
        alone.wait(5)
        assert alone.result[0] < 400
        here.close()
        there.close()


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
