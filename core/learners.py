"""What is trained: one plain network, or many stacked ones, behind the same few methods."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn, optim

from core import optimizers, schedules
from core.losses import Loss
from core.specs import OptimizerSpec, PenaltySpec
from core.stacked import Stack, Updates

State = dict[str, Any]


class Interrupted(Exception):  # noqa: N818 - not an error: a reader pressed stop
    """Raised between two batches when the caller no longer wants the run."""


class Samples(Protocol):
    """What a network learns from, by number."""

    @property
    def rows(self) -> int:
        """Return how many samples there are."""
        ...

    def take(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """Return inputs (batch, …) and targets (batch, …) of the samples of those numbers."""
        ...


class Table(NamedTuple):
    """Inputs (samples, …) and targets (samples, …) that belong together."""

    inputs: Tensor
    targets: Tensor

    @property
    def rows(self) -> int:
        """See ``Samples.rows``."""
        return len(self.inputs)

    def take(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Samples.take``."""
        if batch.dim() > 1:
            return self.inputs[batch], self.targets[batch]
        # Copied batch by batch: a slice of a shuffled table lies elsewhere in memory, and matrix products
        # of odd sizes then round differently from a DataLoader's.
        return torch.index_select(self.inputs, 0, batch), torch.index_select(self.targets, 0, batch)


def never() -> bool:
    """Say that nobody has asked to stop."""
    return False


