"""The optimizers of ``torch.optim`` that a spec names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor, nn, optim

from core.specs import OptimizerSpec
from core.update_rules import RULES, arguments


def build(spec: OptimizerSpec, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    """Make the optimizer of ``spec``; ``fused``, where there is one, carries out a step in one kernel."""
    kind: type[optim.Optimizer] = getattr(optim, RULES[spec.name].kind)
    made: optim.Optimizer = kind(
        parameters, lr=spec.lr, **arguments(spec.name, spec.momentum, spec.weight_decay)
    )  # type: ignore[call-arg]
    return made


def stepper(optimizer: optim.Optimizer) -> Callable[[], None]:
    """Return a function that carries out ``optimizer.step()``: the same kernels, so the same digits.

    It leaves out the wrappers for profilers and the compiler and, for Adam, the bookkeeping of each
    call: together they cost a small network half as much as its training. The state stays the
    optimizer's; make a new stepper after ``load_state_dict``.
    """
    step = partial(inspect.unwrap(type(optimizer).step), optimizer)
    if type(optimizer) is not optim.Adam:
        return step
    (group,) = optimizer.param_groups
    parameters: list[Tensor] = group["params"]
    state = optimizer.state
    count: Tensor | None = None  # one count of steps serves all parameters

    def adam_step() -> None:
        nonlocal count
        if not state:
            step()  # the first step makes the state
            return
        if count is None:
            count = state[parameters[0]]["step"]
            for parameter in parameters:
                state[parameter]["step"] = count
        count.add_(1)
        beta1, beta2 = group["betas"]
        torch._fused_adam_(
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [state[p]["exp_avg"] for p in parameters],
            [state[p]["exp_avg_sq"] for p in parameters],
            [],
            [count] * len(parameters),
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

    return adam_step
