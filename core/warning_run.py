"""What following simulated patients leaves behind: plain numbers and arrays. Nothing here needs torch."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.history import Result
from core.series import FloatArray

RULES = ("network", "persistence", "usual")
"""What a reading is compared with: the network's forecast, the reading before, the mean of calm patients."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WarningRun(Result):
    """A forecaster, and its errors in patients who get worse and in their twins who stay well.

    The first patient is the one that the reader chose. Cases are (worse, well).

    Attributes:
        windows: how many windows served for training, validation and calibration.
        weights_epoch: the epoch that the weights are from.
        mean: (signals,), that of the readings learnt from: the forecast of the rule ``usual``.
        scale: (rules, signals), the usual size of a residual, in the signal's unit.
        z: (rules, patients, cases, points, signals), residual ÷ scale from calibration on, or NaN.
        readings: (patients, cases, points, signals), all readings in the signals' own units.
        errors: (network and persistence, signals), the mean absolute error on the twins but the first.
    """

    windows: tuple[int, ...]
    weights_epoch: int
    mean: tuple[float, ...]
    scale: FloatArray = field(repr=False)
    z: FloatArray = field(repr=False)
    readings: FloatArray = field(repr=False)
    errors: FloatArray = field(repr=False)
