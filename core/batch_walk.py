"""Two weights learnt from mini-batches: the line of blood pressure over age, its loss, and the noise.

The model is pressure = b + w · age, both on the table's common scale, scored by the squared error; so the
loss of (b, w) is a bowl that can be drawn whole. The bowl is plain NumPy; ``walk`` and ``spread`` load torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core import tables
from core.landscape import Path
from core.specs import TableSpec, require_between

Array = npt.NDArray[np.float64]

TABLE = TableSpec(name="blood_pressure")
DOMAIN = ((-2.5, 2.5), (-1.5, 2.5))
"""What is drawn of the two weights, (b, w)."""

FAR = 50.0
"""A walk has diverged once a weight is further than this from 0."""

DRAWS = 2000
SIZES = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, kw_only=True)
class WalkSpec:
    """One training of the two weights: ``updates`` steps of plain SGD by shuffled mini-batches."""

    batch_size: int = 32
    start: tuple[float, float] = (-2.0, -1.0)
    lr: float = 0.1
    updates: int = 90
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("バッチサイズ", self.batch_size, 1, 4096)
        require_between("学習率", self.lr, 1e-4, 10.0)
        require_between("更新回数", self.updates, 1, 2000)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)
        for name, value, (low, high) in zip(
            ("出発点の切片 b", "出発点の傾き w"), self.start, DOMAIN, strict=True
        ):
            require_between(name, value, low, high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Spread:
    """How far the gradients of mini-batches scatter about the full gradient at one point.

    Attributes:
        point: the weights (b, w).
        gradient: (2,), the gradient of the loss of all patients.
        sizes: (n,), batch sizes, the number of all patients last.
        measured: (n,), root mean square distance from ``gradient`` over ``DRAWS`` real mini-batches.
        sigma: the same for single patients, from all of them.
    """

    point: tuple[float, float]
    gradient: Array = field(repr=False)
    sizes: npt.NDArray[np.int64] = field(repr=False)
    measured: Array = field(repr=False)
    sigma: float

    def theory(self) -> Array:
        """Return σ / √B · √((N − B) / (N − 1)), the spread of B patients drawn of N without repeats."""
        n = int(self.sizes[-1])
        return np.asarray(self.sigma / np.sqrt(self.sizes) * np.sqrt((n - self.sizes) / (n - 1)))


@lru_cache(maxsize=1)
def patients() -> tuple[Array, Array]:
    """Return age and pressure of the training patients on the common scale, (rows,) each."""
    train = tables.load(TABLE).train
    return train.inputs[:, 0].astype(np.float64), train.targets.astype(np.float64)


def loss(points: npt.ArrayLike) -> Array:
    """Return the mean squared error of all training patients at weights (…, 2)."""
    age, pressure = patients()
    b, w = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
    # The square written out, so that a whole map costs six means.
    value = np.mean(pressure**2) + b * b + w * w * np.mean(age**2) + 2 * b * w * np.mean(age)
    return np.asarray(value - 2 * b * np.mean(pressure) - 2 * w * np.mean(age * pressure))


def gradients(points: npt.ArrayLike) -> Array:
    """Return the gradient of ``loss`` at weights (…, 2)."""
    age, pressure = patients()
    b, w = np.moveaxis(np.asarray(points, dtype=np.float64), -1, 0)
    by_b = 2 * (b + w * np.mean(age) - np.mean(pressure))
    by_w = 2 * (b * np.mean(age) + w * np.mean(age**2) - np.mean(age * pressure))
    return np.stack([by_b, by_w], axis=-1)


@lru_cache(maxsize=1)
def bottom() -> tuple[float, float]:
    """Return the weights of the smallest loss, by least squares."""
    age, pressure = patients()
    (b, w), *_ = np.linalg.lstsq(np.column_stack([np.ones_like(age), age]), pressure, rcond=None)
    return float(b), float(w)


def per_year(w: float) -> float:
    """Turn the weight w into mmHg a year of age."""
    table = tables.load(TABLE)
    return float(w * table.target_scale / table.scale[0])


def walk(specs: Sequence[WalkSpec]) -> tuple[Path, ...]:
    """Train the two weights with ``torch.optim.SGD``, once for each of ``specs``.

    The order of the patients is a DataLoader's. Losses and gradients of the path are those of all patients.
    """
    return tuple(_walk(spec) for spec in specs)


def _walk(spec: WalkSpec) -> Path:
    import torch

    from core import device, optimizers
    from core.training import order

    device.one_thread()
    age, pressure = (torch.from_numpy(values) for values in patients())
    weights = torch.tensor(spec.start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=spec.lr)
    step = optimizers.stepper(optimizer)
    generator = torch.Generator().manual_seed(spec.seed)
    waiting: list[torch.Tensor] = []
    positions = [spec.start]
    left: int | None = None
    for number in range(1, spec.updates + 1):
        if not waiting:
            waiting = list(torch.split(order(len(age), True, generator), spec.batch_size))
        batch = waiting.pop(0)
        b, w = weights
        error = b + w * age[batch] - pressure[batch]
        weights.grad = None
        (error**2).mean().backward()
        with torch.no_grad():
            step()
        after = tuple(weights.tolist())
        positions.append((after[0], after[1]))
        if not max(abs(value) for value in after) <= FAR:
            left = number
            break
    where = np.array(positions)
    where = where[np.isfinite(where).all(axis=1)]
    return Path(
        positions=where,
        losses=loss(where),
        gradients=gradients(where),
        ending="finished" if left is None else "diverged",
        diverged_at=left,
    )


def spread(points: Sequence[tuple[float, float]], seed: int = 0) -> tuple[Spread, ...]:
    """Draw ``DRAWS`` real mini-batches of each size at each of ``points``, and measure their gradients."""
    import torch
    from torch.func import grad, vmap

    age, pressure = (torch.from_numpy(values) for values in patients())
    n = len(age)
    sizes = torch.tensor([*(size for size in SIZES if size < n), n])
    generator = torch.Generator().manual_seed(seed)
    orders = torch.rand(DRAWS, n, generator=generator).argsort(dim=1)  # a shuffled epoch a row

    def one(weights: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (weights[0] + weights[1] * x - y) ** 2

    found = []
    for point in points:
        each = vmap(grad(one), (None, 0, 0))(torch.tensor(point, dtype=torch.float64), age, pressure)
        full = each.mean(dim=0)
        means = each[orders].cumsum(dim=1)[:, sizes - 1] / sizes[:, None]  # (draws, sizes, 2)
        away = (means - full).square().sum(dim=-1).mean(dim=0).sqrt()
        found.append(
            Spread(
                point=point,
                gradient=full.numpy(),
                sizes=sizes.numpy(),
                measured=away.numpy(),
                sigma=float((each - full).square().sum(dim=1).mean().sqrt()),
            )
        )
    return tuple(found)
