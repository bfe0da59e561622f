"""Trainings side by side are what each is alone; paused, they go on bit by bit."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import tables
from core.fleet import Fleet
from core.history import Epoch, Paused, TableRun, elapsed
from core.perceptron import groups, train_on_table
from core.specs import (
    LossSpec,
    MLPSpec,
    OptimizerSpec,
    PenaltySpec,
    SpecError,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
    require_together,
    with_seeds,
)
from core.stacked import UPDATES
from core.training import Unwatched

BASE = TableRunSpec(table=TableSpec(name="readmission", patients=300), training=TrainingSpec(epochs=6))
MIXED = (
    BASE,
    replace(BASE, model=MLPSpec(hidden=(3,))),
    replace(BASE, training=replace(BASE.training, seed=5)),
    replace(BASE, loss=LossSpec(name="focal"), training=replace(BASE.training, batch_size=50)),
    replace(BASE, table=TableSpec(name="sepsis", patients=300)),
    replace(BASE, model=MLPSpec(dropout=0.4), penalty=PenaltySpec(l1=1e-3)),
    replace(BASE, model=MLPSpec(dropout=0.4), training=replace(BASE.training, seed=5)),
)


def train(*specs: TableRunSpec) -> tuple[TableRun, ...]:
    runs = train_on_table(specs)
    assert isinstance(runs, tuple)
    return runs


def test_runs_side_by_side_are_what_each_is_alone() -> None:
    assert groups(MIXED) == [[0, 2], [1], [3], [4], [5], [6]]
    together = train(*MIXED)
    for place in (1, 3, 4, 5, 6):  # plain networks: to the last bit
        (alone,) = train(MIXED[place])
        assert together[place].history == alone.history
        assert together[place].test_loss == alone.test_loss
        assert np.array_equal(together[place].test_outputs, alone.test_outputs)
    stacked = train(MIXED[0], MIXED[2])
    assert [together[0].history, together[2].history] == [run.history for run in stacked]


def test_penalties_of_a_stack_are_each_runs_own() -> None:
    specs = [
        replace(BASE, penalty=penalty)
        for penalty in (PenaltySpec(), PenaltySpec(l1=0.02), PenaltySpec(l2=0.1))
    ]
    assert groups(specs) == [[0, 1, 2]]
    together = train(*specs)
    for run, spec in zip(together, specs, strict=True):
        (alone,) = train(spec)
        for ours, theirs in zip(run.history, alone.history, strict=True):
            assert ours.train_loss == pytest.approx(theirs.train_loss, rel=1e-5)
    size = [sum(float(np.abs(w).sum()) for w in run.weights.values()) for run in together]
    assert size[1] < size[0]
    assert size[2] < size[0]


def test_dropout_disturbs_nobodys_random_numbers() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    train(MIXED[5])
    assert torch.equal(torch.rand(3), expected)


def test_all_seven_rules_race_with_a_clock_each() -> None:
    race = [
        spec
        for name in UPDATES
        for spec in with_seeds(replace(BASE, optimizer=OptimizerSpec(name=name, lr=0.01)), 2)
    ]
    assert groups(race) == [[2 * i, 2 * i + 1] for i in range(7)]
    runs = train(*race)
    seconds = [run.seconds for run in runs]
    assert seconds[::2] == seconds[1::2]  # two seeds share their stack's clock
    assert len(set(seconds)) == 7
    last = tuple(run.history[-1] for run in runs)
    assert elapsed(last) == pytest.approx(sum(seconds[::2]))
    assert len({run.history[-1].train_loss for run in runs}) == 14


def test_one_that_diverges_leaves_the_others_alone() -> None:
    wild = replace(
        BASE,
        table=TableSpec(name="diabetes"),
        optimizer=OptimizerSpec(name="sgd", lr=10.0),
        training=TrainingSpec(epochs=40),
    )
    calm = replace(wild, optimizer=OptimizerSpec(lr=1e-3))
    bad, good = train(wild, calm)
    assert (bad.ending, good.ending) == ("diverged", "finished")
    assert len(bad.history) < 40
    (alone,) = train(calm)
    assert good.history == alone.history


class PauseAfter(Unwatched):
    def __init__(self, epochs: int) -> None:
        self.left = epochs

    def report(self, _: object) -> None:
        self.left -= 1

    def pausing(self) -> bool:
        return self.left == 0


def test_a_paused_fleet_goes_on_elsewhere_bit_by_bit() -> None:
    through = train(*MIXED)
    paused = train_on_table(MIXED, watch=PauseAfter(3))
    assert isinstance(paused, Paused)
    resumed = train_on_table(MIXED, pickle.loads(pickle.dumps(paused)))
    assert isinstance(resumed, tuple)
    for ours, theirs in zip(resumed, through, strict=True):
        assert ours.history == theirs.history
        assert all(np.array_equal(ours.weights[name], theirs.weights[name]) for name in theirs.weights)


def test_only_runs_of_equal_length_train_together() -> None:
    with pytest.raises(SpecError, match="エポック数"):
        require_together([BASE, replace(BASE, training=TrainingSpec(epochs=7))])


def test_weights_of_a_run_are_found_in_its_training() -> None:
    class Fake:
        spec = BASE.training

        def __init__(self, name: str) -> None:
            self.name = name

        def weights(self, run: int) -> str:
            return f"{self.name}{run}"

    fleet = Fleet([Fake("a"), Fake("b")], [[0, 3], [1, 2]])  # type: ignore[list-item]
    assert [fleet.weights(run) for run in range(4)] == ["a0", "b0", "b1", "a1"]  # type: ignore[comparison-overlap]


def test_elapsed_counts_a_shared_clock_once() -> None:
    def epoch(seconds: float) -> Epoch:
        return Epoch(number=1, train_loss=1.0, validation_loss=None, lr=0.1, seconds=seconds)

    assert elapsed((epoch(1.5), epoch(1.5), epoch(2.0))) == 3.5


def test_early_stopping_gives_back_the_weights_of_the_best_epoch() -> None:
    spec = TableRunSpec(
        table=TableSpec(name="markers", patients=300, noise=0.1),
        model=MLPSpec(hidden=(64,)),
        optimizer=OptimizerSpec(lr=0.01),
        training=TrainingSpec(epochs=100, batch_size=32, patience=7),
    )
    (run,) = train(spec)
    assert run.ending == "early"
    validation = [epoch.validation_loss or 0.0 for epoch in run.history]
    best = int(np.argmin(validation)) + 1
    assert run.weights_epoch == best
    assert len(run.history) == best + 7
    # What a network with the restored weights loses on the validation patients is that epoch's loss, exactly.
    data = tables.load(spec.table).validation
    model = torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 2))
    model.load_state_dict({name: torch.tensor(value) for name, value in run.weights.items()})
    with torch.no_grad():
        loss = torch.nn.CrossEntropyLoss()(model(torch.tensor(data.inputs)), torch.tensor(data.targets))
    assert loss.item() == validation[best - 1]
    (straight,) = train(replace(spec, training=replace(spec.training, patience=None, epochs=best + 7)))
    assert run.last_test_loss == straight.test_loss != run.test_loss
