"""How much of a loss's gradient is left at each reading of a window, going back in time.

Hochreiter, Untersuchungen zu dynamischen neuronalen Netzen (1991); Bengio, Simard and Frasconi, Learning
long-term dependencies with gradient descent is difficult (1994). Only functions that compute load torch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core.series import article_series
from core.specs import ModelSpec, SplitSpec, require_between
from core.windows import Windows, bounds, make_windows

if TYPE_CHECKING:
    from torch import Tensor

    from core.models import Forecaster

Array = npt.NDArray[np.float64]

CELLS = ("rnn", "lstm", "gru")
LENGTHS = (10, 30, 60, 100)
SHORTEST, LONGEST = 5, 120
ASKED = 32
"""How many windows of the wave are asked, at most."""


@dataclass(frozen=True, kw_only=True)
class BackSpec:
    """Networks as they are before any training.

    Recurrent weights are ``scale`` times their own; ``gate`` is added to the biases of the gates that keep.
    """

    length: int = 100
    hidden: int = 32
    scale: float = 1.0
    gate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("窓の長さ", self.length, SHORTEST, LONGEST)
        require_between("隠れユニット数", self.hidden, 2, 128)
        require_between("W_hh の倍率", self.scale, 0.1, 10.0)
        require_between("ゲートに足す値", self.gate, 0.0, 10.0)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Back:
    """One network, and how its gradient goes back through windows of T readings.

    Attributes:
        hidden: (T,), |∂L/∂h_t| for t = 1 … T, the mean over the windows of each one's own loss.
        memory: (T − 1,), the same for the cell state c_t of an LSTM with h_t held still, up to c_{T−1} (c_T
            reaches the loss through h_T alone); empty for others.
        keep: mean over windows, readings and units of what one step back is multiplied by, the recurrent
            weights apart: the slope 1 − h² of tanh, the forget gate of an LSTM, the update gate of a GRU.
        radius: spectral radius of a SimpleRNN's W_hh, and of the candidate's recurrent weights in others.
        largest: largest singular value of the same matrix.
    """

    hidden: Array = field(repr=False)
    memory: Array = field(repr=False)
    keep: float
    radius: float
    largest: float

    @property
    def left(self) -> float:
        """Return |∂L/∂h_1| / |∂L/∂h_T|, the share that reaches the first reading."""
        return float(self.hidden[0] / self.hidden[-1])

    @property
    def factor(self) -> float:
        """Return what one step back multiplies by, on (geometric) average over the window."""
        return float(self.left ** (1 / (len(self.hidden) - 1)))


@lru_cache(maxsize=16)
def training_windows(length: int) -> Windows:
    """Return the windows of the article's wave that a forecaster learns from."""
    series = article_series()
    return make_windows(series.values, length).between(0, bounds(len(series.values), SplitSpec()).train)


def asked_windows(length: int) -> Windows:
    """Return at most ``ASKED`` of them, evenly spread."""
    windows = training_windows(length)
    some = np.unique(np.linspace(0, len(windows) - 1, ASKED).astype(int))
    return Windows(inputs=windows.inputs[some], targets=windows.targets[some], index=windows.index[some])


def unroll(model: Forecaster, inputs: Tensor) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Read ``inputs`` (windows, T, features) step by step.

    Returns the hidden states h_1 … h_T, each (1, windows, hidden), an LSTM's cell states likewise (none for
    others), and the output of the last step, (windows, outputs).
    """
    from torch import nn

    hidden = inputs.new_zeros(1, len(inputs), model.recurrent.hidden_size)
    memory = hidden
    states: list[Tensor] = []
    memories: list[Tensor] = []
    for reading in inputs.split(1, dim=1):
        if isinstance(model.recurrent, nn.LSTM):
            _, (hidden, memory) = model.recurrent(reading, (hidden, memory))
            memories.append(memory)
        else:
            _, hidden = model.recurrent(reading, hidden)
        states.append(hidden)
    output: Tensor = model.head(hidden[0])
    return states, memories, output


def measure(model: Forecaster, windows: Windows) -> Back:
    """Follow the gradient of the squared error back through ``windows``, by autograd in float64."""
    import torch

    model = copy.deepcopy(model).double()
    inputs = torch.tensor(windows.inputs, dtype=torch.float64).unsqueeze(-1)
    targets = torch.tensor(windows.targets, dtype=torch.float64).unsqueeze(-1)
    states, memories, outputs = unroll(model, inputs)
    loss = ((outputs - targets) ** 2).sum()  # so that each window has the gradient of its own loss
    gradients = torch.autograd.grad(loss, [*states, *memories[:-1]])
    norms = np.array([gradient.norm(dim=-1).mean().item() for gradient in gradients])
    length = len(states)
    with torch.no_grad():
        kept = keeping(model, inputs, torch.cat(states)).mean().item()
        recurrent = model.recurrent.get_parameter("weight_hh_l0")
        if not isinstance(model.recurrent, torch.nn.RNN):
            recurrent = recurrent.split(model.recurrent.hidden_size)[2]  # of the candidate
        radius = float(torch.linalg.eigvals(recurrent).abs().max())
        largest = float(torch.linalg.matrix_norm(recurrent, 2))
    return Back(hidden=norms[:length], memory=norms[length:], keep=kept, radius=radius, largest=largest)


def keeping(model: Forecaster, inputs: Tensor, states: Tensor) -> Tensor:
    """Return what each unit keeps at each step, (T, windows, hidden).

    The slope 1 − h² of a SimpleRNN, the forget gate of an LSTM, the update gate of a GRU. ``states``
    (T, windows, hidden) are those that ``unroll`` found for ``inputs`` (windows, T, features).
    """
    import torch
    from torch import nn

    cell = model.recurrent
    if isinstance(cell, nn.RNN):
        return 1 - states**2
    before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
    parts = inputs.transpose(0, 1) @ cell.get_parameter("weight_ih_l0").T + cell.get_parameter("bias_ih_l0")
    parts = parts + before @ cell.get_parameter("weight_hh_l0").T + cell.get_parameter("bias_hh_l0")
    second: Tensor = parts.chunk(4 if isinstance(cell, nn.LSTM) else 3, dim=-1)[1]
    return torch.sigmoid(second)


def scale_recurrent(model: Forecaster, scale: float) -> None:
    """Multiply the recurrent weights of ``model``."""
    import torch

    with torch.no_grad():
        model.recurrent.get_parameter("weight_hh_l0").mul_(scale)


def open_gates(model: Forecaster, gate: float) -> None:
    """Add ``gate`` to the biases of an LSTM's forget gate or a GRU's update gate; a SimpleRNN has none.

    Gers, Schmidhuber and Cummins, Learning to forget (2000); Jozefowicz, Zaremba and Sutskever, An empirical
    exploration of recurrent network architectures (2015).
    """
    import torch
    from torch import nn

    cell = model.recurrent
    if not isinstance(cell, nn.RNN):
        with torch.no_grad():
            cell.get_parameter("bias_ih_l0")[cell.hidden_size : 2 * cell.hidden_size].add_(gate)


def fresh(spec: BackSpec, lengths: Sequence[int]) -> dict[int, tuple[Back, ...]]:
    """Measure new networks, one of each of ``CELLS``, on windows of each of ``lengths``."""
    from core import device, models

    device.one_thread()
    networks = []
    for name in CELLS:
        model = models.build(ModelSpec(name=name, hidden=spec.hidden), spec.seed)
        scale_recurrent(model, spec.scale)
        open_gates(model, spec.gate)
        networks.append(model)
    return {length: tuple(measure(model, asked_windows(length)) for model in networks) for length in lengths}
