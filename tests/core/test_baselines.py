import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from core.autoregression import fit_autoregression
from core.baselines import BASELINES, forecast
from core.origins import complete_origins, truth_at
from core.specs import SpecError

Array = npt.NDArray[np.float64]

NAN = math.nan


def walk(points: int = 120, seed: int = 3) -> Array:
    noise: Array = np.random.default_rng(seed).normal(0, 1, points)
    values: Array = 80 + np.cumsum(noise) + 5 * np.sin(np.arange(points) / 4)
    return values


def test_naive_forecasts_by_hand() -> None:
    values = [10, 12, 11, 16, 20, 18]
    by_hand = {
        "persistence": [[16, 16, 16], [18, 18, 18]],
        "seasonal": [[12, 11, 16], [16, 20, 18]],
        "drift": [[18, 20, 22], [20, 22, 24]],  # (16 - 10) / 3 = 2 a step
        "mean": [[12.25] * 3, [12.25] * 3],
    }
    for name, expected in by_hand.items():
        assert forecast(name, values, 4, [3, 5], 3, period=3).tolist() == expected, name


def test_the_season_starts_again_beyond_its_period() -> None:
    assert forecast("seasonal", [1, 2, 3, 4], 4, [3], 5, period=2).tolist() == [[3, 4, 3, 4, 3]]


def test_naive_forecasts_over_gaps_by_hand() -> None:
    values = [NAN, 4, 6, 10, NAN, NAN, math.inf]
    origins = [3, 6]
    assert forecast("persistence", values, 4, origins, 2).tolist() == [[10, 10], [10, 10]]
    # (10 - 4) / 2 = 3 a step; the newest reading is 3 steps old at the second origin
    assert forecast("drift", values, 4, origins, 2).tolist() == [[13, 16], [22, 25]]
    # phases of period 2: 6, 6, then 10 (the odd ones), 6 (the even ones, one period further back)
    assert forecast("seasonal", values, 4, origins, 2, period=2).tolist() == [[6, 10], [10, 6]]
    assert forecast("mean", values, 4, origins, 1).tolist() == [[20 / 3], [20 / 3]]


@pytest.mark.parametrize("name", ["persistence", "seasonal", "drift", "mean"])
def test_where_nothing_was_read_nothing_is_forecast(name: str) -> None:
    assert np.isnan(forecast(name, [NAN, NAN, NAN], 2, [1, 2], 2, period=2)).all()


def test_drift_at_the_end_of_training_is_the_line_through_its_ends() -> None:
    values = walk()
    line = np.polynomial.Polynomial.fit([0, 79], [values[0], values[79]], 1)
    expected = line(np.arange(80, 90))
    assert forecast("drift", values, 80, [79], 10)[0] == pytest.approx(expected)


@pytest.mark.parametrize("ahead", [1, 4])
def test_autoregression_is_ordinary_least_squares(ahead: int) -> None:
    train = walk()[:80]
    rows = [(train[t - 4 : t + 1], train[t + ahead]) for t in range(4, 80 - ahead)]
    oracle = LinearRegression().fit(np.array([x for x, _ in rows]), np.array([y for _, y in rows]))
    ours = fit_autoregression(train, 5, ahead)
    assert ours.weights == pytest.approx(oracle.coef_, rel=1e-8)
    assert ours.intercept == pytest.approx(oracle.intercept_, rel=1e-8)


def test_recursive_forecasts_feed_themselves_back() -> None:
    values = walk()
    model = fit_autoregression(values[:80], 3)
    for row, origin in enumerate((79, 100)):
        known = values[: origin + 1].tolist()
        for _ in range(6):
            known.append(model.intercept + float(np.dot(model.weights, known[-3:])))
        found = forecast("autoregression", values, 80, [79, 100], 6, order=3)[row]
        assert found == pytest.approx(known[-6:])


def test_direct_and_recursive_agree_one_step_ahead_only() -> None:
    values = walk()
    origins = np.arange(79, 120)
    one, other = (
        forecast(n, values, 80, origins, 3, order=4) for n in ("autoregression", "direct_autoregression")
    )
    assert one[:, 0] == pytest.approx(other[:, 0])
    assert not np.allclose(one[:, 2], other[:, 2])


@pytest.mark.parametrize("name", ["autoregression", "direct_autoregression"])
def test_autoregression_finds_the_recurrence_of_a_sine(name: str) -> None:
    # sin(a(t + 1)) = 2 cos(a) sin(at) - sin(a(t - 1)), exactly
    values = np.sin(0.3 * np.arange(200))
    found = forecast(name, values, 60, [59, 150], 20, order=2)
    assert found == pytest.approx(truth_at(values, [59, 150], 20), abs=1e-9)
    assert fit_autoregression(values[:60], 2).weights == pytest.approx([-1, 2 * math.cos(0.3)])


@pytest.mark.parametrize("name", ["autoregression", "direct_autoregression"])
def test_autoregression_of_a_constant_or_a_line_stays_calm(name: str) -> None:
    constant = np.full(30, 36.6)
    constant[25:] = 39.0  # after training: no reason to believe in any weight
    assert forecast(name, constant, 20, [19, 29], 3, order=3) == pytest.approx(np.full((2, 3), 36.6))
    line = 5 + 2.0 * np.arange(30)
    assert forecast(name, line, 20, [19], 4, order=3)[0] == pytest.approx([45, 47, 49, 51])


