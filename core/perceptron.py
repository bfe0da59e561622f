"""Train networks on a table of patients or on pictures, and judge them on what they have not seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from core import device as devices
from core import losses, models, optimizers, schedules, tables
from core.cohorts import COHORTS
from core.fleet import Fleet
from core.history import Ending, Epoch, Paused, TableRun, run_ending, run_history
from core.learners import Learner, Plain, Stacked, Table, to_numpy
from core.specs import AugmentSpec, ConvSpec, TableRunSpec, require_together, stack_shape
from core.stacked import UPDATES
from core.training import Course, Training, Unwatched, Watch, train_on

KEEP_WEIGHTS = 20_000


def to_table(part: tables.Part, device: torch.device) -> Table:
    """Turn rows of patients into tensors: classes (rows,) stay numbers, other targets become (rows, 1)."""
    targets = torch.tensor(part.targets, device=device)
    return Table(
        torch.tensor(part.inputs, device=device),
        targets if targets.dtype == torch.int64 else targets.unsqueeze(-1),
    )


def make_learner(specs: Sequence[TableRunSpec], device: torch.device) -> Learner:
    """Build the networks of ``specs``: a plain one for one spec, stacked ones for more."""
    spec = specs[0]
    shape = spec.table.inputs, COHORTS[spec.table.name].outputs
    loss = losses.build(spec.loss, spec.loss_name)
    if len(specs) > 1:
        built = [models.build_mlp(s.model, *shape, s.training.seed).to(device) for s in specs]
        clocks = [schedules.Clock(s.schedule, s.optimizer.lr, s.training.epochs) for s in specs]
        rules, penalties = [s.optimizer for s in specs], [s.penalty for s in specs]
        return Stacked(built, loss, rules, clocks, penalties, clip=spec.training.clip)
    network, random_state = models.build_mlp_with_random_state(spec.model, *shape, spec.training.seed)
    optimizer = optimizers.build(spec.optimizer, network.to(device).parameters())
    return Plain(
        network,
        loss,
        optimizer,
        schedules.build(spec.schedule, optimizer, spec.training.epochs),
        spec.penalty,
        random_state if draws(spec) else None,
        graded=isinstance(spec.model, ConvSpec),
        clip=spec.training.clip,
    )


def draws(spec: TableRunSpec) -> bool:
    """Say whether a network of ``spec`` draws random numbers while it trains."""
    changed = isinstance(spec.model, ConvSpec) and spec.model.augment != AugmentSpec()
    return changed or spec.model.dropout > 0


def groups(specs: Sequence[TableRunSpec]) -> list[list[int]]:
    """Return the places of the specs that train stacked, group by group."""
    found: dict[object, list[int]] = {}
    for place, spec in enumerate(specs):
        alone = spec.optimizer.name not in UPDATES or draws(spec) or isinstance(spec.model, ConvSpec)
        found.setdefault((stack_shape(spec), place if alone else None), []).append(place)
    return list(found.values())


def _training(specs: Sequence[TableRunSpec], device: torch.device) -> Training:
    data = tables.load(specs[0].table)
    train, validation = to_table(data.train, device), to_table(data.validation, device)
    seeds = [spec.training.seed for spec in specs]
    return Training(make_learner(specs, device), train, validation, specs[0].training, seeds)


def train_on_table(
    specs: Sequence[TableRunSpec],
    paused: Paused | None = None,
    watch: Watch | None = None,
    look: Callable[[Course, Watch], Watch] | None = None,
) -> tuple[TableRun, ...] | Paused:
    """Carry out ``specs`` together. ``paused`` is what an earlier call handed back.

    ``look`` may put a watch that looks into the networks before ``watch``; see ``core.probes``.

    Specs that differ only in learning rate, weight decay, schedule and seed train stacked; others side by
    side, epoch by epoch. Patience ends a run that is alone.

    Raises:
        SpecError: the specs differ in their number of epochs.
    """
    require_together(specs)
    devices.one_thread()
    device = devices.pick()
    members = groups(specs)
    trainings = [_training([specs[place] for place in group], device) for group in members]
    course: Course = trainings[0] if len(trainings) == 1 else Fleet(trainings, members)
    look_in = partial(look, course) if look else None
    trained = train_on(course, paused, watch or Unwatched(), look_in)
    if isinstance(trained, Paused):
        return trained
    rows, stopping, together = trained

    def finish(run: int) -> TableRun:
        history = run_history(rows, run)
        last = course.weights(run)
        judged = judge(specs[run], last, device, history=history, ending=run_ending(history, together))
        if not stopping.best_weights:
            return judged
        best = judge(specs[run], stopping.best_weights, device, history=history, ending=judged.ending)
        return replace(best, weights_epoch=stopping.best_epoch, last_test_loss=judged.test_loss)

    return tuple(finish(run) for run in range(len(specs)))


def judge(
    spec: TableRunSpec,
    weights: dict[str, Tensor],
    device: torch.device,
    *,
    history: tuple[Epoch, ...],
    ending: Ending,
) -> TableRun:
    """Let a network with ``weights`` answer for the test patients, and put its run together."""
    data, cohort = tables.load(spec.table), COHORTS[spec.table.name]
    loss = losses.build(spec.loss, spec.loss_name)
    train, test = to_table(data.train, device), to_table(data.test, device)
    shape = spec.table.inputs, cohort.outputs
    model = models.build_mlp(spec.model, *shape, spec.training.seed).to(device)
    model.load_state_dict(weights)
    model.eval()
    with torch.no_grad():
        outputs = model(test.inputs)
    parameters = models.count_parameters(model)
    right = (outputs.argmax(1) == test.targets).float().mean().item() if cohort.classes else None
    test_loss = loss.mean(outputs, test.targets).item()
    return TableRun(
        history=history,
        ending=ending,
        device=devices.describe(device),
        parameters=parameters,
        rows=(len(data.train.inputs), len(data.validation.inputs), len(data.test.inputs)),
        reference_loss=losses.of_a_constant(loss, spec.loss_name, train.targets),
        test_loss=test_loss,
        test_accuracy=right,
        test_outputs=to_numpy(outputs),
        test_targets=data.test.targets,
        weights=to_numpy(weights) if parameters <= KEEP_WEIGHTS else {},
        weights_epoch=len(history),
        last_test_loss=test_loss,
    )
