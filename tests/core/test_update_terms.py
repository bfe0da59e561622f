"""What the page reads out of torch's state against the update rules of the papers, worked step by step."""

import numpy as np
import numpy.typing as npt
import pytest

from core.landscape import LANDSCAPES, Path, PathSpec, descend
from core.specs import OptimizerSpec
from core.update_terms import terms

Array = npt.NDArray[np.float64]
START = (-3.5, 1.5)
LR = {"sgd": 0.02, "momentum": 0.01, "nesterov": 0.01, "adagrad": 0.5, "rmsprop": 0.05}
TAKEN_APART = (*LR, "adam", "adamw")


def walked(name: str, steps: int = 40) -> tuple[OptimizerSpec, Path]:
    optimizer = OptimizerSpec(name=name, lr=LR.get(name, 0.1), momentum=0.8)
    (path,) = descend([PathSpec(landscape="ravine", start=START, optimizer=optimizer, steps=steps)])
    return optimizer, path


def by_hand(name: str, steps: int) -> list[dict[str, Array]]:
    """Carry out a rule in plain NumPy, as its paper or torch's documentation writes it."""
    lr, w = LR.get(name, 0.1), np.array(START)
    v, m, s = np.zeros(2), np.zeros(2), np.zeros(2)
    found = []
    for t in range(1, steps + 1):
        g = LANDSCAPES["ravine"].gradient(w)
        row = {"before": w, "gradient": g}
        match name:
            case "sgd":  # Robbins and Monro
                w = w - lr * g
            case "momentum":  # Polyak, in torch's form
                v = 0.8 * v + g
                w = w - lr * v
                row |= {"velocity": v}
            case "nesterov":  # Nesterov, in the form of Sutskever et al. that torch uses
                v = 0.8 * v + g
                w = w - lr * (g + 0.8 * v)
                row |= {"velocity": v}
            case "adagrad":  # Duchi, Hazan and Singer
                s = s + g * g
                w = w - lr * g / (np.sqrt(s) + 1e-10)
                row |= {"square": s, "denominator": np.sqrt(s) + 1e-10}
            case "rmsprop":  # Tieleman and Hinton, with torch's 0.99
                s = 0.99 * s + 0.01 * g * g
                w = w - lr * g / (np.sqrt(s) + 1e-8)
                row |= {"square": s, "denominator": np.sqrt(s) + 1e-8}
            case "adam" | "adamw":  # Kingma and Ba; Loshchilov and Hutter
                if name == "adamw":
                    w = w - lr * 0.01 * w
                    row |= {"shrunk": w}
                m = 0.9 * m + 0.1 * g
                s = 0.999 * s + 0.001 * g * g
                m_hat, s_hat = m / (1 - 0.9**t), s / (1 - 0.999**t)
                w = w - lr * m_hat / (np.sqrt(s_hat) + 1e-8)
                row |= {"mean": m, "square": s, "mean_hat": m_hat, "square_hat": s_hat}
                row |= {"denominator": np.sqrt(s_hat) + 1e-8}
        found.append(row | {"step": w - row["before"]})
    return found


@pytest.mark.parametrize("name", TAKEN_APART)
def test_every_term_is_that_of_the_rule_worked_by_hand(name: str) -> None:
    optimizer, path = walked(name)
    parts = terms(path, optimizer)
    assert parts.updates == 40
    expected = by_hand(name, 40)
    for field in expected[0]:
        mine = getattr(parts, field)
        theirs = np.array([row[field] for row in expected])
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12, err_msg=field)
    untold = {"velocity", "mean", "square", "mean_hat", "square_hat", "denominator", "shrunk"}
    for field in untold - set(expected[0]):
        assert getattr(parts, field) is None, field


@pytest.mark.parametrize("name", ["momentum", "nesterov", "adam", "adamw"])
def test_inertia_is_what_is_left_of_a_step_without_its_own_gradient(name: str) -> None:
    optimizer, path = walked(name)
    parts = terms(path, optimizer)
    g, t = parts.gradient, np.arange(1, 41)[:, None]
    assert parts.inertia is not None
    if parts.denominator is not None:
        own = -optimizer.lr * 0.1 * g / (1 - 0.9**t) / parts.denominator
        decay = 0.0 if parts.shrunk is None else parts.shrunk - parts.before
        rest = parts.step - own - decay
    else:
        rest = parts.step + optimizer.lr * g
    np.testing.assert_allclose(parts.inertia, rest, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adams_first_step_is_the_learning_rate_in_every_coordinate(name: str) -> None:
    optimizer, path = walked(name, 1)
    parts = terms(path, optimizer)
    start = parts.before if parts.shrunk is None else parts.shrunk
    moved = path.positions[1] - start[0]
    np.testing.assert_allclose(moved, -0.1 * np.sign(path.gradients[0]), rtol=1e-6)


def test_a_walk_that_flies_off_keeps_its_terms_finite() -> None:
    for name in TAKEN_APART:
        optimizer = OptimizerSpec(name=name, lr=10.0)
        (path,) = descend([PathSpec(landscape="beale", start=(4.0, 4.0), optimizer=optimizer, steps=60)])
        parts = terms(path, optimizer)
        assert parts.updates == len(path.positions) - 1
        for values in (parts.step, parts.inertia, parts.denominator, parts.velocity, parts.mean):
            assert values is None or np.isfinite(values).all()
