"""The loss of a trained network around its weights, on a plane through them, and its own path on it.

After Li, Xu, Taylor, Studer, Goldstein, Visualizing the loss landscape of neural nets (2018). Directions
and projections are plain NumPy; ``trace`` and ``cut`` load torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.history import Epoch, Paused, TableRun, run_ending, run_history
from core.specs import TableRunSpec, require_between, require_one_of

if TYPE_CHECKING:
    from core.training import Watch

Array = npt.NDArray[np.float64]
Snapshots = npt.NDArray[np.float32]
Shapes = tuple[tuple[int, ...], ...]

POINTS = 41  # along each axis of a slice
MARGIN = 0.2  # of the path's extent, around it
LEAST = 0.05  # of the larger extent: how narrow a principal plane may become


@dataclass(frozen=True, kw_only=True)
class SliceSpec:
    """Which plane to look at: along the path's principal directions, or along two random ones.

    ``zoom`` widens (above 1) or narrows the view around the final weights; ``seed`` draws the directions.
    """

    directions: str = "principal"
    zoom: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of("断面の向き", self.directions, ("principal", "random"))
        require_between("見る範囲の倍率", self.zoom, 0.05, 20.0)
        require_between("向きの乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Traced:
    """A training that kept its weights: at the start and after each epoch, as long as they were numbers.

    Attributes:
        run: the training as on every page.
        shapes: of the network's parameters, in their order.
        snapshots: (epochs + 1, parameters), flattened in that order; the last are the final weights.
        losses: (epochs + 1,), loss on all training patients with each of them.
    """

    run: TableRun
    shapes: Shapes
    snapshots: Snapshots = field(repr=False)
    losses: Array = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class LossSlice:
    """The loss on a plane through the final weights, which lie at (0, 0).

    Attributes:
        domain: lowest and highest value of the two axes.
        heights: (POINTS, POINTS) losses on all training patients; rows follow the second axis, upwards.
        path: (epochs + 1, 2), each snapshot's nearest point of the plane.
        path_heights: (epochs + 1,), the loss at these points.
        away: (epochs + 1,), distance of each snapshot from the plane; ``moved`` its distance from the end.
        shown: share of the path's squared distances from its end that the plane shows, 0 to 1.
        centre: the loss at (0, 0).
        ring: median loss at distance 1 from the end, in units of the axes, where they are filter-normalised.
    """

    domain: tuple[tuple[float, float], tuple[float, float]]
    heights: Array = field(repr=False)
    path: Array = field(repr=False)
    path_heights: Array = field(repr=False)
    away: Array = field(repr=False)
    moved: Array = field(repr=False)
    shown: float
    centre: float
    ring: float


def filters(values: Array, shapes: Shapes) -> list[Array]:
    """Cut flat parameters (parameters,) into arrays (filters, inputs): a unit's incoming weights a row.

    A vector of biases is a single column, (units, 1).
    """
    sizes = [int(np.prod(shape)) for shape in shapes]
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return [part.reshape(shape[0], -1) for part, shape in zip(parts, shapes, strict=True)]


def random_directions(final: Array, shapes: Shapes, seed: int) -> Array:
    """Draw two directions (2, parameters) whose every filter is as long as that of ``final``.

    Filter normalisation makes a step of 1 as large as the weights themselves, whatever their scale; biases
    stay as they are (Li et al. 2018, section 4 and their published code).
    """
    rng = np.random.RandomState(seed)
    drawn = []
    for _ in range(2):
        parts = []
        for weights, shape in zip(filters(final, shapes), shapes, strict=True):
            part = rng.standard_normal(weights.shape)
            if len(shape) == 1:
                part[:] = 0
            else:
                lengths = np.linalg.norm(part, axis=1, keepdims=True)
                part *= np.linalg.norm(weights, axis=1, keepdims=True) / lengths
            parts.append(part.ravel())
        drawn.append(np.concatenate(parts))
    return np.array(drawn)


def principal_directions(snapshots: Snapshots) -> Array:
    """Return two unit directions (2, parameters) that show most of the path as seen from its end.

    They are the first right singular vectors of the differences to the final weights (Li et al. 2018,
    section 7), turned so that the path starts on the positive side.
    """
    moves = (snapshots - snapshots[-1]).astype(np.float64)
    _, _, axes = np.linalg.svd(moves, full_matrices=False)
    if len(axes) < 2:
        axes = np.vstack([axes, np.roll(axes[:1], 1, axis=1)])
    signs = np.where(moves[0] @ axes[:2].T < 0, -1.0, 1.0)
    return np.asarray(axes[:2] * signs[:, None])


def project(snapshots: Snapshots, directions: Array) -> tuple[Array, Array, Array]:
    """Return each snapshot's nearest point of the plane (rows, 2), its distance from it, and from the end.

    ``directions`` need not be at right angles. A point (a, b) is the final weights + a · first + b · second.
    """
    moves = (snapshots - snapshots[-1]).astype(np.float64)
    coordinates = np.linalg.lstsq(directions.T, moves.T, rcond=None)[0].T
    away = np.linalg.norm(moves - coordinates @ directions, axis=1)
    return coordinates, away, np.linalg.norm(moves, axis=1)


def view(path: Array, spec: SliceSpec) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return what part of the plane to draw: −1 to 1 for random directions, else what holds the path."""
    if spec.directions == "random":
        return (-spec.zoom, spec.zoom), (-spec.zoom, spec.zoom)
    low, high = path.min(axis=0), path.max(axis=0)
    extent = np.maximum(high - low, max(LEAST * float((high - low).max()), 1e-6))
    middle = (low + high) / 2
    edges = np.stack([middle - (0.5 + MARGIN) * extent, middle + (0.5 + MARGIN) * extent]) * spec.zoom
    return (float(edges[0, 0]), float(edges[1, 0])), (float(edges[0, 1]), float(edges[1, 1]))


