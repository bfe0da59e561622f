"""Short requests: alone when the lane is idle, together when it is busy, each with its own answer."""

import concurrent.futures
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from core.quick_lane import TOGETHER, UNDER_WAY, QuickLane


class Worker:
    """Answers parcels one after the other in a thread of its own, and remembers how many each held."""

    def __init__(self) -> None:
        self.parcels: list[int] = []
        self.broken = False
        self._pool = concurrent.futures.ThreadPoolExecutor(1)

    def submit(self, function: Any, requests: Any) -> concurrent.futures.Future[Any]:
        self.parcels.append(len(requests))
        if self.broken:
            raise OSError("no scheduler")
        return self._pool.submit(function, requests)


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made._pool.shutdown()


def slow(number: int) -> int:
    time.sleep(0.01)
    return number * 10


def failing(number: int) -> int:
    raise ValueError(f"no {number}")


def test_an_idle_lane_sends_at_once_and_alone(worker: Worker) -> None:
    lane = QuickLane(worker.submit)
    assert [lane.ask(slow, (number,), 5) for number in range(4)] == [0, 10, 20, 30]
    assert worker.parcels == [1, 1, 1, 1]


def test_a_busy_lane_sends_together_and_everyone_gets_their_own(worker: Worker) -> None:
    lane = QuickLane(worker.submit)
    with concurrent.futures.ThreadPoolExecutor(40) as readers:
        answers = list(readers.map(lambda number: lane.ask(slow, (number,), 5), range(40)))
    assert answers == [number * 10 for number in range(40)]
    assert sum(worker.parcels) == 40
    assert max(worker.parcels) == TOGETHER
    assert len(worker.parcels) < 20


def test_an_error_is_for_whoever_made_it(worker: Worker) -> None:
    lane = QuickLane(worker.submit)
    jobs = [failing if number % 3 == 0 else slow for number in range(12)]

    def ask(number: int) -> Any:
        try:
            return lane.ask(jobs[number], (number,), 5)
        except ValueError as error:
            return str(error)

    with concurrent.futures.ThreadPoolExecutor(12) as readers:
        answers = list(readers.map(ask, range(12)))
    assert answers == [f"no {number}" if number % 3 == 0 else number * 10 for number in range(12)]


def test_who_waited_too_long_is_not_answered_any_more(worker: Worker) -> None:
    lane, go = QuickLane(worker.submit), threading.Event()
    with concurrent.futures.ThreadPoolExecutor(UNDER_WAY) as readers:
        held = [readers.submit(lane.ask, go.wait, (5,), 5) for _ in range(UNDER_WAY)]
        while len(worker.parcels) < UNDER_WAY:
            time.sleep(0.001)
        with pytest.raises(TimeoutError):
            lane.ask(slow, (1,), 0.05)
        go.set()
        assert all(future.result(5) for future in held)
    assert lane.ask(slow, (2,), 5) == 20
    assert sum(worker.parcels) == UNDER_WAY + 1


def test_a_lost_worker_is_a_wait_and_the_lane_goes_on(worker: Worker) -> None:
    lane = QuickLane(worker.submit)
    worker.broken = True
    for _ in range(2 * UNDER_WAY):
        with pytest.raises(TimeoutError):
            lane.ask(slow, (1,), 5)
    worker.broken = False
    assert lane.ask(slow, (1,), 5) == 10
