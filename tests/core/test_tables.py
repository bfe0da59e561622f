"""Simulated patients and the cut of a table: what a doctor, and a statistician, would check."""

from dataclasses import replace

import numpy as np
import pytest

from core.cohorts import COHORTS, arguments
from core.specs import SpecError, TableSpec
from core.tables import load

SIMULATED = [name for name, cohort in COHORTS.items() if cohort.make]


@pytest.mark.parametrize("name", COHORTS)
def test_a_table_has_the_shape_that_its_entry_promises(name: str) -> None:
    table, cohort = load(TableSpec(name=name)), COHORTS[name]
    assert (table.features, table.classes) == (cohort.inputs, cohort.classes)
    assert len(cohort.features) in (0, cohort.inputs)
    if cohort.side:
        assert table.train.inputs.shape[1:] == (1, cohort.side, cohort.side)
        assert 0 <= table.train.inputs.min() < 0.1 < 0.9 < table.train.inputs.max() <= 1
        assert len(cohort.answers) == cohort.classes
    else:
        assert table.train.inputs.mean(axis=0) == pytest.approx(0, abs=1e-5)
        assert table.train.inputs.std(axis=0) == pytest.approx(1, abs=1e-5)
    if cohort.classes:
        assert set(table.train.targets) == set(range(cohort.classes))


@pytest.mark.parametrize("name", SIMULATED)
def test_the_same_seed_makes_the_same_patients_and_another_makes_others(name: str) -> None:
    make, spec = COHORTS[name].make, TableSpec(name=name, noise=0.1)
    assert make is not None
    first, again, other = (make(*arguments(COHORTS[name], s))[0] for s in (spec, spec, replace(spec, seed=1)))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_units_lead_back_to_clinical_values() -> None:
    spec = TableSpec(name="blood_pressure")
    table = load(spec)
    age = table.train.inputs[:, 0] * table.scale[0] + table.centre[0]
    assert age == pytest.approx(age.round(), abs=1e-4)
    assert age.min() > 24.9
    assert age.max() < 85.1
    pressure = table.train.targets * table.target_scale + table.target_centre
    assert pressure.min() > 90
    assert pressure.max() < 185
    assert pressure == pytest.approx(pressure.round(), abs=1e-4)


def test_only_training_targets_are_mistyped_and_barely_move_the_scale() -> None:
    clean = load(TableSpec(name="blood_pressure"))
    wild = load(TableSpec(name="blood_pressure", mistyped=5))
    in_mmhg = [t.train.targets * t.target_scale + t.target_centre for t in (clean, wild)]
    changed = ~np.isclose(in_mmhg[0], in_mmhg[1], atol=1e-2)
    assert changed.sum() == 5
    assert in_mmhg[1][changed] == pytest.approx(10 * in_mmhg[0][changed], rel=1e-4)
    held_out = [t.test.targets * t.target_scale + t.target_centre for t in (clean, wild)]
    assert held_out[0] == pytest.approx(held_out[1], abs=1e-3)
    assert wild.target_scale < 1.3 * clean.target_scale


def test_the_share_of_the_ill_is_the_one_asked_for() -> None:
    table = load(TableSpec(name="sepsis", patients=4000, positive_share=0.03))
    everyone = np.concatenate([p.targets for p in (table.train, table.validation, table.test)])
    assert len(everyone) == 4000
    assert everyone.sum() == 120


def test_readmission_is_likelier_with_a_weak_heart_and_at_both_ends_of_pressure() -> None:
    make = COHORTS["readmission"].make
    assert make is not None
    x, back = make(20_000, 0)
    pressure, ejection = x[:, 1], x[:, 2]
    assert back[ejection < 30].mean() > back[ejection > 55].mean() + 0.2
    middle = back[(pressure > 115) & (pressure < 135)].mean()
    assert back[pressure < 95].mean() > middle + 0.1
    assert back[pressure > 155].mean() > middle + 0.1


@pytest.mark.parametrize(
    "wrong",
    [{"name": "x"}, {"patients": 10}, {"patients": 10**9}, {"positive_share": 0.9}, {"mistyped": -1}],
)
def test_a_table_that_cannot_be_made_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        TableSpec(**wrong)  # type: ignore[arg-type]
