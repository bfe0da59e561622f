"""Loading ahead: the theory worked by hand, a small real measurement, and that nothing is left behind."""

import time
from dataclasses import replace

import psutil
import pytest

from core import loading
from core.loading import LoadSpec, Measured, Report, Span, foretold, from_json, measure, to_json
from core.specs import SpecError

QUICK = LoadSpec(patients=16, batch_size=4, item_ms=5.0, width=16)


def test_the_theory_worked_by_hand() -> None:
    assert foretold(20, 10, 4, 0) == 4 * 30
    assert foretold(20, 10, 4, 1) == 20 + 3 * 20 + 10  # loading sets the pace
    assert foretold(20, 10, 4, 2) == 20 + 3 * 10 + 10  # both keep step
    assert foretold(5, 10, 4, 1) == foretold(5, 10, 4, 2) == 5 + 4 * 10  # training sets the pace


@pytest.fixture(scope="module")
def report() -> Report:
    found = measure(QUICK, lambda: False)
    assert found is not None
    return found


def test_a_measurement_holds_every_batch_with_its_loading_before_its_training(report: Report) -> None:
    assert [run.workers for run in report.runs] == [0, 1, 2]
    assert report.cores >= 1
    for run in report.runs:
        assert [span.batch for span in run.training] == [0, 1, 2, 3] == [span.batch for span in run.loading]
        for load, train in zip(run.loading, run.training, strict=True):
            assert load.end <= train.begin < train.end
            assert load.end - load.begin >= 4 * 0.005  # each of four patients takes 5 ms
        assert len(run.seconds) == loading.EPOCHS - 1
        assert run.epoch >= run.training[-1].end
        assert {span.who for span in run.loading} == set(range(1, run.workers + 1) or [0])


def test_workers_that_wait_side_by_side_shorten_the_epoch(report: Report) -> None:
    alone, _, two = report.runs
    assert alone.epoch >= 16 * 0.005  # one after the other
    # Two workers wait for half of it each; generous, because the machine may be busy.
    assert two.epoch < 0.9 * alone.epoch
    overlap = [
        a for a in two.loading for b in two.loading if a.who < b.who and a.begin < b.end and b.begin < a.end
    ]
    assert overlap


def test_a_report_survives_its_way_through_json(report: Report) -> None:
    assert from_json(to_json(report)) == report


def test_the_shortest_epoch_and_means_worked_by_hand() -> None:
    spans = (Span(batch=0, who=1, begin=0.0, end=0.2), Span(batch=1, who=2, begin=0.1, end=0.5))
    run = Measured(workers=2, start=1.0, seconds=(0.7, 0.6), loading=spans, training=spans[:1])
    assert run.epoch == 0.6
    assert run.load == pytest.approx(0.3)
    assert run.step == pytest.approx(0.2)


def test_a_measurement_that_nobody_waits_for_leaves_no_process_behind() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    seen: set[int] = set()

    def interrupted() -> bool:
        seen.update(child.pid for child in psutil.Process().children(recursive=True))
        return len(seen - before) >= 2  # the measurement itself and a worker of it

    assert measure(replace(QUICK, patients=128), interrupted) is None
    asked = time.monotonic()
    while any(runs(pid) for pid in seen - before):
        assert time.monotonic() < asked + 2  # left to themselves, workers look for their parent every 5 s
        time.sleep(0.02)


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_measurement_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "LIMIT_S", 0.2)
    with pytest.raises(TimeoutError):
        measure(QUICK, lambda: False)


@pytest.mark.parametrize(
    "wrong",
    [{"cost": "sleep"}, {"item_ms": 60.0}, {"width": 10**6}, {"start": "thread"}, {"patients": 10**6}],
)
def test_a_measurement_that_would_be_endless_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"指定して|選んで"):
        LoadSpec(**wrong)  # type: ignore[arg-type]
