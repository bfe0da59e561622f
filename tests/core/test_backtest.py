import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.model_selection import TimeSeriesSplit

from core.backtest import Fold, folds
from core.baselines import forecast
from core.origins import truth_at
from core.specs import SpecError


def test_folds_by_hand() -> None:
    assert folds(30, 2, 5) == (
        Fold(train=slice(0, 15), validation=slice(15, 20), test=slice(20, 25)),
        Fold(train=slice(0, 20), validation=slice(20, 25), test=slice(25, 30)),
    )
    assert folds(30, 2, 5, gap=2, expanding=False, validation=3) == (
        Fold(train=slice(0, 13), validation=slice(15, 18), test=slice(20, 25)),
        Fold(train=slice(5, 18), validation=slice(20, 23), test=slice(25, 30)),
    )


@given(st.integers(2, 60), st.integers(2, 6), st.integers(1, 9), st.integers(0, 4), st.booleans())
def test_folds_without_validation_are_those_of_scikit_learn(
    points: int, count: int, test: int, gap: int, expanding: bool
) -> None:
    first = points - count * test - gap
    assume(first >= 1)
    oracle = TimeSeriesSplit(count, test_size=test, gap=gap, max_train_size=None if expanding else first)
    ours = folds(points, count, test, gap, expanding, validation=0, least=1)
    expected = [(a.tolist(), b.tolist()) for a, b in oracle.split(np.zeros(points))]
    at = np.arange(points)
    assert [(at[f.train].tolist(), at[f.test].tolist()) for f in ours] == expected
    assert all(f.validation.start == f.validation.stop for f in ours)
    assert all(len(f.calibration_origins()) == 0 for f in ours)


@given(
    st.integers(1, 200),
    st.integers(1, 6),
    st.integers(1, 20),
    st.integers(0, 5),
    st.booleans(),
    st.integers(1, 20),
    st.integers(1, 6),
)
def test_no_truth_is_seen_before_its_time(
    points: int, count: int, test: int, gap: int, expanding: bool, validation: int, horizons: int
) -> None:
    need = count * test + validation + 2 * gap + 8
    if points < need:
        with pytest.raises(SpecError, match=f"{need} 点以上が必要です"):
            folds(points, count, test, gap, expanding, validation=validation)
        return
    found = folds(points, count, test, gap, expanding, validation=validation)
    assert len(found) == count
    judged: list[int] = []
    for fold in found:
        assert 0 <= fold.train.start < fold.train.stop
        assert fold.train.stop - fold.train.start >= 8
        assert fold.validation.start - fold.train.stop == gap
        assert fold.validation.stop - fold.validation.start == validation
        assert fold.test.start - fold.validation.stop == gap
        judged += range(fold.test.start, fold.test.stop)
        for origins, part in (
            (fold.origins(horizons), fold.test),
            (fold.calibration_origins(horizons), fold.validation),
        ):
            truth = {origin + h for origin in origins for h in range(1, horizons + 1)}
            size = part.stop - part.start
            assert truth == (set(range(part.start, part.stop)) if size >= horizons else set())
            assert all(origin >= fold.train.stop - 1 for origin in origins)
    assert judged == list(range(points - count * test, points))
    lengths = {fold.train.stop - fold.train.start for fold in found}
    assert len(lengths) == (count if expanding else 1)


def test_a_fold_is_what_a_baseline_asks_for() -> None:
    values = np.arange(40.0)
    for fold in folds(40, 3, 6, gap=1):
        origins = fold.origins(2)
        found = forecast("drift", values, fold.train.stop, origins, 2)
        assert found == pytest.approx(truth_at(values, origins, 2))
        assert found.shape == (5, 2)


def test_a_series_too_short_says_what_to_change() -> None:
    with pytest.raises(SpecError, match=r"データが 20 点しかないため.*28 点以上.*回数を減らすか"):
        folds(20, 3, 5)
    assert len(folds(28, 3, 5)) == 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": 0}, "くり返しの回数は 1 以上"),
        ({"test": 0}, "テスト区間の長さは 1 以上"),
        ({"gap": -1}, "間隔は 0 以上"),
        ({"validation": -1}, "検証区間の長さは 0 以上"),
        ({"least": 0}, "学習区間の最小の長さは 1 以上"),
    ],
)
def test_numbers_out_of_range_are_refused(wrong: dict[str, int], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        folds(**({"points": 100, "count": 2, "test": 5} | wrong))  # type: ignore[arg-type]
