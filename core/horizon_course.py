"""Trainings side by side, each with an early stopping of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from core.history import Epoch, Row
from core.learners import State, never, to_numpy, to_tensors
from core.specs import TrainingSpec
from core.training import EarlyStopping, Training


class StoppingCourse:
    """Several trainings of one network each; one that stops early waits for the others as it is.

    ``ends`` tells after which epoch each has stopped, None while it goes on.
    """

    def __init__(self, trainings: Sequence[Training]) -> None:
        self._trainings = trainings
        first = trainings[0].spec
        self.spec: TrainingSpec = replace(first, patience=None)  # each has its own
        self.stoppings = [EarlyStopping(t.spec.patience, t.spec.min_delta) for t in trainings]
        self.ends: list[int | None] = [None] * len(trainings)
        self.done = 0
        self._last: list[Epoch | None] = [None] * len(trainings)

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return a copy of the best parameters of one run, its newest if it has no patience."""
        return self.stoppings[run].best_weights or self._trainings[run].weights(0)

    def epochs(self, interrupted: Callable[[], bool] = never) -> Iterator[Row]:
        """See ``Training.epochs``. Ends early when every training has stopped."""
        streams = [training.epochs(interrupted) for training in self._trainings]
        while self.done < self.spec.epochs and None in self.ends:
            self.done += 1
            for run, stream in enumerate(streams):
                if self.ends[run] is None:
                    (self._last[run],) = next(stream)
                else:
                    self._last[run] = replace(self._known(run), number=self.done)
            row = tuple(self._known(run) for run in range(len(streams)))
            self._judge(row)  # once all are there: an epoch that is interrupted counts for none of them
            yield row

    def _judge(self, row: Row) -> None:
        for run, epoch in enumerate(row):
            if self.ends[run] is None:
                early = self.stoppings[run].update(epoch, partial(self._trainings[run].weights, 0))
                if early or not math.isfinite(epoch.train_loss):
                    self.ends[run] = self.done

    def _known(self, run: int) -> Epoch:
        last = self._last[run]
        assert last is not None  # every training has had its first epoch
        return last

    def state(self) -> State:
        """See ``Training.state``."""
        kept = [{**vars(s), "best_weights": to_numpy(s.best_weights)} for s in self.stoppings]
        return {
            "done": self.done,
            "ends": list(self.ends),
            "last": list(self._last),
            "stoppings": kept,
            "trainings": [training.state() for training in self._trainings],
        }

    def restore(self, state: State) -> None:
        """See ``Training.restore``."""
        self.done, self.ends, self._last = state["done"], list(state["ends"]), list(state["last"])
        self.stoppings = [
            EarlyStopping(**{**kept, "best_weights": to_tensors(kept["best_weights"])})
            for kept in state["stoppings"]
        ]
        for training, saved in zip(self._trainings, state["trainings"], strict=True):
            training.restore(saved)
