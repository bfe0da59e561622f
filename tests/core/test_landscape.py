import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path as File

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core import optimizers
from core.landscape import FAR, LANDSCAPES, Landscape, Path, PathSpec, descend, outcome
from core.specs import OptimizerSpec, SpecError
from core.surfaces import BARRIER, DEEP, SHALLOW
from core.update_rules import RULES

Array = npt.NDArray[np.float64]

each_landscape = pytest.mark.parametrize("landscape", LANDSCAPES.values(), ids=list(LANDSCAPES))
dose_start = st.floats(-4, 4)


def inside(landscape: Landscape, shares: list[float]) -> tuple[float, ...]:
    """The point at these shares of each axis."""
    return tuple(
        low + share * (high - low) for share, (low, high) in zip(shares, landscape.domain, strict=False)
    )


def sgd(lr: float, start: float, landscape: str = "two_valleys_1d") -> PathSpec:
    return PathSpec(landscape=landscape, start=(start,), optimizer=OptimizerSpec(name="sgd", lr=lr))


def walk(spec: PathSpec) -> Path:
    (path,) = descend([spec])
    return path


def formula(name: str, w: torch.Tensor) -> torch.Tensor:
    """The published formulas once more, for autograd."""
    x, y = w[0], w[-1]
    match name:
        case "two_valleys_1d":
            return x**2 + 2.5 * (1 + torch.sin(2 * x))
        case "bowl_1d":
            return x**2
        case "bowl":
            return x**2 + y**2
        case "ravine":
            return x**2 + 20 * y**2
        case "saddle":
            return x**2 + (y**2 - 1) ** 2
        case "plateau":
            return 4 * (1 - torch.exp(-(x**2 + y**2) / 2))
        case "two_valleys":
            return x**2 + 2.5 * (1 + torch.sin(2 * x)) + y**2
        case "rosenbrock":
            return (1 - x) ** 2 + 100 * (y - x**2) ** 2
        case "beale":
            return sum(((c - x + x * y**k) ** 2 for k, c in ((1, 1.5), (2, 2.25), (3, 2.625))), x * 0)
        case "himmelblau":
            return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2
        case _:
            raise AssertionError(name)


@each_landscape
@settings(max_examples=50, deadline=None)
@given(shares=st.lists(st.floats(0, 1), min_size=2, max_size=2))
def test_values_and_gradients_are_those_of_autograd(landscape: Landscape, shares: list[float]) -> None:
    point = inside(landscape, shares)
    w = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    loss = formula(landscape.name, w)
    loss.backward()
    assert w.grad is not None
    scale = 1 + abs(loss.item())
    assert landscape.value(np.array(point)) == pytest.approx(loss.item(), abs=1e-12 * scale)
    np.testing.assert_allclose(landscape.gradient(np.array(point)), w.grad.numpy(), atol=1e-10 * scale)


@each_landscape
def test_functions_take_any_leading_shape(landscape: Landscape) -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (3, 4, landscape.dimension))
    values, slopes = landscape.value(points), landscape.gradient(points)
    assert values.shape == (3, 4)
    assert slopes.shape == points.shape
    assert values[2, 1] == landscape.value(points[2, 1])
    np.testing.assert_array_equal(slopes[2, 1], landscape.gradient(points[2, 1]))


@each_landscape
def test_minima_are_stationary_and_lowest_nearby(landscape: Landscape) -> None:
    assert LANDSCAPES[landscape.name] is landscape
    nearby = np.random.default_rng(0).uniform(-0.1, 0.1, (2000, landscape.dimension))
    depths = [float(landscape.value(np.array(minimum))) for minimum in landscape.minima]
    assert depths[0] <= min(depths) + 1e-9
    for minimum, depth in zip(landscape.minima, depths, strict=True):
        assert np.abs(landscape.gradient(np.array(minimum))).max() < 1e-12
        assert landscape.value(np.array(minimum) + nearby).min() > depth


