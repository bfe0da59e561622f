"""Walk down a landscape with the very optimizers that train the networks.

Only ``descend`` loads torch, so that a page can describe a path and draw what it crosses without it.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

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
        states: what the optimizer keeps for each weight, by torch's name, (rows, dimension); zeros before
            the first update. Empty for plain SGD, which keeps nothing.
    """

    positions: Array
    losses: Array
    gradients: Array
    ending: Ending
    diverged_at: int | None = None
    states: Mapping[str, Array] = field(default_factory=dict)


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
    walkers = []
    for row, spec in enumerate(specs):
        # The parameter and its gradient are windows onto one row: neither is ever copied.
        parameter = torch.nn.Parameter(torch.from_numpy(weights[row]))
        parameter.grad = torch.from_numpy(slopes[row])
        walkers.append(_Walker(optimizers.build(spec.optimizer, [parameter]), spec.steps, parameter))
    with torch.no_grad(), np.errstate(all="ignore"):
        for t in range(longest + 1):
            slopes[...] = landscape.gradient(weights)
            positions[t], gradients[t] = weights, slopes
            for walker in walkers:
                if t < walker.steps:
                    walker.advance(t)
        losses = landscape.value(positions)  # (longest + 1, paths)
    paths = []
    for row, walker in enumerate(walkers):
        end = walker.steps + 1
        paths.append(
            _cut(landscape, positions[:end, row], losses[:end, row], gradients[:end, row], walker.states)
        )
    return paths


class _Walker:
    """An optimizer on its way, whose state is written down after each of its ``steps`` updates."""

    def __init__(self, optimizer: Any, steps: int, parameter: Any) -> None:
        # The step itself, without the wrappers for the profiler and the compiler: half of its cost here.
        self._step = inspect.unwrap(type(optimizer).step)
        self._optimizer, self.steps, self._parameter = optimizer, steps, parameter
        self.states: dict[str, Array] = {}
        self._kept: list[tuple[Array, Array]] = []

    def advance(self, t: int) -> None:
        """Carry out update t + 1."""
        self._step(self._optimizer)
        if t == 0:
            self._open_books()
        for written, current in self._kept:
            written[t + 1] = current

    def _open_books(self) -> None:
        """Find what the optimizer keeps for each weight: torch goes on writing to the same memory."""
        for name, tensor in self._optimizer.state[self._parameter].items():
            if tensor is not None and tensor.ndim:
                self.states[name] = np.zeros((self.steps + 1, *tensor.shape))
                self._kept.append((self.states[name], tensor.numpy()))


def _cut(
    landscape: Landscape, positions: Array, losses: Array, gradients: Array, states: Mapping[str, Array]
) -> Path:
    """End a path where it diverges; arrays as in ``Path``, of a walk that ignored it."""
    low, high = landscape.corners
    numbers = np.column_stack([positions, losses, gradients, *states.values()])
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
        states={name: values[:rows].copy() for name, values in states.items()},
    )
