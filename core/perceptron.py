"""Train multilayer perceptrons on a table of patients, and judge them on patients they have not seen."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core import device as devices
from core import models, optimizers, schedules, tables
from core.history import Paused, TableRun, run_ending, run_history
from core.learners import LOSSES, Learner, Plain, Stacked, Table
from core.specs import TableRunSpec, require_stackable
from core.training import Training, Unwatched, Watch, train_on


def to_table(part: tables.Part, device: torch.device) -> Table:
    """Turn rows of patients into tensors: classes (rows,) stay numbers, other targets become (rows, 1)."""
    targets = torch.tensor(part.targets, device=device)
    return Table(
        torch.tensor(part.inputs, device=device),
        targets if targets.dtype == torch.int64 else targets.unsqueeze(-1),
    )


def make_learner(specs: Sequence[TableRunSpec], features: int, classes: int, device: torch.device) -> Learner:
    """Build the networks of ``specs``: a plain one for one spec, stacked ones for more."""
    loss = "cross_entropy" if classes else "mse"
    built = [models.build_mlp(s.model, features, max(classes, 1), s.training.seed).to(device) for s in specs]
    if len(specs) > 1:
        clocks = [schedules.Clock(s.schedule, s.optimizer.lr, s.training.epochs) for s in specs]
        return Stacked(built, loss, specs[0].optimizer.name, clocks)
    spec = specs[0]
    optimizer = optimizers.build(spec.optimizer, built[0].parameters())
    schedule = schedules.build(spec.schedule, optimizer, spec.training.epochs)
    return Plain(built[0], loss, optimizer, schedule)


def train_on_table(
    specs: Sequence[TableRunSpec],
    paused: Paused | None = None,
    watch: Watch | None = None,
) -> tuple[TableRun, ...] | Paused:
    """Carry out ``specs`` together. ``paused`` is what an earlier call handed back.

    Raises:
        SpecError: the specs differ in more than learning rate, schedule and seed.
    """
    require_stackable(specs)
    spec = specs[0]
    devices.one_thread()
    device = devices.pick()
    data = tables.load(spec.table)
    train, validation, test = (to_table(p, device) for p in (data.train, data.validation, data.test))
    learner = make_learner(specs, data.features, data.classes, device)
    seeds = [s.training.seed for s in specs]
    training = Training(learner, train, validation, spec.training, seeds)
    trained = train_on(training, paused, watch or Unwatched())
    if isinstance(trained, Paused):
        return trained
    rows, stopping, together = trained

    def finish(run: int) -> TableRun:
        weights = stopping.best_weights or learner.weights(run)
        loss, accuracy = _judge(spec, weights, test, data.features, data.classes)
        history = run_history(rows, run)
        return TableRun(
            history=history,
            ending=run_ending(history, together),
            device=devices.describe(device),
            parameters=sum(w.numel() for w in weights.values()),
            rows=(len(train.inputs), len(validation.inputs), len(test.inputs)),
            reference_loss=data.reference_loss,
            test_loss=loss,
            test_accuracy=accuracy,
        )

    return tuple(finish(run) for run in range(learner.runs))


def _judge(
    spec: TableRunSpec, weights: dict[str, Tensor], test: Table, features: int, classes: int
) -> tuple[float, float | None]:
    """Return loss and, for classes, accuracy of a network with ``weights`` on ``test``."""
    model = models.mlp(spec.model, features, max(classes, 1)).to(test.inputs.device)
    model.load_state_dict(weights)
    model.eval()
    with torch.no_grad():
        outputs = model(test.inputs)
    loss = LOSSES["cross_entropy" if classes else "mse"](outputs, test.targets).item()
    accuracy = (outputs.argmax(1) == test.targets).float().mean().item() if classes else None
    return loss, accuracy
