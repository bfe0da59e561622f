"""What a forecaster of many horizons leaves behind: plain numbers and arrays, no tensors."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.history import Result
from core.horizon_scores import TargetScores
from core.horizon_windows import Stretches
from core.series import FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class HorizonRun(Result):
    """What one forecaster of many horizons leaves behind, all in the signals' own units.

    Attributes:
        stretches: where time was cut.
        windows: how many origins served for training, validation, calibration and test.
        origins: (rows,), the indices of the newest reading known to each forecast of the test.
        truth: (rows, horizons, targets), NaN where unknown or outside the test.
        forecast: (rows, horizons, targets), what the network answered.
        targets: the scores, intervals and coverage of every model, an entry a target.
        weights: the arrays of the ``state_dict`` by name, those after ``weights_epoch`` epochs.
        mean: (inputs,), and ``sd``: what the readings are scaled by.
    """

    stretches: Stretches
    windows: tuple[int, int, int, int]
    origins: npt.NDArray[np.int64] = field(repr=False)
    truth: FloatArray = field(repr=False)
    forecast: FloatArray = field(repr=False)
    targets: tuple[TargetScores, ...] = field(repr=False)
    weights: dict[str, FloatArray] = field(repr=False)
    weights_epoch: int
    mean: tuple[float, ...]
    sd: tuple[float, ...]
