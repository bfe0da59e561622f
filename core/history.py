"""What a run leaves behind: rows of plain numbers, cheap to send and to compare. No tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.forecast import Scores
from core.series import FloatArray

Ending = Literal["finished", "early", "stopped", "diverged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One pass over the training data. ``seconds`` counts from the start of the run."""

    number: int
    train_loss: float
    validation_loss: float | None
    seconds: float = field(compare=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class TestForecast:
    """One-step forecasts of the test stretch, in the signal's unit; every array has shape (windows,)."""

    __test__ = False  # not a test case, whatever its name says to pytest

    index: npt.NDArray[np.int64]
    truth: FloatArray
    model: FloatArray
    persistence: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ForecastRun:
    """A finished run: how it went, how it ended, and what its network forecasts."""

    history: tuple[Epoch, ...] = field(repr=False)
    ending: Ending
    weights_epoch: int
    device: str
    parameters: int
    train_windows: int
    validation_windows: int
    test: TestForecast = field(repr=False)
    model_scores: Scores
    persistence_scores: Scores

    @property
    def seconds(self) -> float:
        """Seconds of training."""
        return self.history[-1].seconds if self.history else 0.0
