"""What a forecaster of many horizons may see, when it may see it, and how it is judged."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error

from core import accuracy, horizon_scores
from core.horizon_specs import LEAKS, MODEL, RIVALS, HorizonSpec, StretchSpec
from core.horizon_windows import Part, Parts, Stretches, carried, cut, scale, stretches
from core.panel import PanelSpec
from core.specs import SpecError, TrainingSpec
from tests.core.horizon_cases import SPEC, same_weights, train, walk

NAN = math.nan

shares = st.builds(
    StretchSpec,
    train=st.floats(0.2, 0.7),
    validation=st.floats(0.02, 0.12),
    calibration=st.floats(0.02, 0.12),
)
specs = st.builds(
    lambda spec, length, horizons, strategy, stretch, folds, carry: replace(
        spec, length=length, horizons=horizons, strategy=strategy, stretch=stretch, folds=folds, carry=carry
    ),
    st.just(SPEC),
    length=st.integers(1, 12),
    horizons=st.integers(1, 15),
    strategy=st.sampled_from(["direct", "recursive"]),
    stretch=shares,
    folds=st.integers(1, 4),
    carry=st.integers(0, 3),
)


def changed_after(values: np.ndarray, newest: int) -> np.ndarray:
    """Make every reading after ``newest`` another one; gaps stay gaps."""
    other = values.copy()
    other[newest + 1 :] = 300 - 2 * other[newest + 1 :]
    return other


# --- nothing of the future leaks ---


def test_gaps_are_carried_by_hand() -> None:
    column = [NAN, 5, NAN, NAN, 7, NAN, NAN, NAN, 2]
    values = np.array([column, column[::-1]], dtype=np.float32).T
    expected = {
        0: column,
        1: [NAN, 5, 5, NAN, 7, 7, NAN, NAN, 2],
        2: [NAN, 5, 5, 5, 7, 7, 7, NAN, 2],
        9: [NAN, 5, 5, 5, 7, 7, 7, 7, 2],
    }
    for limit, wanted in expected.items():
        assert np.array_equal(carried(values, limit)[:, 0], wanted, equal_nan=True)
    assert np.array_equal(carried(values, 1)[:, 1], [2, 2, NAN, NAN, 7, 7, NAN, 5, 5], equal_nan=True)
    assert np.array_equal(values[:, 0], column, equal_nan=True)  # left as it was


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99), newest=st.integers(0, 59), limit=st.integers(0, 9))
def test_what_is_carried_depends_on_the_past_alone(seed: int, newest: int, limit: int) -> None:
    values = walk(60, seed, gaps=0.4)
    other = changed_after(values, newest)
    other[newest + 1 :: 2] = np.nan
    before, after = carried(values, limit), carried(other, limit)
    assert np.array_equal(before[: newest + 1], after[: newest + 1], equal_nan=True)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 99), origin=st.integers(143, 238), name=st.sampled_from(RIVALS))
def test_no_baseline_sees_past_its_origin(seed: int, origin: int, name: str) -> None:
    values = walk(seed=seed, gaps=0.0)[:, 1].astype(np.float64)
    part = Part(origins=np.arange(143, origin + 1), within=slice(144, 240))
    before = horizon_scores.rival(name, SPEC, values, 144, part)
    after = horizon_scores.rival(name, SPEC, changed_after(values, origin), 144, part)
    assert np.array_equal(before, after)
    everything = Part(origins=np.arange(143, 240), within=part.within)
    one, two = (
        horizon_scores.rival(name, SPEC, v, 144, everything) for v in (values, changed_after(values, origin))
    )
    if origin < 220:  # origins further on do see it, all but the mean
        assert np.array_equal(one, two) == (name == "mean")


@pytest.mark.parametrize("strategy", ["direct", "recursive"])
def test_a_forecast_does_not_depend_on_what_comes_after_its_origin(strategy: str) -> None:
    spec = replace(SPEC, strategy=strategy)
    values = walk()
    (run,) = train([spec], values)
    start = run.stretches.test.start
    for newest in (start - 1, start + 11):
        (other,) = train([spec], changed_after(values, newest))
        assert other.history == run.history
        assert same_weights(other, run)
        assert (other.mean, other.sd) == (run.mean, run.sd)
        assert np.array_equal(other.origins, run.origins)
        known = run.origins <= newest
        assert np.array_equal(other.forecast[known], run.forecast[known])
        assert not np.array_equal(other.forecast, run.forecast)
        for ours, theirs in zip(run.targets, other.targets, strict=True):
            assert ours.claimed == theirs.claimed
            assert ours.scale == theirs.scale
            for name in (MODEL, *RIVALS):
                assert ours.models[name].bands == theirs.models[name].bands
                assert ours.models[name].scores != theirs.models[name].scores


def test_only_a_leak_lets_the_stretch_of_calibration_into_scale_and_network() -> None:
    values = walk()
    where = stretches(len(values), SPEC.stretch)
    other = changed_after(values, where.calibration.start - 1)
    for leak in LEAKS:
        one, two = (train([replace(SPEC, leak=leak)], v)[0] for v in (values, other))
        honest = leak == "none"
        assert (one.mean == two.mean) is honest
        assert (one.sd == two.sd) is honest
        assert (one.history == two.history) is honest
        assert same_weights(one, two) is honest
    for leak in LEAKS:  # but the test stays unseen whatever the leak
        spec = replace(SPEC, leak=leak)
        one, two = (train([spec], v)[0] for v in (values, changed_after(values, where.test.start - 1)))
        assert same_weights(one, two)


def test_mixed_windows_flatter_what_is_seen_before_the_test() -> None:
    patient = HorizonSpec(
        panel=PanelSpec(hours=12),
        horizons=10,
        differences=False,
        training=TrainingSpec(epochs=15, batch_size=64, patience=8),
    )
    honest, mixed = train([replace(patient, leak=leak) for leak in ("none", "shuffle")], walk())
    ratio = []
    for run in (honest, mixed):
        found = run.targets[0]
        claimed = [score.mae.value or NAN for score in found.claimed]
        tested = [score.mae.value or NAN for score in found.models[MODEL].scores]
        ratio.append(np.mean(tested) / np.mean(claimed))
    assert ratio[1] > 1.5 * ratio[0]


# --- how time is cut ---


@settings(max_examples=100, deadline=None)
@given(points=st.integers(20, 400), stretch=shares, count=st.integers(1, 6))
def test_folds_tile_the_end_of_the_series(points: int, stretch: StretchSpec, count: int) -> None:
    try:
        cuts = [stretches(points, stretch, fold, count) for fold in range(count)]
    except SpecError:
        assume(False)
    for where in cuts:
        assert where.train.start == 0
        assert where.train.stop == where.validation.start >= 8
        assert where.validation.stop == where.calibration.start > where.validation.start
        assert where.calibration.stop == where.test.start > where.calibration.start
    sizes = {where.test.stop - where.test.start for where in cuts}
    assert len(sizes) == 1
    assert [where.test.start for where in cuts[1:]] == [where.test.stop for where in cuts[:-1]]
    assert cuts[-1].test.stop == points
    if count == 1:
        assert cuts[0].train.stop == round(points * stretch.train)


@settings(max_examples=60, deadline=None)
@given(spec=specs, seed=st.integers(0, 99), gaps=st.sampled_from([0.0, 0.02, 0.2]), data=st.data())
def test_no_origin_is_out_of_place(spec: HorizonSpec, seed: int, gaps: float, data: st.DataObject) -> None:
    readings = walk(200, seed, gaps)[:, :2]
    filled = carried(readings, spec.carry)
    spec = replace(spec, fold=data.draw(st.integers(0, spec.folds - 1)))
    try:
        where, parts = cut(spec, readings, filled)
    except SpecError:
        assume(False)
    ahead = 1 if spec.strategy == "recursive" else spec.horizons
    judged = (spec.horizons, [1])
    cases = [
        (parts.train, where.train, ahead, list(spec.answers), 0),
        (parts.validation, where.validation, ahead, list(spec.answers), 0),
        (parts.calibration, where.calibration, *judged, where.train.stop - 1),
        (parts.test, where.test, *judged, where.train.stop - 1),
    ]
    for part, within, reach, answers, first in cases:
        # by definition, point by point
        expected = []
        for origin in range(first, len(readings)):
            if origin < spec.length - 1 or np.isnan(filled[origin - spec.length + 1 : origin + 1]).any():
                continue
            truth = [t for t in range(origin + 1, origin + reach + 1) if within.start <= t < within.stop]
            if truth and np.isfinite(readings[np.ix_(truth, answers)]).any():
                expected.append(origin)
        assert part.origins.tolist() == expected
        assert part.within == within
    for part in (parts.calibration, parts.test):
        came = part.truth(readings[:, 1], spec.horizons)
        for row, origin in enumerate(part.origins):
            for h in range(1, spec.horizons + 1):
                inside = part.within.start <= origin + h < part.within.stop
                wanted = readings[origin + h, 1] if inside else NAN
                assert came[row, h - 1] == wanted or (np.isnan(came[row, h - 1]) and np.isnan(wanted))


def test_each_reading_of_the_test_is_forecast_at_every_horizon() -> None:
    values = walk(gaps=0.0)[:, :2]
    where, parts = cut(SPEC, values, values)
    for part, within in ((parts.test, where.test), (parts.calibration, where.calibration)):
        times = np.arange(len(values), dtype=np.float64)
        came = part.truth(times, SPEC.horizons)
        for h in range(SPEC.horizons):
            assert sorted(came[np.isfinite(came[:, h]), h]) == list(range(within.start, within.stop))


def test_with_mixed_windows_every_part_has_windows_of_all_the_past() -> None:
    values = walk(gaps=0.0)[:, :2]
    spec = replace(SPEC, leak="shuffle")
    where, parts = cut(spec, values, values)
    pieces = [part.origins for part in (parts.train, parts.validation, parts.calibration)]
    assert sorted(np.concatenate(pieces)) == list(range(SPEC.length - 1, where.test.start - 1))
    assert pieces[2].min() < where.train.stop // 2
    assert pieces[0].max() > where.calibration.start
    assert [len(piece) / sum(map(len, pieces)) for piece in pieces] == pytest.approx(
        [0.75, 0.125, 0.125], abs=0.01
    )
    assert np.array_equal(parts.test.origins, cut(SPEC, values, values)[1].test.origins)


def test_the_scale_is_that_of_what_is_seen_by_hand() -> None:
    values = np.array([[1, 7], [3, 7], [NAN, 7], [5, 7], [100, 9]], dtype=np.float32)
    mean, sd = scale(values, slice(0, 4))
    assert mean.tolist() == [3, 7]
    assert sd == pytest.approx([math.sqrt(8 / 3), 1])  # a constant keeps its unit
    with pytest.raises(SpecError, match="値のない信号"):
        scale(values, slice(2, 3))


# --- scores ---

READINGS = np.array([10, 12, 11, 15, 14, 16, 17, 18, 20, 19, 21, 25, NAN, 30], dtype=np.float32)[:, None]
WHERE = Stretches(train=slice(0, 6), validation=slice(6, 7), calibration=slice(7, 10), test=slice(10, 14))


def test_scores_by_hand() -> None:
    spec = HorizonSpec(
        panel=PanelSpec(source="upload", inputs=("a",), targets=("a",)),
        length=1,
        horizons=2,
        alpha=0.5,
        period=4,
        order=1,
        carry=1,
    )
    calibration = Part(origins=np.array([5, 6, 7, 8]), within=WHERE.calibration)
    test = Part(origins=np.array([8, 9, 10, 11, 12]), within=WHERE.test)
    none = Part(origins=np.array([0]), within=WHERE.train)
    parts = Parts(train=none, validation=none, calibration=calibration, test=test)
    # Calibration, 1 ahead: truth 18, 20, 19 from origins 6, 7, 8; 2 ahead: 18, 20, 19 from 5, 6, 7.
    calibrating = np.array([[0, 23], [19, 19], [18, 21], [22, 0]], dtype=np.float32)
    # Test, 1 ahead: truth 21, 25, 30 from 9, 10, 12; 2 ahead: 21, 25, 30 from 8, 9, 11. 12 is missing.
    testing = np.array([[0, 21], [20, 20], [27, 0], [0, 29], [33, 0]], dtype=np.float32)
    (found,) = horizon_scores.judge(
        spec, READINGS, carried(READINGS, 1), WHERE, parts, calibrating[..., None], testing[..., None]
    )
    assert found.name == "a"
    assert found.scale.value == 2.0  # (2 + 1 + 4 + 1 + 2) / 5
    one, two = found.models[MODEL].scores
    assert (one.count, one.left_out, two.count, two.left_out) == (3, 2, 3, 2)
    assert one.mae.value == 2.0  # 1, 2, 3
    assert one.rmse.value == pytest.approx(math.sqrt(14 / 3))
    assert one.mase.value == 1.0
    assert one.skill.value == pytest.approx(5 / 11)  # the newest readings 19, 21, 25 are off by 2, 4, 5
    assert two.mae.value == 2.0  # 0, 5, 1
    assert two.rmse.value == pytest.approx(math.sqrt(26 / 3))
    assert two.mase.value == 1.0
    assert two.skill.value == 0.5  # 20, 19, 25 are off by 1, 6, 5
    # Calibration errors 1, 2, 3 and 5, 1, 2: the ⌈4 × 0.5⌉ = 2nd smallest is 2, and 2 for the other.
    assert [band.half_width for band in found.models[MODEL].bands] == [2.0, 2.0]
    assert [c.inside for c in found.models[MODEL].coverage] == [2, 2]  # 1, 2 of 1, 2, 3; 0, 1 of 0, 5, 1
    assert [c.measured for c in found.models[MODEL].coverage] == [2 / 3, 2 / 3]
    claimed = found.claimed
    assert [score.mae.value for score in claimed] == pytest.approx([2, 8 / 3])
    # The newest readings 17, 18, 20 are off by 1, 2, 1, and 16, 17, 18 by 2, 3, 1.
    assert [score.skill.value for score in claimed] == pytest.approx([1 - 2 / (4 / 3), 1 - (8 / 3) / 2])
    drift, mean, repeated = (found.models[name].scores for name in ("drift", "mean", "persistence"))
    assert drift[0].mae.value == pytest.approx((0.8 + 2.8 + 3.8) / 3)  # 1.2 a step
    assert mean[1].mae.value == pytest.approx((8 + 12 + 17) / 3)  # 13 in training
    assert [score.skill.value for score in repeated] == [0.0, 0.0]
    # 1 ahead, a period of 4: the readings 6, 7 and 9, that is 17, 18 and 19 for 21, 25 and 30
    assert found.models["seasonal"].scores[0].mae.value == pytest.approx((4 + 7 + 11) / 3)


def test_scores_are_those_of_another_library() -> None:
    # mase(…, m=1), mae and rmse of darts 0.41.0 (with NumPy 2.4.6), written down
    train = [79.2, 77.9, 77.6, 78.0, 79.2, 79.3, 78.7, 78.0, 78.7, 80.3, 80.6, 79.4, 78.4, 80.0, 80.2]
    train += [78.5, 78.4, 77.2, 76.6, 76.1, 75.4, 76.0, 75.9, 75.3, 75.7, 76.6, 74.9, 74.7, 73.7, 73.5]
    train += [72.2, 72.2, 72.2, 71.9, 70.8, 70.4, 69.4, 68.0, 68.2, 67.1]
    truth = np.array([83.5, 82.1, 74.0, 80.8, 76.7, 80.1, 80.1, 74.0, 79.3, 79.2, 82.9, 76.5])[:, None]
    said = np.array([82.2, 76.7, 79.0, 77.5, 84.3, 81.7, 87.3, 81.9, 82.5, 82.5, 78.2, 79.8])[:, None]
    (found,) = accuracy.accuracy(truth, said, truth, accuracy.training_scale(train))
    assert found.mase.value == pytest.approx(6.135087719298248)
    assert found.mae.value == pytest.approx(4.483333333333333)
    assert found.rmse.value == pytest.approx(4.961686541220971)


def plainly(
    readings: np.ndarray, forecasts: np.ndarray, part: Part, horizon: int
) -> list[tuple[int, float, float, float]]:
    """Collect (origin, truth, forecast, newest reading known) of one horizon, with plain loops."""
    found = []
    for row, origin in enumerate(part.origins):
        time = int(origin) + horizon
        if part.within.start <= time < part.within.stop and not math.isnan(readings[time]):
            back = int(origin)
            while math.isnan(readings[back]):
                back -= 1
            found.append(
                (
                    int(origin),
                    float(readings[time]),
                    float(forecasts[row, horizon - 1]),
                    float(readings[back]),
                )
            )
    return found


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), gaps=st.sampled_from([0.0, 0.05]), alpha=st.sampled_from([0.05, 0.2]))
def test_scores_are_those_of_plain_loops_and_scikit_learn(seed: int, gaps: float, alpha: float) -> None:
    spec = replace(SPEC, alpha=alpha)
    readings = walk(seed=seed, gaps=gaps)[:, :2]
    filled = carried(readings, spec.carry)
    where, parts = cut(spec, readings, filled)
    generator = np.random.default_rng(seed)
    said = [
        generator.normal(80, 9, (len(part), spec.horizons, 1)).astype(np.float32)
        for part in (parts.calibration, parts.test)
    ]
    (found,) = horizon_scores.judge(spec, readings, filled, where, parts, said[0], said[1])
    own, series = found.models[MODEL], readings[:, 1].astype(np.float64)
    pairs = [(series[t], series[t - 1]) for t in range(1, where.train.stop)]
    steps = [abs(a - b) for a, b in pairs if not math.isnan(a) and not math.isnan(b)]
    naive_step = sum(steps) / len(steps)
    for h in range(1, spec.horizons + 1):
        past = plainly(series, said[0][..., 0], parts.calibration, h)
        rows = plainly(series, said[1][..., 0], parts.test, h)
        score, coverage = own.scores[h - 1], own.coverage[h - 1]
        mae = sum(abs(t - f) for _, t, f, _ in rows) / len(rows)
        naive = sum(abs(t - n) for _, t, _, n in rows) / len(rows)
        assert score.count == coverage.count == len(rows)
        assert score.mae.value == pytest.approx(mae)
        assert score.mae.value == pytest.approx(
            mean_absolute_error([t for _, t, _, _ in rows], [f for _, _, f, _ in rows])
        )
        assert score.rmse.value == pytest.approx(
            math.sqrt(sum((t - f) ** 2 for _, t, f, _ in rows) / len(rows))
        )
        assert score.mase.value == pytest.approx(mae / naive_step)
        assert score.skill.value == pytest.approx(1 - mae / naive)
        errors = sorted(abs(t - f) for _, t, f, _ in past)
        rank = math.ceil(round((len(errors) + 1) * (1 - alpha), 9))
        half = errors[rank - 1] if rank <= len(errors) else None
        assert own.bands[h - 1].half_width == half
        if half is not None:
            assert coverage.measured == sum(abs(t - f) <= half for _, t, f, _ in rows) / len(rows)
        assert found.claimed[h - 1].mae.value == pytest.approx(sum(errors) / len(errors))


def test_coverage_of_exchangeable_errors_is_what_was_asked_for() -> None:
    # White noise, forecast by its mean: the errors of calibration and test are exchangeable.
    tries, alpha, inside, count = 60, 0.2, 0, 0
    spec = replace(SPEC, horizons=1, length=1, alpha=alpha)
    for seed in range(tries):
        noise = np.random.default_rng(seed).normal(size=(300, 2)).astype(np.float32)
        where, parts = cut(spec, noise, noise)
        zeros = [np.zeros((len(part), 1, 1), np.float32) for part in (parts.calibration, parts.test)]
        (found,) = horizon_scores.judge(spec, noise, noise, where, parts, zeros[0], zeros[1])
        inside += found.models[MODEL].coverage[0].inside
        count += found.models[MODEL].coverage[0].count
    # one calibration serves 60 tests: their coverage is a Beta variable of sd 0.07, so that of all 60 is 0.01
    size = len(parts.calibration)
    rank = math.ceil(round((size + 1) * (1 - alpha), 9))
    beta = math.sqrt(rank * (size + 1 - rank) / ((size + 1) ** 2 * (size + 2)) / tries)
    binomial = math.sqrt(alpha * (1 - alpha) / count)
    assert inside / count >= 1 - alpha - 3 * (beta + binomial)
    assert inside / count == pytest.approx(rank / (size + 1), abs=3 * (beta + binomial))