# In the curved valleys of Rosenbrock and Beale, narrower than a cell, every grid sees pits that aren't there.
@pytest.mark.parametrize("name", sorted(set(LANDSCAPES) - {"rosenbrock", "beale"}))
def test_every_pit_of_a_fine_grid_is_a_listed_minimum(name: str) -> None:
    landscape = LANDSCAPES[name]
    axes = [np.linspace(low, high, 401) for low, high in landscape.domain]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    height = landscape.value(grid)
    inner = tuple(slice(1, -1) for _ in axes)
    lowest = np.ones(height[inner].shape, dtype=bool)
    for shift in np.ndindex(*(3 for _ in axes)):
        window = tuple(slice(s, s + n - 2) for s, n in zip(shift, height.shape, strict=True))
        lowest &= height[inner] <= height[window]
    pits = grid[inner][lowest]
    cell = np.array([axis[1] - axis[0] for axis in axes])
    same = (np.abs(pits[:, None] - np.array(landscape.minima)) <= 2 * cell).all(axis=2)  # (pits, minima)
    assert same.any(axis=1).all()
    assert same.any(axis=0).all()


@each_landscape
def test_starts_can_be_walked_from_and_formulas_printed(landscape: Landscape) -> None:
    for start in landscape.starts:
        assert PathSpec(landscape=landscape.name, start=start).start == start
    assert ("L(w) =" if landscape.dimension == 1 else "L(w_1, w_2) =") in landscape.latex


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(list(LANDSCAPES)),
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    lr=st.sampled_from([1e-4, 1e-3]),
)
def test_sgd_walks_the_path_of_a_hand_written_loop(name: str, shares: list[float], lr: float) -> None:
    landscape = LANDSCAPES[name]
    start = inside(landscape, shares)
    path = walk(PathSpec(landscape=name, start=start, optimizer=OptimizerSpec(name="sgd", lr=lr), steps=60))
    w = np.array(start)
    for t, position in enumerate(path.positions):
        if path.diverged_at is not None and t >= path.diverged_at:
            break
        np.testing.assert_allclose(position, w, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(path.gradients[t], landscape.gradient(w), rtol=1e-9, atol=1e-9)
        assert path.losses[t] == pytest.approx(float(landscape.value(w)), rel=1e-9)
        w = w - lr * landscape.gradient(w)


@settings(max_examples=30, deadline=None)
@given(x=st.floats(-4, 4), y=st.floats(-2, 2), lr=st.floats(1e-4, 0.04))
def test_momentum_follows_its_formula(x: float, y: float, lr: float) -> None:
    optimizer = OptimizerSpec(name="momentum", lr=lr)
    path = walk(PathSpec(landscape="ravine", start=(x, y), optimizer=optimizer, steps=100))
    w, velocity = np.array([x, y]), np.zeros(2)
    for position in path.positions:
        np.testing.assert_allclose(position, w, atol=1e-12)
        velocity = 0.9 * velocity + LANDSCAPES["ravine"].gradient(w)
        w = w - lr * velocity


@pytest.mark.parametrize("name", RULES)
def test_every_optimizer_walks_as_torch_does_with_autograd(name: str) -> None:
    spec = PathSpec(
        landscape="himmelblau", start=(-1.0, 0.0), optimizer=OptimizerSpec(name=name, lr=0.005), steps=50
    )
    w = torch.nn.Parameter(torch.tensor(spec.start, dtype=torch.float64))
    optimizer = optimizers.build(OptimizerSpec(name=name, lr=0.005), [w])
    for position in walk(spec).positions:
        np.testing.assert_allclose(position, w.detach().numpy(), rtol=1e-10)
        optimizer.zero_grad()
        formula("himmelblau", w).backward()
        optimizer.step()


COURSES = (
    ("ravine", (-3.5, 1.5), {"sgd": 0.02, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.5}),
    ("rosenbrock", (-1.2, 1.0), {"sgd": 1e-3, "momentum": 1e-3, "nesterov": 1e-3, "adagrad": 0.5}),
    ("beale", (1.0, 1.0), {"sgd": 0.01, "momentum": 5e-3, "nesterov": 5e-3, "adagrad": 0.5}),
    ("himmelblau", (-1.0, 0.0), {"sgd": 2e-3, "momentum": 1e-3, "nesterov": 1e-3, "adagrad": 0.5}),
)


@pytest.mark.parametrize(("landscape", "start", "rates"), COURSES)
def test_500_steps_of_seven_optimizers_are_those_of_a_textbook_loop(
    landscape: str, start: tuple[float, ...], rates: dict[str, float]
) -> None:
    plain: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "sgd": torch.optim.SGD,
        "momentum": partial(torch.optim.SGD, momentum=0.9),
        "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
        "adagrad": torch.optim.Adagrad,
        "rmsprop": torch.optim.RMSprop,
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
    }
    specs = [
        PathSpec(
            landscape=landscape,
            start=start,
            optimizer=OptimizerSpec(name=name, lr=rates.get(name, 0.05)),
            steps=500,
        )
        for name in plain
    ]
    for spec, path in zip(specs, descend(specs), strict=True):
        w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        optimizer = plain[spec.optimizer.name]([w], lr=spec.optimizer.lr)
        for position in path.positions:
            np.testing.assert_allclose(position, w.detach().numpy(), rtol=0, atol=1e-12)
            optimizer.zero_grad()
            formula(landscape, w).backward()
            optimizer.step()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("sgd", set()),
        ("momentum", {"momentum_buffer"}),
        ("adagrad", {"sum"}),
        ("rmsprop", {"square_avg"}),
        ("adamw", {"exp_avg", "exp_avg_sq"}),
    ],
)
def test_a_path_keeps_the_state_of_its_optimizer(name: str, kept: set[str]) -> None:
    path = walk(PathSpec(landscape="bowl", start=(1.0, 2.0), optimizer=OptimizerSpec(name=name), steps=30))
    assert set(path.states) == kept
    w = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=torch.float64))
    optimizer = optimizers.build(OptimizerSpec(name=name), [w])
    for t in range(31):
        for key, values in path.states.items():
            expected = optimizer.state[w][key].numpy() if t else np.zeros(2)
            np.testing.assert_allclose(values[t], expected, rtol=1e-12, atol=0)
        optimizer.zero_grad()
        formula("bowl", w).backward()
        optimizer.step()


