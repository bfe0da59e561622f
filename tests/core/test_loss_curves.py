import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from core import loss_curves, loss_limits
from core.specs import LossSpec

ERRORS = np.arange(-160.0, 161.0)


def test_ten_times_the_error_is_a_hundred_times_the_squared_penalty() -> None:
    near, far = loss_curves.squared(122 - 120), loss_curves.squared(140 - 120)
    assert (float(near.value), float(far.value)) == (4, 400)
    assert far.value / near.value == 100
    assert loss_curves.absolute(20).value / loss_curves.absolute(2).value == 10


def test_huber_worked_by_hand() -> None:
    assert loss_curves.huber(4, 10).value == 8  # 4² / 2
    assert loss_curves.huber(20, 10).value == 150  # 10 · (20 − 5)
    assert loss_curves.huber(-20, 10).slope == -10


@pytest.mark.parametrize("delta", [1.0, 10.0, 100.0])
def test_losses_of_numbers_are_those_of_torch_with_the_slopes_of_autograd(delta: float) -> None:
    prediction = torch.tensor(120 + ERRORS, requires_grad=True)
    truth = torch.full_like(prediction, 120)
    functions = {
        "mse": functional.mse_loss(prediction, truth, reduction="none"),
        "mae": functional.l1_loss(prediction, truth, reduction="none"),
        "huber": functional.huber_loss(prediction, truth, delta=delta, reduction="none"),
    }
    asked = loss_curves.torch_errors(ERRORS, delta)
    for name, each in functions.items():
        (slope,) = torch.autograd.grad(each.sum(), prediction)
        for points in (loss_curves.OF_ERRORS[name](ERRORS, delta), asked[name]):
            np.testing.assert_allclose(points.value, each.detach().numpy(), rtol=1e-12)
            np.testing.assert_allclose(points.slope, slope.numpy(), rtol=1e-12)


@pytest.mark.parametrize(("p", "loss"), [(0.9, 0.105), (0.6, 0.511), (0.01, 4.605), (0.0, math.inf)])
def test_cross_entropy_of_a_malignant_tumour(p: float, loss: float) -> None:
    points = loss_curves.of_probability("cross_entropy", p, 1, LossSpec())
    assert float(points.value) == pytest.approx(loss, abs=5e-4)
    assert float(points.slope) == pytest.approx(p - 1)  # finite even at p = 0


@pytest.mark.parametrize("truth", [0, 1])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 5.0])
def test_losses_of_classes_are_those_of_torch_with_the_slopes_of_autograd(truth: int, gamma: float) -> None:
    loss = LossSpec(positive_weight=7.0, gamma=gamma)
    logits = np.linspace(-8, 8, 33)
    p = 1 / (1 + np.exp(-logits))
    asked = loss_curves.torch_logits(logits, truth, loss)
    z = torch.tensor(logits, requires_grad=True)
    weighted = functional.binary_cross_entropy_with_logits(
        z, torch.full_like(z, truth), pos_weight=torch.tensor(7.0), reduction="none"
    )
    right = torch.sigmoid(z) if truth else torch.sigmoid(-z)
    by_definition = {
        "cross_entropy": -torch.log(right),
        "weighted": weighted,
        "focal": (1 - right) ** gamma * -torch.log(right),
    }
    for name, each in by_definition.items():
        (slope,) = torch.autograd.grad(each.sum(), z, retain_graph=True)
        for points in (loss_curves.of_probability(name, p, truth, loss), asked[name]):
            np.testing.assert_allclose(points.value, each.detach().numpy(), rtol=1e-9)
            np.testing.assert_allclose(points.slope, slope.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(asked["with_logits"].value, asked["cross_entropy"].value, rtol=1e-9)
    np.testing.assert_allclose(asked["with_logits"].slope, asked["cross_entropy"].slope, rtol=1e-9)


@pytest.mark.parametrize("name", ["cross_entropy", "weighted", "focal"])
@pytest.mark.parametrize("truth", [0, 1])
def test_slope_in_the_probability_is_that_of_autograd(name: str, truth: int) -> None:
    loss = LossSpec(positive_weight=7.0, gamma=2.0)
    p = torch.linspace(0.01, 0.99, 51, dtype=torch.float64, requires_grad=True)
    right = p if truth else 1 - p
    factor = (1 - right) ** 2 if name == "focal" else 7.0 if name == "weighted" and truth else 1.0
    (slope,) = torch.autograd.grad((factor * -torch.log(right)).sum(), p)
    ours = loss_curves.slope_in_probability(name, p.detach().numpy(), truth, loss)
    np.testing.assert_allclose(ours, slope.numpy(), rtol=1e-9)


def test_the_ends_of_the_probability_are_told_as_they_are() -> None:
    ends = np.array([0.0, 1.0])
    for name in ("cross_entropy", "weighted", "focal"):
        points = loss_curves.of_probability(name, ends, 1, LossSpec())
        assert points.value.tolist() == [math.inf, 0.0]
        assert np.isfinite(points.slope).all()
        steep = loss_curves.slope_in_probability(name, ends, 1, LossSpec(positive_weight=7.0))
        expected = {"cross_entropy": -1.0, "weighted": -7.0, "focal": 0.0}  # −1 / p, and its discount
        assert steep.tolist() == [-math.inf, expected[name]]


@pytest.mark.parametrize("single", [True, False])
def test_losses_from_logits_stay_right_where_losses_from_probabilities_do_not(single: bool) -> None:
    z = np.array([-10.0, -50.0, -200.0, -800.0])
    found = loss_limits.torch_limits(z, single)
    for name in loss_limits.FROM_LOGITS:
        np.testing.assert_allclose(found.ways[name].wrong, np.logaddexp(0, -z), rtol=1e-6)
        np.testing.assert_allclose(found.ways[name].slope, -1 / (1 + np.exp(z)), rtol=1e-6)
    clamped = found.ways["bce"]
    np.testing.assert_allclose(clamped.wrong, [10, 50, 100, 100], rtol=1e-4)
    assert abs(clamped.slope[2]) < 1e-70 if single is False else clamped.slope[2] == 0
    assert found.probability[3] == 0
    assert found.ways["by_hand"].wrong[3] == math.inf
    assert math.isnan(found.ways["by_hand"].slope[3])
    assert math.isnan(found.ways["by_hand"].right[3])  # 0 · log 0, and the answer was right


def test_single_precision_runs_out_of_small_numbers_first() -> None:
    assert loss_limits.torch_limits([-200.0], True).probability == 0
    assert loss_limits.torch_limits([-200.0], False).probability == pytest.approx(math.exp(-200))


def test_binary_cross_entropy_of_zero_is_clamped_and_its_slope_huge() -> None:
    loss, slope = loss_limits.torch_zero()
    assert loss == 100
    assert slope == pytest.approx(-1e12)
