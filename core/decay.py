"""Two ways to shrink weights: a penalty in the loss, or a share taken off at each update.

Krogh and Hertz, A simple weight decay can improve generalization (1991), showed what shrinking is good
for; Loshchilov and Hutter, Decoupled weight decay regularization (2019), that the two ways differ under
Adam. Only ``shrink`` and ``twins`` load torch.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

import numpy as np

from core.specs import OptimizerSpec, require_between, require_one_of
from core.surfaces import Array

ROUND = (1.0, -1.0, -1.0, 1.0)
"""How the four patients of a round pull: they add up to nothing, and leave nothing behind."""

START = 1.0
FAR = 1e6
SETTLING = 40  # updates


@dataclass(frozen=True, kw_only=True)
class DecaySpec:
    """Two weights, each pulled to and fro by four patients in turn; only the decay can move them for good.

    ``strength`` is λ in λ Σw², and so w ← (1 − 2λη) w is the decay that belongs to it. ``pulls`` are the
    gradients that the patients give the first and the second weight.
    """

    rule: str = "adam"
    lr: float = 0.01
    strength: float = 0.05
    pulls: tuple[float, float] = (3.0, 0.3)
    rounds: int = 250

    def __post_init__(self) -> None:
        require_one_of("オプティマイザ", self.rule, ("sgd", "adam"))
        require_between("学習率", self.lr, 1e-5, 1.0)
        require_between("減衰の強さ λ", self.strength, 0.0, 5.0)
        for pull in self.pulls:
            require_between("勾配の大きさ", pull, 1e-3, 1e3)
        require_between("周の数", self.rounds, 1, 500)

    @property
    def decay(self) -> float:
        """Return the ``weight_decay`` that is the slope's share of the penalty: 2λ."""
        return 2 * self.strength

    @property
    def factor(self) -> float:
        """Return what a weight is multiplied by at each update of the decay: 1 − 2λη."""
        return 1 - self.lr * self.decay


@dataclass(frozen=True, kw_only=True, eq=False)
class Shrinking:
    """Where the two weights went. Row t of a path is the state after t updates; every number is finite.

    Attributes:
        paths: way -> (rows, 2). A path ends early where a weight is farther than ``FAR`` from 0.
        roots: (2,), √v̂ at the last update of Adam with the penalty; None for SGD.
    """

    paths: dict[str, Array] = field(repr=False)
    roots: Array | None = None


def shrink(spec: DecaySpec) -> Shrinking:
    """Walk both ways with the classes of ``torch.optim``, in double precision.

    The penalty's slope 2λw joins the gradient. The decay is AdamW's own, or, for SGD, the formula
    w ← (1 − 2λη) w − η g written out.
    """
    added, roots = _walk(spec, OptimizerSpec(name=spec.rule, lr=spec.lr), penalty=spec.strength)
    if spec.rule == "adam":
        own = OptimizerSpec(name="adamw", lr=spec.lr, weight_decay=spec.decay)
        taken, _ = _walk(spec, own)
    else:
        taken, _ = _walk(spec, OptimizerSpec(name="sgd", lr=spec.lr), factor=spec.factor)
    return Shrinking(paths={"penalty": added, "decay": taken}, roots=roots)


def _walk(
    spec: DecaySpec, rule: OptimizerSpec, penalty: float = 0.0, factor: float = 1.0
) -> tuple[Array, Array | None]:
    """Return the path (rows, 2) of one way, and √v̂ at its end if the rule keeps v."""
    import torch

    from core import optimizers

    weights = torch.nn.Parameter(torch.full((2,), START, dtype=torch.float64))
    weights.grad = torch.zeros_like(weights)
    optimizer = optimizers.build(rule, [weights])
    step = inspect.unwrap(type(optimizer).step)  # without the wrappers for the profiler
    values, slopes = weights.detach().numpy(), weights.grad.numpy()  # windows onto the same memory
    pulls, updates = np.array(spec.pulls), len(ROUND) * spec.rounds
    path = np.empty((updates + 1, 2))
    path[0] = values
    rows = updates + 1
    with torch.no_grad():
        for t in range(updates):
            slopes[:] = ROUND[t % len(ROUND)] * pulls + 2 * penalty * values
            if factor != 1:
                values *= factor
            step(optimizer)
            path[t + 1] = values
            if not (np.abs(values) < FAR).all():
                rows = t + 1
                break
    square = optimizer.state[weights].get("exp_avg_sq")
    root = None if square is None else np.sqrt(square.numpy() / (1 - 0.999 ** min(rows, updates)))
    return path[:rows].copy(), root


def rate(path: Array) -> Array:
    """Return by what each weight was multiplied at an update, (2,): the geometric mean of the path.

    Adam's first steps, which are longer, are left out of a path that is long enough.
    """
    first = SETTLING if len(path) > 2 * SETTLING else 0
    found: Array = (np.abs(path[-1]) / np.abs(path[first])) ** (1 / max(len(path) - 1 - first, 1))
    return found


@dataclass(frozen=True, kw_only=True)
class Twins:
    """How far two real networks of ``weights`` weights are apart after ``updates`` updates.

    ``apart`` is the largest difference of a weight, ``largest`` the size of the largest weight,
    ``squares`` Σw² of the one with the penalty and of the one with the decay.
    """

    weights: int
    updates: int
    apart: float
    largest: float
    squares: tuple[float, float]


TWIN_UNITS, TWIN_UPDATES, TWIN_ROWS = 16, 100, 100


def twins(rule: str, lr: float, strength: float) -> Twins:
    """Train a network of 20 markers with a penalty by autograd, and its twin with ``weight_decay`` = 2λ.

    Both shrink the weights alone, biases apart, and see all patients at each update; double precision.
    """
    import torch
    from torch import nn

    from core import models, tables
    from core.specs import MLPSpec, TableSpec

    train = tables.load(TableSpec(name="markers", noise=0.1, train_rows=TWIN_ROWS)).train
    inputs, targets = torch.tensor(train.inputs, dtype=torch.float64), torch.tensor(train.targets)
    kinds = {"sgd": (torch.optim.SGD, torch.optim.SGD), "adam": (torch.optim.Adam, torch.optim.AdamW)}[rule]
    found = []
    for kind, penalty, decay in zip(kinds, (strength, 0.0), (0.0, 2 * strength), strict=True):
        model = models.build_mlp(MLPSpec(hidden=(TWIN_UNITS,)), inputs.shape[1], 2, 0).double()
        weights = [p for name, p in model.named_parameters() if name.endswith("weight")]
        biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
        optimizer = kind(
            [{"params": weights, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}], lr=lr
        )
        for _ in range(TWIN_UPDATES):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            (loss + penalty * sum((w**2).sum() for w in weights)).backward()
            optimizer.step()
        found.append(torch.cat([w.detach().flatten() for w in weights]).numpy())
    one, other = found
    return Twins(
        weights=len(one),
        updates=TWIN_UPDATES,
        apart=float(np.abs(one - other).max()),
        largest=float(np.abs(one).max()),
        squares=(float(np.sum(one**2)), float(np.sum(other**2))),
    )
