"""An optimizer and a data set are added by one entry each: everything that core does then knows them."""

import inspect
from pathlib import Path

import numpy as np
import pytest
import torch

from core import simulated
from core.cohorts import COHORTS, Cohort, Feature
from core.history import TableRun
from core.landscape import LANDSCAPES, PathSpec, descend
from core.perceptron import train_on_table
from core.script import script
from core.specs import MLPSpec, OptimizerSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec, with_seeds
from core.stacked import UPDATES
from core.tables import load
from core.update_rules import RULES, Rule, for_every_rule
from tests.core.test_script import assert_same_table, execute, run_file

NEW = ("Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "Rprop")
"""Classes of torch.optim that the lab doesn't use, and whose step needs no closure."""


def made_up(kind: str, monkeypatch: pytest.MonkeyPatch, lr: float = 0.02) -> OptimizerSpec:
    """Register an optimizer by its one line."""
    monkeypatch.setitem(RULES, kind.lower(), Rule(kind=kind))
    return OptimizerSpec(name=kind.lower(), lr=lr)


def trained(*specs: TableRunSpec) -> tuple[TableRun, ...]:
    runs = train_on_table(specs)
    assert isinstance(runs, tuple)
    return runs


# --- an optimizer


@pytest.mark.parametrize("kind", NEW)
def test_a_new_optimizer_trains_and_its_script_gives_the_same_digits(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    optimizer = made_up(kind, monkeypatch)
    spec = TableRunSpec(optimizer=optimizer, training=TrainingSpec(epochs=4, batch_size=32))
    (run,) = trained(spec)
    losses = [epoch.train_loss for epoch in run.history]
    assert len(losses) == 4
    assert np.isfinite(losses).all()
    assert losses[-1] < losses[0]
    text = script(spec)
    assert f"torch.optim.{kind}(model.parameters(), lr=LEARNING_RATE)" in text
    assert_same_table(execute([text]), run)


@pytest.mark.parametrize("kind", NEW)
def test_a_new_optimizer_walks_as_torch_does(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = PathSpec(landscape="ravine", start=(-3.5, 1.5), optimizer=made_up(kind, monkeypatch), steps=60)
    (path,) = descend([spec])
    w = torch.tensor(spec.start, dtype=torch.float64, requires_grad=True)
    optimizer = getattr(torch.optim, kind)([w], lr=0.02)
    for t, position in enumerate(path.positions):
        np.testing.assert_allclose(position, w.detach().numpy(), rtol=0, atol=1e-12)
        for name, kept in path.states.items():
            expected = optimizer.state[w][name].numpy() if t else np.zeros(2)
            np.testing.assert_allclose(kept[t], expected, rtol=0, atol=1e-12)
        w.grad = torch.from_numpy(LANDSCAPES["ravine"].gradient(w.detach().numpy()))
        optimizer.step()
    assert path.losses[-1] < path.losses[0]


def test_a_new_optimizer_races_beside_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    base = TableRunSpec(optimizer=made_up("NAdam", monkeypatch), training=TrainingSpec(epochs=3))
    known = TableRunSpec(optimizer=OptimizerSpec(name="rmsprop"), training=TrainingSpec(epochs=3))
    race = (*with_seeds(base, 2), *with_seeds(known, 2))
    together = trained(*race)
    for place in (0, 1):
        (alone,) = trained(race[place])
        assert together[place].history == alone.history
    assert len({run.history[-1].train_loss for run in together}) == 4


def test_a_rate_of_its_own_or_that_of_a_rule_like_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, "nadam", Rule(kind="NAdam"))
    monkeypatch.setitem(RULES, "heavy", Rule(kind="SGD", has_momentum=True, like="momentum"))
    found = {"sgd": 0.1, "momentum": 0.02, "adagrad": 0.3, "rmsprop": 0.04, "adam": 0.5}
    rates = for_every_rule(found)
    assert {name: rates[name] for name in found} == found
    assert (rates["nesterov"], rates["adamw"], rates["nadam"], rates["heavy"]) == (0.02, 0.5, 0.5, 0.02)
    assert list(rates) == list(RULES)


@pytest.mark.parametrize("name", RULES)
def test_entries_say_what_torch_says_of_its_classes(name: str) -> None:
    rule = RULES[name]
    arguments = inspect.signature(getattr(torch.optim, rule.kind)).parameters
    assert rule.lr == arguments["lr"].default
    assert rule.weight_decay == arguments["weight_decay"].default
    assert rule.fused == ("fused" in arguments)
    assert rule.has_momentum <= ("momentum" in arguments)
    assert rule.like in RULES


def test_an_optimizer_that_nobody_registered_is_refused() -> None:
    with pytest.raises(SpecError, match="オプティマイザ"):
        OptimizerSpec(name="unheard_of")


def test_a_stack_of_a_rule_that_cannot_be_stacked_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.forecaster import train_forecasters
    from core.specs import ForecastSpec

    spec = ForecastSpec(optimizer=made_up("NAdam", monkeypatch), training=TrainingSpec(epochs=2))
    assert spec.optimizer.name not in UPDATES
    (run,) = train_forecasters([spec])  # type: ignore[misc]
    assert np.isfinite([epoch.train_loss for epoch in run.history]).all()
    with pytest.raises(SpecError, match="1つずつ"):
        train_forecasters(with_seeds(spec, 2))


# --- a data set


def anaemia(patients: int, seed: int) -> tuple[simulated.Matrix, simulated.Matrix]:
    """Simulate who is short of iron: haemoglobin, and the volume of a red cell."""
    rng = np.random.RandomState(seed)
    ill = rng.randint(0, 2, patients).astype(np.float64)
    haemoglobin = rng.normal(13.5 - 3 * ill, 1.2, patients).round(1)
    volume = rng.normal(90 - 12 * ill, 5, patients).round()
    return np.column_stack([haemoglobin, volume]), ill


@pytest.fixture
def anaemic(monkeypatch: pytest.MonkeyPatch) -> TableSpec:
    """Register a data set by its one entry."""
    entry = Cohort(
        label="鉄欠乏性貧血(模擬)",
        inputs=2,
        classes=2,
        target=Feature(name="鉄欠乏", unit=""),
        features=(Feature(name="Hb", unit="g/dL", digits=1), Feature(name="MCV", unit="fL")),
        make=anaemia,
        uses=("patients", "seed"),
    )
    monkeypatch.setitem(COHORTS, "anaemia", entry)
    return TableSpec(name="anaemia", patients=300)


def test_a_new_data_set_is_cut_scaled_and_learnt(anaemic: TableSpec) -> None:
    table = load(anaemic)
    parts = (table.train, table.validation, table.test)
    assert sum(len(part.inputs) for part in parts) == 300
    x, y = anaemia(300, 0)
    order = np.random.RandomState(0).permutation(300)[120:]
    np.testing.assert_allclose(table.centre, x[order].mean(axis=0))
    assert np.array_equal(table.train.targets, y[order])
    spec = TableRunSpec(
        table=anaemic,
        model=MLPSpec(hidden=(4,)),
        optimizer=OptimizerSpec(lr=0.01),
        training=TrainingSpec(epochs=20),
    )
    (run,) = trained(spec)
    assert (run.test_accuracy or 0.0) > 0.85


def test_the_script_of_a_new_data_set_simulates_the_same_patients(anaemic: TableSpec, tmp_path: Path) -> None:
    spec = TableRunSpec(table=anaemic, training=TrainingSpec(epochs=3))
    text = script(spec)
    assert "鉄欠乏性貧血(模擬)" in text
    (run,) = trained(spec)
    assert_same_table(run_file(tmp_path, "new.py", text), run)
