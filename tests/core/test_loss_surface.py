from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core import loss_surface, tables
from core.history import Paused
from core.loss_surface import LossSlice, SliceSpec, Traced, cut, losses_of, trace
from core.perceptron import train_on_table
from core.specs import MLPSpec, OptimizerSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec
from core.training import Unwatched

SPEC = TableRunSpec(
    model=MLPSpec(hidden=(4,)),
    optimizer=OptimizerSpec(name="adam", lr=0.003),
    training=TrainingSpec(epochs=8, batch_size=32),
)
PLANES = [SliceSpec(), SliceSpec(directions="random"), SliceSpec(directions="random", seed=7, zoom=0.5)]


@cache
def traced(spec: TableRunSpec = SPEC) -> Traced:
    result = trace([spec])
    assert isinstance(result, tuple)
    return result[0]


@cache
def slice_of(plane: SliceSpec) -> LossSlice:
    return cut(SPEC, traced(), plane)


def loss_by_hand(flat: np.ndarray) -> float:
    """The textbook network with these parameters, on all training patients."""
    model = nn.Sequential(nn.Linear(30, 4), nn.ReLU(), nn.Linear(4, 2))
    torch.nn.utils.vector_to_parameters(torch.tensor(flat, dtype=torch.float32), model.parameters())
    train = tables.load(TableSpec()).train
    with torch.no_grad():
        outputs = model(torch.tensor(train.inputs))
        return float(functional.cross_entropy(outputs, torch.tensor(train.targets)))


def test_it_trains_as_every_other_page_does() -> None:
    plain = train_on_table([SPEC])
    assert isinstance(plain, tuple)
    assert traced().run.history == plain[0].history
    assert traced().run.test_accuracy == plain[0].test_accuracy
    assert len(traced().snapshots) == SPEC.training.epochs + 1
    final = np.concatenate([w.ravel() for w in plain[0].weights.values()])
    np.testing.assert_array_equal(traced().snapshots[-1], final)


def test_losses_of_many_networks_are_those_of_each() -> None:
    some = traced().snapshots[[0, 3, 8]]
    np.testing.assert_allclose(losses_of(SPEC, some), [loss_by_hand(row) for row in some], rtol=1e-5)
    np.testing.assert_allclose(traced().losses[[0, 3, 8]], losses_of(SPEC, some), rtol=1e-6)


@pytest.mark.parametrize("plane", PLANES)
def test_the_centre_of_a_slice_is_the_trained_network(plane: SliceSpec) -> None:
    found = slice_of(plane)
    assert found.centre == pytest.approx(loss_by_hand(traced().snapshots[-1]), rel=1e-5)
    np.testing.assert_allclose(found.path[-1], [0, 0], atol=1e-9)
    assert found.away[-1] == 0 == found.moved[-1]
    assert found.path_heights[-1] == pytest.approx(found.centre, rel=1e-5)


@pytest.mark.parametrize("plane", PLANES)
def test_the_grid_holds_the_losses_at_its_corners(plane: SliceSpec) -> None:
    found = slice_of(plane)
    final = traced().snapshots[-1].astype(np.float64)
    first, second = (
        loss_surface.principal_directions(traced().snapshots)
        if plane.directions == "principal"
        else loss_surface.random_directions(final, traced().shapes, plane.seed)
    )
    (left, right), (bottom, top) = found.domain
    for row, column, a, b in ((0, 0, left, bottom), (0, -1, right, bottom), (-1, 0, left, top)):
        by_hand = loss_by_hand(final + a * first + b * second)
        assert found.heights[row, column] == pytest.approx(by_hand, rel=1e-4)


def test_each_filter_of_a_random_direction_is_as_long_as_that_of_the_network() -> None:
    final = traced().snapshots[-1].astype(np.float64)
    shapes = traced().shapes
    assert shapes == ((4, 30), (4,), (2, 4), (2,))
    for direction in loss_surface.random_directions(final, shapes, seed=3):
        first, first_bias, second, second_bias = np.split(direction, np.cumsum([120, 4, 8]))
        own_first, own_second = final[:120].reshape(4, 30), final[124:132].reshape(2, 4)
        np.testing.assert_allclose(
            np.linalg.norm(first.reshape(4, 30), axis=1), np.linalg.norm(own_first, axis=1)
        )
        np.testing.assert_allclose(
            np.linalg.norm(second.reshape(2, 4), axis=1), np.linalg.norm(own_second, axis=1)
        )
        assert not first_bias.any()
        assert not second_bias.any()
    a, b = (loss_surface.random_directions(final, shapes, seed) for seed in (0, 1))
    assert not np.allclose(a, b)
    assert abs(float(np.dot(a[0], a[1])) / float(np.dot(a[0], a[0]))) < 0.5  # two directions, not one twice


