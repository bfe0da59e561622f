"""Where the fitted curve of a network with one input is drawn. Plain NumPy, for workers and pages alike."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core import tables
from core.specs import TableSpec

CURVE_POINTS = 121


def curve_inputs(spec: TableSpec) -> npt.NDArray[np.float64]:
    """Return where a fitted curve is drawn, (points,), in the input's own unit."""
    table = tables.load(spec)
    seen = np.concatenate([part.inputs[:, 0] for part in (table.train, table.validation, table.test)])
    reach = seen * table.scale[0] + table.centre[0]
    return np.linspace(reach.min(), reach.max(), CURVE_POINTS)
