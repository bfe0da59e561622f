"""Which learning rate and momentum make gradient descent settle on a quadratic, swing, or fly off.

Torch's form of Polyak's heavy ball (1964), v ← βv + g and w ← w − αv, on a bowl with curvature λ (g = λw)
makes each position a mixture of the two before it: w(t+1) = (1 + β − αλ) w(t) − β w(t−1). So w(t) is a
sum of powers of the roots of r² − (1 + β − αλ) r + β, and the larger |r| says how it ends (Goh, Why
Momentum Really Works, 2017). Only ``simulate`` loads torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.specs import OptimizerSpec, require_between
from core.surfaces import Array

MONOTONE, SWINGING, DIVERGING = 0, 1, 2
"""The weight comes nearer without ever passing the bottom; it comes nearer and passes it; it doesn't."""

LARGEST = 1e100
"""A run ends once a weight, which began at 1, is larger than this."""

ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class MomentumSpec:
    """A run of SGD with momentum on a bowl with the given ``curvatures``, from 1 along each of its axes."""

    lr: float = 0.2
    momentum: float = 0.5
    curvatures: tuple[float, ...] = (1.0,)
    steps: int = 200

    def __post_init__(self) -> None:
        require_between("学習率 α", self.lr, 0.001, 10.0)
        require_between("モメンタム β", self.momentum, 0.0, 0.99)
        require_between("曲がりの数", len(self.curvatures), 1, 8)
        for curvature in self.curvatures:
            require_between("曲がり λ", curvature, 1e-4, 100.0)
        require_between("ステップ数", self.steps, 1, 2000)


def roots(lr: npt.ArrayLike, momentum: npt.ArrayLike, curvature: npt.ArrayLike) -> npt.NDArray[np.complex128]:
    """Return both roots, (…, 2), the larger first; the three arguments are broadcast to (…)."""
    a, b, c = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (lr, momentum, curvature)))
    middle = (1 + b - a * c) / 2
    spread = np.sqrt((middle**2 - b).astype(np.complex128))
    pair = np.stack([middle + spread, middle - spread], axis=-1)
    order = np.argsort(-np.abs(pair), axis=-1, kind="stable")
    found: npt.NDArray[np.complex128] = np.take_along_axis(pair, order, axis=-1)
    return found


def rate(lr: npt.ArrayLike, momentum: npt.ArrayLike, curvatures: Sequence[float]) -> Array:
    """Return the largest |r| over all curvatures: in the long run a step multiplies the distance by it."""
    sizes = [np.abs(roots(lr, momentum, curvature)).max(axis=-1) for curvature in curvatures]
    largest: Array = np.max(sizes, axis=0)
    return largest


def region(lr: npt.ArrayLike, momentum: npt.ArrayLike, curvatures: Sequence[float]) -> npt.NDArray[np.int64]:
    """Say ``MONOTONE``, ``SWINGING`` or ``DIVERGING``; of several curvatures the worst counts.

    Roots that are real and not negative never carry a weight past the bottom, complex or negative ones do.
    """
    worst = np.zeros(np.broadcast(np.asarray(lr), np.asarray(momentum)).shape, dtype=np.int64)
    for curvature in curvatures:
        pair = roots(lr, momentum, curvature)
        swings = (np.abs(pair.imag) > ROUNDING).any(axis=-1) | (pair.real < -ROUNDING).any(axis=-1)
        grows = np.abs(pair).max(axis=-1) >= 1 - ROUNDING
        worst = np.maximum(worst, np.where(grows, DIVERGING, np.where(swings, SWINGING, MONOTONE)))
    return worst


def best(curvatures: Sequence[float]) -> tuple[float, float, float]:
    """Return the learning rate and momentum with the smallest rate, and that rate (Polyak, 1964)."""
    low, high = math.sqrt(min(curvatures)), math.sqrt(max(curvatures))
    slowest = (high - low) / (high + low)
    return 4 / (high + low) ** 2, slowest**2, slowest


def simulate(specs: Sequence[MomentumSpec]) -> tuple[Array, ...]:
    """Run ``torch.optim.SGD``; return each run's positions (rows, curvatures), steps + 1 rows unless cut.

    A run is cut after the first row with a weight beyond ``LARGEST``.
    """
    import torch

    from core import optimizers

    runs = []
    for spec in specs:
        curvatures = torch.tensor(spec.curvatures, dtype=torch.float64)
        weights = torch.nn.Parameter(torch.ones_like(curvatures))
        rule = OptimizerSpec(name="momentum", lr=spec.lr, momentum=spec.momentum)
        optimizer = optimizers.build(rule, [weights])
        advance = optimizers.stepper(optimizer)
        positions = np.ones((spec.steps + 1, len(spec.curvatures)))
        rows = spec.steps + 1
        with torch.no_grad():
            for t in range(1, spec.steps + 1):
                weights.grad = curvatures * weights
                advance()
                positions[t] = weights.numpy()
                if np.abs(positions[t]).max() > LARGEST:
                    rows = t + 1
                    break
        runs.append(positions[:rows].copy())
    return tuple(runs)


def measured_rate(positions: Array) -> float:
    """Find the factor per step in a run's own record, (rows, curvatures), rows > 2; nothing else is used.

    The two numbers that foretell each position from the two before it best, by least squares, give the
    factor (Prony's method). It is the largest over the columns; NaN for a column that has not moved.
    """
    found = []
    for column in positions.T:
        w = column[: 1 + int(np.flatnonzero(np.abs(column) > 1e-280).max(initial=0))]
        if len(w) < 3:  # at rest after one step
            found.append(0.0)
            continue
        size = np.maximum(np.abs(w[1:-1]), np.abs(w[:-2]))
        known = np.column_stack([w[1:-1], w[:-2]]) / size[:, None]
        (a, b), _, rank, _ = np.linalg.lstsq(known, w[2:] / size, rcond=1e-9)
        if rank < 2:  # a plain geometric series: one number is enough
            found.append(abs(float(w[-1] / w[-2])))
        else:
            found.append(float(np.abs(np.roots([1.0, -a, -b])).max()))
    return max(found)


def observed_region(positions: Array) -> int:
    """Judge a run by its record alone, (rows, curvatures): ``MONOTONE``, ``SWINGING`` or ``DIVERGING``."""
    if measured_rate(positions) >= 1 - ROUNDING:
        return DIVERGING
    passes = (positions[1:] * positions[:-1] < 0).any()
    return SWINGING if passes else MONOTONE


def steps_until(positions: Array, share: float) -> int | None:
    """Return the step from which every weight stays within ``share`` of its start; None if it doesn't."""
    outside = np.flatnonzero(np.abs(positions).max(axis=1) > share)
    first = int(outside.max(initial=-1)) + 1
    return first if first < len(positions) else None
