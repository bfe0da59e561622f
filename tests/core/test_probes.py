"""What the looks into a network show, against computations of another kind."""

import pickle
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from core import tables
from core.curve_axis import curve_inputs
from core.history import Epoch, Frame, Paused, TableRun
from core.perceptron import train_on_table
from core.plane import MAP_SIDE, REACH, UNIT_SIDE
from core.probes import Probing, frame_epochs
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from core.training import Unwatched

MAPPED = TableRunSpec(
    table=TableSpec(name="circle", patients=200, columns=("x1", "x2", "x1_squared")),
    model=MLPSpec(hidden=(5, 3), activation="tanh"),
    optimizer=OptimizerSpec(lr=0.02),
    training=TrainingSpec(epochs=8, batch_size=16),
)


class Album(Unwatched):
    def __init__(self, pause_after: int = 0) -> None:
        self.frames: list[Frame] = []
        self.rows: list[Sequence[Epoch]] = []
        self.pause_after = pause_after

    def report(self, row: Sequence[Epoch]) -> None:
        self.rows.append(row)

    def frame(self, frame: Frame) -> None:
        self.frames.append(frame)

    def pausing(self) -> bool:
        return len(self.rows) == self.pause_after


def look(probe: str, *specs: TableRunSpec) -> tuple[tuple[TableRun, ...], list[Frame]]:
    album = Album()
    runs = train_on_table(specs, None, album, lambda course, outer: Probing(probe, specs, course, outer))
    assert isinstance(runs, tuple)
    assert len(album.rows) == specs[0].training.epochs
    return runs, album.frames


def network(run: TableRun, spec: TableRunSpec) -> nn.Sequential:
    sizes = [spec.table.inputs, *spec.model.hidden]
    kind = {"tanh": nn.Tanh, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}[spec.model.activation]
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), kind()]
    layers.append(nn.Linear(sizes[-1], len(run.weights[f"{len(layers)}.bias"])))
    made = nn.Sequential(*layers)
    made.load_state_dict({name: torch.tensor(value) for name, value in run.weights.items()})
    return made


def test_frames_are_few_begin_before_learning_and_end_with_it() -> None:
    assert frame_epochs(5) == {0, 1, 2, 3, 4, 5}
    many = sorted(frame_epochs(2000))
    assert (many[0], many[-1]) == (0, 2000)
    assert 50 <= len(many) <= 61
    gaps = np.diff(many)
    assert gaps[:10].mean() < gaps[-10:].mean() / 3


def test_a_decision_map_is_what_the_network_says_of_each_point() -> None:
    (run,), frames = look("map", MAPPED)
    assert [frame.epoch for frame in frames] == list(range(9))
    last = frames[-1].arrays[0]
    table, model = tables.load(MAPPED.table), network(run, MAPPED)
    for row, column in ((0, 0), (0, 47), (47, 0), (20, 31)):
        x1 = -REACH + 2 * REACH * column / (MAP_SIDE - 1)
        x2 = REACH - 2 * REACH * row / (MAP_SIDE - 1)  # the first row is the top
        raw = (np.array([x1, x2, x1**2]) - table.centre) / table.scale
        with torch.no_grad():
            p = torch.softmax(model(torch.tensor(raw[None], dtype=torch.float32)), 1)[0, 1].item()
        assert last["map"][row, column] == pytest.approx(255 * p, abs=1)
    assert last["units"].shape == (8, UNIT_SIDE, UNIT_SIDE)
    assert set(last["units"].max(axis=(1, 2))) | set(last["units"].min(axis=(1, 2))) >= {255}
    assert last["weights"].shape == (5 * 3 + 3 * 5 + 2 * 3,)
    assert last["weights"] == pytest.approx(
        np.concatenate([run.weights[f"{i}.weight"].ravel() for i in (0, 2, 4)]), abs=2e-3
    )
    assert not np.array_equal(frames[0].arrays[0]["map"], last["map"])


def test_a_frame_of_the_largest_playground_is_small() -> None:
    spec = replace(MAPPED, model=MLPSpec(hidden=(16,) * 6), training=TrainingSpec(epochs=1))
    _, frames = look("map", spec)
    assert len(pickle.dumps(frames[-1])) <= 60_000


def test_a_curve_is_in_clinical_units() -> None:
    spec = TableRunSpec(
        table=TableSpec(name="u_shape", patients=300),
        model=MLPSpec(hidden=(16,)),
        optimizer=OptimizerSpec(lr=0.02),
        training=TrainingSpec(epochs=60, batch_size=16),
    )
    (run,), frames = look("curve", spec)
    assert run.ending == "finished"
    x, y = curve_inputs(spec.table), frames[-1].arrays[0]["curve"]
    assert x[[0, -1]] == pytest.approx([2.4, 6.2], abs=0.11)
    assert y == pytest.approx(3 + 9 * (x - 4.2) ** 2, abs=3)


def test_gradients_and_silent_units_are_those_of_the_network() -> None:
    spec = replace(MAPPED, model=MLPSpec(hidden=(6, 4), activation="relu"))
    (run,), frames = look("flow", spec)
    model, train = network(run, spec), tables.load(spec.table).train
    inputs, targets = torch.tensor(train.inputs[:256]), torch.tensor(train.targets[:256])
    nn.CrossEntropyLoss()(model(inputs), targets).backward()
    layers = [module for module in model if isinstance(module, nn.Linear)]
    norms = [float(layer.weight.grad.norm()) for layer in layers if layer.weight.grad is not None]
    last = frames[-1].arrays[0]
    assert last["gradients"] == pytest.approx(norms, rel=1e-4)
    with torch.no_grad():
        first = model[1](model[0](inputs))
    assert last["silent"][0] == pytest.approx(float((first == 0).float().mean()))
    assert last["dead"][0] == pytest.approx(float((first == 0).all(0).float().mean()))


def test_each_run_of_a_fleet_has_its_entry_and_looking_changes_nothing() -> None:
    specs = (MAPPED, replace(MAPPED, model=MLPSpec(hidden=(2,), dropout=0.2)))
    runs, frames = look("map", *specs)
    assert [len(frame.arrays) for frame in frames] == [2] * 9
    assert frames[-1].arrays[1]["units"].shape[0] == 2
    unseen = train_on_table(specs)
    assert isinstance(unseen, tuple)
    assert [run.history for run in runs] == [run.history for run in unseen]


def test_a_paused_training_goes_on_with_the_frames_that_are_left() -> None:
    first = Album(pause_after=3)
    specs = (MAPPED,)
    paused = train_on_table(specs, None, first, lambda c, w: Probing("map", specs, c, w))
    assert isinstance(paused, Paused)
    second = Album()
    train_on_table(specs, paused, second, lambda c, w: Probing("map", specs, c, w))
    assert [frame.epoch for frame in first.frames + second.frames] == list(range(9))
