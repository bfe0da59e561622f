"""Losses of one patient as curves: height and slope by formula, and the same by PyTorch's autograd.

The formulas need only NumPy, so that a page can draw them; what starts with ``torch_`` loads torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.specs import LossSpec

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Points of a loss curve: its heights, and its slopes there; arrays of one shape."""

    value: Array
    slope: Array


def squared(error: npt.ArrayLike) -> Points:
    """Return the squared error e² and its slope 2e; ``error`` is prediction − truth."""
    e = np.asarray(error, dtype=np.float64)
    return Points(value=e**2, slope=2 * e)


def absolute(error: npt.ArrayLike) -> Points:
    """Return the absolute error |e| and its slope, the sign of e (0 at the corner, as in PyTorch)."""
    e = np.asarray(error, dtype=np.float64)
    return Points(value=np.abs(e), slope=np.sign(e))


def huber(error: npt.ArrayLike, delta: float) -> Points:
    """Return Huber's loss: e²/2 up to ``delta``, straight beyond. Huber (1964)."""
    e = np.asarray(error, dtype=np.float64)
    far = np.abs(e) > delta
    value = np.where(far, delta * (np.abs(e) - delta / 2), e**2 / 2)
    return Points(value=value, slope=np.clip(e, -delta, delta))


NumberLoss = Callable[[npt.ArrayLike, float], Points]
OF_ERRORS: dict[str, NumberLoss] = {
    "mse": lambda error, delta: squared(error),  # noqa: ARG005
    "mae": lambda error, delta: absolute(error),  # noqa: ARG005
    "huber": huber,
}


def focal(probability: npt.ArrayLike, truth: int, gamma: float) -> Points:
    """Return the focal loss of the probability given to class 1, by its slope in the logit.

    γ = 0 is the cross-entropy −log p. Infinite where the truth was given no probability at all; the slope
    stays between −1 − γ/e and 1 + γ/e all the same. Lin et al. (2017).
    """
    p = np.asarray(probability, dtype=np.float64)
    right = p if truth else 1 - p
    with np.errstate(divide="ignore"):
        log = np.log(right)
    p_log_p = np.where(right > 0, right * np.where(right > 0, log, 0.0), 0.0)
    value = np.where(right < 1, (1 - right) ** gamma * -log, 0.0)
    slope = (1 - right) ** gamma * (gamma * p_log_p - (1 - right))
    return Points(value=value, slope=slope if truth else -slope)


def of_probability(name: str, probability: npt.ArrayLike, truth: int, loss: LossSpec) -> Points:
    """Return the loss ``name`` of a probability of class 1, with its slope in the logit log(p / (1 − p))."""
    gamma = loss.gamma if name == "focal" else 0.0
    weight = loss.positive_weight if name == "weighted" and truth else 1.0
    points = focal(probability, truth, gamma)
    return Points(value=weight * points.value, slope=weight * points.slope)


def slope_in_probability(name: str, probability: npt.ArrayLike, truth: int, loss: LossSpec) -> Array:
    """Return the slope of the loss ``name`` in the probability itself; infinite where the loss is."""
    gamma = loss.gamma if name == "focal" else 0.0
    weight = loss.positive_weight if name == "weighted" and truth else 1.0
    p = np.asarray(probability, dtype=np.float64)
    right = p if truth else 1 - p
    inside = np.where((right > 0) & (right < 1), right, 0.5)
    discount = gamma * (1 - inside) ** (gamma - 1) * np.log(inside)  # the slope of (1 - p)^γ, times log p
    with np.errstate(divide="ignore"):
        slope = np.where(inside == right, discount, 0.0) - (1 - right) ** gamma / right
    found: Array = weight * (slope if truth else -slope)
    return found


def torch_errors(errors: npt.ArrayLike, delta: float) -> dict[str, Points]:
    """Return what ``torch.nn.functional`` and autograd find for predictions ``errors`` off the truth."""
    import torch

    from core import losses

    found = {}
    for name in OF_ERRORS:
        prediction = torch.tensor(errors, dtype=torch.float64, requires_grad=True)
        each = losses.build(LossSpec(delta=delta), name).each(prediction, torch.zeros_like(prediction))
        each.sum().backward()
        assert prediction.grad is not None
        found[name] = Points(value=each.detach().numpy(), slope=prediction.grad.numpy())
    return found


def torch_logits(logits: npt.ArrayLike, truth: int, loss: LossSpec) -> dict[str, Points]:
    """Return what PyTorch finds for logits of class 1 (the other class has logit 0), slopes in the logit.

    ``with_logits`` is ``binary_cross_entropy_with_logits``; the others are named as in ``LossSpec``.
    """
    import torch
    from torch.nn import functional

    from core import losses

    found = {}
    for name in ("cross_entropy", "with_logits", "weighted", "focal"):
        z = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
        if name == "with_logits":
            each = functional.binary_cross_entropy_with_logits(z, torch.full_like(z, truth), reduction="none")
        else:
            outputs = torch.stack([torch.zeros_like(z), z], dim=-1)  # (rows, classes)
            target = torch.full(z.shape, truth, dtype=torch.int64)
            each = losses.build(loss, name).each(outputs, target)
        each.sum().backward()
        assert z.grad is not None
        found[name] = Points(value=each.detach().numpy(), slope=z.grad.numpy())
    return found