def test_a_path_does_not_depend_on_its_companions() -> None:
    specs = [
        PathSpec(landscape=name, start=landscape.starts[0], optimizer=OptimizerSpec(name=o, lr=lr), steps=n)
        for name, landscape in LANDSCAPES.items()
        for o, lr, n in (("sgd", 0.3, 300), ("sgd", 1.5, 40), ("momentum", 0.3, 200), ("adam", 1.5, 100))
    ]
    for together, spec in zip(descend(specs), specs, strict=True):
        alone = walk(spec)
        np.testing.assert_array_equal(together.positions, alone.positions)
        np.testing.assert_array_equal(together.losses, alone.losses)
        np.testing.assert_array_equal(together.gradients, alone.gradients)
        assert together.diverged_at == alone.diverged_at


def test_no_specs_are_no_paths() -> None:
    assert descend([]) == ()


@settings(max_examples=100, deadline=None)
@given(
    name=st.sampled_from(list(LANDSCAPES)),
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    optimizer=st.sampled_from(list(RULES)),
    lr=st.floats(1e-7, 10),
    steps=st.integers(1, 120),
)
def test_every_path_is_finite_and_says_how_it_ended(
    name: str, shares: list[float], optimizer: str, lr: float, steps: int
) -> None:
    landscape = LANDSCAPES[name]
    start = inside(landscape, shares)
    path = walk(
        PathSpec(landscape=name, start=start, optimizer=OptimizerSpec(name=optimizer, lr=lr), steps=steps)
    )
    rows = len(path.positions)
    assert path.positions.shape == path.gradients.shape == (rows, landscape.dimension)
    assert path.losses.shape == (rows,)
    for numbers in (path.positions, path.losses, path.gradients):
        assert np.isfinite(numbers).all()
    low, high = np.array(landscape.domain).T
    close = (np.abs(path.positions - (low + high) / 2) <= FAR * (high - low) / 2).all(axis=1)
    if path.ending == "finished":
        assert path.diverged_at is None
        assert rows == steps + 1
        assert close.all()
    else:
        assert path.diverged_at is not None
        assert 1 <= path.diverged_at <= rows <= path.diverged_at + 1
        assert close[: path.diverged_at].all()
        assert not close[path.diverged_at :].any()
        assert outcome(path, landscape) == "diverged"


