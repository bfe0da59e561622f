import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from core import jobs
from core.cluster import ONE_THREAD
from core.engine import Engine, TooManyRuns
from core.forecaster import train_forecaster
from core.perceptron import train_on_table
from core.run import ACTIVE_WITHIN_S, Run
from core.specs import ForecastSpec, ModelSpec, TableRunSpec, TableSpec, TrainingSpec, digest, with_seeds
from tests.core.probes import echo, failing, hungry, probe


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def own_engine() -> Iterator[Engine]:
    """An engine that a test may break."""
    engine = Engine()
    engine.start()
    assert engine.wait_ready(60)
    yield engine
    engine.close()


def submit(engine: Engine, epochs: int, by: str, name: str | None = None) -> Run:
    return engine.submit(probe, epochs, None, name=name, by=by)


def test_a_spec_gives_the_same_history_here_and_through_the_engine(engine: Engine) -> None:
    spec = ForecastSpec(model=ModelSpec(name="lstm"), training=TrainingSpec(epochs=5))
    run = engine.submit(jobs.forecasters, (spec,), None, name=digest(spec), by="a")
    (result,) = run.wait(60)
    assert run.state == "finished"
    assert result.history == train_forecaster(spec).history
    assert run.history == list(result.history)


def test_two_who_ask_for_one_name_share_one_training(engine: Engine) -> None:
    before = engine.counts()["started"]
    first, second = submit(engine, 25, "a", "shared"), submit(engine, 25, "b", "shared")
    first.wait(30), second.wait(30)
    assert engine.counts()["started"] == before + 1
    assert first.result == second.result == (25, None)


def test_nameless_runs_are_never_shared(engine: Engine) -> None:
    first, second = submit(engine, 1, "a"), submit(engine, 1, "b")
    assert first.key != second.key
    first.wait(30), second.wait(30)


def test_progress_arrives_live_and_at_most_ten_times_a_second(engine: Engine) -> None:
    run = submit(engine, 60, "a")
    sizes: list[int] = []
    begin = time.monotonic()
    while not run.done:
        if not sizes or len(run.history) != sizes[-1]:
            sizes.append(len(run.history))
        time.sleep(0.002)
    seconds = time.monotonic() - begin  # 1.2 of epochs, more on a busy machine
    assert [row.number for row in run.history] == list(range(1, 61))
    assert 5 <= len(sizes) <= 10 * seconds + 4


def test_stop_takes_less_than_half_a_second_and_keeps_what_was_done(engine: Engine) -> None:
    run = submit(engine, 5000, "a")
    until(lambda: len(run.history) > 10)
    begin = time.monotonic()
    assert run.leave("a")
    done, _ = run.wait(5)
    assert time.monotonic() - begin < 0.5
    assert 10 < done < 5000


def test_stop_waits_for_everyone_who_watches(engine: Engine) -> None:
    first = submit(engine, 500, "a", "watched by two")
    submit(engine, 500, "b", "watched by two")
    until(lambda: first.history)
    assert not first.leave("a")
    assert not first.done
    assert first.leave("b")
    assert first.wait(5)[0] < 500


def test_a_paused_run_holds_no_worker_and_goes_on_where_it_was(engine: Engine) -> None:
    run = submit(engine, 100, "a")
    until(lambda: len(run.history) > 10)
    run.pause()
    until(lambda: run.state == "paused")
    held = len(run.history)
    assert engine.counts()["running"] == 0
    assert run.place == 0
    run.resume("a", pause_after=held + 1)
    until(lambda: run.state == "paused")
    assert len(run.history) == held + 1
    run.resume("a")
    assert run.wait(20) == (100, None)
    assert [row.number for row in run.history] == list(range(1, 101))
    assert run.restarts == 0


def test_a_paused_run_can_be_stopped(engine: Engine) -> None:
    run = engine.submit(probe, 100, None, name=None, by="a", pause_after=3)
    until(lambda: run.state == "paused")
    assert run.leave("a")
    assert run.wait(10) == (3, None)
    assert run.state == "finished"
    until(lambda: engine.counts()["running"] == 0)


def test_a_run_that_was_paused_and_then_stopped_is_forgotten(engine: Engine) -> None:
    held = len(engine._runs)
    run = engine.submit(probe, 500, None, name="pause-then-stop", by="a", pause_after=2)
    until(lambda: run.state == "paused")
    run.resume("a")
    until(lambda: len(run.history) > 4)
    assert run.leave("a")
    assert run.wait(10)[0] < 500
    until(lambda: len(engine._runs) == held)
    again = engine.submit(probe, 3, None, name="pause-then-stop", by="b")
    assert again.wait(10) == (3, None)


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_paused_training_is_bit_identical_to_an_unpaused_one(engine: Engine, seeds: int) -> None:
    specs = with_seeds(TableRunSpec(training=TrainingSpec(epochs=12, batch_size=32)), seeds)
    run = engine.submit(jobs.perceptrons, specs, None, name=None, by="a", pause_after=5)
    until(lambda: run.state == "paused")
    assert len(run.rows) == 5
    run.resume("a")
    straight = train_on_table(specs)
    assert isinstance(straight, tuple)
    assert [r.history for r in run.wait(20)] == [r.history for r in straight]
    assert [r.test_loss for r in run.result] == [r.test_loss for r in straight]


def test_a_stopped_run_is_not_mistaken_for_a_finished_one(engine: Engine) -> None:
    first = submit(engine, 400, "a", "again")
    until(lambda: first.history)
    first.leave("a")
    first.wait(5)
    second = submit(engine, 10, "a", "again")
    assert second is not first
    assert second.wait(20) == (10, None)


