"""Jobs for the engine's tests. A probe's loss is the process id of the worker that carries it out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from core.history import Epoch


def probe(
    epochs: int,
    data: object,
    report: Callable[[Epoch], None],
    interrupted: Callable[[], bool],
) -> tuple[int, object]:
    """Report ``epochs`` epochs of 20 ms; return how many were done and the data that came along."""
    for number in range(1, epochs + 1):
        if interrupted():
            return number - 1, data
        time.sleep(0.02)
        report(Epoch(number=number, train_loss=float(os.getpid()), validation_loss=None, seconds=number / 50))
    return epochs, data


def failing(
    message: str, data: object, report: Callable[[Epoch], None], interrupted: Callable[[], bool]
) -> None:
    """Fail with the data in the message, as careless code would."""
    raise ValueError(f"{message} {data}")


def hungry(
    epochs: int, data: object, report: Callable[[Epoch], None], interrupted: Callable[[], bool]
) -> None:
    """Take memory until the worker is ended for it."""
    hoard = []
    while True:
        hoard.append(b"x" * 2**26)
        time.sleep(0.01)


def echo(value: object) -> object:
    """Return ``value``."""
    return value
