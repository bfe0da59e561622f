"""The slope of a curve in several ways: difference quotients, the formula, and autograd.

Only ``autograd_slope`` loads torch, so that a page can draw secants and tangents without it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.specs import require_between, require_one_of

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A function of one number. ``value`` and ``slope`` take a module (numpy or torch) and x.

    ``slope`` is the derivative's formula, NaN where there is none; ``code`` is ``value`` in PyTorch.
    """

    value: Callable[[Any, Any], Any]
    slope: Callable[[Any, Any], Any]
    latex: str
    slope_latex: str
    code: str


def _sigmoid(m: Any, x: Any) -> Any:
    return 1 / (1 + m.exp(-x))


CURVES = {
    "square": Curve(
        value=lambda m, x: x * x,  # noqa: ARG005
        slope=lambda m, x: 2 * x,  # noqa: ARG005
        latex="x^2",
        slope_latex="2x",
        code="x * x",
    ),
    "sin": Curve(
        value=lambda m, x: m.sin(x),
        slope=lambda m, x: m.cos(x),
        latex=r"\sin x",
        slope_latex=r"\cos x",
        code="torch.sin(x)",
    ),
    "exp": Curve(
        value=lambda m, x: m.exp(x),
        slope=lambda m, x: m.exp(x),
        latex="e^x",
        slope_latex="e^x",
        code="torch.exp(x)",
    ),
    "sigmoid": Curve(
        value=_sigmoid,
        slope=lambda m, x: _sigmoid(m, x) * (1 - _sigmoid(m, x)),
        latex=r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        slope_latex=r"\sigma(x)\,(1 - \sigma(x))",
        code="1 / (1 + torch.exp(-x))",
    ),
    "abs": Curve(
        value=lambda m, x: abs(x),  # noqa: ARG005
        slope=lambda m, x: m.sign(x) if x != 0 else math.nan,
        latex="|x|",
        slope_latex=r"x / |x| \ (x \ne 0)",
        code="torch.abs(x)",
    ),
}


@dataclass(frozen=True, kw_only=True)
class SlopeSpec:
    """A curve and the point at which its slope is asked for."""

    curve: str = "square"
    x: float = 1.0

    def __post_init__(self) -> None:
        require_one_of("関数", self.curve, tuple(CURVES))
        require_between("点 x", self.x, -5.0, 5.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Quotients:
    """Difference quotients in float64, an entry for each Δx; all arrays have the shape of ``dx``."""

    dx: Array
    forward: Array
    backward: Array
    central: Array


def autograd_slope(spec: SlopeSpec) -> float:
    """Return the slope that PyTorch finds by automatic differentiation, in float64."""
    import torch

    x = torch.tensor(spec.x, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(CURVES[spec.curve].value(torch, x), x)
    return float(slope)


def formula_slope(spec: SlopeSpec) -> float | None:
    """Return the slope by the derivative's formula, None where the curve has no derivative."""
    slope = float(CURVES[spec.curve].slope(np, spec.x))
    return None if math.isnan(slope) else slope


def quotients(spec: SlopeSpec, dx: npt.ArrayLike) -> Quotients:
    """Return Δy/Δx for each Δx as a computer finds it, rounding and all.

    forward (f(x+Δx) − f(x)) / Δx, backward (f(x) − f(x−Δx)) / Δx, central (f(x+Δx) − f(x−Δx)) / 2Δx.
    """
    step = np.asarray(dx, dtype=np.float64)

    def value(x: Any) -> Any:
        return CURVES[spec.curve].value(np, np.asarray(x, dtype=np.float64))

    here, after, before = value(spec.x), value(spec.x + step), value(spec.x - step)
    return Quotients(
        dx=step,
        forward=(after - here) / step,
        backward=(here - before) / step,
        central=(after - before) / (2 * step),
    )


def grid_steps(spec: SlopeSpec, dx: float) -> float:
    """Return f(x+Δx) − f(x), counted in the smallest steps that a float64 near f(x) can take."""
    value = CURVES[spec.curve].value
    here, after = float(value(np, np.float64(spec.x))), float(value(np, np.float64(spec.x + dx)))
    return abs(after - here) / float(np.spacing(max(abs(here), abs(after))))


def decimals(value: float, truth: float) -> int:
    """Count the decimals to which ``value`` gives ``truth``: |value − truth| < 0.5 · 10^−n, at most 15."""
    error = abs(value - truth)
    if error == 0:
        return 15
    if not math.isfinite(error) or error >= 0.5:
        return 0
    return min(15, math.ceil(-math.log10(2 * error)) - 1)