def test_the_queue_shows_a_place_and_a_reader_holds_two_at_most(engine: Engine) -> None:
    from core.cluster import TRAINING_LANE, lanes

    running = [submit(engine, 4000, f"r{i}") for i in range(lanes()[TRAINING_LANE])]
    until(lambda: all(run.history for run in running))
    first, second = submit(engine, 1, "waiting"), submit(engine, 1, "waiting")
    assert (first.place, second.place) == (1, 2)
    assert first.state == "queued"
    with pytest.raises(TooManyRuns):
        submit(engine, 1, "waiting")
    assert first.leave("waiting")
    assert str(first.state) == "cancelled"
    assert second.place == 1
    for i, run in enumerate(running):
        run.leave(f"r{i}")
    assert second.wait(10) == (1, None)
    assert second.place == 0


def test_a_quick_request_does_not_wait_for_trainings(engine: Engine) -> None:
    running = [submit(engine, 4000, f"q{i}") for i in range(4)]
    until(lambda: running[0].history)
    engine.quick(echo, 1)
    begin = time.monotonic()
    assert engine.quick(echo, "hello") == "hello"
    assert time.monotonic() - begin < 0.5
    for i, run in enumerate(running):
        run.leave(f"q{i}")
    for run in running:
        run._done.wait(10)


def test_a_readers_mistake_comes_back_in_words(engine: Engine) -> None:
    spec = ForecastSpec(length=300)
    run = engine.submit(jobs.forecasters, (spec,), None, name=digest(spec), by="a")
    run._done.wait(30)
    assert run.state == "failed"
    assert run.problem is not None
    assert "窓を短く" in run.problem


def test_a_failing_job_tells_the_reader_but_no_log_repeats_the_data(
    engine: Engine, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    run = engine.submit(failing, "oops", "SECRET-128", name=None, by="a")
    run._done.wait(30)
    assert run.state == "failed"
    assert run.problem is not None
    assert "もう一度" in run.problem
    time.sleep(0.3)
    captured = capfd.readouterr()
    assert "SECRET" not in run.problem + caplog.text + captured.out + captured.err


def test_a_killed_worker_costs_time_but_not_the_run(engine: Engine) -> None:
    run = submit(engine, 150, "a")
    until(lambda: len(run.history) > 20)
    victim = int(run.history[-1].train_loss)
    os.kill(victim, signal.SIGKILL)
    until(lambda: run.restarts == 1)
    assert run.wait(30) == (150, None)
    assert run.state == "finished"
    assert [row.number for row in run.history] == list(range(1, 151))
    assert int(run.history[-1].train_loss) != victim


def test_a_run_that_nobody_watches_any_more_is_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.engine.FORGET_AFTER_S", 0.5)
    run = submit(engine, 5000, "gone")
    until(lambda: run.history)
    assert run.wait(10)[0] < 5000


def test_watchers_are_those_who_looked_lately(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run("key", probe, (), engine)
    run.seen("a")
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + ACTIVE_WITHIN_S + 1)
    run.seen("b")
    assert run.watchers() == ["b"]


def test_a_cluster_that_dies_is_replaced_and_its_runs_repeated(own_engine: Engine) -> None:
    run = submit(own_engine, 100, "a")
    until(lambda: len(run.history) > 5)
    assert own_engine._process is not None
    own_engine._process.kill()
    run.seen("a")
    assert run.wait(60) == (100, None)
    assert run.restarts == 1


def test_a_job_that_eats_memory_is_ended_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_WORKER_MEMORY", str(700 * 2**20))
    engine = Engine()
    engine.start()
    assert engine.wait_ready(60)
    run = engine.submit(hungry, 1, None, name=None, by="a")
    assert run._done.wait(60)
    assert run.state == "failed"
    assert run.problem is not None
    assert "メモリ" in run.problem
    engine.close()


def test_close_leaves_no_process_behind_and_runs_asked_for_early_are_carried_out() -> None:
    engine = Engine()
    engine.start()
    run = submit(engine, 3, "a")
    assert run.state == "preparing"
    assert run.wait(60) == (3, None)
    assert engine._process is not None
    family = psutil.Process(engine._process.pid)
    processes = [family, *family.children(recursive=True)]
    begin = time.monotonic()
    engine.close()
    psutil.wait_procs(processes, timeout=5)
    assert time.monotonic() - begin < 5
    assert not [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def test_no_torch_in_this_process_is_needed_to_talk_to_the_engine() -> None:
    assert "torch" not in sys.modules["core.engine"].__dict__


def test_workers_are_forked_from_a_process_without_other_threads() -> None:
    code = "import os, core.warm; print(len(os.listdir('/proc/self/task')), flush=True)"
    if not os.path.exists("/proc/self/task"):
        pytest.skip("threads cannot be counted here")
    counted = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ONE_THREAD},
    )
    assert counted.stdout.strip() == "1"


def test_looks_into_a_network_come_while_it_learns(engine: Engine) -> None:
    spec = TableRunSpec(table=TableSpec(name="circle", patients=200), training=TrainingSpec(epochs=30))
    run = engine.submit(jobs.mapped_perceptrons, (spec,), None, name=None, by="a")
    run.wait(30)
    until(lambda: len(run.frames) == 31)
    assert [frame.epoch for frame in run.frames] == list(range(31))
    assert len(run.rows) == 30