def losses_of(spec: TableRunSpec, weights: npt.NDArray[np.floating]) -> Array:
    """Return the loss on all training patients for each row of ``weights`` (networks, parameters)."""
    import torch
    from torch.func import functional_call, vmap

    from core import losses, models, perceptron, tables
    from core.cohorts import COHORTS

    cohort = COHORTS[spec.table.name]
    model = models.mlp(spec.model, cohort.inputs, cohort.outputs).eval()
    inputs, targets = perceptron.to_table(tables.load(spec.table).train, torch.device("cpu"))
    loss = losses.build(spec.loss, spec.loss_name)
    names = [name for name, _ in model.named_parameters()]
    shapes = [parameter.shape for parameter in model.parameters()]
    rows = torch.from_numpy(np.ascontiguousarray(weights, dtype=np.float32))
    parts = rows.split([shape.numel() for shape in shapes], dim=1)
    stacked = {
        name: part.reshape(len(rows), *shape) for name, part, shape in zip(names, parts, shapes, strict=True)
    }

    def one(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return loss.mean(functional_call(model, parameters, (inputs,)), targets)

    with torch.no_grad():
        found = vmap(one, chunk_size=64)(stacked)
    return np.asarray(found.numpy(), dtype=np.float64)


def trace(
    specs: Sequence[TableRunSpec], paused: Paused | None = None, watch: Watch | None = None
) -> tuple[Traced, ...] | Paused:
    """Train the one network of ``specs`` as ``core.perceptron.train_on_table`` does, and keep its path."""
    import torch

    from core import device as devices
    from core import perceptron, tables
    from core.training import Training, Unwatched, train_on

    (spec,) = specs
    devices.one_thread()
    device = torch.device("cpu")
    data = tables.load(spec.table)
    train, validation = (perceptron.to_table(part, device) for part in (data.train, data.validation))
    learner = perceptron.make_learner([spec], device)
    training = Training(learner, train, validation, spec.training, [spec.training.seed])
    outer = watch or Unwatched()
    kept: list[Snapshots] = (
        list(paused.state["snapshots"]) if paused is not None else [flat(learner.weights(0))]
    )

    class Recorder:
        """Keeps the weights of each epoch, and passes on what it is told and asked."""

        interrupted, pausing, frame = outer.interrupted, outer.pausing, outer.frame

        @staticmethod
        def report(row: Sequence[Epoch]) -> None:
            kept.append(flat(learner.weights(0)))
            outer.report(row)

    trained = train_on(training, paused, Recorder())
    if isinstance(trained, Paused):
        return replace(trained, state={**trained.state, "snapshots": kept})
    history = run_history(trained.rows, 0)
    run = perceptron.judge(
        spec, training.weights(0), device, history=history, ending=run_ending(history, trained.ending)
    )
    snapshots = np.stack(kept)
    losses = losses_of(spec, snapshots)
    good = np.isfinite(snapshots).all(axis=1) & np.isfinite(losses)
    end = len(good) if good.all() else int(np.argmin(good))
    shapes = tuple(tuple(value.shape) for value in learner.weights(0).values())
    return (Traced(run=run, shapes=shapes, snapshots=snapshots[:end], losses=losses[:end]),)


def flat(weights: Mapping[str, object]) -> Snapshots:
    """Return a network's parameters as one row (parameters,), in their order."""
    return np.concatenate([np.asarray(value, dtype=np.float32).ravel() for value in weights.values()])


def cut(spec: TableRunSpec, traced: Traced, plane: SliceSpec) -> LossSlice:
    """Compute the loss on a plane through the end of a traced training.

    Needs at least two snapshots.
    """
    final = traced.snapshots[-1].astype(np.float64)
    random = plane.directions == "random"
    directions = (
        random_directions(final, traced.shapes, plane.seed)
        if random
        else principal_directions(traced.snapshots)
    )
    path, away, moved = project(traced.snapshots, directions)
    domain = view(path, plane)
    across, up = np.meshgrid(*(np.linspace(low, high, POINTS) for low, high in domain))
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    points = np.concatenate(
        [
            np.column_stack([across.ravel(), up.ravel()]),
            path,
            np.zeros((1, 2)),
            np.column_stack([np.cos(turns), np.sin(turns)]),
        ]
    )
    losses = losses_of(spec, final + points @ directions)
    drawn, rows = POINTS * POINTS, len(path)
    total = float(np.sum(moved**2))
    return LossSlice(
        domain=domain,
        heights=losses[:drawn].reshape(POINTS, POINTS),
        path=path,
        path_heights=losses[drawn : drawn + rows],
        away=away,
        moved=moved,
        shown=1 - float(np.sum(away**2)) / total if total > 0 else 1.0,
        centre=float(losses[drawn + rows]),
        ring=float(np.median(losses[drawn + rows + 1 :])),
    )
