"""The learning-rate range test: raise the rate a little each step and see where the loss falls fastest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.specs import TableRunSpec

LOW, HIGH, STEPS = 1e-5, 10.0, 120
SMOOTHING = 0.9
GIVE_UP = 4.0
REACH = 6


@dataclass(frozen=True, kw_only=True)
class RangeTest:
    """Learning rate of each step and the smoothed training loss; ``suggested`` is where it falls fastest."""

    lrs: tuple[float, ...] = field(repr=False)
    losses: tuple[float, ...] = field(repr=False)
    suggested: float | None
    lowest: float


def suggest(lrs: Sequence[float], losses: Sequence[float]) -> float | None:
    """Return the rate of the steepest fall of ``losses`` over log ``lrs``, before their lowest point.

    The slope is taken over ``REACH`` steps to either side, and the first steps are left out, so that
    one odd mini-batch decides nothing. None when there is no fall to speak of.
    """
    lowest = min(range(len(losses)), key=losses.__getitem__, default=0)
    slopes = {
        i: (losses[i + REACH] - losses[i - REACH]) / math.log(lrs[i + REACH] / lrs[i - REACH])
        for i in range(2 * REACH, min(lowest + 1, len(losses) - REACH))
    }
    if not slopes or min(slopes.values()) >= 0 or losses[lowest] > 0.98 * losses[0]:
        return None
    return lrs[min(slopes, key=slopes.__getitem__)]


def range_test(spec: TableRunSpec) -> RangeTest:
    """Run the test of Smith, Cyclical learning rates for training neural networks (2017).

    The rate climbs from 1e-5 to 10 in equal ratios, one mini-batch a step; the test ends when the
    smoothed loss is four times its lowest, or is no number.
    """
    import torch

    from core import device as devices
    from core import tables
    from core.learners import Plain
    from core.perceptron import make_learner, to_table
    from core.training import order

    devices.one_thread()
    device = devices.pick()
    data = tables.load(spec.table)
    train = to_table(data.train, device)
    learner = make_learner([spec], device)
    assert isinstance(learner, Plain)
    generator = torch.Generator().manual_seed(spec.training.seed)
    batches: list[torch.Tensor] = []
    while len(batches) < STEPS:
        batches += torch.split(order(len(train.inputs), True, generator), spec.training.batch_size)
    lrs: list[float] = []
    losses: list[float] = []
    average = 0.0
    for step, batch in enumerate(batches[:STEPS]):
        lr = LOW * (HIGH / LOW) ** (step / (STEPS - 1))
        learner.optimizer.param_groups[0]["lr"] = lr
        (loss,) = learner.one_pass(train, [batch], True)
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed = average / (1 - SMOOTHING ** (step + 1))
        if not math.isfinite(smoothed) or (losses and smoothed > GIVE_UP * min(losses)):
            break
        lrs.append(lr)
        losses.append(smoothed)
    return RangeTest(lrs=tuple(lrs), losses=tuple(losses), suggested=suggest(lrs, losses), lowest=min(losses))
