import math

import numpy as np
import numpy.typing as npt
import pytest
from sklearn import metrics

from core import classification as judge


def screened(seed: int, patients: int = 300, ties: bool = False) -> tuple[judge.Array, judge.Truth]:
    rng = np.random.default_rng(seed)
    truth = (rng.uniform(size=patients) < 0.1).astype(np.int64)
    truth[0] = 1
    probability = 1 / (1 + np.exp(-rng.normal(2.0 * truth - 2, 1.5)))
    return (probability.round(1) if ties else probability), truth


def test_shares_worked_by_hand() -> None:
    found = judge.Confusion(true_positive=8, false_negative=2, true_negative=72, false_positive=18)
    assert found.sensitivity == 0.8
    assert found.specificity == 0.8
    assert found.positive_value == pytest.approx(8 / 26)
    assert found.negative_value == pytest.approx(72 / 74)
    assert found.accuracy == 0.8


def test_answering_healthy_to_everyone_is_accurate_and_useless() -> None:
    truth = np.array([1] * 5 + [0] * 95)
    found = judge.confusion(np.zeros(100), truth, 0.5)
    assert found.accuracy == 0.95
    assert found.sensitivity == 0
    assert math.isnan(found.positive_value)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("ties", [False, True])
def test_counts_are_those_of_scikit_learn(threshold: float, ties: bool) -> None:
    probability, truth = screened(1, ties=ties)
    called = (probability >= threshold).astype(int)
    found = judge.confusion(probability, truth, threshold)
    (tn, fp), (fn, tp) = metrics.confusion_matrix(truth, called, labels=[0, 1])
    assert (found.true_negative, found.false_positive) == (tn, fp)
    assert (found.false_negative, found.true_positive) == (fn, tp)
    assert found.accuracy == metrics.accuracy_score(truth, called)
    assert found.sensitivity == metrics.recall_score(truth, called)
    assert found.specificity == metrics.recall_score(truth, called, pos_label=0)
    if called.any():
        assert found.positive_value == metrics.precision_score(truth, called)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("ties", [False, True])
def test_the_roc_curve_is_that_of_scikit_learn(seed: int, ties: bool) -> None:
    probability, truth = screened(seed, ties=ties)
    found = judge.roc(probability, truth)
    false_alarms, sensitivity, thresholds = metrics.roc_curve(truth, probability, drop_intermediate=False)
    np.testing.assert_allclose(found.false_alarms, false_alarms)
    np.testing.assert_allclose(found.sensitivity, sensitivity)
    np.testing.assert_allclose(found.threshold, thresholds)
    assert found.area == pytest.approx(metrics.roc_auc_score(truth, probability))
    kept = judge.corners(found)
    assert ties or len(kept) < len(found.threshold) / 2
    area = metrics.auc(found.false_alarms[kept], found.sensitivity[kept])
    assert area == pytest.approx(found.area)
    best = found.best()
    at_best = judge.confusion(probability, truth, float(found.threshold[best]))
    youden = at_best.sensitivity + at_best.specificity - 1
    assert youden == pytest.approx((sensitivity - false_alarms).max())


def test_a_roc_curve_needs_both_kinds_of_patients() -> None:
    assert math.isnan(judge.roc(np.array([0.2, 0.7]), np.array([0, 0])).area)


def test_probabilities_and_cross_entropy_are_those_of_torch() -> None:
    import torch

    outputs: npt.NDArray[np.float64] = np.random.default_rng(0).normal(0, 30, (200, 2))
    outputs[0] = [900.0, -900.0]
    truth = np.random.default_rng(1).integers(0, 2, 200)
    given = torch.tensor(outputs)
    np.testing.assert_allclose(judge.probabilities(outputs), given.softmax(1)[:, 1].numpy(), rtol=1e-9)
    expected = torch.nn.functional.cross_entropy(given, torch.tensor(truth)).item()
    assert judge.cross_entropy(outputs, truth) == pytest.approx(expected)
