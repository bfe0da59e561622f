"""The schematic chest film: anatomy on the right sides, and draws that do not depend on what is drawn."""

import inspect

import numpy as np
import numpy.typing as npt
import pytest

from core import phantom
from core.phantom import film

Film = npt.NDArray[np.float32]


def drawn(seed: int, side: int = 256, mirrored: bool = False, nodule: bool = False) -> Film:
    return film(np.random.default_rng(seed), side, mirrored=mirrored, nodule=nodule)


@pytest.mark.parametrize("side", [32, 64, 256])
def test_a_film_is_a_square_of_brightness(side: int) -> None:
    made = drawn(1, side)
    assert made.shape == (side, side)
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1


@pytest.mark.parametrize("seed", range(12))
def test_the_heart_is_mainly_on_the_patients_left_which_is_right_in_the_picture(seed: int) -> None:
    made = drawn(seed)
    low_lung = made[140:172]  # heart against lung, above the domes of the diaphragm
    right, left = low_lung[:, 60:110].mean(), low_lung[:, 146:196].mean()
    assert left > right + 0.1


@pytest.mark.parametrize("seed", range(6))
def test_lungs_are_dark_and_the_right_dome_stands_higher(seed: int) -> None:
    made = drawn(seed)
    right_lung, left_lung = made[70:110, 50:85].mean(), made[70:110, 170:205].mean()
    spine, belly = made[100:140, 124:132].mean(), made[225:250, 60:196].mean()
    assert max(right_lung, left_lung) < 0.4 < 0.6 < min(spine, belly)
    under = [int(np.argmax(made[120:, column].astype(float) > 0.6)) for column in (70, 200)]
    assert under[0] < under[1]


def test_situs_inversus_is_the_exact_mirror_image() -> None:
    assert np.array_equal(drawn(3, mirrored=True), drawn(3)[:, ::-1])


@pytest.mark.parametrize("seed", range(8))
def test_a_nodule_is_round_brightens_one_spot_of_a_lung_and_nothing_else(seed: int) -> None:
    added = drawn(seed, nodule=True) - drawn(seed)
    assert added.min() > -1e-6
    rows, columns = np.nonzero(added > 0.05)
    assert len(rows) > 100
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert 0.7 < height / width < 1.4
    assert height < 40
    assert drawn(seed)[int(rows.mean()), int(columns.mean())] < 0.55


def test_other_draws_are_other_bodies_and_equal_draws_the_same_at_every_side() -> None:
    assert np.abs(drawn(0) - drawn(1)).mean() > 0.03
    assert np.array_equal(drawn(0), drawn(0))
    small, large = drawn(5, 32), drawn(5, 256)
    averaged = large.reshape(32, 8, 32, 8).mean(axis=(1, 3))
    assert np.abs(small - averaged).mean() < 0.05
    assert np.corrcoef(small.ravel(), averaged.ravel())[0, 1] > 0.95


def test_normal_and_inverted_films_can_be_told_apart_at_32_pixels() -> None:
    def lean(made: Film) -> float:
        return float(made[17:22, 18:25].mean() - made[17:22, 7:14].mean())

    assert min(lean(drawn(s, 32)) for s in range(40)) > max(
        lean(drawn(s, 32, mirrored=True)) for s in range(40)
    )


def test_the_source_stands_alone() -> None:
    source = inspect.getsource(phantom)
    assert len(source.splitlines()) < 150
    names: dict[str, object] = {}
    exec(compile(source, "phantom", "exec"), names)
    made = names["film"](np.random.default_rng(2), 32)  # type: ignore[operator]
    assert np.array_equal(made, drawn(2, 32))
