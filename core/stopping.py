"""The counter of early stopping, told epoch by epoch. Prechelt, Early stopping – but when? (1998)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """After an epoch: how many epochs have passed without a better loss, and which was the best so far."""

    waited: int
    best_epoch: int
    best_loss: float


def counts(losses: Sequence[float], min_delta: float = 0.0) -> tuple[Count, ...]:
    """Count along validation losses, one an epoch. Better is lower than the best by more than ``min_delta``.

    ``best_epoch`` is 0 as long as no loss has been finite.
    """
    found: list[Count] = []
    now = Count(waited=0, best_epoch=0, best_loss=math.inf)
    for epoch, loss in enumerate(losses, 1):
        if loss < now.best_loss - min_delta:
            now = Count(waited=0, best_epoch=epoch, best_loss=loss)
        else:
            now = Count(waited=now.waited + 1, best_epoch=now.best_epoch, best_loss=now.best_loss)
        found.append(now)
    return tuple(found)
