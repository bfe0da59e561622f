"""Waiting by a clock that nobody sets."""

from __future__ import annotations

import time


def use_steady_clock() -> None:
    """Let dask hold messages back by a clock that nobody sets.

    By the wall clock, as it comes, what is held back for some milliseconds waits for a day when the clock is
    set back by one. Batches of messages and the event loop have to go by the same clock.
    """
    import distributed.batched
    from tornado.ioloop import IOLoop

    def steady(_: object = None) -> float:
        return time.monotonic()

    IOLoop.time = steady  # type: ignore[assignment,method-assign]
    distributed.batched.time = steady
