"""The one layer that a stack multiplies out to, against plain products and a stack run by hand."""

import contextlib
import io
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from core import collapse as collapsing
from core import tables
from core.collapse import StackSpec, collapse
from core.perceptron import train_on_table
from core.specs import MLPSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec


def stack(spec: StackSpec) -> nn.Sequential:
    torch.manual_seed(spec.seed)
    between = {"linear": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh}[spec.activation]
    layers: list[nn.Module] = []
    sizes = [4, *[spec.width] * (spec.layers - 1), 1]
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), between()]
    return nn.Sequential(*layers[:-1]).double()


@pytest.mark.parametrize("layers", [1, 2, 3, 7])
def test_linear_layers_are_one_product(layers: int) -> None:
    spec = StackSpec(layers=layers, width=9, seed=3)
    found, model = collapse(spec), stack(spec)
    linear = [m for m in model if isinstance(m, nn.Linear)]
    product = np.linalg.multi_dot([m.weight.detach().numpy() for m in reversed(linear)] + [np.eye(4)])
    np.testing.assert_allclose(found.matrix, product[0], rtol=1e-12)
    assert found.bias == pytest.approx(model(torch.zeros(1, 4, dtype=torch.float64)).item())
    inputs = torch.tensor(tables.load(collapsing.PATIENTS).test.inputs).double()
    np.testing.assert_allclose(found.stacked, model(inputs)[:, 0].detach().numpy(), rtol=1e-12)
    assert found.largest < 1e-14
    assert found.largest < found.largest32 < 1e-5 or layers == 1
    assert found.missed < 1e-20
    assert spec.parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_with_an_activation_between_no_single_layer_will_do(activation: str) -> None:
    found = collapse(StackSpec(activation=activation))
    assert found.largest > 0.05
    assert found.missed > 1e-4


def test_what_no_line_explains() -> None:
    x = np.linspace(-1, 1, 201)
    assert collapsing.missed(x[:, None], 3 * x + 2) < 1e-25
    assert collapsing.missed(x[:, None], x**2) == pytest.approx(1)
    assert collapsing.missed(x[:, None], x**3) == pytest.approx(1 - 0.6**2 / (3 / 7), abs=0.01)


def test_a_trained_linear_network_is_the_line_that_its_layers_multiply_out_to() -> None:
    spec = TableRunSpec(
        table=TableSpec(name="u_shape", patients=100),
        model=MLPSpec(hidden=(5, 4), activation="linear"),
        training=TrainingSpec(epochs=3),
    )
    trained = train_on_table([spec])
    assert isinstance(trained, tuple)
    matrix, bias = collapsing.of_network(trained[0].weights)
    inputs = tables.load(spec.table).test.inputs
    np.testing.assert_allclose(inputs @ matrix.T + bias, trained[0].test_outputs, atol=1e-5)


@pytest.mark.parametrize("wrong", [{"layers": 0}, {"layers": 8}, {"width": 0}, {"activation": "cosh"}])
def test_stacks_that_cannot_be_built(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        StackSpec(**wrong)


@pytest.mark.parametrize("activation", ["linear", "relu"])
def test_the_script_multiplies_out_to_the_same_layer(activation: str) -> None:
    spec = StackSpec(layers=3, width=5, activation=activation, seed=2)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(collapsing.script(spec), {})
    row = re.search(r"行列 \[\[(.*)\]\]", out.getvalue())
    assert row
    np.testing.assert_allclose([float(v) for v in row[1].split(",")], collapse(spec).matrix, rtol=1e-12)
    difference = float(out.getvalue().split("出力の差(最大)")[1])
    assert (difference < 1e-12) == (activation == "linear")
