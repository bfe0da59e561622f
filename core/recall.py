"""A task of delayed recall: the first reading is a cue, and at the end the network must name it.

After the tasks of Hochreiter and Schmidhuber, Long short-term memory (1997). NumPy only; ``recall_train``
loads torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.history import Epoch, Result
from core.series import FloatArray
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec, require_between, require_one_of, with_cells

HELD_OUT = 512
"""How many sequences the networks are judged by."""
ASKED = 64
"""How many of them are asked what an answer depends on."""
CHANCE = 0.6
"""Accuracy below which ``HELD_OUT`` sequences of two equally frequent classes tell nothing from guessing."""
KNOWN = 0.9
"""Accuracy from which a network is said to remember."""
GATES = ("default", "one", "length")
CELLS = ("rnn", "lstm", "gru")

Labels = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RecallSpec:
    """One training on sequences of ``length`` readings, all but the first of them noise.

    ``gate`` is what is added to the bias of the gate that keeps: nothing, 1 (Gers et al. 2000; Jozefowicz
    et al. 2015), or ln(length − 1), after Tallec and Ollivier, Can recurrent neural networks warp time?
    (2018).
    """

    length: int = 100
    noise: float = 0.5
    sequences: int = 512
    gate: str = "length"
    model: ModelSpec = field(default_factory=ModelSpec)
    optimizer: OptimizerSpec = field(default_factory=lambda: OptimizerSpec(lr=1e-3))
    training: TrainingSpec = field(default_factory=lambda: TrainingSpec(epochs=20, batch_size=32, clip=1.0))

    def __post_init__(self) -> None:
        require_between("記録の回数 T", self.length, 2, 200)
        require_between("雑音の大きさ", self.noise, 0.0, 3.0)
        require_between("学習に使う患者数", self.sequences, 32, 4096)
        require_one_of("ゲートの初期値", self.gate, GATES)

    @property
    def added(self) -> float:
        """Return what is added to the bias of the gate that keeps."""
        return {"default": 0.0, "one": 1.0, "length": math.log(max(self.length - 1, 1))}[self.gate]


def together(spec: RecallSpec, seeds: int = 1) -> tuple[RecallSpec, ...]:
    """Return ``spec`` for each of ``CELLS`` and of ``seeds`` seeds in a row, the cells turning fastest."""
    return with_cells(spec, CELLS, seeds)


def sequences(count: int, length: int, noise: float, seed: int) -> tuple[FloatArray, Labels]:
    """Draw sequences (count, length) and their classes (count,), both as frequent.

    The first reading is 1 for class 1 and −1 for class 0; the others are normal noise of that deviation.
    """
    generator = np.random.RandomState(seed)
    readings = noise * generator.standard_normal((count, length))
    classes = np.arange(count) % 2
    readings[:, 0] = 2 * classes - 1
    return readings.astype(np.float32), classes


@dataclass(frozen=True, kw_only=True, eq=False)
class RecallRun(Result):
    """A network that was asked to remember.

    Attributes:
        before: (T,), mean over sequences of |∂(margin)/∂x_t| at the initial weights; the margin is the
            answer for class 1 minus that for class 0.
        after: (T,), the same after the training.
        flipped: share of sequences whose answer changes when the cue alone is turned round.
        keep: what the gate that keeps lets through at the initial weights, on average; for a SimpleRNN the
            factor of one step back, by ρ(W_hh) times the mean slope of tanh.
    """

    before: Array = field(repr=False)
    after: Array = field(repr=False)
    flipped: float
    keep: float

    @property
    def accuracy(self) -> float:
        """Return the share of right answers after the last epoch."""
        return accuracy(self.history[-1])

    @property
    def learnt(self) -> int | None:
        """Return the first epoch with an accuracy of ``KNOWN``, None if there is none."""
        return next((epoch.number for epoch in self.history if accuracy(epoch) >= KNOWN), None)


def accuracy(epoch: Epoch) -> float:
    """Return the share of right answers on the sequences held out."""
    return math.nan if epoch.validation_accuracy is None else epoch.validation_accuracy