def test_a_path_shows_the_leap_that_lost_it_unless_it_is_no_number() -> None:
    shown = walk(sgd(1.5, -3.5, "bowl_1d"))  # w -> -2w
    assert shown.positions[:, 0].tolist() == [-3.5 * (-2.0) ** t for t in range(12)]
    assert shown.diverged_at == 11  # 3.5 · 2^11 = 7168 is the first beyond 1000 half-widths of 4
    optimizer = OptimizerSpec(name="sgd", lr=10.0)
    lost = walk(PathSpec(landscape="beale", start=(-4.5, 4.5), optimizer=optimizer))
    assert lost.diverged_at == len(lost.positions) - 1


# --- What lesson 6 says about three doses, by computation.

DOSES = (0.0001, 0.01, 1.5)
GRID = [round(-4 + 0.05 * k, 2) for k in range(161)]


def test_two_valleys_are_parted_by_a_pass() -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    w = np.linspace(-4, 4, 100_001)
    slope = landscape.gradient(w[:, None])[:, 0]
    turns = w[:-1][np.sign(slope[:-1]) != np.sign(slope[1:])]
    np.testing.assert_allclose(turns, [DEEP, BARRIER, SHALLOW], atol=1e-4)
    heights = landscape.value(np.array([[DEEP], [BARRIER], [SHALLOW]]))
    np.testing.assert_allclose(heights, [0.5135, 5.7737, 4.5789], atol=1e-4)


def test_from_the_usual_start_three_doses_have_three_fates() -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    small, good, large = descend([sgd(lr, landscape.starts[0][0]) for lr in DOSES])
    assert [outcome(p, landscape) for p in (small, good, large)] == ["moving", "global", "diverged"]
    way = abs(DEEP - small.positions[0, 0])
    assert abs(small.positions[-1, 0] - small.positions[0, 0]) < 0.03 * way
    assert abs(good.positions[-1, 0] - DEEP) < 1e-6
    assert large.diverged_at == 14
    leaps = np.diff(large.positions[-7:, 0])
    assert (leaps[1:] * leaps[:-1] < 0).all()  # from side to side …
    assert (np.abs(leaps[1:]) > 1.5 * np.abs(leaps[:-1])).all()  # … and further each time


def test_the_good_dose_from_another_start_ends_in_the_shallow_valley() -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    path = walk(sgd(0.01, landscape.starts[1][0]))
    assert outcome(path, landscape) == "local"
    assert abs(path.positions[-1, 0] - SHALLOW) < 1e-6


def test_momentum_carries_that_start_over_the_pass() -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    optimizer = OptimizerSpec(name="momentum", lr=0.01)
    assert outcome(walk(PathSpec(start=landscape.starts[1], optimizer=optimizer)), landscape) == "global"


def test_the_small_dose_hardly_moves_from_anywhere() -> None:
    for path in descend([sgd(0.0001, start) for start in GRID]):
        assert path.ending == "finished"
        assert abs(path.positions[-1, 0] - path.positions[0, 0]) < 0.25  # 3 % of the picture


