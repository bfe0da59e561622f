"""Walk down a landscape with the very optimizers that train the networks.

Only ``descend`` loads torch, so that a page can describe a path and draw what it crosses without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.specs import OptimizerSpec, SpecError, require_between, require_one_of
from core.surfaces import LANDSCAPES, Array, Landscape

__all__ = ["LANDSCAPES", "Landscape", "Path", "PathSpec", "descend", "outcome"]

FAR = 1000.0
"""A path has diverged once a weight is more than this many half-widths of the domain from its middle."""

NEAR = 0.01
"""A path is at a minimum when every weight is within this share of its axis' width of it …"""

SETTLED = 10
"""… and has been so at each of its last positions, this many (all of a shorter path)."""

Ending = Literal["finished", "diverged"]
Outcome = Literal["global", "local", "moving", "diverged"]


@dataclass(frozen=True, kw_only=True)
class PathSpec:
    """One walk: ``steps`` updates by ``optimizer`` from ``start``, a point of the landscape's domain."""

    landscape: str = "two_valleys_1d"
    start: tuple[float, ...] = (-3.5,)
    optimizer: OptimizerSpec = field(default_factory=lambda: OptimizerSpec(name="sgd", lr=0.01))
    steps: int = 200

    def __post_init__(self) -> None:
        require_one_of("地形", self.landscape, tuple(LANDSCAPES))
        domain = LANDSCAPES[self.landscape].domain
        if len(self.start) != len(domain):
            raise SpecError(
                f"この地形の出発点は {len(domain)} 個の数で指定してください(いまは {len(self.start)} 個)。"
            )
        for axis, (coordinate, (low, high)) in enumerate(zip(self.start, domain, strict=True), start=1):
            require_between(f"出発点の {axis} 番目の座標", coordinate, low, high)
        require_between("ステップ数", self.steps, 1, 2000)


@dataclass(frozen=True, kw_only=True, eq=False)
class Path:
    """Where a walk went; row t is the state after t updates. Every number is finite.

    A walk that diverges ends with the first position that is too far away (see ``FAR``), or before it
    if its position, loss or gradient is no finite number; ``diverged_at`` is the update that led there.

    Attributes:
        positions: (rows, dimension); steps + 1 rows if the walk was finished.
        losses: (rows,), the landscape's value at each position.
        gradients: (rows, dimension), its slope at each position.
    """

    positions: Array
    losses: Array
    gradients: Array
    ending: Ending
    diverged_at: int | None = None


def descend(specs: Sequence[PathSpec]) -> tuple[Path, ...]:
    """Walk every path of ``specs`` and return them in the same order.

    Walks on one landscape share the evaluation of its gradient; a path doesn't depend on its companions.
    """
    paths: dict[int, Path] = {}
    for name in dict.fromkeys(spec.landscape for spec in specs):
        rows = [row for row, spec in enumerate(specs) if spec.landscape == name]
        walked = _walk(LANDSCAPES[name], [specs[row] for row in rows])
        paths.update(zip(rows, walked, strict=True))
    return tuple(paths[row] for row in range(len(specs)))


def outcome(path: Path, landscape: Landscape) -> Outcome:
    """Say where a walk ended: at a lowest minimum, at a higher one, at none of them, or nowhere.

    "moving" is everything that hasn't settled (see ``NEAR`` and ``SETTLED``) at a minimum of the
    landscape: too slow, bouncing, or held up on a saddle or plateau.
    """
    if path.ending == "diverged":
        return "diverged"
    minima = np.array(landscape.minima)
    low, high = landscape.corners
    away = np.abs(path.positions[-SETTLED:, None, :] - minima)  # (positions, minima, dimension)
    settled = np.all(away <= NEAR * (high - low), axis=(0, 2))  # (minima,)
    if not settled.any():
        return "moving"
    depth = landscape.value(minima)
    return "global" if depth[settled].min() <= depth.min() + 1e-9 else "local"


def _walk(landscape: Landscape, specs: Sequence[PathSpec]) -> list[Path]:
    """Walk side by side on one landscape, one optimizer a path."""
    import torch

    from core import optimizers

    longest = max(spec.steps for spec in specs)
    weights = np.array([spec.start for spec in specs], dtype=np.float64)  # (paths, dimension)
    slopes = np.empty_like(weights)
    positions = np.empty((longest + 1, *weights.shape))
    gradients = np.empty_like(positions)
    moves = []
    for row, spec in enumerate(specs):
        # The parameter and its gradient are windows onto one row: neither is ever copied.
        parameter = torch.nn.Parameter(torch.from_numpy(weights[row]))
        parameter.grad = torch.from_numpy(slopes[row])
        optimizer = optimizers.build(spec.optimizer, [parameter])
        # The step itself, without the wrappers for the profiler and the compiler: half of its cost here.
        moves.append((spec.steps, inspect.unwrap(type(optimizer).step), optimizer))
    with torch.no_grad(), np.errstate(all="ignore"):
        for t in range(longest + 1):
            slopes[...] = landscape.gradient(weights)
            positions[t], gradients[t] = weights, slopes
            for steps, step, optimizer in moves:
                if t < steps:
                    step(optimizer)
        losses = landscape.value(positions)  # (longest + 1, paths)
    ends = [(row, spec.steps + 1) for row, spec in enumerate(specs)]
    return [_cut(landscape, positions[:end, r], losses[:end, r], gradients[:end, r]) for r, end in ends]


def _cut(landscape: Landscape, positions: Array, losses: Array, gradients: Array) -> Path:
    """End a path where it diverges; arrays as in ``Path``, of a walk that ignored it."""
    low, high = landscape.corners
    numbers = np.column_stack([positions, losses, gradients])
    finite = np.all(np.isfinite(numbers), axis=1)
    close = np.all(np.abs(positions - (low + high) / 2) <= FAR * (high - low) / 2, axis=1)
    lost = np.flatnonzero(~(finite & close))
    rows, step = len(positions), None
    if lost.size:
        step = int(lost[0])
        rows = step + int(finite[step])
    return Path(
        positions=positions[:rows].copy(),
        losses=losses[:rows].copy(),
        gradients=gradients[:rows].copy(),
        ending="finished" if step is None else "diverged",
        diverged_at=step,
    )
