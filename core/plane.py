"""The plane of two inputs that decision maps show: its grid, its patients, its columns. Plain NumPy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core import tables
from core.cohorts import make_columns
from core.simulated import Matrix
from core.specs import TableSpec

MAP_SIDE, UNIT_SIDE = 48, 20
REACH = 6.0
"""A decision map spans [-REACH, REACH] in both inputs."""


def grid(side: int) -> Matrix:
    """Return the points (side², 2) of a map, rows from top to bottom."""
    axis = np.linspace(-REACH, REACH, side)
    x1, x2 = np.meshgrid(axis, axis[::-1])
    return np.column_stack([x1.ravel(), x2.ravel()])


@dataclass(frozen=True, kw_only=True, eq=False)
class Patients:
    """Where patients lie on the plane, (patients, 2), and their classes, (patients,)."""

    points: Matrix
    classes: npt.NDArray[np.int64]


def patients(spec: TableSpec) -> tuple[Patients, Patients]:
    """Return the training and the test patients of ``spec``, whatever columns it makes of them."""
    table = tables.load(replace(spec, columns=("x1", "x2")))
    train, test = (
        Patients(
            points=part.inputs.astype(np.float64) * table.scale + table.centre,
            classes=part.targets.astype(np.int64),
        )
        for part in (table.train, table.test)
    )
    return train, test


def column_maps(columns: tuple[str, ...]) -> npt.NDArray[np.uint8]:
    """Draw ``columns`` over the plane, (columns, UNIT_SIDE, UNIT_SIDE): 128 for 0, largest 1 or 255."""
    made = make_columns(grid(UNIT_SIDE), columns)
    drawn: Matrix = 128 + 127 * made / np.abs(made).max(axis=0)
    return drawn.T.round().astype(np.uint8).reshape(-1, UNIT_SIDE, UNIT_SIDE)
