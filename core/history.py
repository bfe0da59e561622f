"""What a run leaves behind: rows of plain numbers, cheap to send and to compare. No tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.forecast import Scores
from core.series import FloatArray

Ending = Literal["finished", "early", "stopped", "diverged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Epoch:
    """One pass over the training data. ``seconds`` counts from the start of the run.

    ``validation_accuracy`` is known of networks that classify pictures.
    """

    number: int
    train_loss: float
    validation_loss: float | None
    lr: float
    seconds: float = field(compare=False)
    validation_accuracy: float | None = None


Row = tuple[Epoch, ...]
"""One epoch of runs that train together, an entry for each."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """A look into the networks of a row after ``epoch`` epochs; ``arrays`` holds an entry for each.

    One that is ``fleeting`` is for those who watch now: a run keeps it only until the next.
    """

    epoch: int
    arrays: tuple[dict[str, npt.NDArray[Any]], ...] = field(repr=False)
    fleeting: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Paused:
    """A paused training: its epochs so far, and the numbers and arrays to go on from."""

    rows: tuple[Row, ...] = field(repr=False)
    state: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """A run that has ended. ``history`` ends with the first epoch whose loss is no number, if any."""

    history: tuple[Epoch, ...] = field(repr=False)
    ending: Ending
    device: str
    parameters: int

    @property
    def seconds(self) -> float:
        """Seconds of training; runs that trained together share them."""
        return self.history[-1].seconds if self.history else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class TestForecast:
    """One-step forecasts of the test stretch, in the signal's unit; every array has shape (windows,)."""

    __test__ = False  # not a test case, whatever its name says to pytest

    index: npt.NDArray[np.int64]
    truth: FloatArray
    model: FloatArray
    persistence: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ForecastRun(Result):
    """A forecaster: what it forecasts for the test stretch, and how well.

    ``weights`` are the arrays of its ``state_dict`` by name, those after ``weights_epoch`` epochs; it reads
    and answers ``(value − scale[0]) / scale[1]``.
    """

    weights: dict[str, FloatArray] = field(repr=False)
    weights_epoch: int
    scale: tuple[float, float]
    train_windows: int
    validation_windows: int
    test: TestForecast = field(repr=False)
    model_scores: Scores
    persistence_scores: Scores


@dataclass(frozen=True, kw_only=True, eq=False)
class TableRun(Result):
    """A network trained on a table of patients. ``test_accuracy`` is None when the target is a number.

    Attributes:
        rows: number of patients for training, validation and test.
        reference_loss: what always giving the training rows' class shares, or their middle, would cost.
        test_outputs: (patients, outputs), what the network gives for each test patient.
        test_targets: (patients,), the truth: a class, or a standardized number.
        weights: name -> array, as ``state_dict`` has them; empty for a network of over 20,000 numbers.
        weights_epoch: the epoch that they are from; early stopping goes back to the best one.
        last_test_loss: the test loss of the weights after the last epoch.
    """

    rows: tuple[int, int, int]
    reference_loss: float
    test_loss: float
    test_accuracy: float | None
    test_outputs: FloatArray = field(repr=False)
    test_targets: npt.NDArray[Any] = field(repr=False)
    weights: dict[str, FloatArray] = field(repr=False)
    weights_epoch: int
    last_test_loss: float


def elapsed(row: Row) -> float:
    """Return the seconds that the networks of a row have taken; those that train stacked share theirs."""
    return sum({epoch.seconds for epoch in row})


def run_history(rows: Sequence[Row], run: int) -> tuple[Epoch, ...]:
    """Return the epochs of one run, up to the first whose loss is no number."""
    kept: list[Epoch] = []
    for row in rows:
        kept.append(row[run])
        if not math.isfinite(row[run].train_loss):
            break
    return tuple(kept)


def run_ending(history: Sequence[Epoch], together: Ending) -> Ending:
    """Return how one run ended when those that trained with it ended ``together``."""
    return "diverged" if history and not math.isfinite(history[-1].train_loss) else together
