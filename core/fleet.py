"""Trainings side by side: each advances one epoch in turn, and their epochs come as one row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from torch import Tensor

from core.history import Epoch, Row
from core.learners import State, never
from core.specs import TrainingSpec
from core.training import Training


class Fleet:
    """Several trainings of equal length as one; ``members`` names the runs of each, by place in a row.

    Each keeps its own clock, so that their seconds can be compared. One that has diverged waits for the
    others with losses that are no number.
    """

    def __init__(self, trainings: Sequence[Training], members: Sequence[Sequence[int]]) -> None:
        self.trainings, self._members = trainings, members
        self.spec: TrainingSpec = trainings[0].spec
        self.done = 0
        self._last: list[Row | None] = [None] * len(trainings)

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return a copy of one run's parameters."""
        training, place = next(
            (training, list(members).index(run))
            for training, members in zip(self.trainings, self._members, strict=True)
            if run in members
        )
        return training.weights(place)

    def epochs(self, interrupted: Callable[[], bool] = never) -> Iterator[Row]:
        """See ``Training.epochs``."""
        streams = [training.epochs(interrupted) for training in self.trainings]
        while self.done < self.spec.epochs:
            self.done += 1
            row: dict[int, Epoch] = {}
            for place, (stream, members) in enumerate(zip(streams, self._members, strict=True)):
                epochs = next(stream, None) or self._waiting(place)
                self._last[place] = epochs
                row.update(zip(members, epochs, strict=True))
            yield tuple(row[run] for run in sorted(row))
            if not any(math.isfinite(epoch.train_loss) for epoch in row.values()):
                return

    def _waiting(self, place: int) -> Row:
        last = self._last[place]
        assert last is not None  # a training gives at least one epoch
        return tuple(replace(epoch, number=self.done, train_loss=math.nan) for epoch in last)

    def state(self) -> State:
        """See ``Training.state``."""
        return {
            "done": self.done,
            "trainings": [training.state() for training in self.trainings],
            "last": list(self._last),
        }

    def restore(self, state: State) -> None:
        """See ``Training.restore``."""
        self.done, self._last = state["done"], state["last"]
        for training, saved in zip(self.trainings, state["trainings"], strict=True):
            training.restore(saved)
