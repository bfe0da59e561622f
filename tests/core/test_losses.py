"""Losses against torch's own modules and the papers' formulas; what trains under each."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import losses, tables
from core.history import TableRun
from core.perceptron import to_table, train_on_table
from core.specs import (
    LOSSES_OF_CLASSES,
    LOSSES_OF_NUMBERS,
    LossSpec,
    MLPSpec,
    OptimizerSpec,
    SpecError,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)

SPEC = LossSpec(delta=0.7, positive_weight=4.0, gamma=1.5)
PRESSURE = TableRunSpec(
    table=TableSpec(name="blood_pressure", mistyped=5),
    model=MLPSpec(hidden=()),
    optimizer=OptimizerSpec(lr=0.05),
    training=TrainingSpec(epochs=80, batch_size=32),
)


def batch(seed: int, classes: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    if classes:
        outputs = torch.randn(9, 2, generator=generator, dtype=torch.float64) * 3
        return outputs, torch.randint(0, 2, (9,), generator=generator)
    pair = torch.randn(2, 9, 1, generator=generator, dtype=torch.float64) * 2
    return pair[0], pair[1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("mse", nn.MSELoss()),
        ("mae", nn.L1Loss()),
        ("huber", nn.HuberLoss(delta=0.7)),
        ("cross_entropy", nn.CrossEntropyLoss()),
        ("weighted", nn.CrossEntropyLoss(weight=torch.tensor([1.0, 4.0], dtype=torch.float64))),
    ],
)
def test_the_mean_of_a_batch_is_torchs(name: str, module: nn.Module, seed: int) -> None:
    outputs, targets = batch(seed, name in LOSSES_OF_CLASSES)
    assert torch.equal(losses.build(SPEC, name).mean(outputs, targets), module(outputs, targets))


@pytest.mark.parametrize("seed", range(3))
def test_focal_loss_is_the_papers_formula(seed: int) -> None:
    outputs, targets = batch(seed, True)
    p = outputs.softmax(1)[torch.arange(9), targets]
    expected = -((1 - p) ** 1.5) * torch.log(p)
    loss = losses.build(SPEC, "focal")
    torch.testing.assert_close(loss.each(outputs, targets), expected)
    torch.testing.assert_close(loss.mean(outputs, targets), expected.mean())
    plain = losses.build(replace(SPEC, gamma=0.0), "focal")
    torch.testing.assert_close(plain.mean(outputs, targets), nn.CrossEntropyLoss()(outputs, targets))


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from([*LOSSES_OF_NUMBERS, *LOSSES_OF_CLASSES]), seed=st.integers(0, 999))
def test_rows_and_their_weights_make_up_the_mean(name: str, seed: int) -> None:
    outputs, targets = batch(seed, name in LOSSES_OF_CLASSES)
    loss = losses.build(SPEC, name)
    each = loss.each(outputs, targets).flatten()
    weight = loss.weight(targets) if loss.weight else torch.ones(9)
    torch.testing.assert_close(each.sum() / weight.sum(), loss.mean(outputs, targets))


@pytest.mark.parametrize("name", [*LOSSES_OF_NUMBERS, *LOSSES_OF_CLASSES])
def test_no_other_constant_answer_is_better(name: str) -> None:
    table = TableSpec(name="sepsis" if name in LOSSES_OF_CLASSES else "blood_pressure")
    train = to_table(tables.load(table).train, torch.device("cpu"))
    loss = losses.build(SPEC, name)
    reference = losses.of_a_constant(loss, name, train.targets)
    rows = len(train.targets)
    if name in LOSSES_OF_CLASSES:
        answers = [torch.tensor([0.0, odds]).expand(rows, -1) for odds in np.linspace(-6, 3, 181)]
    else:
        answers = [torch.full((rows, 1), float(value)) for value in np.linspace(-2, 2, 401)]
    best = min(loss.mean(answer, train.targets).item() for answer in answers)
    assert reference == pytest.approx(best, rel=1e-3)


def test_a_loss_that_does_not_fit_the_table_is_refused() -> None:
    with pytest.raises(SpecError, match="損失関数"):
        TableRunSpec(loss=LossSpec(name="huber"))
    with pytest.raises(SpecError, match="損失関数"):
        replace(PRESSURE, loss=LossSpec(name="focal"))


def errors_in_mmhg(run: TableRun) -> float:
    """Return the mean absolute error on the test patients."""
    off = run.test_outputs[:, 0] - run.test_targets
    return float(np.abs(off).mean() * tables.load(PRESSURE.table).target_scale)


def test_mistyped_pressures_pull_the_squared_error_away_and_spare_the_others() -> None:
    specs = [replace(PRESSURE, loss=LossSpec(name=name)) for name in LOSSES_OF_NUMBERS]
    runs = train_on_table(specs)
    assert isinstance(runs, tuple)
    mse, mae, huber = map(errors_in_mmhg, runs)
    assert mse > 5 * max(mae, huber)
    clean = [replace(s, table=replace(s.table, mistyped=0)) for s in specs]
    clean_runs = train_on_table(clean)
    assert isinstance(clean_runs, tuple)
    assert max(map(errors_in_mmhg, clean_runs)) < 1.5 * min(map(errors_in_mmhg, clean_runs))


def test_weighting_the_few_ill_finds_more_of_them() -> None:
    base = TableRunSpec(
        table=TableSpec(name="sepsis", patients=4000), training=TrainingSpec(epochs=15, batch_size=64)
    )
    runs = train_on_table([base, replace(base, loss=LossSpec(name="weighted", positive_weight=19.0))])
    assert isinstance(runs, tuple)
    found = [float((r.test_outputs.argmax(1) == 1)[r.test_targets == 1].mean()) for r in runs]
    assert found[1] > found[0] + 0.15