@pytest.mark.parametrize("name", ["autoregression", "direct_autoregression"])
def test_autoregression_leaves_gaps_out_and_never_bridges_one(name: str) -> None:
    values = np.sin(0.3 * np.arange(80))
    values[[10, 23, 24, 66]] = NAN
    found = forecast(name, values, 60, np.arange(64, 70), 2, order=2)
    assert np.isnan(found).all(axis=1).tolist() == [False, False, True, True, False, False]
    assert found[[0, 1, 4, 5]] == pytest.approx(np.sin(0.3 * (np.array([64, 65, 68, 69])[:, None] + [1, 2])))


readings = st.floats(-1e3, 1e3, allow_nan=False) | st.just(NAN)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(sorted(BASELINES)))
def test_the_future_never_moves_a_forecast(data: st.DataObject, name: str) -> None:
    start = data.draw(st.lists(st.floats(-100, 100), min_size=24, max_size=24))
    values = np.array(start + data.draw(st.lists(readings, min_size=6, max_size=20)))
    newest = data.draw(st.integers(23, len(values) - 2))
    origins = np.arange(23, newest + 1)
    changed = values.copy()
    rest = len(values) - newest - 1
    changed[newest + 1 :] = data.draw(st.lists(readings, min_size=rest, max_size=rest))

    before, after = (forecast(name, v, 24, origins, 5, period=4, order=2) for v in (values, changed))
    assert before.shape == (len(origins), 5)
    assert np.array_equal(before, after, equal_nan=True)
    alone = forecast(name, values[: newest + 1], 24, origins, 5, period=4, order=2)
    assert np.array_equal(before, alone, equal_nan=True)


@pytest.mark.parametrize("name", sorted(BASELINES))
def test_what_is_fitted_ends_with_training(name: str) -> None:
    """Where the look-back of an origin is unchanged, later readings in between do not matter either."""
    values = walk()
    changed = values.copy()
    changed[80:100] += 1000  # after training, before the look-back of the origin
    before, after = (forecast(name, v, 80, [110], 3, period=6, order=6) for v in (values, changed))
    assert np.array_equal(before, after)


@pytest.mark.parametrize("name", ["mean", "drift", "autoregression", "direct_autoregression"])
def test_what_is_fitted_is_fitted_on_training(name: str) -> None:
    values = walk()
    changed = values.copy()
    changed[:40] *= 2
    before, after = (forecast(name, v, 80, [110], 3, order=6) for v in (values, changed))
    assert not np.allclose(before, after)


@pytest.mark.parametrize(
    ("name", "settings_", "message"),
    [
        ("oracle", {}, "基準の予測は"),
        ("seasonal", {}, "周期が要ります"),
        ("seasonal", {"period": 0}, "周期は 1 以上"),
        ("seasonal", {"period": 7}, "周期は 1 以上 6 以下"),
        ("autoregression", {}, "次数が要ります"),
        ("direct_autoregression", {"order": 9}, "次数は 1 以上 6 以下"),
        ("autoregression", {"order": 3}, "3 組しかなく、次数 3 .*4 組以上"),
        ("direct_autoregression", {"order": 2}, "2 組しかなく"),
        ("mean", {"horizons": 0}, "予測する先の長さは 1 以上"),
        ("mean", {"train_end": 0}, "学習に使う区間の長さは 1 以上"),
        ("mean", {"train_end": 9}, "学習に使う区間の長さは 1 以上 8 以下"),
        ("mean", {"origins": [4]}, "予測の起点は"),
        ("mean", {"origins": [8]}, "予測の起点は"),
    ],
)
def test_a_setting_that_cannot_be_forecast_says_what_to_change(
    name: str, settings_: dict[str, int], message: str
) -> None:
    asked = {"train_end": 6, "origins": [5, 7], "horizons": 3} | settings_
    with pytest.raises(SpecError, match=message):
        forecast(name, np.arange(8.0), **asked)  # type: ignore[arg-type]


def test_origins_whose_look_back_is_complete() -> None:
    values = [1, NAN, 3, 4, 5, math.inf, 7, 8]
    assert complete_origins(values, 0, 8, 2).tolist() == [3, 4, 7]
    assert complete_origins(values, 4, 99, 1).tolist() == [4, 6, 7]
    assert complete_origins(values, 0, 8, 9).tolist() == []


def test_truth_is_not_known_past_the_end() -> None:
    found = truth_at([1, NAN, 3, math.inf, 5], [0, 3, 4], 2)
    assert np.array_equal(found, [[NAN, 3], [5, NAN], [NAN, NAN]], equal_nan=True)


def test_a_forecast_may_reach_past_the_end() -> None:
    assert forecast("mean", [1, 3], 2, [1], 4).tolist() == [[2, 2, 2, 2]]
    assert forecast("mean", [1, 3], 2, [], 4).shape == (0, 4)
