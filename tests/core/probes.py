"""Jobs for the engine's tests. A probe's loss is the process id of the worker that carries it out."""

from __future__ import annotations

import os
import time

from core.history import Epoch, Paused, Row
from core.training import Watch


def probe(epochs: int, data: object, paused: Paused | None, watch: Watch) -> tuple[int, object] | Paused:
    """Report ``epochs`` epochs of 20 ms; return how many were done and the data that came along."""
    rows: list[Row] = list(paused.rows) if paused else []
    for number in range(len(rows) + 1, epochs + 1):
        if watch.interrupted():
            return number - 1, data
        time.sleep(0.02)
        loss = float(os.getpid())
        row = (Epoch(number=number, train_loss=loss, validation_loss=None, lr=0.0, seconds=number / 50),)
        rows.append(row)
        watch.report(row)
        if watch.pausing():
            return Paused(rows=tuple(rows), state={})
    return epochs, data


def loop_clock() -> float:
    """Return how far the clock of the worker's event loop is from the steady one, in seconds."""
    from tornado.ioloop import IOLoop

    return abs(IOLoop.current().time() - time.monotonic())


def failing(message: str, data: object, paused: Paused | None, watch: Watch) -> None:
    """Fail with the data in the message, as careless code would."""
    raise ValueError(f"{message} {data}")


def hungry(epochs: int, data: object, paused: Paused | None, watch: Watch) -> None:
    """Take memory until the worker is ended for it."""
    hoard = []
    while True:
        hoard.append(b"x" * 2**26)
        time.sleep(0.01)


def echo(value: object) -> object:
    """Return ``value``."""
    return value
