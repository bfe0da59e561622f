"""Losses by name. Each gives one number for a batch, and one for each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from core.specs import LossSpec

Function = Callable[..., Tensor]


@dataclass(frozen=True)
class Loss:
    """A loss: ``mean`` of a batch, ``each`` of its rows, and the ``weight`` of each in the mean.

    Outputs are (rows, outputs); targets (rows,) classes, or (rows, outputs) numbers. ``each`` is already
    weighted; ``weight`` is None when all rows count alike.
    """

    mean: Function
    each: Function
    weight: Callable[[Tensor], Tensor] | None = None


def focal(outputs: Tensor, targets: Tensor, gamma: float) -> Tensor:
    """Return the focal loss of each row: Lin et al., Focal loss for dense object detection (2017)."""
    cross_entropy = functional.cross_entropy(outputs, targets, reduction="none")
    return (1 - torch.exp(-cross_entropy)) ** gamma * cross_entropy


def _simple(function: Function, **settings: float) -> Loss:
    return Loss(
        mean=lambda outputs, targets: function(outputs, targets, **settings),
        each=lambda outputs, targets: function(outputs, targets, **settings, reduction="none"),
    )


def build(spec: LossSpec, name: str) -> Loss:
    """Make the loss ``name``, with the numbers of ``spec``."""
    if name == "weighted":
        weights = torch.tensor([1.0, spec.positive_weight])
        return Loss(
            mean=lambda o, t: functional.cross_entropy(o, t, weights.to(o)),
            each=lambda o, t: functional.cross_entropy(o, t, weights.to(o), reduction="none"),
            weight=lambda t: weights.to(t.device)[t],
        )
    if name == "focal":
        return Loss(
            mean=lambda o, t: focal(o, t, spec.gamma).mean(), each=lambda o, t: focal(o, t, spec.gamma)
        )
    if name == "huber":
        return _simple(functional.huber_loss, delta=spec.delta)
    plain: dict[str, Function] = {
        "mse": functional.mse_loss,
        "mae": functional.l1_loss,
        "cross_entropy": functional.cross_entropy,
    }
    return _simple(plain[name])


MSE = build(LossSpec(), "mse")


def _known_squares(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of squared errors of each row over the targets that are numbers, not NaN."""
    return (torch.where(torch.isfinite(targets), outputs - targets, 0.0) ** 2).sum(dim=1)


KNOWN_MSE = Loss(
    mean=lambda o, t: _known_squares(o, t).sum() / torch.isfinite(t).sum(),
    each=_known_squares,
    weight=lambda t: torch.isfinite(t).sum(dim=-1).to(torch.float32),
)
"""The mean squared error of rows (rows, outputs) some of whose targets are missing."""


def of_a_constant(loss: Loss, name: str, targets: Tensor) -> float:
    """Return the loss of the best constant answer to ``targets``, which a network should beat.

    That is the (weighted) share of each class, the mean for the squared and the median for the absolute
    error; for Huber's and the focal loss it is sought from there (L-BFGS, Liu and Nocedal, 1989).
    """
    if targets.dtype == torch.int64:
        weight = loss.weight(targets) if loss.weight else torch.ones(len(targets))
        shares = torch.zeros(int(targets.max()) + 1).index_add_(0, targets.cpu(), weight.cpu())
        answer = torch.log(shares / shares.sum()).to(targets.device)
    else:
        answer = (targets.mean() if name == "mse" else targets.median()).reshape(1)

    def cost() -> Tensor:
        return loss.mean(answer.expand(len(targets), -1), targets)

    if name in ("huber", "focal"):
        answer.requires_grad_()
        search = torch.optim.LBFGS([answer], max_iter=50, line_search_fn="strong_wolfe")

        def closure() -> float:
            search.zero_grad()
            value = cost()
            value.backward()
            return value.item()

        search.step(closure)
    return cost().item()
