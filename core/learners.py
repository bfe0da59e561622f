"""What is trained: one plain network, or many stacked ones, behind the same few methods."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn, optim

from core import optimizers, schedules
from core.losses import Loss
from core.specs import OptimizerSpec
from core.stacked import Stack, Updates

State = dict[str, Any]


class Interrupted(Exception):  # noqa: N818 - not an error: a reader pressed stop
    """Raised between two batches when the caller no longer wants the run."""


class Table(NamedTuple):
    """Inputs (samples, …) and targets (samples, …) that belong together."""

    inputs: Tensor
    targets: Tensor


def never() -> bool:
    """Say that nobody has asked to stop."""
    return False


class Learner(Protocol):
    """Networks that can go over data, one entry of every list a run."""

    runs: int

    def one_pass(
        self, data: Table, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """Go once over ``data`` in ``batches`` of row numbers and return each run's mean loss.

        With ``learn`` the networks learn on the way. Training and validation are this same pass.

        Raises:
            Interrupted: ``interrupted()`` turned true between two batches.
        """
        ...

    def end_epoch(self, losses: Sequence[float]) -> None:
        """Advance the learning-rate schedules; ``losses`` are what ``plateau`` watches."""
        ...

    def lrs(self) -> list[float]:
        """Return each run's learning rate."""
        ...

    def weights(self, run: int) -> dict[str, Tensor]:
        """Return a copy of one run's parameters."""
        ...

    def state(self) -> State:
        """Return all that is needed to go on elsewhere, as numbers and NumPy arrays."""
        ...

    def restore(self, state: State) -> None:
        """Take up a ``state``."""
        ...


def to_numpy(value: Any) -> Any:
    """Turn every tensor in nested dicts, lists and tuples into a NumPy array."""
    if isinstance(value, Tensor):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, dict):
        return {key: to_numpy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_numpy(item) for item in value)
    return value


def to_tensors(value: Any) -> Any:
    """Undo ``to_numpy``."""
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, dict):
        return {key: to_tensors(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(to_tensors(item) for item in value)
    return value


class Plain:
    """One network, trained by the very operations of a textbook loop, in their order."""

    runs = 1

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: optim.Optimizer,
        schedule: schedules.Schedule | None = None,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self._loss = loss.mean
        self._parameters = list(model.parameters())
        self._step = optimizers.stepper(optimizer)

    def one_pass(
        self, data: Table, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """See ``Learner.one_pass``; ``batches`` hold row numbers (batch,)."""
        total, samples = 0.0, 0
        self.model.train(learn)
        with torch.set_grad_enabled(learn):
            for batch in batches:
                if interrupted():
                    raise Interrupted
                # Copied batch by batch: a slice of a shuffled table lies elsewhere in memory, and matrix
                # products of odd sizes then round differently from a DataLoader's.
                inputs = torch.index_select(data.inputs, 0, batch)
                targets = torch.index_select(data.targets, 0, batch)
                value = self._loss(self.model(inputs), targets)
                if learn:
                    for parameter in self._parameters:
                        parameter.grad = None
                    value.backward()
                    with torch.no_grad():
                        self._step()
                total += value.item() * len(inputs)
                samples += len(inputs)
        return [total / samples]

    def end_epoch(self, losses: Sequence[float]) -> None:
        """See ``Learner.end_epoch``."""
        if self.schedule is not None:
            schedules.advance(self.schedule, losses[0])

    def lrs(self) -> list[float]:
        """See ``Learner.lrs``."""
        return [float(self.optimizer.param_groups[0]["lr"])]

    def weights(self, run: int) -> dict[str, Tensor]:  # noqa: ARG002 - there is only one
        """See ``Learner.weights``."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> State:
        """See ``Learner.state``."""
        parts = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.schedule is not None:
            parts["schedule"] = self.schedule.state_dict()
        plain: State = to_numpy(parts)
        return plain

    def restore(self, state: State) -> None:
        """See ``Learner.restore``."""
        parts = to_tensors(state)
        self.model.load_state_dict(parts["model"])
        self.optimizer.load_state_dict(parts["optimizer"])
        self._step = optimizers.stepper(self.optimizer)
        if self.schedule is not None:
            self.schedule.load_state_dict(parts["schedule"])


class Stacked:
    """Many networks of one shape, trained together; ``clocks`` keep each run's learning rate."""

    def __init__(
        self,
        models: Sequence[nn.Module],
        loss: Loss,
        rules: Sequence[OptimizerSpec],
        clocks: Sequence[schedules.Clock],
    ) -> None:
        self.stack = Stack(models)
        self.runs = self.stack.runs
        self._loss, self._clocks = loss, clocks
        self._updates = Updates(rules, self.stack)
        self._updates.set_lr(self.lrs())

    def one_pass(
        self, data: Table, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """See ``Learner.one_pass``; ``batches`` hold row numbers (runs, batch)."""
        means: list[Tensor] = []
        with torch.set_grad_enabled(learn):
            for batch in batches:
                if interrupted():
                    raise Interrupted
                targets = data.targets[batch]  # (runs, batch) or (runs, batch, outputs)
                outputs = self.stack(data.inputs[batch])
                each = self._loss.each(outputs.flatten(0, 1), targets.flatten(0, 1)).view(self.runs, -1)
                if self._loss.weight is None:
                    losses = each.mean(dim=1)  # (runs,)
                else:
                    losses = each.sum(dim=1) / self._loss.weight(targets).sum(dim=1)
                if learn:
                    losses.backward(torch.ones_like(losses))
                    self._updates.step()
                means.append(losses.detach())
        sizes = torch.tensor([batch.shape[1] for batch in batches], dtype=torch.float64)
        total = (torch.stack(means).cpu().double() * sizes.unsqueeze(1)).sum(dim=0)  # (runs,)
        return [float(value) for value in (total / sizes.sum()).tolist()]

    def end_epoch(self, losses: Sequence[float]) -> None:
        """See ``Learner.end_epoch``."""
        for clock, loss in zip(self._clocks, losses, strict=True):
            clock.advance(loss)
        self._updates.set_lr(self.lrs())

    def lrs(self) -> list[float]:
        """See ``Learner.lrs``."""
        return [clock.lr for clock in self._clocks]

    def weights(self, run: int) -> dict[str, Tensor]:
        """See ``Learner.weights``."""
        return self.stack.weights(run)

    def state(self) -> State:
        """See ``Learner.state``."""
        plain: State = to_numpy(
            {
                "flat": self.stack.flat,
                "moments": self._updates.moments,
                "steps": self._updates.steps,
                "clocks": [clock.state() for clock in self._clocks],
            }
        )
        return plain

    def restore(self, state: State) -> None:
        """See ``Learner.restore``."""
        parts = to_tensors(state)
        with torch.no_grad():
            self.stack.flat.copy_(parts["flat"])
        for moment, saved in zip(self._updates.moments, parts["moments"], strict=True):
            moment.copy_(saved)
        self._updates.steps = parts["steps"]
        for clock, saved in zip(self._clocks, parts["clocks"], strict=True):
            clock.restore(saved)
        self._updates.set_lr(self.lrs())
