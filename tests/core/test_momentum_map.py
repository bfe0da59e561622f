"""The map of learning rate and momentum against NumPy's roots, runs of torch, and Polyak's formula."""

import numpy as np
import pytest
import torch

from core.momentum_map import (
    DIVERGING,
    MONOTONE,
    SWINGING,
    MomentumSpec,
    best,
    measured_rate,
    observed_region,
    rate,
    region,
    roots,
    simulate,
    steps_until,
)
from core.specs import SpecError


def random_points(count: int, seed: int = 0) -> list[MomentumSpec]:
    """Points all over the map, for one curvature and for two."""
    random = np.random.default_rng(seed)
    found = []
    for k in range(count):
        high = float(random.choice([0.5, 1.0, 2.0]))
        curvatures = (high,) if k % 2 else (high / float(random.choice([2, 5, 20])), high)
        lr, momentum = random.uniform(0.02, 4.4), random.uniform(0, 0.97)
        found.append(MomentumSpec(lr=lr, momentum=momentum, curvatures=curvatures, steps=1500))
    return found


def test_the_roots_solve_the_characteristic_polynomial_of_torchs_form() -> None:
    for spec in random_points(50):
        for curvature in spec.curvatures:
            mine = roots(spec.lr, spec.momentum, curvature)
            theirs = np.roots([1, -(1 + spec.momentum - spec.lr * curvature), spec.momentum])
            np.testing.assert_allclose(np.sort(np.abs(mine)), np.sort(np.abs(theirs)), atol=1e-7)
            # One step of torch's v <- βv + λw, w <- w - αv as a matrix has the same eigenvalues.
            a, b = spec.lr, spec.momentum
            step = np.array([[b, curvature], [-a * b, 1 - a * curvature]])
            np.testing.assert_allclose(
                np.sort(np.abs(np.linalg.eigvals(step))), np.sort(np.abs(mine)), atol=1e-7
            )


def test_a_run_is_that_of_torch_with_autograd() -> None:
    spec = MomentumSpec(lr=0.7, momentum=0.6, curvatures=(0.1, 1.0), steps=50)
    w = torch.ones(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.7, momentum=0.6)
    (run,) = simulate([spec])
    for position in run:
        np.testing.assert_allclose(position, w.detach().numpy(), atol=1e-14)
        optimizer.zero_grad()
        (0.5 * torch.tensor([0.1, 1.0], dtype=torch.float64) * w**2).sum().backward()
        optimizer.step()


def test_the_map_foretells_how_simulated_runs_end() -> None:
    specs = random_points(300)
    seen = set()
    for spec, run in zip(specs, simulate(specs), strict=True):
        told = int(region(spec.lr, spec.momentum, spec.curvatures))
        pairs = [roots(spec.lr, spec.momentum, c) for c in spec.curvatures]
        # Within a hair of a border a finite run cannot tell the sides apart.
        if any(abs(abs(r) - 1) < 2e-3 or 0 < abs(r.imag) < 5e-3 for pair in pairs for r in pair):
            continue
        assert observed_region(run) == told, spec
        seen.add(told)
    assert seen == {MONOTONE, SWINGING, DIVERGING}


def test_the_measured_rate_is_the_largest_root_to_the_digits_shown() -> None:
    specs = random_points(200, seed=1)
    for spec, run in zip(specs, simulate(specs), strict=True):
        expected = float(rate(spec.lr, spec.momentum, spec.curvatures))
        assert measured_rate(run) == pytest.approx(expected, abs=1e-6), spec


def test_the_distance_shrinks_by_the_rate_in_the_plainest_sense_too() -> None:
    specs = [s for s in random_points(100, seed=2) if rate(s.lr, s.momentum, s.curvatures) < 0.99]
    for spec, run in zip(specs, simulate(specs), strict=True):
        size = np.maximum.accumulate(np.abs(run).max(axis=1)[::-1])[::-1]  # the largest still to come
        end = int(np.flatnonzero(size > 1e-200)[-1])
        half = end // 2
        plain = (size[end] / size[half]) ** (1 / (end - half))
        assert plain == pytest.approx(float(rate(spec.lr, spec.momentum, spec.curvatures)), rel=0.02)


@pytest.mark.parametrize("curvatures", [(1.0,), (2.0,), (0.1, 1.0), (0.01, 1.0), (0.5, 2.0)])
def test_no_point_of_a_fine_grid_beats_polyaks(curvatures: tuple[float, ...]) -> None:
    lr, momentum, fastest = best(curvatures)
    assert rate(lr, momentum, curvatures) == pytest.approx(fastest, abs=1e-7)
    a, b = np.meshgrid(np.linspace(0.01, 4.4 / max(curvatures), 400), np.linspace(0, 0.99, 200))
    assert rate(a, b, curvatures).min() >= fastest - 1e-7
    assert rate(a, b, curvatures).min() <= fastest + 0.05


def test_polyaks_point_for_a_condition_number_of_nine() -> None:
    lr, momentum, fastest = best((1.0, 9.0))  # roots 1 and 3: 4 / 16, (2 / 4)², 2 / 4
    assert (lr, momentum, fastest) == (0.25, 0.25, 0.5)


def test_borders_worked_by_hand() -> None:
    # Without momentum w is multiplied by 1 - αλ.
    assert [int(region(a, 0.0, (1.0,))) for a in (0.5, 1.0, 1.5, 2.0, 2.5)] == [
        MONOTONE,
        MONOTONE,
        SWINGING,
        DIVERGING,
        DIVERGING,
    ]
    # Momentum moves the border to 2 (1 + β) / λ, and that of monotony to (1 - √β)² / λ.
    assert int(region(2.9, 0.5, (1.0,))) == SWINGING
    assert int(region(3.0, 0.5, (1.0,))) == DIVERGING
    assert int(region(0.24, 0.25, (1.0,))) == MONOTONE
    assert int(region(0.26, 0.25, (1.0,))) == SWINGING


def test_steps_until_looks_at_all_that_follows() -> None:
    run = np.array([[1.0], [0.05], [-0.5], [0.08], [0.02]])
    assert steps_until(run, 0.1) == 3
    assert steps_until(run, 0.01) is None
    assert steps_until(run, 1.0) == 0


@pytest.mark.parametrize("wrong", [{"lr": 0.0}, {"momentum": 1.0}, {"curvatures": ()}, {"steps": 0}])
def test_a_run_that_cannot_be_made_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        MomentumSpec(**wrong)  # type: ignore[arg-type]
