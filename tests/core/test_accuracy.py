import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import mean_absolute_error, root_mean_squared_error

from core.accuracy import Score, accuracy, mae, rmse, training_scale

Array = npt.NDArray[np.float64]

NAN = math.nan


def test_scores_by_hand() -> None:
    # training 100, 104, 102, 110: steps 4, 2, 8, so the scale is 14 / 3
    scale = training_scale([100, 104, 102, 110])
    assert scale.value == pytest.approx(14 / 3)
    # horizon 1: errors 3 and -4, persistence 10 and 4; horizon 2: error 2, persistence 1, one truth missing
    (one, two) = accuracy(
        truth=[[120.0, 122.0], [124.0, NAN]],
        forecast=[[123, 124], [120, 124]],
        persistence=[[110, 121], [120, 120]],
        scale=scale,
    )
    assert (one.horizon, one.count, one.left_out) == (1, 2, 0)
    assert one.mae.value == 3.5
    assert one.rmse.value == pytest.approx(math.sqrt(12.5))
    assert one.mase.value == pytest.approx(0.75)
    assert one.skill.value == pytest.approx(0.5)  # 1 - 3.5 / 7
    assert (two.horizon, two.count, two.left_out) == (2, 1, 1)
    assert (two.mae.value, two.rmse.value, two.skill.value) == (2, 2, -1)
    assert two.mase.value == pytest.approx(3 / 7)


def test_the_scale_of_a_season_and_of_gaps_by_hand() -> None:
    values = [1, 5, 2, 9, 4, 7]
    assert training_scale(values, 2).value == 2.25  # 1, 4, 2, 2
    assert training_scale([1, 5, NAN, 9, 4], 1).value == 4.5  # 4 and 5: the pairs with a gap are left out
    assert training_scale([1, 5, NAN, 9, 4], 2).value == 4.0  # 9 - 5; the others touch the gap


def test_naive_forecasts_of_the_training_stretch_have_a_mase_of_one() -> None:
    train = np.random.default_rng(0).normal(size=50)
    truth, repeated = train[1:, None], train[:-1, None]
    (found,) = accuracy(truth, repeated, repeated, training_scale(train))
    assert found.mase.value == pytest.approx(1)
    assert found.skill.value == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000))
def test_errors_are_those_of_scikit_learn(rows: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    truth, found = generator.normal(80, 10, (2, rows))
    assert mae(truth, found).value == pytest.approx(mean_absolute_error(truth, found))
    assert rmse(truth, found).value == pytest.approx(root_mean_squared_error(truth, found))


@pytest.mark.parametrize(
    ("truth", "forecast", "persistence", "scale", "reasons"),
    [
        (NAN, 1, 1, Score(value=1), ["no_truth"] * 4),
        (3, NAN, 1, Score(value=1), ["not_finite"] * 4),
        (3, math.inf, 1, Score(value=1), ["not_finite"] * 4),
        (3, 1e300, 1, Score(value=1), [None, "not_finite", None, None]),
        (3, 1e300, 3 + 1e-10, Score(value=1e-10), [None, "not_finite", "not_finite", "not_finite"]),
        (3, 4, 3, Score(value=1), [None, None, None, "perfect_baseline"]),
        (3, 3, 3, Score(value=1), [None, None, None, "perfect_baseline"]),
        (3, 4, NAN, Score(value=1), [None, None, None, "not_finite"]),
        (3, 4, 1, Score(reason="constant_training"), [None, None, "constant_training", None]),
        (3, 4, 1, Score(reason="short_training"), [None, None, "short_training", None]),
        (3, 4, 1, Score(value=0.0), [None, None, "constant_training", None]),
    ],
)
def test_what_cannot_be_scored_says_why(
    truth: float, forecast: float, persistence: float, scale: Score, reasons: list[str | None]
) -> None:
    (found,) = accuracy([[truth]], [[forecast]], [[persistence]], scale)
    scores = (found.mae, found.rmse, found.mase, found.skill)
    assert [score.reason for score in scores] == reasons
    assert [score.value is None for score in scores] == [reason is not None for reason in reasons]


@pytest.mark.parametrize(
    ("train", "period", "reason"),
    [
        ([7, 7, 7], 1, "constant_training"),
        ([1, 2, 1, 2], 2, "constant_training"),
        ([1, NAN, 1], 1, "short_training"),
        ([1, 2], 2, "short_training"),
        ([], 1, "short_training"),
        ([-1.7e308, 1.7e308], 1, "not_finite"),
    ],
)
def test_a_training_stretch_without_a_scale_says_why(train: list[float], period: int, reason: str) -> None:
    assert training_scale(train, period) == Score(value=None, reason=reason)  # type: ignore[arg-type]


numbers = st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=80, deadline=None)
@given(arrays(np.float64, (3, 4, 2), elements=numbers), arrays(np.float64, 6, elements=numbers))
def test_no_score_is_ever_inf_or_nan(three: Array, train: Array) -> None:
    truth, said, repeated = three
    for found in accuracy(truth, said, repeated, training_scale(train, 2)):
        assert found.count + found.left_out == 4
        for score in (found.mae, found.rmse, found.mase, found.skill):
            assert (score.value is None) != (score.reason is None)
            assert score.value is None or math.isfinite(score.value)


def test_wrong_shapes_and_periods_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes differ"):
        accuracy([[1, 2]], [[1]], [[1, 2]], Score(value=1))
    with pytest.raises(ValueError, match="period"):
        training_scale([1, 2], 0)
