import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.series import Series, article_series
from core.specs import SpecError, SplitSpec
from core.windows import Scaler, bounds, make_windows


def test_article_series_is_numpy_seed_0_to_the_digit() -> None:
    np.random.seed(0)
    x = np.linspace(0, 10 * np.pi, 200)
    expected = (np.sin(x) + np.random.normal(0, 0.2, 200)).astype(np.float32)
    assert np.array_equal(article_series().values, expected)
    assert article_series().values.dtype == np.float32


def test_a_series_never_shows_its_values_when_printed() -> None:
    assert "128" not in repr(Series(values=np.full(3, 128, np.float32), unit="mmHg"))


@given(st.lists(st.booleans(), min_size=3, max_size=40), st.integers(1, 8))
def test_windows_are_every_complete_stretch_and_no_other(present: list[bool], length: int) -> None:
    values = np.where(present, np.arange(len(present), dtype=np.float32), np.nan).astype(np.float32)
    if len(values) <= length:
        with pytest.raises(SpecError):
            make_windows(values, length)
        return
    windows = make_windows(values, length)
    expected = [i for i in range(length, len(values)) if all(present[i - length : i + 1])]
    assert windows.index.tolist() == expected
    assert windows.targets.tolist() == expected
    for window, i in zip(windows.inputs, expected, strict=True):
        assert window.tolist() == list(range(i - length, i))


def test_parts_of_time_do_not_overlap() -> None:
    windows = make_windows(np.arange(100, dtype=np.float32), 10)
    cut = bounds(100, SplitSpec(train=0.7, validation=0.1))
    train, validation, test = (
        windows.between(0, cut.train),
        windows.between(cut.train, cut.validation),
        windows.between(cut.validation, 100),
    )
    assert train.targets.max() == 69
    assert (validation.targets.min(), validation.targets.max()) == (70, 79)
    assert (test.targets.min(), test.targets.max()) == (80, 99)


def test_scaler_by_hand_and_back() -> None:
    values = np.array([1, 3, np.nan], dtype=np.float32)
    scaler = Scaler.fit(values)
    assert (scaler.mean, scaler.sd) == (2.0, 1.0)
    assert scaler.scale(np.array([5], dtype=np.float32)).tolist() == [3.0]
    assert scaler.unscale(np.array([3], dtype=np.float32)).tolist() == [5.0]
    assert Scaler.fit(np.full(4, 7, np.float32)).sd == 1.0


def test_scaler_of_nothing_is_refused() -> None:
    with pytest.raises(SpecError, match="値がありません"):
        Scaler.fit(np.full(3, np.nan, np.float32))
