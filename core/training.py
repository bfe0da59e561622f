"""The one training loop: a generator of epochs. What becomes of them is the caller's affair."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from core.history import Ending, Epoch, Frame, Paused, Row
from core.learners import Interrupted, Learner, Samples, State, never, to_numpy, to_tensors
from core.specs import TrainingSpec


def order(samples: int, shuffle: bool, generator: torch.Generator) -> Tensor:
    """Return the order of one epoch, (samples,): the one that ``DataLoader(generator=…)`` would use.

    Besides the order itself, a DataLoader draws a seed for its workers before each epoch, and its
    sampler a second permutation of which it uses nothing. Drawing both here as well keeps a textbook
    script and this loop on the same numbers.
    """
    torch.empty((), dtype=torch.int64).random_(generator=generator)
    if not shuffle:
        return torch.arange(samples)
    chosen = torch.randperm(samples, generator=generator)
    torch.randperm(samples, generator=generator)
    return chosen


@dataclass
class EarlyStopping:
    """Keep the weights of the best validation loss; stop after ``patience`` epochs without a better one.

    Prechelt, Early stopping – but when? (1998).
    """

    patience: int | None
    min_delta: float = 0.0
    best_loss: float = math.inf
    best_epoch: int = 0
    waited: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict, repr=False)

    def update(self, epoch: Epoch, weights: Callable[[], dict[str, Tensor]]) -> bool:
        """Look at one epoch; True when it is time to stop. ``weights()`` copies the network's parameters."""
        if epoch.validation_loss is None:
            return False
        if epoch.validation_loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.waited = epoch.validation_loss, epoch.number, 0
            if self.patience is not None:
                self.best_weights = weights()
        else:
            self.waited += 1
        return self.patience is not None and self.waited >= self.patience


class Training:
    """A training under way: it can be advanced epoch by epoch, handed over, and taken up again elsewhere.

    One run or many: ``seeds`` has an entry for each run of ``learner``, and so has every epoch.
    """

    def __init__(
        self,
        learner: Learner,
        train: Samples,
        validation: Samples | None,
        spec: TrainingSpec,
        seeds: Sequence[int] | None = None,
    ) -> None:
        self.learner, self.spec = learner, spec
        self._train, self._validation = train, validation
        seeds = [spec.seed] if seeds is None else seeds
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.done = 0
        self._seconds = 0.0

    def _batches(self) -> tuple[Tensor, ...]:
        """Draw the batches of one epoch: row numbers (batch,), or (runs, batch) for several runs."""
        orders = [order(self._train.rows, self.spec.shuffle, g) for g in self._generators]
        rows = orders[0] if len(orders) == 1 else torch.stack(orders)
        return torch.split(rows, self.spec.batch_size, dim=-1)

    def _held_out(self) -> tuple[Tensor, ...]:
        assert self._validation is not None
        rows = torch.arange(self._validation.rows)
        if self.learner.runs > 1:
            rows = rows.expand(self.learner.runs, -1)
        return torch.split(rows, 1024, dim=-1)

    def epochs(self, interrupted: Callable[[], bool] = never) -> Iterator[Row]:
        """Train, and yield each epoch as it ends, a row for each run, until ``spec.epochs`` are done.

        The generator ends early after an epoch in which no run has a finite loss left.

        Raises:
            Interrupted: ``interrupted()`` turned true; the networks keep what they have learnt so far.
        """
        while self.done < self.spec.epochs:
            begin = time.perf_counter()
            lrs = self.learner.lrs()
            losses = self.learner.one_pass(self._train, self._batches(), True, interrupted)
            held_out: Sequence[float | None] = [None] * len(losses)
            right: Sequence[float | None] = held_out
            if self._validation is not None:
                held_out = self.learner.one_pass(self._validation, self._held_out(), False)
                right = self.learner.accuracies()
            watched = [t if v is None else v for t, v in zip(losses, held_out, strict=True)]
            self.learner.end_epoch(watched)
            self.done += 1
            self._seconds += time.perf_counter() - begin
            yield tuple(
                Epoch(
                    number=self.done,
                    train_loss=t,
                    validation_loss=v,
                    lr=lr,
                    seconds=self._seconds,
                    validation_accuracy=accuracy,
                )
                for t, v, lr, accuracy in zip(losses, held_out, lrs, right, strict=True)
            )
            if not any(map(math.isfinite, losses)):
                return

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return a copy of one run's parameters."""
        return self.learner.weights(run)

    def state(self) -> State:
        """Return all that is needed to go on elsewhere, as numbers and NumPy arrays."""
        return {
            "done": self.done,
            "seconds": self._seconds,
            "generators": [to_numpy(g.get_state()) for g in self._generators],
            "learner": self.learner.state(),
        }

    def restore(self, state: State) -> None:
        """Take up a ``state``: what follows is what would have followed without the break."""
        self.done, self._seconds = state["done"], state["seconds"]
        for generator, saved in zip(self._generators, state["generators"], strict=True):
            generator.set_state(to_tensors(saved))
        self.learner.restore(state["learner"])


