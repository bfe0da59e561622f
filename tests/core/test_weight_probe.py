"""How weights are spread and what they are charged, against counting by hand and by torch."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core import tables
from core.history import TableRun
from core.specs import MLPSpec, OptimizerSpec, PenaltySpec, TableRunSpec, TableSpec, TrainingSpec
from core.weight_bins import SIZES, SMALL, SQUARES, ZERO, centres, tally
from tests.core.test_probes import look, network

WAVE = TableRunSpec(
    table=TableSpec(name="wave", patients=200, noise=0.3, train_rows=30),
    model=MLPSpec(hidden=(8, 6), activation="tanh"),
    optimizer=OptimizerSpec(lr=0.01),
    training=TrainingSpec(epochs=5, batch_size=64),
)


def every_weight(run: TableRun) -> np.ndarray:
    return np.concatenate([w.ravel() for name, w in run.weights.items() if name.endswith("weight")])


def test_a_tally_is_what_counting_by_hand_gives() -> None:
    w = np.array([0.0, 0.0005, -0.02, 0.03, 0.5, -0.5, -9.0, 2.0, np.nan])
    found = tally(w)
    counts = dict(zip(np.round(centres(), 2).tolist(), found["counts"].tolist(), strict=True))
    assert {place: n for place, n in counts.items() if n} == {
        -1.5: 1,  # −9 lies beyond and is held by the outermost bin
        -0.5: 1,
        0.0: 3,
        0.05: 1,
        0.5: 1,
        1.5: 1,
    }
    assert found["counts"].dtype == np.uint16
    assert len(found["counts"]) <= 64
    sums = found["sums"]
    assert sums[SQUARES] == pytest.approx(0.0005**2 + 0.0004 + 0.0009 + 0.25 + 0.25 + 81 + 4)
    assert sums[SIZES] == pytest.approx(0.0005 + 0.02 + 0.03 + 0.5 + 0.5 + 9 + 2)
    assert (sums[SMALL], sums[ZERO]) == (2, 1)


def test_a_look_counts_the_weights_apart_from_the_biases() -> None:
    (run,), frames = look("weights", WAVE)
    assert [frame.epoch for frame in frames] == list(range(6))
    last, w = frames[-1].arrays[0], every_weight(run)
    assert last["counts"].sum() == 8 + 48 + 6 == len(w)
    middle = len(centres()) // 2
    assert last["counts"][middle] == np.sum(np.abs(w) < 0.025)
    assert last["sums"][SQUARES] == pytest.approx(float(np.sum(w**2)), rel=1e-5)
    assert last["sums"][SIZES] == pytest.approx(float(np.abs(w).sum()), rel=1e-5)


def test_the_training_loss_of_a_look_is_that_of_every_unit_at_work() -> None:
    spec = replace(WAVE, model=replace(WAVE.model, dropout=0.5), penalty=PenaltySpec(l2=0.1))
    (run,), frames = look("weights", spec)
    plain = network(run_without_dropout(run), replace(spec, model=WAVE.model))
    train = tables.load(spec.table).train
    with torch.no_grad():
        answers = plain(torch.tensor(train.inputs))[:, 0].numpy()
    loss = np.mean((answers - train.targets) ** 2)
    assert frames[-1].arrays[0]["train"][0] == pytest.approx(loss, rel=1e-5)
    assert abs(run.history[-1].train_loss - loss) > 1e-3  # which is counted with resting units


def run_without_dropout(run: TableRun) -> TableRun:
    """Rename the layers as they are called where no dropout layer lies between them."""
    names = {"0": "0", "3": "2", "6": "4"}
    weights = {f"{names[key.split('.')[0]]}.{key.split('.')[1]}": w for key, w in run.weights.items()}
    return replace(run, weights=weights)


def test_one_input_gives_its_curve_as_well_and_classes_do_not() -> None:
    _, frames = look("weights", WAVE)
    _, curved = look("curve", WAVE)
    assert np.array_equal(frames[-1].arrays[0]["curve"], curved[-1].arrays[0]["curve"])
    classes = replace(WAVE, table=TableSpec(name="markers", train_rows=30, patients=200))
    (run,), frames = look("weights", classes)
    assert "curve" not in frames[-1].arrays[0]
    model, train = network(run, classes), tables.load(classes.table).train
    with torch.no_grad():
        loss = nn.CrossEntropyLoss()(model(torch.tensor(train.inputs)), torch.tensor(train.targets))
    assert frames[-1].arrays[0]["train"][0] == pytest.approx(loss.item(), rel=1e-5)


def test_looking_changes_nothing_and_a_look_is_small() -> None:
    specs = tuple(replace(WAVE, penalty=PenaltySpec(l2=l2)) for l2 in (0.0, 0.01))
    runs, frames = look("weights", *specs)
    unseen, _ = look("curve", *specs)
    assert [run.history for run in runs] == [run.history for run in unseen]
    assert len(pickle.dumps(frames[-1])) < 2 * 2_000
    assert frames[-1].arrays[1]["sums"][SQUARES] < frames[-1].arrays[0]["sums"][SQUARES]
