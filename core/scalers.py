"""The scale that a table is put on: from its training rows alone, and what all patients would have given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core import tables
from core.specs import TableSpec


@dataclass(frozen=True, kw_only=True)
class Scaler:
    """Mean and standard deviation of one input column, in its own unit, and the target's scale.

    ``everyone_*`` are those of all patients, test patients included: what a leak would use.
    """

    centre: float
    scale: float
    everyone_centre: float
    everyone_scale: float
    target_scale: float


def scalers(specs: Sequence[TableSpec], column: int) -> tuple[Scaler, ...]:
    """Find the scalers of tables, in the order of ``specs``."""
    return tuple(_scaler(spec, column) for spec in specs)


def _scaler(spec: TableSpec, column: int) -> Scaler:
    table, whole = tables.load(spec), tables.load(replace(spec, train_rows=None))
    parts = (whole.train, whole.validation, whole.test)
    standardized = np.concatenate([part.inputs[:, column] for part in parts]).astype(np.float64)
    everyone = standardized * whole.scale[column] + whole.centre[column]
    return Scaler(
        centre=float(table.centre[column]),
        scale=float(table.scale[column]),
        everyone_centre=float(everyone.mean()),
        everyone_scale=float(everyone.std()),
        target_scale=table.target_scale,
    )
