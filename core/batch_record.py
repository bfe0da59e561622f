"""Look at a training update by update: each batch's loss, and how the network would answer then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core import tables
from core.fleet import Fleet
from core.history import Epoch, Frame
from core.learners import Learner, Plain, Samples, Stacked, State, never
from core.perceptron import groups, to_table
from core.specs import TableRunSpec
from core.training import Course, Training, Watch


class RecordingLearner:
    """Passes everything on to ``inner``, and keeps what each update of the last epoch showed.

    Attributes:
        losses: (updates, runs), the loss of each batch before its update.
        positive: (updates, runs), share of the ``asked`` patients that the network then puts in class 1.
        ill: (updates, runs), share of class 1 in the batch.
    """

    def __init__(self, inner: Learner, asked: Tensor) -> None:
        self.inner, self.runs, self._asked = inner, inner.runs, asked
        self.losses: list[list[float]] = []
        self.positive: list[list[float]] = []
        self.ill: list[list[float]] = []

    def clear(self) -> None:
        """Forget what was kept."""
        self.losses, self.positive, self.ill = [], [], []

    def one_pass(
        self, data: Samples, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """See ``Learner.one_pass``."""
        if not learn:
            return self.inner.one_pass(data, batches, False, interrupted)
        self.clear()
        totals = [0.0] * self.runs
        for batch in batches:
            losses = self.inner.one_pass(data, [batch], True, interrupted)
            self.losses.append(losses)
            self.positive.append(self._answers())
            self.ill.append(data.take(batch)[1].double().mean(dim=-1).expand(self.runs).tolist())
            totals = [t + loss * batch.shape[-1] for t, loss in zip(totals, losses, strict=True)]
        samples = sum(batch.shape[-1] for batch in batches)
        return [total / samples for total in totals]

    @torch.no_grad()
    def _answers(self) -> list[float]:
        if isinstance(self.inner, Stacked):
            outputs = self.inner.stack(self._asked.expand(self.runs, *self._asked.shape))
        else:
            assert isinstance(self.inner, Plain)
            outputs = self.inner.model.eval()(self._asked).unsqueeze(0)
        shares: list[float] = (outputs[..., 1] > outputs[..., 0]).double().mean(dim=1).tolist()
        return shares

    def end_epoch(self, losses: Sequence[float]) -> None:
        """See ``Learner.end_epoch``."""
        self.inner.end_epoch(losses)

    def lrs(self) -> list[float]:
        """See ``Learner.lrs``."""
        return self.inner.lrs()

    def accuracies(self) -> list[float | None]:
        """See ``Learner.accuracies``."""
        return self.inner.accuracies()

    def weights(self, run: int) -> dict[str, Tensor]:
        """See ``Learner.weights``."""
        return self.inner.weights(run)

    def state(self) -> State:
        """See ``Learner.state``."""
        return self.inner.state()

    def restore(self, state: State) -> None:
        """See ``Learner.restore``."""
        self.inner.restore(state)


class Recording:
    """A watch that sends what every update of an epoch showed, as a frame after it.

    Its arrays are those of ``RecordingLearner``, (updates,) float32 each, an entry a run; empty for one that
    has diverged before. The patients asked are those for validation.
    """

    def __init__(self, specs: Sequence[TableRunSpec], course: Course, watch: Watch) -> None:
        self._watch = watch
        self.interrupted, self.pausing, self.frame = watch.interrupted, watch.pausing, watch.frame
        trainings: Sequence[Training] = course.trainings if isinstance(course, Fleet) else [_single(course)]
        self._learners: dict[int, tuple[RecordingLearner, int]] = {}
        for training, members in zip(trainings, groups(specs), strict=True):
            asked = to_table(tables.load(specs[members[0]].table).validation, torch.device("cpu")).inputs
            training.learner = learner = RecordingLearner(training.learner, asked)
            self._learners.update((place, (learner, run)) for run, place in enumerate(members))

    def report(self, row: Sequence[Epoch]) -> None:
        """Pass an epoch on, and with it what its updates showed."""
        self._watch.report(row)
        recorded = [self._learners[place] for place in range(len(row))]
        arrays = tuple(
            {name: _column(getattr(learner, name), run) for name in ("losses", "positive", "ill")}
            for learner, run in recorded
        )
        self._watch.frame(Frame(epoch=row[0].number, arrays=arrays))
        for learner, _ in recorded:  # one that has diverged makes no more updates
            learner.clear()


def _single(course: Course) -> Training:
    assert isinstance(course, Training)
    return course


def _column(rows: Sequence[Sequence[float]], run: int) -> Any:
    return np.array([row[run] for row in rows], dtype=np.float32)
