"""Look into networks while they learn: decision maps, fitted curves, gradients, as small arrays."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from core import losses, models, tables
from core.cohorts import COHORTS, make_columns
from core.curve_axis import curve_inputs
from core.history import Epoch, Frame
from core.perceptron import to_table
from core.plane import MAP_SIDE, UNIT_SIDE, grid
from core.specs import TableRunSpec, TableSpec
from core.training import Course, Watch
from core.weight_bins import tally

FRAMES = 60
FLOW_ROWS = 256
LOOK_EVERY_S = 0.1
"""How often a decision map is looked at, between the frames that are kept, where epochs take their time."""

Arrays = dict[str, npt.NDArray[Any]]


def frame_epochs(epochs: int) -> frozenset[int]:
    """Return the epochs to look at, at most about ``FRAMES``: closer together where learning is fast."""
    if epochs <= FRAMES:
        return frozenset(range(epochs + 1))
    return frozenset(round(epochs * (i / FRAMES) ** 1.5) for i in range(FRAMES + 1))


@lru_cache(maxsize=32)
def _plane(spec: TableSpec, side: int) -> Tensor:
    """Return standardized inputs (side², columns) of a grid over the map, rows from top to bottom."""
    table = tables.load(spec)
    columns = make_columns(grid(side), spec.columns)
    return torch.tensor((columns - table.centre) / table.scale, dtype=torch.float32)


def hidden_outputs(model: nn.Sequential, inputs: Tensor) -> list[Tensor]:
    """Return what each hidden layer's activation gives for ``inputs``: (rows, units) a layer."""
    found: list[Tensor] = []
    for module in list(model)[:-1]:
        inputs = module(inputs)
        if not isinstance(module, nn.Linear | nn.Dropout):
            found.append(inputs)
    return found


def decision_map(model: nn.Sequential, spec: TableRunSpec) -> Arrays:
    """Return the probability of class 1 over the plane, and what every hidden unit gives there.

    ``map`` (side, side) uint8 holds 255 p. ``units`` (units, side, side) uint8 holds every unit of every
    hidden layer in order, 128 for 0 and its largest size at 1 or 255. ``weights`` float16 holds all
    matrices flattened, layer by layer, each (outputs, inputs); ``biases`` float16 likewise.
    """
    p = torch.softmax(model(_plane(spec.table, MAP_SIDE)), dim=1)[:, 1]
    units = [u.T for u in hidden_outputs(model, _plane(spec.table, UNIT_SIDE))]
    every = torch.cat(units) if units else torch.zeros(0, UNIT_SIDE**2)
    largest = every.abs().amax(dim=1, keepdim=True).clamp_min(1e-6) if len(every) else 1.0
    linear = [module for module in model if isinstance(module, nn.Linear)]
    return {
        "map": (p * 255).round().to(torch.uint8).view(MAP_SIDE, MAP_SIDE).numpy(),
        "units": (128 + 127 * every / largest).round().to(torch.uint8).view(-1, UNIT_SIDE, UNIT_SIDE).numpy(),
        "weights": torch.cat([m.weight.flatten() for m in linear]).to(torch.float16).numpy(),
        "biases": torch.cat([m.bias for m in linear]).to(torch.float16).numpy(),
    }


def curve(model: nn.Sequential, spec: TableRunSpec) -> Arrays:
    """Return the fitted curve of a network with one input: ``curve`` (points,) in the target's unit."""
    table = tables.load(spec.table)
    x = (curve_inputs(spec.table) - table.centre[0]) / table.scale[0]
    y = model(torch.tensor(x[:, None], dtype=torch.float32))[:, 0].numpy()
    return {"curve": (y * table.target_scale + table.target_centre).astype(np.float32)}


