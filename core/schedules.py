"""Learning-rate schedules by name: the very torch classes, stepped once an epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import optim
from torch.optim import lr_scheduler

from core.specs import ScheduleSpec

Schedule = lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau

SCHEDULES: dict[str, Callable[[optim.Optimizer, ScheduleSpec, int], Schedule]] = {
    "constant": lambda opt, _, __: lr_scheduler.ConstantLR(opt, factor=1.0, total_iters=0),
    "step": lambda opt, s, _: lr_scheduler.StepLR(opt, step_size=s.every, gamma=s.gamma),
    "exponential": lambda opt, s, _: lr_scheduler.ExponentialLR(opt, gamma=s.gamma),
    # Loshchilov and Hutter, SGDR (2017).
    "cosine": lambda opt, _, epochs: lr_scheduler.CosineAnnealingLR(opt, T_max=epochs),
    # Smith and Topin, Super-convergence (2018).
    "one_cycle": lambda opt, _, epochs: lr_scheduler.OneCycleLR(
        opt, max_lr=opt.param_groups[0]["lr"], total_steps=epochs + 1, cycle_momentum=False
    ),
    # Goyal et al., Accurate, large minibatch SGD (2017).
    "warm_up": lambda opt, s, _: lr_scheduler.LinearLR(opt, start_factor=0.01, total_iters=s.warm_up),
    "plateau": lambda opt, s, _: lr_scheduler.ReduceLROnPlateau(opt, factor=s.gamma, patience=s.patience),
}


def build(spec: ScheduleSpec, optimizer: optim.Optimizer, epochs: int) -> Schedule:
    """Make the schedule of ``spec`` for ``optimizer`` over ``epochs`` epochs."""
    return SCHEDULES[spec.name](optimizer, spec, epochs)


def advance(schedule: Schedule, loss: float) -> None:
    """Go on to the next epoch; only ``plateau`` looks at ``loss``."""
    schedule.optimizer._opt_called = True  # type: ignore[attr-defined] # its steps go past the class
    if isinstance(schedule, lr_scheduler.ReduceLROnPlateau):
        schedule.step(loss)
    else:
        schedule.step()


class Clock:
    """The learning rate of one run, epoch by epoch, kept by torch's own schedule on a stand-in parameter."""

    def __init__(self, spec: ScheduleSpec, lr: float, epochs: int) -> None:
        self._optimizer = optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        self._schedule = build(spec, self._optimizer, epochs)

    @property
    def lr(self) -> float:
        """Return the learning rate of the epoch under way."""
        return float(self._optimizer.param_groups[0]["lr"])

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on elsewhere."""
        return {"lr": self.lr, "schedule": self._schedule.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a ``state``."""
        self._optimizer.param_groups[0]["lr"] = state["lr"]
        self._schedule.load_state_dict(state["schedule"])

    def advance(self, loss: float) -> None:
        """Go on to the next epoch."""
        advance(self._schedule, loss)
