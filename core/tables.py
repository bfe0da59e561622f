"""Tables of patients that come with scikit-learn, split and scaled without a look at what is held out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.specs import TableSpec

FloatMatrix = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows of a table: ``inputs`` (rows, features) float32; ``targets`` (rows,), int64 classes or float32."""

    inputs: FloatMatrix
    targets: npt.NDArray[np.int64] | FloatMatrix


@dataclass(frozen=True, kw_only=True, eq=False)
class PatientTable:
    """A table cut in three. ``classes`` is 0 when the target is a number."""

    train: Part
    validation: Part
    test: Part
    classes: int

    @property
    def features(self) -> int:
        """Number of input columns."""
        return int(self.train.inputs.shape[1])

    @property
    def reference_loss(self) -> float:
        """Loss of always giving the training rows' class shares (cross-entropy) or mean (MSE)."""
        if self.classes:
            shares = np.bincount(self.train.targets.astype(np.int64)) / len(self.train.targets)
            return float(-np.sum(shares * np.log(shares)))
        return float(np.var(self.train.targets))


def _raw(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    from sklearn import datasets

    if name == "breast_cancer":
        # Wolberg, Mangasarian, Street (1995). There 0 means malignant; here malignant is 1.
        bunch = datasets.load_breast_cancer()
        return bunch.data, 1.0 - bunch.target, 2
    # Efron, Hastie, Johnstone, Tibshirani, Least angle regression (2004).
    bunch = datasets.load_diabetes(scaled=False)
    return bunch.data, bunch.target, 0


@lru_cache(maxsize=8)
def load(spec: TableSpec) -> PatientTable:
    """Load a table, shuffle and cut it by ``spec.seed``, and standardize it by the training rows alone."""
    x, y, classes = _raw(spec.name)
    order = np.random.RandomState(spec.seed).permutation(len(x))
    held_out = round(len(x) * spec.test)
    watched = round(len(x) * spec.validation)
    test, validation, train = np.split(order, [held_out, held_out + watched])
    mean, sd = x[train].mean(axis=0), x[train].std(axis=0)
    x = ((x - mean) / np.where(sd > 0, sd, 1)).astype(np.float32)
    standardized = ((y - y[train].mean()) / y[train].std()).astype(np.float32)
    targets = y.astype(np.int64) if classes else standardized
    part = {
        name: Part(inputs=x[rows], targets=targets[rows])
        for name, rows in (("train", train), ("validation", validation), ("test", test))
    }
    return PatientTable(**part, classes=classes)
