"""Slopes by formula, differences and autograd, each an oracle for the others; the lesson's numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core import backprop, chain, ecg, partials, score, slopes, tables
from core.backprop import LineSpec
from core.chain import ChainSpec
from core.perceptron import train_on_table
from core.score import PatientSpec
from core.slopes import CURVES, SlopeSpec
from core.specs import MLPSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec

finite = st.floats(-3, 3).map(lambda x: round(x, 3))


@pytest.mark.parametrize("curve", CURVES)
@given(x=finite)
@settings(max_examples=25, deadline=None)
def test_formula_differences_and_autograd_give_one_slope(curve: str, x: float) -> None:
    spec = SlopeSpec(curve=curve, x=x)
    formula, found = slopes.formula_slope(spec), slopes.autograd_slope(spec)
    if formula is None:
        assert (curve, x) == ("abs", 0.0)
        return
    assert found == pytest.approx(formula, abs=1e-12)
    if curve != "abs" or abs(x) > 1e-4:
        close = slopes.quotients(spec, 1e-5)
        assert float(close.central) == pytest.approx(found, abs=1e-8)
        assert float(close.forward) == pytest.approx(found, abs=2e-4)


@pytest.mark.parametrize("curve", CURVES)
def test_the_line_of_pytorch_is_the_curve(curve: str) -> None:
    x = torch.tensor([-1.5, 0.0, 0.7], dtype=torch.float64)
    written = eval(CURVES[curve].code, {"torch": torch, "x": x})  # the text of a table, not of a reader
    assert torch.equal(written, CURVES[curve].value(torch, x))


def test_the_secant_first_nears_the_tangent_and_then_cancellation_takes_over() -> None:
    found = slopes.quotients(SlopeSpec(curve="square", x=1.0), [1.0, 1e-4, 1e-8, 1e-12, 1e-15, 1e-16])
    # (1 + h)² − 1 = 2h + h²: the error is h as long as rounding is far away
    assert found.forward[:2] == pytest.approx([3.0, 2.0001], abs=1e-10)
    errors = abs(found.forward - 2)
    assert errors[0] > errors[1] > errors[2] < errors[3] < errors[4]
    assert found.forward[5] == 0.0  # 1 + 1e-16 is 1
    assert slopes.grid_steps(SlopeSpec(), 1e-15) == pytest.approx(10, abs=1)


def test_a_corner_has_a_slope_from_each_side_and_none_of_its_own() -> None:
    spec = SlopeSpec(curve="abs", x=0.0)
    found = slopes.quotients(spec, [1e-1, 1e-6, 1e-12])
    assert found.forward.tolist() == [1.0] * 3
    assert found.backward.tolist() == [-1.0] * 3
    assert found.central.tolist() == [0.0] * 3
    assert slopes.formula_slope(spec) is None
    assert slopes.autograd_slope(spec) == 0.0


def test_decimals_are_counted_as_a_reader_compares_them() -> None:
    assert slopes.decimals(2.0, 2.0) == 15
    assert slopes.decimals(2.0001, 2.0) == 3
    assert slopes.decimals(2.00004, 2.0) == 4
    assert slopes.decimals(3.0, 2.0) == 0
    assert slopes.decimals(math.nan, 2.0) == 0


@pytest.mark.parametrize("delay", [100, 130, 160, 250])
def test_a_delay_widens_qrs_and_makes_its_slope_gentler_by_the_same_factor(delay: int) -> None:
    normal, slow = ecg.upstroke(ecg.waves(100)), ecg.upstroke(ecg.waves(delay))
    assert slow.qrs_ms == pytest.approx(normal.qrs_ms * delay / 100, abs=0.2)
    assert slow.slope == pytest.approx(normal.slope * 100 / delay, rel=2e-3)
    assert 60 < normal.qrs_ms < 110  # a beat that a doctor would call narrow
    (found,) = ecg.autograd_slopes([ecg.waves(delay)], [np.array([slow.time])])
    assert found[0] == pytest.approx(slow.slope, rel=1e-12)
    assert ecg.difference(ecg.waves(delay), slow.time, 1e-6) == pytest.approx(slow.slope, rel=1e-7)


def test_the_whole_beat_has_one_slope_by_formula_autograd_and_fine_sampling() -> None:
    beat = ecg.waves(160)
    t = np.linspace(*ecg.SPAN, 901)
    (found,) = ecg.autograd_slopes([beat], [t])
    assert np.abs(found - ecg.formula_slope(beat, t)).max() < 1e-11
    assert np.abs(found - np.gradient(ecg.voltage(np, beat, t), t)).max() < 0.5
    assert [w.name for w in beat] == list("PQRST")


def test_coarse_sampling_flattens_the_steepest_slope() -> None:
    beat = ecg.waves(100)
    largest = [ecg.sampled_slopes(beat, rate)[1].max() for rate in ecg.RATES]
    assert largest == sorted(largest)
    steepest = ecg.upstroke(beat).slope
    assert largest[0] < 0.8 * steepest
    assert 0.99 * steepest < largest[-1] < steepest


def test_the_partials_of_the_lesson_at_its_patient() -> None:
    gradient = score.autograd_gradient(PatientSpec())
    assert gradient == pytest.approx([2.1, -3.5, 0.8, 5.2], abs=1e-12)
    u = PatientSpec().units
    assert score.score(u + 0.2 * gradient) > score.score(u) > score.score(u - 0.2 * gradient)
    assert score.score(u - 1.5 * gradient) > score.score(u)  # too long a step climbs the other side


@given(sbp=st.floats(90, 180), lvef=st.floats(20, 70), age=st.floats(40, 95), bnp=st.floats(25, 1600))
@settings(max_examples=25, deadline=None)
def test_partials_agree_at_any_patient(sbp: float, lvef: float, age: float, bnp: float) -> None:
    spec = PatientSpec(sbp=sbp, lvef=lvef, age=age, bnp=bnp)
    found = score.autograd_gradient(spec)
    assert found == pytest.approx(score.formula_gradient(spec.units), abs=1e-9)
    assert found == pytest.approx(score.numeric_gradient(spec.units), abs=1e-6)
    back = [known.clinical(u) for known, u in zip(score.INPUTS, spec.units, strict=True)]
    assert back == pytest.approx(list(spec.values))


def test_the_signs_of_the_chain_rule() -> None:
    links = chain.autograd(ChainSpec())
    assert (links.first, links.second, links.whole) == (-2.0, 0.5, -1.0)
    # "−1 mmHg: −0.5 %" as a derivative is (−0.5) / (−1) = +0.5; the naive product has the other sign
    naive = (-links.second) * links.first
    assert naive == 1.0 == -links.whole
    mistaken = chain.autograd(ChainSpec(second=-0.5))
    assert mistaken.whole == 1.0


@given(
    first=st.floats(-4, 4),
    second=st.floats(-1, 1),
    dose=st.floats(0, 10),
    shape=st.sampled_from(chain.SHAPES),
)
@settings(max_examples=40, deadline=None)
def test_the_product_of_the_links_is_the_slope_of_the_whole(
    first: float, second: float, dose: float, shape: str
) -> None:
    spec = ChainSpec(first=first, second=second, dose=dose, shape=shape)
    hand, found, numeric = chain.by_hand(spec), chain.autograd(spec), chain.numeric(spec)
    for name in ("first", "second", "whole"):
        assert getattr(hand, name) == pytest.approx(getattr(found, name), abs=1e-10)
        assert getattr(numeric, name) == pytest.approx(getattr(found, name), abs=1e-5)
    assert hand.whole == hand.first * hand.second


@given(
    x=finite,
    target=finite,
    weights=st.tuples(st.floats(-10, 10), st.floats(-10, 10), st.floats(-10, 10)),
    activation=st.sampled_from(list(backprop.ACTIVATIONS)),
)
@settings(max_examples=80, deadline=None)
def test_products_by_hand_are_what_backward_finds(
    x: float, target: float, weights: tuple[float, float, float], activation: str
) -> None:
    spec = LineSpec(x=x, target=target, weights=weights, activation=activation)
    walk, found = backprop.walk(spec), backprop.autograd(spec)
    assert walk.gradients.weights == pytest.approx(found.weights, rel=1e-6, abs=1e-12)
    assert walk.gradients.nodes == pytest.approx(found.nodes, rel=1e-6, abs=1e-12)
    product = walk.gradients.nodes[3] * weights[2] * walk.slopes[1] * weights[1] * walk.slopes[0] * x
    assert walk.gradients.weights[0] == pytest.approx(product, rel=1e-9, abs=1e-300)


def test_products_vanish_explode_and_die() -> None:
    vanishing = backprop.walk(LineSpec(x=3.0, target=0.0, weights=(4, 8, 1), activation="sigmoid"))
    assert abs(vanishing.gradients.weights[0]) < 1e-6 < 1 < abs(vanishing.gradients.weights[2])
    exploding = backprop.walk(LineSpec(weights=(0.5, 8, 8), activation="relu")).gradients
    # ŷ = 32, 2 (32 − 1) = 62: 62 · 8 · 8 · 1 by w₁, 62 · 4 by w₃
    assert exploding.weights == (3968.0, 248.0, 248.0)
    dead = backprop.walk(LineSpec(weights=(-1, 1, 1), activation="relu")).gradients
    assert [abs(g) for g in dead.weights] == [0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def network() -> tuple[TableRunSpec, dict[str, np.ndarray]]:
    spec = TableRunSpec(
        table=TableSpec(name="readmission"),
        model=MLPSpec(hidden=(16,), activation="tanh"),
        training=TrainingSpec(epochs=60, batch_size=32),
    )
    trained = train_on_table([spec])
    assert isinstance(trained, tuple)
    (run,) = trained
    return spec, run.weights


def test_partials_of_a_trained_network_agree_with_differences_and_with_plain_torch(
    network: tuple[TableRunSpec, dict[str, np.ndarray]],
) -> None:
    spec, weights = network
    patient = partials.AtDischarge().values
    points = np.concatenate([patient[None], partials.around(patient)])
    found = partials.network_partials(spec, [weights], points)
    numeric = partials.from_around(patient, found.risks[0, 1:])
    assert found.gradients[0, 0] == pytest.approx(numeric, rel=1e-5)

    data = tables.load(spec.table)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2)).double()
    model.load_state_dict({name: torch.tensor(value) for name, value in weights.items()})
    seen = torch.tensor([*patient[:3], math.log(patient[3])], dtype=torch.float64, requires_grad=True)
    risk = model((seen - torch.tensor(data.centre)) / torch.tensor(data.scale)).softmax(0)[1]
    risk.backward()
    assert seen.grad is not None
    assert found.risks[0, 0] == pytest.approx(risk.item(), rel=1e-12)
    by_log = seen.grad.numpy() / [1, 1, 1, patient[3]]  # chain rule: d ln b / d b = 1 / b
    assert found.gradients[0, 0] == pytest.approx(by_log, rel=1e-10)


def test_the_trained_network_has_learnt_the_signs_that_the_patients_were_made_with(
    network: tuple[TableRunSpec, dict[str, np.ndarray]],
) -> None:
    spec, weights = network
    low, high = (partials.AtDischarge(pressure=p).values for p in (90.0, 160.0))
    found = partials.network_partials(spec, [weights], np.array([low, high])).gradients[0]
    assert found[0, 1] < 0 < found[1, 1]  # lowest risk between
    assert (found[:, 0] > 0).all()
    assert (found[:, 2] < 0).all()
    assert (found[:, 3] > 0).all()
    patients = partials.test_patients(spec)
    assert patients.shape == (200, 4)
    assert 39.9 < patients[:, 0].min() < patients[:, 0].max() < 98.1
    assert patients[:, 3].max() > 500  # pg/mL, no logarithm


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: SlopeSpec(curve="cos"),
        lambda: SlopeSpec(x=math.nan),
        lambda: ecg.BeatSpec(delay=10),
        lambda: PatientSpec(bnp=0),
        lambda: ChainSpec(dose=-1),
        lambda: ChainSpec(shape="circle"),
        lambda: replace(LineSpec(), weights=(1, math.inf, 1)),
        lambda: partials.AtDischarge(bnp=0),
    ],
)
def test_impossible_settings_say_what_to_change(wrong: object) -> None:
    with pytest.raises(SpecError, match=r"指定|選んで"):
        wrong()  # type: ignore[operator]