def flow(model: nn.Sequential, spec: TableRunSpec) -> Arrays:
    """Return how the gradient fares on its way back, on the first training rows.

    ``gradients`` (layers,) float32 is the length of the loss's gradient to each layer's weights;
    ``silent`` (hidden layers,) the share of outputs that are 0; ``dead`` the share of units that give 0
    for every row.
    """
    train = to_table(tables.load(spec.table).train, torch.device("cpu"))
    inputs, targets = train.inputs[:FLOW_ROWS], train.targets[:FLOW_ROWS]
    loss = losses.build(spec.loss, spec.loss_name)
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]
    with torch.enable_grad():
        slopes = torch.autograd.grad(loss.mean(model(inputs), targets), weights)
    zero = [u == 0 for u in hidden_outputs(model, inputs)]
    return {
        "gradients": np.array([slope.norm().item() for slope in slopes], dtype=np.float32),
        "silent": np.array([z.float().mean().item() for z in zero], dtype=np.float32),
        "dead": np.array([z.all(dim=0).float().mean().item() for z in zero], dtype=np.float32),
    }


def weights(model: nn.Sequential, spec: TableRunSpec) -> Arrays:
    """Return how the weights, biases apart, are spread, and the loss on the training rows.

    ``counts`` and ``sums`` are those of ``core.weight_bins.tally``. ``train`` (1,) float32 is the loss with
    every unit at work, without a penalty: what a validation loss can be compared with. A network with one
    input gives its fitted curve as well, as ``curve`` does.
    """
    every = torch.cat([module.weight.flatten() for module in model if isinstance(module, nn.Linear)])
    rows = to_table(tables.load(spec.table).train, torch.device("cpu"))
    loss = losses.build(spec.loss, spec.loss_name).mean(model(rows.inputs), rows.targets)
    fitted = curve(model, spec) if spec.table.inputs == 1 else {}
    return {**tally(every.numpy()), "train": np.array([loss.item()], dtype=np.float32), **fitted}


Probe = Callable[[nn.Sequential, TableRunSpec], Arrays]
PROBES: dict[str, Probe] = {"map": decision_map, "curve": curve, "flow": flow, "weights": weights}


class Probing:
    """A watch that also looks into the networks, before the first epoch and at chosen ones."""

    def __init__(self, probe: str, specs: Sequence[TableRunSpec], course: Course, watch: Watch) -> None:
        self._probe, self._specs, self._course, self._watch = PROBES[probe], specs, course, watch
        self._epochs = frame_epochs(specs[0].training.epochs)
        self._models = [
            models.build_mlp(s.model, s.table.inputs, COHORTS[s.table.name].outputs, 0).eval() for s in specs
        ]
        self._every = LOOK_EVERY_S if probe == "map" else math.inf
        self._looked = time.monotonic()
        if course.done == 0:
            self._look(0)

    def _look(self, epoch: int, fleeting: bool = False) -> None:
        arrays = []
        for run, (model, spec) in enumerate(zip(self._models, self._specs, strict=True)):
            model.load_state_dict({name: w.cpu() for name, w in self._course.weights(run).items()})
            with torch.no_grad(), np.errstate(all="ignore"):
                arrays.append(self._probe(model, spec))
        self._watch.frame(Frame(epoch=epoch, arrays=tuple(arrays), fleeting=fleeting))
        self._looked = time.monotonic()

    def report(self, row: Sequence[Epoch]) -> None:
        """Pass an epoch on, and look into the networks if it is one of those chosen, or the last is old."""
        self._watch.report(row)
        if row[0].number in self._epochs:
            self._look(row[0].number)
        elif time.monotonic() - self._looked >= self._every:
            self._look(row[0].number, fleeting=True)

    def frame(self, frame: Frame) -> None:
        """Pass a frame on."""
        self._watch.frame(frame)

    def interrupted(self) -> bool:
        """Say whether to stop at once."""
        return self._watch.interrupted()

    def pausing(self) -> bool:
        """Say whether to hand the training over."""
        return self._watch.pausing()
