"""A training whose gradient explodes on its way back through time, beside the same one with clipping.

Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.backtime import LONGEST, SHORTEST, scale_recurrent, training_windows
from core.history import Epoch, Frame, Paused, Result, run_ending, run_history
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec, require_between

if TYPE_CHECKING:
    from core.training import Watch

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """A SimpleRNN that learns the article's wave from recurrent weights ``scale`` times their own.

    ``training.clip`` is the longest a gradient may be, None for no limit.
    """

    length: int = 60
    scale: float = 2.0
    hidden: int = 32
    optimizer: OptimizerSpec = field(default_factory=lambda: OptimizerSpec(name="sgd", lr=0.1))
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=40, batch_size=16))

    def __post_init__(self) -> None:
        require_between("窓の長さ", self.length, SHORTEST, LONGEST)
        require_between("W_hh の倍率", self.scale, 0.1, 10.0)
        require_between("隠れユニット数", self.hidden, 2, 128)


def pair(spec: ClipSpec, longest: float, seeds: int = 1) -> tuple[ClipSpec, ...]:
    """Return ``spec`` without and with clipping, for ``seeds`` seeds in a row: from the same weights each."""
    return tuple(
        replace(spec, training=replace(spec.training, seed=spec.training.seed + seed, clip=clip))
        for seed in range(seeds)
        for clip in (None, longest)
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ClipRun(Result):
    """A training, update by update.

    Attributes:
        losses: (updates,), the loss of each batch before its update.
        norms: (updates,), the gradient's length before it was shortened, infinite or NaN when it was no
            number any more.
    """

    losses: Array = field(repr=False)
    norms: Array = field(repr=False)

    def clipped(self, longest: float) -> float:
        """Return the share of updates whose gradient was longer than ``longest``."""
        return float(np.mean(~(self.norms <= longest))) if len(self.norms) else math.nan


def constant_loss(length: int) -> float:
    """Return the loss of always answering 0 to the windows of that ``length``: their mean square."""
    return float(np.mean(np.square(training_windows(length).targets, dtype=np.float64)))


def exploded(history: Sequence[Epoch], constant: float) -> bool:
    """Say whether the loss has ended as no number, or over ten times ``constant``, that of answering 0."""
    last = history[-1].train_loss
    return not math.isfinite(last) or last > 10 * constant


def train(
    specs: Sequence[ClipSpec], paused: Paused | None = None, watch: Watch | None = None
) -> tuple[ClipRun, ...] | Paused:
    """Train ``specs`` side by side; frames after each epoch hold ``losses`` and ``norms`` of its updates."""
    import torch
    from torch import Tensor, nn

    from core import device as devices
    from core import models, optimizers
    from core.fleet import Fleet
    from core.forecaster import table
    from core.learners import Plain, Samples, State, never
    from core.losses import MSE
    from core.training import Training, Unwatched, train_on

    class Measuring(Plain):
        """A plain network that keeps the loss and the gradient's length of every update of an epoch."""

        def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, longest: float | None) -> None:
            super().__init__(model, MSE, optimizer)
            self.losses: list[float] = []
            self.norms: list[float] = []
            self._longest = longest
            self._take_over()

        def _take_over(self) -> None:
            self._update, self._step = self._step, self._measured_step

        def _measured_step(self) -> None:
            if self._longest is None:
                norm = nn.utils.get_total_norm([p.grad for p in self._parameters if p.grad is not None])
            else:
                norm = nn.utils.clip_grad_norm_(self._parameters, self._longest)
            self.norms.append(norm.item())
            self._update()

        def one_pass(
            self,
            data: Samples,
            batches: Sequence[Tensor],
            learn: bool,
            interrupted: Callable[[], bool] = never,
        ) -> list[float]:
            self.losses, self.norms = [], []
            total = 0.0
            for batch in batches:
                (loss,) = super().one_pass(data, [batch], learn, interrupted)
                self.losses.append(loss)
                total += loss * len(batch)
            return [total / sum(map(len, batches))]

        def restore(self, state: State) -> None:
            super().restore(state)
            self._take_over()

    devices.one_thread()
    device = torch.device("cpu")
    data = table(training_windows(specs[0].length), device)
    outer = watch or Unwatched()

    def learner(spec: ClipSpec) -> Measuring:
        model = models.build(ModelSpec(hidden=spec.hidden), spec.training.seed)
        scale_recurrent(model, spec.scale)
        optimizer = optimizers.build(spec.optimizer, model.parameters())
        return Measuring(model, optimizer, spec.training.clip)

    learners = [learner(spec) for spec in specs]
    trainings = [Training(one, data, None, spec.training) for one, spec in zip(learners, specs, strict=True)]
    course = Fleet(trainings, [[place] for place in range(len(specs))])
    kept: list[list[list[float]]] = (
        [[list(part) for part in run] for run in paused.state["updates"]]
        if paused is not None
        else [[[], []] for _ in specs]
    )

    class Recorder:
        """Keeps every update, and passes on what it is told and asked."""

        interrupted, pausing, frame = outer.interrupted, outer.pausing, outer.frame

        @staticmethod
        def report(row: Sequence[Epoch]) -> None:
            outer.report(row)
            arrays: list[dict[str, npt.NDArray[Any]]] = []
            for one, (losses, norms) in zip(learners, kept, strict=True):
                losses += one.losses
                norms += one.norms
                arrays.append({"losses": np.array(one.losses), "norms": np.array(one.norms)})
                one.losses, one.norms = [], []  # one that has diverged makes no more updates
            outer.frame(Frame(epoch=row[0].number, arrays=tuple(arrays)))

    trained = train_on(course, paused, Recorder())
    if isinstance(trained, Paused):
        return replace(trained, state={**trained.state, "updates": kept})

    def finish(place: int) -> ClipRun:
        history = run_history(trained.rows, place)
        return ClipRun(
            history=history,
            ending=run_ending(history, trained.ending),
            device=devices.describe(device),
            parameters=models.count_parameters(learners[place].model),
            losses=np.array(kept[place][0]),
            norms=np.array(kept[place][1]),
        )

    return tuple(finish(place) for place in range(len(specs)))
