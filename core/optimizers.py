"""Update rules by name. One line adds one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from torch import nn, optim

from core.specs import OptimizerSpec

OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": optim.SGD,
    "momentum": partial(optim.SGD, momentum=0.9),
    "adam": optim.Adam,
}


def build(spec: OptimizerSpec, parameters: Iterable[nn.Parameter]) -> optim.Optimizer:
    """Make the optimizer of ``spec``; ``fused`` carries out one step in one kernel."""
    return OPTIMIZERS[spec.name](parameters, lr=spec.lr, fused=True)
