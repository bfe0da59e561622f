"""The counter told on the page is the one that ends a training; chance is counted exactly."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.chance import binomial_interval
from core.history import Epoch
from core.stopping import Count, counts
from core.training import EarlyStopping


def test_a_curve_counted_by_hand() -> None:
    found = counts([0.9, 0.7, 0.8, 0.7, 0.6, 0.61])
    assert [c.waited for c in found] == [0, 0, 1, 2, 0, 1]
    assert [c.best_epoch for c in found] == [1, 2, 2, 2, 5, 5]
    assert found[-1].best_loss == 0.6
    assert [c.waited for c in counts([0.9, 0.85, 0.8, 0.79], min_delta=0.1)] == [0, 1, 2, 0]


def test_nothing_and_what_is_no_number_leave_no_best_epoch() -> None:
    assert counts([]) == ()
    assert counts([math.nan])[-1] == Count(waited=1, best_epoch=0, best_loss=math.inf)


@given(
    losses=st.lists(st.floats(0.01, 2.0), min_size=1, max_size=40),
    patience=st.integers(1, 9),
    delta=st.sampled_from([0.0, 0.01, 0.3]),
)
def test_it_counts_as_the_training_does(losses: list[float], patience: int, delta: float) -> None:
    stopping = EarlyStopping(patience=patience, min_delta=delta)
    for count, (number, loss) in zip(counts(losses, delta), enumerate(losses, 1), strict=True):
        epoch = Epoch(number=number, train_loss=0.0, validation_loss=loss, lr=0.1, seconds=0.0)
        stops = stopping.update(epoch, lambda: {"w": torch.zeros(1)})
        assert (count.waited, count.best_epoch, count.best_loss) == (
            stopping.waited,
            stopping.best_epoch,
            stopping.best_loss,
        )
        assert stops == (count.waited >= patience)


@pytest.mark.parametrize("patients", [1, 7, 88, 200, 800])
@pytest.mark.parametrize(("share", "level"), [(0.5, 0.95), (0.3, 0.9), (0.9, 0.99)])
def test_the_interval_of_chance_is_that_of_exact_fractions(patients: int, share: float, level: float) -> None:
    right, sure = Fraction(str(share)), Fraction(str(level))
    below, edges = Fraction(0), [(1 - sure) / 2, (1 + sure) / 2]
    found: list[int] = []
    for k in range(patients + 1):
        below += math.comb(patients, k) * right**k * (1 - right) ** (patients - k)
        while len(found) < 2 and below >= edges[len(found)]:
            found.append(k)
    assert binomial_interval(patients, share, level) == tuple(found)


def test_a_thousand_coins_fall_within_31_of_half() -> None:
    assert binomial_interval(1000) == (469, 531)
