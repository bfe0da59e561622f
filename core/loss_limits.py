"""What PyTorch does with a certain and wrong answer: p → 0, written in five ways, in two precisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[np.float64]

WAYS = {
    "by_hand": "-(y * torch.log(p) + (1 - y) * torch.log(1 - p))",
    "bce": "F.binary_cross_entropy(p, y)",
    "log_softmax": "-torch.log(torch.softmax(outputs, -1)[y])",
    "with_logits": "F.binary_cross_entropy_with_logits(z, y)",
    "cross_entropy": "F.cross_entropy(outputs, y)",
}
FROM_LOGITS = ("with_logits", "cross_entropy")


@dataclass(frozen=True, kw_only=True, eq=False)
class Limit:
    """One way of writing the loss, for each logit; arrays (logits,).

    Attributes:
        wrong: loss when the truth is 1, that is, when a low logit is wrong.
        slope: its slope in the logit, by autograd.
        right: loss when the truth is 0, that is, when a low logit is right.
    """

    wrong: Array
    slope: Array
    right: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Limits:
    """``probability`` (logits,) as this precision holds it, and the losses by name of ``WAYS``."""

    probability: Array
    ways: dict[str, Limit]


def torch_limits(logits: npt.ArrayLike, single: bool) -> Limits:
    """Carry out each way on logits of class 1, in float32 (``single``) or float64."""
    import torch

    kind = torch.float32 if single else torch.float64
    z = torch.tensor(logits, dtype=kind)
    ways = {}
    for name in WAYS:
        leaf = z.clone().requires_grad_()
        wrong = _loss(name, leaf, torch.ones_like(z))
        wrong.sum().backward()
        assert leaf.grad is not None
        right = _loss(name, z, torch.zeros_like(z))
        ways[name] = Limit(
            wrong=wrong.detach().double().numpy(),
            slope=leaf.grad.double().numpy(),
            right=right.double().numpy(),
        )
    return Limits(probability=torch.sigmoid(z).double().numpy(), ways=ways)


def _loss(name: str, z: Tensor, y: Tensor) -> Tensor:
    import torch
    from torch.nn import functional

    p = torch.sigmoid(z)
    both = torch.stack([torch.zeros_like(z), z], dim=-1)  # (logits, classes)
    if name == "by_hand":
        return -(y * torch.log(p) + (1 - y) * torch.log(1 - p))
    if name == "bce":
        return functional.binary_cross_entropy(p, y, reduction="none")
    if name == "log_softmax":
        given = torch.softmax(both, dim=-1).gather(-1, y.long().unsqueeze(-1))
        return -torch.log(given.squeeze(-1))
    if name == "with_logits":
        return functional.binary_cross_entropy_with_logits(z, y, reduction="none")
    return functional.cross_entropy(both, y.long(), reduction="none")


def torch_zero() -> tuple[float, float]:
    """Return ``F.binary_cross_entropy`` of p = 0 when the truth is 1, and its slope in p."""
    import torch
    from torch.nn import functional

    p = torch.zeros((), requires_grad=True)
    loss = functional.binary_cross_entropy(p, torch.ones(()))
    loss.backward()
    assert p.grad is not None
    return loss.item(), p.grad.item()
