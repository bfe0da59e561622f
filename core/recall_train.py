"""Train recurrent networks to recall a cue, and ask what their answers depend on."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core import device as devices
from core import losses, models, optimizers
from core.backtime import keeping, open_gates, unroll
from core.fleet import Fleet
from core.history import Frame, Paused, run_ending, run_history
from core.learners import Plain, Table
from core.models import Forecaster
from core.recall import ASKED, HELD_OUT, Array, RecallRun, RecallSpec, sequences
from core.specs import LossSpec
from core.training import Looking, Training, Unwatched, Watch, train_on

FRAMES = 12


def build(spec: RecallSpec) -> Forecaster:
    """Build the network of ``spec`` as it is before training."""
    model = models.build(spec.model, spec.training.seed, outputs=2)
    open_gates(model, spec.added)
    return model


def data(spec: RecallSpec) -> tuple[Table, Table]:
    """Draw the sequences to learn from, inputs (sequences, T, 1), and those held out."""
    readings, classes = sequences(spec.sequences + HELD_OUT, spec.length, spec.noise, spec.training.seed)
    inputs, targets = torch.tensor(readings).unsqueeze(-1), torch.tensor(classes)
    cut = spec.sequences
    return Table(inputs[:cut], targets[:cut]), Table(inputs[cut:], targets[cut:])


def saliency(model: Forecaster, inputs: Tensor) -> Array:
    """Return how much the answer hangs on each reading: mean |∂(margin)/∂x_t|, (T,), in float64.

    Simonyan, Vedaldi and Zisserman, Deep inside convolutional networks (2014), for a sequence.
    """
    model = copy.deepcopy(model).double()
    inputs = inputs.double().requires_grad_()
    outputs = model(inputs)
    (gradient,) = torch.autograd.grad((outputs[:, 1] - outputs[:, 0]).sum(), inputs)
    return np.asarray(gradient.abs().mean(dim=0).squeeze(-1).numpy())


@torch.no_grad()
def flipped(model: Forecaster, inputs: Tensor) -> float:
    """Return the share of sequences whose answer changes when the first reading changes its sign."""
    turned = inputs.clone()
    turned[:, 0] *= -1
    changed: float = (model(inputs).argmax(1) != model(turned).argmax(1)).double().mean().item()
    return changed


@torch.no_grad()
def kept(model: Forecaster, inputs: Tensor) -> float:
    """Return what one step back keeps at these weights; see ``core.recall.RecallRun.keep``."""
    states, _, _ = unroll(model, inputs)
    share: float = keeping(model, inputs, torch.cat(states)).mean().item()
    if isinstance(model.recurrent, torch.nn.RNN):
        return share * float(torch.linalg.eigvals(model.recurrent.weight_hh_l0).abs().max())
    return share


def train(
    specs: Sequence[RecallSpec], paused: Paused | None = None, watch: Watch | None = None
) -> tuple[RecallRun, ...] | Paused:
    """Train ``specs`` side by side, epoch by epoch; each is judged by sequences of its own held out.

    A frame holds ``saliency`` for each network of the first seed, nothing for the others.
    """
    devices.one_thread()
    device = torch.device("cpu")
    outer = watch or Unwatched()
    tables = {spec.training.seed: data(spec) for spec in specs}
    cross_entropy = losses.build(LossSpec(), "cross_entropy")

    def training(spec: RecallSpec) -> Training:
        model = build(spec)
        optimizer = optimizers.build(spec.optimizer, model.parameters())
        learner = Plain(model, cross_entropy, optimizer, graded=True, clip=spec.training.clip)
        learn, held_out = tables[spec.training.seed]
        return Training(learner, learn, held_out, spec.training)

    course = Fleet([training(spec) for spec in specs], [[place] for place in range(len(specs))])
    epochs = specs[0].training.epochs
    due = {round(epochs * i / FRAMES) for i in range(FRAMES + 1)}

    def network(place: int) -> Forecaster:
        model = models.Forecaster(specs[place].model, outputs=2)
        model.load_state_dict(course.weights(place))
        return model.eval()

    def asked(spec: RecallSpec) -> Tensor:
        return tables[spec.training.seed][1].inputs[:ASKED]

    def look(epoch: int) -> None:
        shown = [place for place, s in enumerate(specs) if s.training.seed == specs[0].training.seed]
        arrays = tuple(
            {"saliency": saliency(network(place), asked(spec))} if place in shown else {}
            for place, spec in enumerate(specs)
        )
        outer.frame(Frame(epoch=epoch, arrays=arrays))

    trained = train_on(course, paused, Looking(outer, due, look, begun=paused is not None))
    if isinstance(trained, Paused):
        return trained

    def finish(place: int) -> RecallRun:
        spec, before, after = specs[place], build(specs[place]), network(place)
        history = run_history(trained.rows, place)
        return RecallRun(
            history=history,
            ending=run_ending(history, trained.ending),
            device=devices.describe(device),
            parameters=models.count_parameters(after),
            before=saliency(before, asked(spec)),
            after=saliency(after, asked(spec)),
            flipped=flipped(after, tables[spec.training.seed][1].inputs),
            keep=kept(before, asked(spec)),
        )

    return tuple(finish(place) for place in range(len(specs)))
