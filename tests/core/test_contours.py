import re

import numpy as np
import pytest

from core import contours
from core.surfaces import LANDSCAPES

MAPS = [name for name, landscape in LANDSCAPES.items() if landscape.dimension == 2]


def polygons(path: str) -> list[np.ndarray]:
    """Read SVG path data back as a browser would: an absolute start, then relative lines."""
    found = []
    for piece in filter(None, path.split("M")):
        start, _, lines = piece.rstrip("z").partition("l")
        numbers = [int(number) for number in re.findall(r"-?\d+", lines)]
        steps = np.array(numbers).reshape(-1, 2)
        first = np.array([int(number) for number in start.split(",")])
        found.append(first + np.vstack([[0, 0], np.cumsum(steps, axis=0)]))
    return found


def area(path: str) -> float:
    """The area within a region, holes taken off (they run the other way round); 1 is the whole map."""
    total = 0.0
    for points in polygons(path):
        x, y = points.T
        total += float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
    return abs(total) / contours.SIZE**2


def heights(function: str, points: int = 101) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(-1, 1, points), np.linspace(-1, 1, points))
    return np.asarray(eval(function, {"x": x, "y": y, "np": np}), dtype=np.float64)


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.9])
def test_what_lies_below_a_level_of_a_bowl_is_a_disc(radius: float) -> None:
    (disc,) = contours.regions(heights("x * x + y * y"), np.array([radius**2]))
    assert area(disc) == pytest.approx(np.pi * radius**2 / 4, rel=0.01)
    (points,) = polygons(disc)
    distances = np.hypot(*(points - contours.SIZE / 2).T) / (contours.SIZE / 2)
    np.testing.assert_allclose(distances, radius, atol=0.005)


def test_a_hill_in_the_middle_is_a_hole() -> None:
    (ring,) = contours.regions(heights("-(x * x + y * y)"), np.array([-0.25]))
    assert len(polygons(ring)) == 2
    assert area(ring) == pytest.approx(1 - np.pi * 0.25 / 4, rel=0.01)


def test_up_is_up() -> None:
    (below,) = contours.regions(heights("y + 0 * x"), np.array([-0.5]))  # the lowest quarter of the map
    (points,) = polygons(below)
    assert points[:, 1].min() == pytest.approx(750, abs=1)
    assert points[:, 1].max() == contours.SIZE  # SVG counts downwards


def test_what_is_no_number_is_high() -> None:
    surface = heights("x + 0 * y")
    surface[:, :10] = np.nan
    surface[:, -10:] = np.inf
    (below,) = contours.regions(surface, np.array([0.0]))
    assert area(below) == pytest.approx(0.5 - 0.1, abs=0.01)


@pytest.mark.parametrize("name", MAPS)
def test_each_landscape_is_small_to_send_and_its_levels_are_nested(name: str) -> None:
    surface, slopes = contours.grid(name)
    at = contours.levels(surface)
    shapes = contours.regions(surface, at)
    assert sum(map(len, shapes)) < 40_000
    areas = [area(shape) for shape in shapes]
    assert areas == sorted(areas)
    shares = [float(np.mean(surface < level)) for level in at]
    np.testing.assert_allclose(areas, shares, atol=0.02)
    landscape = LANDSCAPES[name]
    (left, right), (bottom, top) = landscape.domain
    point = np.array([left + (right - left) * 5 / 120, bottom + (top - bottom) * 3 / 120])
    assert surface[3, 5] == pytest.approx(float(landscape.value(point)))
    assert slopes[3, 5] == pytest.approx(float(np.linalg.norm(landscape.gradient(point))))
    assert slopes.shape == surface.shape


def test_half_of_a_skewed_surface_lies_below_its_middle_level() -> None:
    surface = np.exp(np.linspace(0, 5, 10_001))[None, :]
    at = contours.levels(surface, 13)
    assert np.mean(surface < at[6]) == pytest.approx(0.5, abs=0.01)
    assert (np.diff(at) > 0).all()


def test_the_levels_of_a_plateau_stay_evenly_spaced() -> None:
    surface, _ = contours.grid("plateau")
    steps = np.diff(contours.levels(surface))
    np.testing.assert_allclose(steps, steps[0])


def test_a_surface_without_relief_has_no_outline_of_anything_lower() -> None:
    flat = np.full((5, 5), 3.0)
    assert len(contours.regions(flat, contours.levels(flat))) == contours.LEVELS


def test_a_line_keeps_its_corners_and_drops_what_lies_between() -> None:
    straight_then_up = [(0, 0), (10, 0), (20, 0), (20.2, 0.1), (30, 0), (30, 7)]
    assert contours.path_data(straight_then_up) == "M0,0l30,0,0,7"
    assert contours.path_data([(5, 5), (5.1, 5)], close=True) == ""


def test_a_curve_runs_from_edge_to_edge_between_its_heights() -> None:
    (points,) = polygons(contours.curve(np.array([0.0, 5.0, 10.0, 2.5]), 0.0, 10.0))
    assert points[0].tolist() == [0, 1000]
    assert points[-1].tolist() == [1000, 750]
    assert points[:, 1].min() == 0