def test_the_good_dose_ends_in_the_valley_it_started_in_from_anywhere() -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    for path in descend([sgd(0.01, start) for start in GRID]):
        expected = "global" if path.positions[0, 0] < BARRIER else "local"
        assert outcome(path, landscape) == expected


def test_the_large_dose_diverges_from_anywhere() -> None:
    for path in descend([sgd(1.5, start) for start in GRID]):
        assert path.ending == "diverged"
        assert path.diverged_at is not None
        assert path.diverged_at <= 40


@settings(max_examples=40, deadline=None)
@given(start=dose_start.filter(lambda w: abs(w - BARRIER) > 0.01))
def test_three_fates_from_starts_between_the_grid_points(start: float) -> None:
    landscape = LANDSCAPES["two_valleys_1d"]
    small, good, large = descend([sgd(lr, start) for lr in DOSES])
    assert abs(small.positions[-1, 0] - start) < 0.25
    assert outcome(good, landscape) == ("global" if start < BARRIER else "local")
    assert outcome(large, landscape) == "diverged"


# --- outcome


def path_of(*positions: float) -> Path:
    column: Array = np.array(positions)[:, None]
    return Path(positions=column, losses=column[:, 0], gradients=column, ending="finished")


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ([3.0] + [DEEP + 0.079] * 10, "global"),
        ([3.0] + [DEEP - 0.081] * 10, "moving"),
        ([3.0] + [SHALLOW - 0.079] * 10, "local"),
        ([3.0] + [SHALLOW] * 9, "moving"),  # only its last 9 positions
        ([SHALLOW], "local"),
        ([DEEP] * 5 + [SHALLOW] * 5, "moving"),  # it jumps to and fro
        ([DEEP] * 50 + [BARRIER] * 10, "moving"),
    ],
)
def test_outcome_wants_ten_positions_within_a_hundredth(positions: list[float], expected: str) -> None:
    assert outcome(path_of(*positions), LANDSCAPES["two_valleys_1d"]) == expected


def test_equally_deep_minima_are_all_global() -> None:
    landscape = LANDSCAPES["himmelblau"]
    for minimum in landscape.minima:
        path = walk(PathSpec(landscape="himmelblau", start=minimum))
        assert outcome(path, landscape) == "global"


def test_a_walk_along_the_ridge_of_a_saddle_stays_on_it() -> None:
    landscape = LANDSCAPES["saddle"]
    off, on = descend([PathSpec(landscape="saddle", start=start, steps=500) for start in landscape.starts])
    assert outcome(off, landscape) == "global"
    assert outcome(on, landscape) == "moving"
    np.testing.assert_allclose(on.positions[-1], [0, 0], atol=1e-3)


# --- specs


@pytest.mark.parametrize(
    "wrong",
    [
        {"landscape": "fuji"},
        {"start": ()},
        {"start": (1.0, 2.0)},
        {"landscape": "bowl"},
        {"start": (4.1,)},
        {"start": (float("nan"),)},
        {"steps": 0},
        {"steps": 2001},
    ],
)
def test_a_path_that_cannot_be_walked_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"指定して|選んで"):
        PathSpec(**wrong)  # type: ignore[arg-type]


def test_equal_specs_are_one_value() -> None:
    assert len({PathSpec(), PathSpec(), PathSpec(steps=3)}) == 2


def test_describing_and_drawing_need_no_torch() -> None:
    code = (
        "import sys, numpy as np, core.landscape as l; s = l.LANDSCAPES['beale'];"
        "l.PathSpec(); s.value(np.zeros((4, 2))); s.gradient(np.zeros((4, 2)));"
        "print('torch' in sys.modules)"
    )
    root = File(__file__).parents[2]
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert result.stdout.strip() == "False"


def test_500_steps_are_quick() -> None:
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        walk(PathSpec(steps=500))
        seconds.append(time.perf_counter() - begin)
    assert min(seconds) < 0.1  # about 0.006 on an idle core