class Course(Protocol):
    """What can be driven epoch by epoch: a training, or several side by side."""

    done: int
    spec: TrainingSpec

    def epochs(self, interrupted: Callable[[], bool] = never) -> Iterator[Row]:
        """Train, and yield each epoch as it ends; see ``Training.epochs``."""
        ...

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return a copy of one run's parameters."""
        ...

    def state(self) -> State:
        """Return all that is needed to go on elsewhere."""
        ...

    def restore(self, state: State) -> None:
        """Take up a ``state``."""
        ...


class Watch(Protocol):
    """Who a training answers to."""

    def report(self, row: Sequence[Epoch]) -> None:
        """Take an epoch, one entry a run."""
        ...

    def frame(self, frame: Frame) -> None:
        """Take a look into the networks."""
        ...

    def interrupted(self) -> bool:
        """Say whether to stop at once."""
        ...

    def pausing(self) -> bool:
        """Say whether to hand the training over after the epoch just reported."""
        ...


class Unwatched:
    """A watch that lets a training run to its end."""

    def report(self, row: Sequence[Epoch]) -> None:
        """Let it pass."""

    def frame(self, frame: Frame) -> None:
        """Let it pass."""

    def interrupted(self) -> bool:
        """Never."""
        return False

    def pausing(self) -> bool:
        """Never."""
        return False


class Looking:
    """A watch that passes on what it is told and asked, and looks after each of the epochs ``due``.

    ``look(epoch)`` may send frames; the first is asked for here unless the training goes on from a pause.
    """

    def __init__(self, watch: Watch, due: Collection[int], look: Callable[[int], None], begun: bool) -> None:
        self._watch, self._due, self._look = watch, due, look
        self.interrupted, self.pausing, self.frame = watch.interrupted, watch.pausing, watch.frame
        if not begun:
            look(0)

    def report(self, row: Sequence[Epoch]) -> None:
        """Pass an epoch on, and look where it is due."""
        self._watch.report(row)
        if row[0].number in self._due:
            self._look(row[0].number)


def drive(training: Course, rows: list[Row], watch: Watch, stopping: EarlyStopping) -> Ending | None:
    """Advance ``training`` to its end, appending its epochs to ``rows``; None if it was paused."""
    try:
        for row in training.epochs(watch.interrupted):
            rows.append(row)
            watch.report(row)
            if len(row) == 1 and stopping.update(row[0], lambda: training.weights(0)):
                return "early"
            if watch.pausing() and training.done < training.spec.epochs:
                return None
    except Interrupted:
        return "stopped"
    if rows and not any(math.isfinite(epoch.train_loss) for epoch in rows[-1]):
        return "diverged"
    return "finished"


def hand_over(training: Course, rows: list[Row], stopping: EarlyStopping) -> Paused:
    """Pack a paused training, to be taken up by ``take_up``."""
    kept = {**vars(stopping), "best_weights": to_numpy(stopping.best_weights)}
    return Paused(rows=tuple(rows), state={"training": training.state(), "stopping": kept})


def take_up(paused: Paused, training: Course) -> tuple[list[Row], EarlyStopping]:
    """Unpack what ``hand_over`` packed into a fresh ``training`` of the same spec."""
    training.restore(paused.state["training"])
    kept = paused.state["stopping"]
    stopping = EarlyStopping(**{**kept, "best_weights": to_tensors(kept["best_weights"])})
    return list(paused.rows), stopping


class Trained(NamedTuple):
    """A training that has come to its end: its epochs, its early stopping, and how it ended."""

    rows: list[Row]
    stopping: EarlyStopping
    ending: Ending


def train_on(
    training: Course,
    paused: Paused | None,
    watch: Watch,
    look: Callable[[Watch], Watch] | None = None,
) -> Trained | Paused:
    """Begin ``training``, or go on where ``paused`` left it, until it ends or is paused again.

    ``look`` may put a watch before ``watch`` once the training stands where it begins.
    """
    rows: list[Row] = []
    stopping = EarlyStopping(training.spec.patience, training.spec.min_delta)
    if paused is not None:
        rows, stopping = take_up(paused, training)
    ending = drive(training, rows, look(watch) if look else watch, stopping)
    return hand_over(training, rows, stopping) if ending is None else Trained(rows, stopping, ending)
