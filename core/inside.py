"""A trained forecaster read by hand: every number of its recurrence for a window, with NumPy alone.

The blocks of torch's weights are taken apart by name: SimpleRNN has one, LSTM i, f, g, o (Hochreiter and
Schmidhuber, 1997), GRU r, z, n (Cho et al., 2014). Arithmetic is in float64, on the float32 weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from core.series import FloatArray
from core.specs import ModelSpec
from core.windows import Scaler

Array = npt.NDArray[np.float64]
Readings = TypeVar("Readings", float, Array)

BLOCKS: dict[str, tuple[str, ...]] = {"rnn": ("h",), "lstm": ("i", "f", "g", "o"), "gru": ("r", "z", "n")}
"""The blocks of rows in torch's matrices, in order."""
CURVES = {"h": "tanh", "i": "sigmoid", "f": "sigmoid", "g": "tanh", "o": "sigmoid"} | {
    "r": "sigmoid",
    "z": "sigmoid",
    "n": "tanh",
}
"""What each block's sum goes through."""
SATURATED = 0.99
"""A tanh beyond this, and a gate nearer to 0 or 1 than 1 − this, counts as saturated."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """A recurrent layer: ``w_ih`` (blocks × hidden, inputs), ``w_hh`` (…, hidden), biases (…,)."""

    w_ih: Array = field(repr=False)
    w_hh: Array = field(repr=False)
    b_ih: Array = field(repr=False)
    b_hh: Array = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A trained forecaster: its layers, its head (``w_hy`` (hidden,), ``b_y``), and the scale it reads in."""

    cell: str
    layers: tuple[Layer, ...]
    w_hy: Array = field(repr=False)
    b_y: float
    mean: float = 0.0
    sd: float = 1.0

    @property
    def hidden(self) -> int:
        """Return the number of hidden units of a layer."""
        return len(self.w_hy)

    def scale(self, values: FloatArray) -> Array:
        """Put readings on the scale of the network, with the rounding that it was given them with."""
        return Scaler(mean=self.mean, sd=self.sd).scale(values).astype(np.float64)

    def unscale(self, values: Readings) -> Readings:
        """Return ``values`` in the unit of the signal."""
        return values * self.sd + self.mean


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """What a layer computes from one reading to the next; every array is (…, ·).

    Attributes:
        inputs: what it reads, (…, inputs).
        sums: what goes through the curves, all blocks side by side: W x + b_ih + U h + b_hh; in block n
            r ⊙ (U h + b_hh).
        gates: the sums behind their curves.
        cell: c, None unless it is an LSTM.
        state: h.
    """

    inputs: Array = field(repr=False)
    sums: Array = field(repr=False)
    gates: Array = field(repr=False)
    cell: Array | None = field(repr=False)
    state: Array = field(repr=False)


def network(model: ModelSpec, weights: Mapping[str, npt.NDArray[Any]], scale: tuple[float, float]) -> Network:
    """Name the parts of a forecaster's ``state_dict``."""
    arrays = {name: np.asarray(array, dtype=np.float64) for name, array in weights.items()}
    layers = tuple(
        Layer(
            w_ih=arrays[f"recurrent.weight_ih_l{place}"],
            w_hh=arrays[f"recurrent.weight_hh_l{place}"],
            b_ih=arrays[f"recurrent.bias_ih_l{place}"],
            b_hh=arrays[f"recurrent.bias_hh_l{place}"],
        )
        for place in range(model.layers)
    )
    return Network(
        cell=model.name,
        layers=layers,
        w_hy=arrays["head.weight"][0],
        b_y=float(arrays["head.bias"][0]),
        mean=scale[0],
        sd=scale[1],
    )


def walk(net: Network, windows: Array) -> Iterator[tuple[Step, ...]]:
    """Read windows (…, time), on the network's scale, the oldest reading first; give the step of every layer.

    The state before the first reading is 0.
    """
    shape = (*windows.shape[:-1], net.hidden)
    states = [np.zeros(shape) for _ in net.layers]
    cells = [np.zeros(shape) for _ in net.layers]
    for t in range(windows.shape[-1]):
        x = windows[..., t, None]
        steps = []
        for place, layer in enumerate(net.layers):
            step = STEPS[net.cell](layer, x, states[place], cells[place])
            x = states[place] = step.state
            cells[place] = cells[place] if step.cell is None else step.cell
            steps.append(step)
        yield tuple(steps)


def last_step(net: Network, windows: Array) -> Step:
    """Read windows (…, time) and return the last layer's step at their newest reading."""
    for steps in walk(net, windows):
        newest = steps[-1]
    return newest


def head(net: Network, state: Array) -> Array:
    """Return w_hy · h + b_y of states (…, hidden), on the network's scale."""
    output: Array = state @ net.w_hy + net.b_y
    return output


def forecast(net: Network, windows: Array) -> Array:
    """Forecast what follows windows (…, time), on the network's scale."""
    return head(net, last_step(net, windows).state)


def rnn_step(layer: Layer, x: Array, h: Array, c: Array) -> Step:  # noqa: ARG001 - as the others
    """Read ``x`` (…, inputs) after state ``h``: h ← tanh(W x + b_ih + U h + b_hh)."""
    from_input, from_state = _products(layer, x, h)
    sums = from_input + from_state
    state = np.tanh(sums)
    return Step(inputs=x, sums=sums, gates=state, cell=None, state=state)


def lstm_step(layer: Layer, x: Array, h: Array, c: Array) -> Step:
    """Read ``x`` after ``h`` and ``c``: c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh(c)."""
    from_input, from_state = _products(layer, x, h)
    sums = from_input + from_state
    i, f, g, o = np.split(sums, 4, axis=-1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    cell = f * c + i * g
    return Step(
        inputs=x,
        sums=sums,
        gates=np.concatenate([i, f, g, o], axis=-1),
        cell=cell,
        state=o * np.tanh(cell),
    )


def gru_step(layer: Layer, x: Array, h: Array, c: Array) -> Step:  # noqa: ARG001 - as the others
    """Read ``x`` after ``h``: n = tanh(W x + b_in + r ⊙ (U h + b_hn)), h ← (1 − z) ⊙ n + z ⊙ h."""
    from_input, from_state = _products(layer, x, h)
    r_x, z_x, n_x = np.split(from_input, 3, axis=-1)
    r_h, z_h, n_h = np.split(from_state, 3, axis=-1)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    before_n = n_x + r * n_h
    n = np.tanh(before_n)
    return Step(
        inputs=x,
        sums=np.concatenate([r_x + r_h, z_x + z_h, before_n], axis=-1),
        gates=np.concatenate([r, z, n], axis=-1),
        cell=None,
        state=(1 - z) * n + z * h,
    )


STEPS: dict[str, Callable[[Layer, Array, Array, Array], Step]] = {
    "rnn": rnn_step,
    "lstm": lstm_step,
    "gru": gru_step,
}


def _products(layer: Layer, x: Array, h: Array) -> tuple[Array, Array]:
    return x @ layer.w_ih.T + layer.b_ih, h @ layer.w_hh.T + layer.b_hh


def sigmoid(x: Array) -> Array:
    """Return 1 / (1 + exp(−x)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))
