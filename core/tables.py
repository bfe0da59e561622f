"""Tables of patients, and sets of pictures, cut into training, validation and test rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.cohorts import COHORTS, Cohort, arguments, make_columns
from core.simulated import Matrix
from core.specs import TableSpec

FloatMatrix = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows of a table: ``inputs`` (rows, features) float32; ``targets`` (rows,), int64 classes or float32.

    Of pictures, ``inputs`` are (rows, 1, side, side), 0 … 1.
    """

    inputs: FloatMatrix
    targets: npt.NDArray[np.int64] | FloatMatrix


@dataclass(frozen=True, kw_only=True, eq=False)
class PatientTable:
    """A table cut in three. ``classes`` is 0 when the target is a number.

    ``centre`` and ``scale`` (features,) lead from clinical units to inputs, (value - centre) / scale;
    ``target_centre`` and ``target_scale`` do so for a target that is a number.
    """

    train: Part
    validation: Part
    test: Part
    classes: int
    centre: Matrix
    scale: Matrix
    target_centre: float
    target_scale: float

    @property
    def features(self) -> int:
        """Number of input columns, or of pixels."""
        return math.prod(self.train.inputs.shape[1:])


def _raw(spec: TableSpec, cohort: Cohort) -> tuple[Matrix, Matrix]:
    if cohort.make is not None:
        return cohort.make(*arguments(cohort, spec))
    from sklearn import datasets

    if spec.name == "breast_cancer":
        bunch = datasets.load_breast_cancer()
        return bunch.data, 1.0 - bunch.target
    if spec.name == "digits":
        bunch = datasets.load_digits()
        return bunch.images[:, None] / 16, bunch.target
    bunch = datasets.load_diabetes(scaled=False)
    return bunch.data, bunch.target


@lru_cache(maxsize=16)
def load(spec: TableSpec) -> PatientTable:
    """Load a table, shuffle and cut it by ``spec.seed``, and standardize it by the training rows alone.

    Pictures stay as bright as they are.
    """
    cohort = COHORTS[spec.name]
    x, y = _raw(spec, cohort)
    order = np.random.RandomState(spec.seed).permutation(len(x))
    held_out = round(len(x) * spec.test)
    watched = round(len(x) * spec.validation)
    test, validation, train = np.split(order, [held_out, held_out + watched])
    train = train[: spec.train_rows]
    if cohort.is_map:
        x = make_columns(x, spec.columns)
    one = np.ones(1)
    centre, sd = (0 * one, one) if cohort.side else (x[train].mean(axis=0), x[train].std(axis=0))
    scale = np.where(sd > 0, sd, 1)
    inputs: FloatMatrix = ((x - centre) / scale).astype(np.float32)
    middle, spread = 0.0, 1.0
    if not cohort.classes:
        y = y.copy()
        y[train[: spec.mistyped]] *= 10
        middle, spread = float(y[train].mean()), float(y[train].std())
        if cohort.robust:
            low, middle, high = (float(q) for q in np.percentile(y[train], [25, 50, 75]))
            spread = high - low
    standardized = ((y - middle) / spread).astype(np.float32)
    targets = y.astype(np.int64) if cohort.classes else standardized
    if spec.sorted_labels:
        train = train[np.argsort(-targets[train], kind="stable")]
    part = {
        name: Part(inputs=inputs[rows], targets=targets[rows])
        for name, rows in (("train", train), ("validation", validation), ("test", test))
    }
    return PatientTable(
        **part,
        classes=cohort.classes,
        centre=centre,
        scale=scale,
        target_centre=middle,
        target_scale=spread,
    )
