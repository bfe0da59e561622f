"""Short requests on their way to a worker: one by one while it is idle, several together while it is busy.

Sending a task to a worker and fetching its result costs several milliseconds of CPU in four processes, which
is more than many short requests take themselves. Whoever finds the lane idle is sent at once; those who come
while it is busy wait for each other and travel together, so that a hundred readers cost little more
than ten.
"""

from __future__ import annotations

import concurrent.futures
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

UNDER_WAY = 2
"""Parcels on their way at one time: while a worker answers one, the next already lies beside it."""

TOGETHER = 8
"""Requests in a parcel, at most: the first of them waits for the last."""

Job = Callable[..., Any]


@dataclass(eq=False)
class _Request:
    job: Job
    args: tuple[Any, ...]
    answer: concurrent.futures.Future[Any] = field(default_factory=concurrent.futures.Future)


def answer_all(requests: Sequence[tuple[Job, tuple[Any, ...]]]) -> list[tuple[bool, Any]]:
    """Carry out requests on a worker; for each return whether it went well, and its result or its error."""
    answers: list[tuple[bool, Any]] = []
    for job, args in requests:
        try:
            answers.append((True, job(*args)))
        except Exception as error:
            answers.append((False, error))
    return answers


class QuickLane:
    """Sends requests with ``submit(function, argument)``, which returns a future."""

    def __init__(self, submit: Callable[[Job, Any], Any]) -> None:
        self._submit = submit
        self._lock = threading.Lock()
        self._waiting: deque[_Request] = deque()
        self._under_way = 0

    def ask(self, job: Job, args: tuple[Any, ...], timeout: float) -> Any:
        """Carry out ``job(*args)`` on a worker and return its result.

        Raises:
            TimeoutError: it took longer than ``timeout`` seconds, or the worker was lost.
        """
        request = _Request(job, args)
        with self._lock:
            self._waiting.append(request)
        self._send()
        try:
            return request.answer.result(timeout)
        except TimeoutError:
            with self._lock:
                if request in self._waiting:
                    self._waiting.remove(request)
            raise

    def _send(self) -> None:
        with self._lock:
            if not self._waiting or self._under_way >= UNDER_WAY:
                return
            count = min(TOGETHER, len(self._waiting))
            parcel = [self._waiting.popleft() for _ in range(count)]
            self._under_way += 1
        try:
            future = self._submit(answer_all, [(request.job, request.args) for request in parcel])
            future.add_done_callback(lambda done: self._on_done(parcel, done))
        except Exception as error:
            self._lose(parcel, error)
            self._make_room()

    def _on_done(self, parcel: list[_Request], future: Any) -> None:
        try:
            answers = future.result(timeout=10)
        except BaseException as error:
            self._lose(parcel, error)
        else:
            for request, (went_well, value) in zip(parcel, answers, strict=True):
                if went_well:
                    request.answer.set_result(value)
                else:
                    request.answer.set_exception(value)
        self._make_room()

    @staticmethod
    def _lose(parcel: list[_Request], error: BaseException) -> None:
        """Tell those whose requests were lost with their worker."""
        for request in parcel:
            request.answer.set_exception(TimeoutError(f"the workers are gone: {type(error).__name__}"))

    def _make_room(self) -> None:
        with self._lock:
            self._under_way -= 1
        self._send()