def test_the_principal_plane_shows_as_much_as_the_largest_eigenvalues_say() -> None:
    snapshots = traced().snapshots
    moves = (snapshots - snapshots[-1]).astype(np.float64)
    values = np.linalg.eigvalsh(moves @ moves.T)  # of the small matrix: the squared singular values
    assert slice_of(PLANES[0]).shown == pytest.approx(values[-2:].sum() / values.sum(), rel=1e-6)
    axes = loss_surface.principal_directions(snapshots)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-8)
    assert slice_of(PLANES[0]).shown > slice_of(PLANES[1]).shown
    assert slice_of(PLANES[0]).path[0, 0] > 0  # it comes from the positive side


def test_projection_finds_points_of_a_slanted_plane_and_the_distance_of_others() -> None:
    directions = np.array([[2.0, 0, 0, 0], [1.0, 1.0, 0, 0]])
    end = np.array([1.0, 1, 1, 1])
    rows = [end + 3 * directions[0] - 2 * directions[1], end + directions[1] + np.array([0, 0, 3, 4]), end]
    path, away, moved = loss_surface.project(np.array(rows, dtype=np.float32), directions)
    np.testing.assert_allclose(path, [[3, -2], [0, 1], [0, 0]], atol=1e-6)
    np.testing.assert_allclose(away, [0, 5, 0], atol=1e-6)
    np.testing.assert_allclose(moved, [np.hypot(4, 2), np.sqrt(2 + 25), 0], rtol=1e-6)


def test_the_view_holds_the_path_and_zooms_about_its_end() -> None:
    path = np.array([[4.0, -1.0], [2.0, 3.0], [0.0, 0.0]])
    (left, right), (bottom, top) = loss_surface.view(path, SliceSpec())
    assert left < 0 < 4 < right
    assert bottom < -1 < 3 < top
    wide = loss_surface.view(path, SliceSpec(zoom=2))
    assert wide == ((2 * left, 2 * right), (2 * bottom, 2 * top))
    assert loss_surface.view(path, SliceSpec(directions="random", zoom=0.5)) == ((-0.5, 0.5), (-0.5, 0.5))
    straight = loss_surface.view(np.array([[4.0, 0.0], [0.0, 0.0]]), SliceSpec())
    assert straight[1][0] < 0 < straight[1][1]


class PausesAt(Unwatched):
    def __init__(self, epoch: int) -> None:
        self.left = epoch

    def pausing(self) -> bool:
        self.left -= 1
        return self.left == 0


def test_a_paused_training_goes_on_with_the_path_it_had() -> None:
    paused = trace([SPEC], None, PausesAt(3))
    assert isinstance(paused, Paused)
    resumed = trace([SPEC], paused, None)
    assert isinstance(resumed, tuple)
    np.testing.assert_array_equal(resumed[0].snapshots, traced().snapshots)


def test_a_training_that_diverges_keeps_its_path_as_far_as_it_is_numbers() -> None:
    wild = traced(replace(SPEC, optimizer=OptimizerSpec(name="momentum", lr=10.0)))
    assert wild.run.ending == "diverged"
    assert np.isfinite(wild.snapshots).all()
    assert np.isfinite(wild.losses).all()
    assert 1 <= len(wild.snapshots) == len(wild.losses)


def test_a_single_epoch_has_a_plane_too() -> None:
    short = traced(replace(SPEC, training=TrainingSpec(epochs=1, batch_size=32)))
    found = cut(SPEC, short, SliceSpec())
    assert np.isfinite(found.heights).all()
    assert found.shown == pytest.approx(1.0)


@pytest.mark.parametrize("wrong", [{"directions": "up"}, {"zoom": 0.0}, {"zoom": float("nan")}, {"seed": -1}])
def test_a_plane_that_cannot_be_drawn_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"指定して|選んで"):
        SliceSpec(**wrong)  # type: ignore[arg-type]
