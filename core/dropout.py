"""Dropout seen from near: what it passes on in train() and eval(), and what forgetting eval() does.

Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting (2014). Only the
functions that compute with torch load it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core import tables
from core.cohorts import COHORTS
from core.specs import TableRunSpec, require_between

Array = npt.NDArray[np.float32]
T = TypeVar("T")

ONES = 10
REPEATS = 200
MOST_RESTING = 0.9


def seeded(seed: int, compute: Callable[[], T]) -> T:
    """Compute after ``torch.manual_seed(seed)`` in one thread, leaving the global stream as it was."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return compute()


@dataclass(frozen=True, kw_only=True)
class OnesSpec:
    """Ten ones, sent ``draws`` times through ``nn.Dropout(p)``."""

    p: float = 0.5
    draws: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("ドロップアウト率", self.p, 0.0, MOST_RESTING)
        require_between("回数", self.draws, 1, 1000)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ones:
    """What came out: ``trained`` (draws, 10) in train(), ``called`` (10,) in eval()."""

    trained: Array
    called: Array

    @property
    def unscaled(self) -> Array:
        """Return what train() would give without 1/(1 − p): the ones that work stay ones."""
        working: Array = (self.trained != 0).astype(np.float32)
        return working


def ones_through(spec: OnesSpec) -> Ones:
    """Send ones through ``nn.Dropout``: ``draws`` times in train(), once in eval()."""

    def send() -> Ones:
        import torch
        from torch import nn

        ones, layer = torch.ones(ONES), nn.Dropout(spec.p)
        layer.train()
        trained = torch.stack([layer(ones) for _ in range(spec.draws)])
        layer.eval()
        return Ones(trained=trained.numpy(), called=layer(ones).numpy())

    return seeded(spec.seed, send)


@dataclass(frozen=True, kw_only=True, eq=False)
class Jitter:
    """What one trained network says of the same test patients, again and again.

    Attributes:
        forgotten: (repeats, patients), probability of class 1 while train() is left on.
        called: (repeats, patients), the same after eval().
        targets: (patients,), the truth.
    """

    forgotten: Array
    called: Array
    targets: npt.NDArray[np.int64]

    def differing(self, risks: Array) -> npt.NDArray[np.int64]:
        """Return (patients,): how many of ``risks`` (rounds, patients) differ in diagnosis from eval()."""
        return np.asarray(((risks > 0.5) != (self.called[:1] > 0.5)).sum(axis=0))

    @property
    def changed(self) -> npt.NDArray[np.int64]:
        """Return (patients,): how many predictions in train() differ in diagnosis from eval()."""
        return self.differing(self.forgotten)

    def spreads(self, risks: Array) -> npt.NDArray[np.float64]:
        """Return (patients,): the standard deviation of each patient's ``risks`` (rounds, patients)."""
        return np.asarray(risks.std(axis=0, dtype=np.float64))

    def accuracies(self, risks: Array) -> npt.NDArray[np.float64]:
        """Return the accuracy of each round of ``risks`` (rounds, patients) over all patients, (rounds,)."""
        return np.asarray(((risks > 0.5) == self.targets).mean(axis=1))


def jitter(spec: TableRunSpec, weights: Mapping[str, npt.NDArray[Any]], repeats: int = REPEATS) -> Jitter:
    """Let a trained network predict its test patients ``repeats`` times in train(), then in eval().

    The masks come from the run's own seed.
    """
    require_between("回数", repeats, 1, 1000)
    data, cohort = tables.load(spec.table), COHORTS[spec.table.name]

    def predict() -> Jitter:
        import torch

        from core import models

        model = models.mlp(spec.model, spec.table.inputs, cohort.outputs)
        model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
        x = torch.tensor(data.test.inputs)
        torch.manual_seed(spec.training.seed)
        rounds = []
        with torch.no_grad():
            for training in (True, False):
                model.train(training)
                rounds.append(torch.stack([model(x).softmax(1)[:, 1] for _ in range(repeats)]).numpy())
        return Jitter(
            forgotten=rounds[0], called=rounds[1], targets=np.asarray(data.test.targets, dtype=np.int64)
        )

    return seeded(spec.training.seed, predict)
