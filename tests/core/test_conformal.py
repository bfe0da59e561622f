import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.conformal import Band, calibrate, conformal_rank, measure
from core.specs import SpecError

NAN = math.nan


def test_half_width_by_hand() -> None:
    # nine errors 1 … 9, shuffled and of either sign; ⌈10 × 0.8⌉ = 8, so the eighth smallest
    truth = np.array([[3, -1, 7, 5, -9, 2, 8, -4, 6]], dtype=float).T
    assert calibrate(truth, np.zeros((9, 1)), 0.2) == (
        Band(horizon=1, nominal=0.8, count=9, rank=8, half_width=8.0),
    )
    assert calibrate(truth, np.zeros((9, 1)), 0.1)[0].half_width == 9.0  # ⌈10 × 0.9⌉ = 9: just enough
    few = calibrate(truth[:8], np.zeros((8, 1)), 0.1)[0]  # ⌈9 × 0.9⌉ = 9 of 8
    assert (few.rank, few.count, few.half_width, few.reason) == (9, 8, None, "too_few")


@given(st.integers(0, 2000), st.integers(1, 999))
def test_rank_is_that_of_exact_arithmetic(count: int, thousandths: int) -> None:
    exact = math.ceil((count + 1) * (1 - Fraction(thousandths, 1000)))
    assert conformal_rank(count, thousandths / 1000) == exact
    assert conformal_rank(count, 1 - (1000 - thousandths) / 1000) == exact


def test_each_horizon_has_its_own_band_and_leaves_missing_truth_out() -> None:
    truth = np.array([[1, 10], [2, NAN], [3, 30], [4, 40]])
    one, two = calibrate(truth, np.zeros((4, 2)), 0.25)
    assert (one.half_width, one.count) == (4, 4)  # ⌈5 × 0.75⌉ = 4
    assert (two.half_width, two.count) == (40, 3)  # ⌈4 × 0.75⌉ = 3
    nothing, broken = calibrate([[NAN, 1.0]], [[0.0, math.inf]], 0.5)
    assert (nothing.half_width, nothing.reason, nothing.count) == (None, "too_few", 0)
    assert (broken.half_width, broken.reason) == (None, "not_finite")


def test_coverage_by_hand() -> None:
    bands = (
        Band(horizon=1, nominal=0.9, count=9, rank=9, half_width=2.0),
        Band(horizon=2, nominal=0.9, count=9, rank=9, half_width=5.0),
        Band(horizon=3, nominal=0.9, count=3, rank=4, reason="too_few"),
    )
    truth = np.array([[2, NAN, 1], [-2, NAN, 1], [2.5, NAN, 1], [0, NAN, 1], [NAN, NAN, 1], [7, NAN, 1]])
    forecast = np.zeros((6, 3))
    forecast[5] = NAN  # no forecast where there is a truth is a miss
    one, two, three = measure(bands, truth, forecast)
    assert (one.inside, one.count, one.measured, one.nominal) == (3, 5, 0.6, 0.9)  # the edge is inside
    assert (two.count, two.measured, two.reason) == (0, None, "no_truth")
    assert (three.measured, three.reason) == (None, "too_few")


@pytest.mark.parametrize(("alpha", "count"), [(0.1, 20), (0.2, 57), (0.05, 200)])
def test_exchangeable_errors_are_covered_as_promised(alpha: float, count: int) -> None:
    # one fresh truth for each of 4,000 calibrations (as 4,000 horizons): independent tries
    tries = 4000
    errors = np.random.default_rng(count).standard_t(3, (count + 1, tries))
    zeros = np.zeros_like(errors)
    found = measure(calibrate(errors[:-1], zeros[:-1], alpha), errors[-1:], zeros[-1:])
    inside = sum(each.inside for each in found)
    exact = math.ceil(round((count + 1) * (1 - alpha), 9)) / (count + 1)  # continuous: rank / (n + 1)
    assert exact >= 1 - alpha
    assert inside >= tries * (1 - alpha) - 4 * math.sqrt(tries * alpha * (1 - alpha))
    assert inside == pytest.approx(tries * exact, abs=4 * math.sqrt(tries * exact * (1 - exact)))


def test_errors_that_grow_are_not_covered_and_the_measure_says_so() -> None:
    generator = np.random.default_rng(0)
    calibration, later = generator.normal(0, 1, (200, 1)), generator.normal(0, 4, (500, 1))
    (found,) = measure(calibrate(calibration, np.zeros_like(calibration), 0.1), later, np.zeros_like(later))
    assert found.nominal == 0.9
    assert found.measured is not None
    # P(|N(0, 4)| <= 1.645) = 0.319
    assert found.measured == pytest.approx(0.319, abs=0.08)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, NAN])
def test_a_share_outside_zero_and_one_is_refused(alpha: float) -> None:
    with pytest.raises(SpecError, match="外れてよい割合"):
        calibrate([[1.0]], [[1.0]], alpha)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        calibrate([[1, 2]], [[1]], 0.1)
    with pytest.raises(ValueError, match="zip"):
        measure((), [[1.0]], [[1.0]])
