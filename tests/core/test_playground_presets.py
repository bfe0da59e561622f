import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core import models, plane, tables
from core.cohorts import COHORTS, COLUMNS
from core.history import TableRun
from core.perceptron import to_table, train_on_table
from core.playground import SETTINGS, setting, split
from core.specs import SpecError, TableRunSpec, TableSpec


def train(spec: TableRunSpec) -> TableRun:
    runs = train_on_table([spec])
    assert isinstance(runs, tuple)
    return runs[0]


def lowest_validation(run: TableRun) -> float:
    return min(epoch.validation_loss for epoch in run.history if epoch.validation_loss is not None)


def test_the_spiral_is_solved_within_ten_seconds(record_property: Callable[[str, float], None]) -> None:
    begin = time.process_time()
    run = train(SETTINGS["spiral"])
    spent = time.process_time() - begin
    record_property("seconds", run.seconds)
    print(f"spiral: test loss {run.test_loss:.4f} in {run.seconds:.1f} s ({spent:.1f} s of CPU)")
    assert run.test_loss <= 0.05
    assert spent <= 10  # of CPU: a neighbour's load is not the network's doing


def test_squares_make_a_line_enough() -> None:
    run = train(SETTINGS["squares"])
    assert run.test_loss <= 0.05
    assert run.parameters == 2 * 2 + 2


@pytest.mark.parametrize("name", ["no_hidden_layer", "linear", "too_small", "too_fast", "vanishing"])
def test_presets_that_fail_do_and_their_remedy_helps(name: str) -> None:
    failing = SETTINGS[name]
    remedies = {
        "no_hidden_layer": replace(failing, model=replace(failing.model, hidden=(4,), activation="tanh")),
        "linear": replace(failing, model=replace(failing.model, activation="tanh")),
        "too_small": SETTINGS["spiral"],
        "too_fast": SETTINGS["spiral"],
        "vanishing": replace(failing, model=replace(failing.model, activation="silu")),
    }
    bad, good = train(failing), train(remedies[name])
    assert bad.test_accuracy is not None
    assert good.test_accuracy is not None
    assert bad.test_accuracy < 0.7
    assert good.test_accuracy >= 0.95


def test_memorising_is_seen_in_the_validation_loss() -> None:
    run = train(SETTINGS["memorised"])
    end = run.history[-1]
    assert end.train_loss < 0.01
    assert end.validation_loss is not None
    assert end.validation_loss > 3 * lowest_validation(run)


def test_a_sigmoid_stack_lets_the_first_layers_gradient_vanish() -> None:
    def share(activation: str) -> float:
        spec = SETTINGS["vanishing"]
        model = models.build_mlp(replace(spec.model, activation=activation), 2, 2, 0)
        rows = to_table(tables.load(spec.table).train, torch.device("cpu"))
        nn.functional.cross_entropy(model(rows.inputs), rows.targets).backward()
        norms = [
            m.weight.grad.norm() for m in model if isinstance(m, nn.Linear) and m.weight.grad is not None
        ]
        return float(norms[0] / norms[-1])

    assert share("sigmoid") < 1e-4
    assert share("relu") > 100 * share("sigmoid")


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_the_patients_not_learnt_from_are_shared_out(share: float) -> None:
    validation, test = split(share)
    assert share + validation + test == pytest.approx(1)
    table = setting("circle", train_share=share).table  # its ranges are checked there
    assert len(tables.load(table).train.targets) == pytest.approx(500 * share, abs=1)
    assert test >= validation


def test_shares_out_of_range_are_refused() -> None:
    with pytest.raises(SpecError, match="学習に使う割合"):
        split(0.95)


def test_patients_lie_where_the_simulation_put_them() -> None:
    spec = TableSpec(name="spiral", patients=200, noise=0.1, columns=("x1_x2", "sin_x1"))
    make = COHORTS["spiral"].make
    assert make is not None
    points, ill = make(200, 0.1, 0)
    known = {tuple(np.round(point, 3)): bool(one) for point, one in zip(points, ill, strict=True)}
    assert [len(part.classes) for part in plane.patients(spec)] == [120, 40]
    for part in plane.patients(spec):
        for point, one in zip(part.points, part.classes, strict=True):
            nearest = min(known, key=lambda at: (at[0] - point[0]) ** 2 + (at[1] - point[1]) ** 2)
            assert np.hypot(nearest[0] - point[0], nearest[1] - point[1]) < 2e-3
            assert known[nearest] == bool(one)


def test_maps_of_columns_show_their_formula() -> None:
    maps = plane.column_maps(tuple(COLUMNS))
    axis = np.linspace(-6, 6, plane.UNIT_SIDE)
    for drawn, expression in zip(maps, COLUMNS.values(), strict=True):
        for row, column in ((0, 0), (3, 17), (19, 8)):
            value = eval(expression, {"np": np, "x1": axis[column], "x2": axis[-1 - row]})
            largest = 36 if "*" in expression else 1 if "sin" in expression else 6
            assert drawn[row, column] == pytest.approx(128 + 127 * value / largest, abs=2)
