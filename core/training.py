"""The one training loop: a generator of epochs. What becomes of them is the caller's affair."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor, nn, optim

from core.history import Epoch
from core.specs import TrainingSpec

Loss = Callable[[Tensor, Tensor], Tensor]


class Interrupted(Exception):  # noqa: N818 - not an error: a reader pressed stop
    """Raised between two batches when the caller no longer wants the run."""


class Table(NamedTuple):
    """Inputs (samples, …) and targets (samples, …) that belong together."""

    inputs: Tensor
    targets: Tensor


def never() -> bool:
    """Say that nobody has asked to stop."""
    return False


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


def one_pass(
    model: nn.Module,
    loss: Loss,
    data: Table,
    batches: tuple[Tensor, ...],
    optimizer: optim.Optimizer | None = None,
    interrupted: Callable[[], bool] = never,
) -> float:
    """Go once over ``data`` and return its mean loss; learn on the way if there is an optimizer.

    Raises:
        Interrupted: ``interrupted()`` turned true between two batches.
    """
    total = 0.0
    learning = optimizer is not None
    model.train(learning)
    with torch.set_grad_enabled(learning):
        for batch in batches:
            if interrupted():
                raise Interrupted
            value = loss(model(data.inputs[batch]), data.targets[batch])
            if optimizer is not None:
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
            total += value.item() * len(batch)
    return total / len(data.inputs)


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

    def update(self, epoch: Epoch, model: nn.Module) -> bool:
        """Look at one epoch; True when it is time to stop."""
        if epoch.validation_loss is None:
            return False
        if epoch.validation_loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch, self.waited = epoch.validation_loss, epoch.number, 0
            if self.patience is not None:
                self.best_weights = copy.deepcopy(model.state_dict())
        else:
            self.waited += 1
        return self.patience is not None and self.waited >= self.patience


def epochs(
    model: nn.Module,
    loss: Loss,
    optimizer: optim.Optimizer,
    train: Table,
    validation: Table | None,
    spec: TrainingSpec,
    interrupted: Callable[[], bool] = never,
) -> Iterator[Epoch]:
    """Train ``model`` and yield each epoch as it ends, at most ``spec.epochs`` of them.

    The generator ends early after an epoch whose loss is not a number (that epoch is yielded).

    Raises:
        Interrupted: ``interrupted()`` turned true; the model keeps what it has learnt so far.
    """
    generator = torch.Generator().manual_seed(spec.seed)
    held_out = torch.arange(len(validation.inputs)).split(1024) if validation else ()
    start = time.perf_counter()
    for number in range(1, spec.epochs + 1):
        batches = order(len(train.inputs), spec.shuffle, generator).split(spec.batch_size)
        train_loss = one_pass(model, loss, train, batches, optimizer, interrupted)
        validation_loss = one_pass(model, loss, validation, held_out) if validation else None
        yield Epoch(
            number=number,
            train_loss=train_loss,
            validation_loss=validation_loss,
            seconds=time.perf_counter() - start,
        )
        if not math.isfinite(train_loss):
            return
