"""Penalty and decay, against steps worked by hand and formulas written out."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from core.decay import FAR, ROUND, DecaySpec, rate, shrink, twins
from core.decay_script import script
from core.specs import SpecError


def test_sgd_steps_are_those_worked_by_hand() -> None:
    found = shrink(DecaySpec(rule="sgd", lr=0.1, strength=0.5, pulls=(1.0, 0.2), rounds=1))
    # 2λη = 0.1: w ← 0.9 w − 0.1 g with g = +1, −1, −1, +1
    assert found.paths["decay"][:, 0] == pytest.approx([1, 0.8, 0.82, 0.838, 0.6542])
    assert found.paths["decay"][:, 1] == pytest.approx([1, 0.88, 0.812, 0.7508, 0.65572])
    assert found.roots is None


@pytest.mark.parametrize("lr", [0.001, 0.1])
def test_under_sgd_penalty_and_decay_are_equal_to_rounding(lr: float) -> None:
    paths = shrink(DecaySpec(rule="sgd", lr=lr, strength=0.15)).paths
    assert len(paths["penalty"]) == 1001
    assert np.abs(paths["penalty"] - paths["decay"]).max() < 1e-12
    assert abs(paths["decay"][-1, 1] - 1) > 0.1  # and they have moved


def adam_by_hand(spec: DecaySpec, penalty: float, decay: float) -> list[list[float]]:
    w, m, v = [1.0, 1.0], [0.0, 0.0], [0.0, 0.0]
    found = [list(w)]
    for t in range(1, len(ROUND) * spec.rounds + 1):
        for i, pull in enumerate(spec.pulls):
            g = ROUND[(t - 1) % 4] * pull + 2 * penalty * w[i]
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            w[i] *= 1 - spec.lr * decay
            w[i] -= spec.lr * (m[i] / (1 - 0.9**t)) / ((v[i] / (1 - 0.999**t)) ** 0.5 + 1e-8)
        found.append(list(w))
    return found


def test_adam_and_adamw_follow_their_formulas() -> None:
    spec = DecaySpec(rule="adam", lr=0.02, strength=0.05, pulls=(3.0, 0.3), rounds=20)
    found = shrink(spec)
    assert found.paths["penalty"] == pytest.approx(np.array(adam_by_hand(spec, 0.05, 0.0)), abs=1e-12)
    assert found.paths["decay"] == pytest.approx(np.array(adam_by_hand(spec, 0.0, 0.1)), abs=1e-12)


def test_adam_spares_weights_of_large_gradients_and_adamw_does_not() -> None:
    spec = DecaySpec(rule="adam", lr=0.01, strength=0.05, pulls=(10.0, 0.5))
    found = shrink(spec)
    assert found.roots is not None
    assert found.roots == pytest.approx([10, 0.5], rel=0.02)
    added, taken = 1 - rate(found.paths["penalty"]), 1 - rate(found.paths["decay"])
    assert taken == pytest.approx([0.001, 0.001], rel=0.01)
    assert added == pytest.approx(0.001 / found.roots, rel=0.03)


def test_a_decay_over_twice_too_strong_diverges_and_says_where() -> None:
    found = shrink(DecaySpec(rule="adam", lr=0.3, strength=5.0))
    path = found.paths["decay"]
    assert len(path) == pytest.approx(1 + np.log2(FAR), abs=1)  # −2 times as large at each update
    assert len(found.paths["penalty"]) == 1001
    assert np.isfinite(path).all()


def test_a_real_network_and_its_twin_agree_under_sgd_alone() -> None:
    same, other = twins("sgd", 0.05, 0.05), twins("adam", 0.01, 0.05)
    assert same.weights == 20 * 16 + 16 * 2
    assert same.apart < 1e-14 < same.largest
    assert other.apart > 0.1
    assert other.squares[0] < other.squares[1] / 5


@pytest.mark.parametrize(
    "settings", [{"rule": "lion"}, {"lr": 0.0}, {"strength": -1.0}, {"pulls": (0.0, 1.0)}]
)
def test_settings_that_cannot_be_run_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        DecaySpec(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_the_script_prints_the_weights_of_the_page(rule: str) -> None:
    spec = DecaySpec(rule=rule, rounds=25)
    done = subprocess.run([sys.executable, "-c", script(spec)], capture_output=True, text=True, check=True)
    for path in shrink(spec).paths.values():
        assert str([round(v, 6) for v in path[-1].tolist()]) in done.stdout


def test_torch_itself_calls_the_slope_of_the_penalty_weight_decay() -> None:
    """Check ``SGD(weight_decay=2λ)`` on the same pulls."""
    spec = DecaySpec(rule="sgd", rounds=5)
    w = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = torch.optim.SGD([w], lr=spec.lr, weight_decay=spec.decay)
    for step in range(20):
        optimizer.zero_grad()
        (ROUND[step % 4] * (torch.tensor(spec.pulls) * w).sum()).backward()
        optimizer.step()
    assert shrink(spec).paths["penalty"][-1] == pytest.approx(w.detach().numpy(), abs=1e-7)