class Learner(Protocol):
    """Networks that can go over data, one entry of every list a run."""

    runs: int

    def one_pass(
        self, data: Samples, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
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

    def accuracies(self) -> list[float | None]:
        """Return each run's share of right answers in the last pass without learning, None if not known."""
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


class Penalty:
    """What a network's weights, biases apart, cost beside the loss."""

    def __init__(self, spec: PenaltySpec, model: nn.Module) -> None:
        self._spec = spec
        self._weights = [p for name, p in model.named_parameters() if name.endswith("weight")]

    def __call__(self) -> Tensor:
        """Return the cost at this moment."""
        parts = []
        if self._spec.l1:
            parts.append(self._spec.l1 * sum(w.abs().sum() for w in self._weights))
        if self._spec.l2:
            parts.append(self._spec.l2 * sum((w**2).sum() for w in self._weights))
        total = sum(parts)
        assert isinstance(total, Tensor)
        return total


class Plain:
    """One network, trained by the very operations of a textbook loop, in their order.

    ``random_state`` is the state of torch's global generator from which dropout and augmentation draw;
    ``graded`` networks count their right answers when they do not learn; ``clip`` is the longest that a
    gradient may be (Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent networks).
    """

    runs = 1

    def __init__(
        self,
        model: nn.Module,
        loss: Loss,
        optimizer: optim.Optimizer,
        schedule: schedules.Schedule | None = None,
        penalty: PenaltySpec | None = None,
        random_state: Tensor | None = None,
        graded: bool = False,
        clip: float | None = None,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self._penalty = Penalty(penalty, model) if penalty and penalty != PenaltySpec() else None
        self._random_state = random_state
        self._graded, self._accuracy = graded, math.nan
        self._clip = clip
        self._loss = loss.mean
        self._parameters = list(model.parameters())
        self._step = optimizers.stepper(optimizer)

    def one_pass(
        self, data: Samples, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """See ``Learner.one_pass``; ``batches`` hold row numbers (batch,)."""
        total, samples, right = 0.0, 0, 0
        self.model.train(learn)
        with torch.set_grad_enabled(learn), self._own_random_numbers():
            for batch in batches:
                if interrupted():
                    raise Interrupted
                inputs, targets = data.take(batch)
                outputs = self.model(inputs)
                value = self._loss(outputs, targets)
                if self._graded and not learn:
                    right += int((outputs.argmax(1) == targets).sum())
                if learn:
                    for parameter in self._parameters:
                        parameter.grad = None
                    (value if self._penalty is None else value + self._penalty()).backward()
                    if self._clip is not None:
                        nn.utils.clip_grad_norm_(self._parameters, self._clip)
                    with torch.no_grad():
                        self._step()
                total += value.item() * len(inputs)
                samples += len(inputs)
        self._accuracy = right / samples
        return [total / samples]

    @contextlib.contextmanager
    def _own_random_numbers(self) -> Iterator[None]:
        """Let dropout go on with this network's stream of random numbers."""
        if self._random_state is None:
            yield
            return
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._random_state)
            yield
            self._random_state = torch.get_rng_state()

    def end_epoch(self, losses: Sequence[float]) -> None:
        """See ``Learner.end_epoch``."""
        if self.schedule is not None:
            schedules.advance(self.schedule, losses[0])

    def lrs(self) -> list[float]:
        """See ``Learner.lrs``."""
        return [float(self.optimizer.param_groups[0]["lr"])]

    def accuracies(self) -> list[float | None]:
        """See ``Learner.accuracies``."""
        return [self._accuracy if self._graded else None]

    def weights(self, run: int) -> dict[str, Tensor]:  # noqa: ARG002 - there is only one
        """See ``Learner.weights``."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> State:
        """See ``Learner.state``."""
        parts: State = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.schedule is not None:
            parts["schedule"] = self.schedule.state_dict()
        if self._random_state is not None:
            parts["random"] = self._random_state
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
        self._random_state = parts.get("random")


class Stacked:
    """Many networks of one shape, trained together; ``clocks`` keep each run's learning rate."""

    def __init__(
        self,
        models: Sequence[nn.Module],
        loss: Loss,
        rules: Sequence[OptimizerSpec],
        clocks: Sequence[schedules.Clock],
        penalties: Sequence[PenaltySpec] = (),
        clip: float | None = None,
    ) -> None:
        self.stack = Stack(models)
        self._l1 = self._per_weight([p.l1 for p in penalties])
        self._l2 = self._per_weight([p.l2 for p in penalties])
        self.runs = self.stack.runs
        self._loss, self._clocks, self._clip = loss, clocks, clip
        self._updates = Updates(rules, self.stack)
        self._updates.set_lr(self.lrs())

    def one_pass(
        self, data: Samples, batches: Sequence[Tensor], learn: bool, interrupted: Callable[[], bool] = never
    ) -> list[float]:
        """See ``Learner.one_pass``; ``batches`` hold row numbers (runs, batch)."""
        means: list[Tensor] = []
        with torch.set_grad_enabled(learn):
            for batch in batches:
                if interrupted():
                    raise Interrupted
                inputs, targets = data.take(batch)  # targets (runs, batch) or (runs, batch, outputs)
                outputs = self.stack(inputs)
                each = self._loss.each(outputs.flatten(0, 1), targets.flatten(0, 1)).view(self.runs, -1)
                if self._loss.weight is None:
                    losses = each.mean(dim=1)  # (runs,)
                else:
                    losses = each.sum(dim=1) / self._loss.weight(targets).sum(dim=1)
                if learn:
                    losses.backward(torch.ones_like(losses))
                    self._penalize()
                    if self._clip is not None:
                        self._shorten(self._clip)
                    self._updates.step()
                means.append(losses.detach())
        sizes = torch.tensor([batch.shape[1] for batch in batches], dtype=torch.float64)
        total = (torch.stack(means).cpu().double() * sizes.unsqueeze(1)).sum(dim=0)  # (runs,)
        return [float(value) for value in (total / sizes.sum()).tolist()]

    @torch.no_grad()
    def _shorten(self, longest: float) -> None:
        """Shorten each run's gradient to ``longest``, as ``torch.nn.utils.clip_grad_norm_`` does."""
        gradient, owner = self.stack.flat_grad, self.stack.owner
        squares = gradient.new_zeros(self.runs).index_add_(0, owner, gradient**2)
        gradient.mul_((longest / (squares.sqrt() + 1e-6)).clamp(max=1.0)[owner])

    def _per_weight(self, strengths: Sequence[float]) -> Tensor | None:
        """Return each run's strength at its weights and 0 at its biases; None when all are 0."""
        if not any(strengths):
            return None
        return self.stack.flat.new_tensor(strengths)[self.stack.owner] * self.stack.is_weight

    @torch.no_grad()
    def _penalize(self) -> None:
        """Add the slope of the penalty to the gradient."""
        if self._l1 is not None:
            self.stack.flat_grad.addcmul_(self._l1, self.stack.flat.sign())
        if self._l2 is not None:
            self.stack.flat_grad.addcmul_(self._l2, self.stack.flat, value=2)

    def end_epoch(self, losses: Sequence[float]) -> None:
        """See ``Learner.end_epoch``."""
        for clock, loss in zip(self._clocks, losses, strict=True):
            clock.advance(loss)
        self._updates.set_lr(self.lrs())

    def lrs(self) -> list[float]:
        """See ``Learner.lrs``."""
        return [clock.lr for clock in self._clocks]

    def accuracies(self) -> list[float | None]:
        """See ``Learner.accuracies``."""
        return [None] * self.runs

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
