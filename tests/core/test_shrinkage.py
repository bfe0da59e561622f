"""Penalised fits against scikit-learn, closed forms, hand-worked numbers and autograd."""

import contextlib
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.linear_model import ElasticNet, Lasso, Ridge

from core import marker_study, proximal, shrinkage, shrinkage_script, tables
from core.marker_study import ELASTIC, L1, L2, NONE, REAL, StudySpec
from core.shrinkage import STRENGTHS, Paths, PathsSpec, WeightSpec
from core.specs import SpecError


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Compute as the workers do; two threads on such small matrices only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def paths() -> Paths:
    return proximal.paths(PathsSpec(seed=1))


@pytest.fixture(scope="module")
def patients() -> tuple[np.ndarray, np.ndarray]:
    part = tables.load(PathsSpec(seed=1).table).train
    return part.inputs.astype(np.float64), part.targets.astype(np.float64)


@pytest.fixture(scope="module")
def study() -> marker_study.Study:
    return marker_study.study(StudySpec())


def test_prices_worked_by_hand() -> None:
    assert shrinkage.l2(3) - shrinkage.l2(2) == 5
    assert shrinkage.l2(1) - shrinkage.l2(0) == 1
    assert shrinkage.l1(3) - shrinkage.l1(2) == shrinkage.l1(1) - shrinkage.l1(0) == 1
    assert shrinkage.l1([-2, 0.5]) == 2.5
    assert shrinkage.l2([-2, 0.5]) == 4.25


def test_soft_threshold_worked_by_hand() -> None:
    values, expected = [3.0, -3.0, 0.4, -0.4, 0.5, 0.0], [2.5, -2.5, 0.0, 0.0, 0.0, 0.0]
    assert shrinkage.soft_threshold(values, 0.5).tolist() == expected
    half = torch.tensor(0.5, dtype=torch.float64)
    found = proximal.soft_threshold(torch.tensor(values, dtype=torch.float64), half)
    assert found.tolist() == expected


@pytest.mark.parametrize("target", [1.2, -0.7, 0.0])
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.39, 1.41, 2.5])
def test_the_lowest_points_are_lowest_on_a_fine_grid(target: float, strength: float) -> None:
    w = np.round(np.arange(-20_000, 20_001) / 10_000, 4)
    by_l1 = w[np.argmin((w - target) ** 2 + strength * np.abs(w))]
    by_l2 = w[np.argmin((w - target) ** 2 + strength * w**2)]
    assert shrinkage.lowest_l1(target, strength) == pytest.approx(by_l1, abs=1e-4)
    assert shrinkage.lowest_l2(target, strength) == pytest.approx(by_l2, abs=1e-4)
    assert (shrinkage.lowest_l1(target, strength) == 0) == (strength >= 2 * abs(target))


def test_one_weight_stops_at_zero_only_with_the_proximal_step() -> None:
    spec = WeightSpec(target=1.2, strength=3.0, lr=0.1, steps=120)
    walks = proximal.walk_weight(spec)
    first = int(np.flatnonzero(walks.proximal)[-1]) + 1
    assert first < 20
    assert not (walks.plain == 0).any()
    last = walks.plain[-40:]
    assert (last > 0).any()
    assert (last < 0).any()
    assert np.abs(last).max() <= 2 * spec.lr * (spec.strength / 2 + spec.target)
    assert walks.squared[-1] == pytest.approx(0.3, abs=1e-9)


def test_the_plain_walk_follows_the_slope_that_is_worked_by_hand() -> None:
    walks = proximal.walk_weight(WeightSpec(target=1.0, strength=0.6, lr=0.1, steps=10))
    # w - 0.1 (2 (w - 1) + 0.6): 1 -> 0.94 -> 0.892, towards 0.7
    assert walks.plain[:3] == pytest.approx([1.0, 0.94, 0.892])
    assert walks.proximal[:3] == pytest.approx([1.0, 0.94, 0.892])
    # w - 0.1 (2 (w - 1) + 1.2 w): 1 -> 0.88
    assert walks.squared[1] == pytest.approx(0.88)


@pytest.mark.parametrize("place", [0, 15, 25, 30, 40, 45])
def test_lasso_is_that_of_scikit_learn(
    paths: Paths, patients: tuple[np.ndarray, np.ndarray], place: int
) -> None:
    x, y = patients
    oracle = Lasso(alpha=STRENGTHS[place] / 2, fit_intercept=False, tol=1e-12, max_iter=10**6).fit(x, y)
    assert paths.lasso[place] == pytest.approx(oracle.coef_, abs=1e-6)
    assert ((paths.lasso[place] == 0) == (oracle.coef_ == 0)).all()


@pytest.mark.parametrize("place", [0, 30, 60])
def test_ridge_is_the_closed_form(paths: Paths, patients: tuple[np.ndarray, np.ndarray], place: int) -> None:
    x, y = patients
    by_hand = np.linalg.solve(x.T @ x / len(x) + STRENGTHS[place] * np.eye(10), x.T @ y / len(x))
    assert paths.ridge[place] == pytest.approx(by_hand, abs=1e-10)
    oracle = Ridge(alpha=STRENGTHS[place] * len(x), fit_intercept=False).fit(x, y)
    assert paths.ridge[place] == pytest.approx(oracle.coef_, abs=1e-8)


def test_lasso_fulfils_the_conditions_of_its_optimum(
    paths: Paths, patients: tuple[np.ndarray, np.ndarray]
) -> None:
    x, y = (torch.tensor(part) for part in patients)
    for place in range(0, 61, 6):
        w = torch.tensor(paths.lasso[place], requires_grad=True)
        ((x @ w - y) ** 2).mean().backward()
        assert w.grad is not None
        slope, strength = w.grad.numpy(), STRENGTHS[place]
        assert slope == pytest.approx(paths.slopes[place], abs=1e-10)
        kept = paths.lasso[place] != 0
        assert slope[kept] == pytest.approx(-strength * np.sign(paths.lasso[place][kept]), abs=1e-7)
        assert (np.abs(slope[~kept]) <= strength + 1e-9).all()
    assert ((shrinkage.zeros(paths.lasso) == 10) == (paths.vanish <= STRENGTHS)).all()


def test_plain_sgd_is_autograd_and_never_exactly_zero(
    paths: Paths, patients: tuple[np.ndarray, np.ndarray]
) -> None:
    x, y = patients
    w = np.zeros(10)
    strength = STRENGTHS[35]
    for _ in range(60):
        w = w - 0.03 * (2 * x.T @ (x @ w - y) / len(x) + strength * np.sign(w))
    short = proximal.paths(PathsSpec(seed=1, steps=60))
    assert short.plain[35] == pytest.approx(w, abs=1e-10)
    assert shrinkage.zeros(paths.plain).sum() == 0
    assert shrinkage.zeros(paths.ridge).sum() == 0
    assert shrinkage.zeros(paths.lasso).sum() > 200
    assert 0 < shrinkage.nearly_zeros(paths.plain).sum() < shrinkage.zeros(paths.lasso).sum() / 2


def test_a_weight_that_ought_to_be_zero_moves_by_about_lr_times_strength(paths: Paths) -> None:
    place = 40
    gone = paths.lasso[place] == 0
    steps = np.abs(np.diff(paths.tail[:, place], axis=0)).mean(axis=0)[gone]
    product = 0.03 * STRENGTHS[place]
    assert gone.sum() >= 5
    assert (steps > 0.2 * product).all()
    assert (steps < 1.3 * product).all()
    assert np.abs(paths.tail[:, place][:, gone]).max() < 2 * product
    assert paths.tail[-1] == pytest.approx(paths.plain, abs=1e-6)


def test_markers_against_scikit_learn(study: marker_study.Study) -> None:
    (x, y), (held_x, held_y), _ = marker_study.tables(StudySpec())
    for place in (4, 10):
        alpha = marker_study.STRENGTHS[place] / 2
        lasso = Lasso(alpha=alpha, fit_intercept=False, tol=1e-10, max_iter=10**5).fit(x[0], y[0]).coef_
        assert study.weights[L1, place] == pytest.approx(lasso, abs=1e-4)
        real = np.isin(np.arange(200), REAL)
        assert study.found[L1, 0, place] == (lasso[real] != 0).sum()
        assert study.wrong[L1, 0, place] == (lasso[~real] != 0).sum()
        assert study.validation[L1, 0, place] == pytest.approx(
            ((held_x[0] @ lasso - held_y[0]) ** 2).mean(), rel=1e-3
        )
        # 1/2N |y-Xw|² + a r |w| + a (1-r) w²/2, twice which is ours
        elastic = ElasticNet(
            alpha=1.5 * alpha, l1_ratio=1 / 3, fit_intercept=False, tol=1e-10, max_iter=10**5
        )
        assert study.weights[ELASTIC, place] == pytest.approx(elastic.fit(x[0], y[0]).coef_, abs=1e-4)
        ridge = Ridge(alpha=2 * alpha * len(x[0]), fit_intercept=False).fit(x[0], y[0]).coef_
        assert study.weights[L2, place] == pytest.approx(ridge, abs=1e-5)
    least = np.linalg.lstsq(x[0], y[0], rcond=None)[0]
    assert study.weights[NONE, 0] == pytest.approx(least, abs=1e-4)


def test_without_a_penalty_fewer_patients_than_markers_give_the_shortest_solution() -> None:
    spec = StudySpec(patients=50)
    found = marker_study.study(spec)
    (x, y), *_ = marker_study.tables(spec)
    assert found.weights[NONE, 7] == pytest.approx(np.linalg.pinv(x[0]) @ y[0], abs=1e-4)


def test_every_repetition_is_fitted_as_if_alone(study: marker_study.Study) -> None:
    (x, y), *_ = marker_study.tables(StudySpec())
    alone = Lasso(alpha=marker_study.STRENGTHS[8] / 2, fit_intercept=False, tol=1e-10, max_iter=10**5)
    for repeat in (3, 9):
        chosen = alone.fit(x[repeat], y[repeat]).coef_ != 0
        assert study.found[L1, repeat, 8] == chosen[list(REAL)].sum()
        assert study.found[L1, repeat, 8] + study.wrong[L1, repeat, 8] == chosen.sum()


def test_what_the_study_is_meant_to_show() -> None:
    many = marker_study.study(StudySpec(patients=500))
    assert many.found[L1, 0, many.best(L1)] == 10
    assert many.wrong[L1, 0, many.best(L1)] < 60
    assert (many.wrong[NONE] == 190).all()
    assert (many.wrong[L2] == 190).all()
    strong = int(np.argmin(np.abs(marker_study.STRENGTHS - 0.63)))
    assert many.found[L1, :, strong].max() <= 3
    few = marker_study.study(StudySpec(patients=50))
    assert few.found[L1, 0, few.best(L1)] < 10
    twins = marker_study.study(StudySpec(patients=150, twins=0.98, noise=1.5, seed=2))
    assert twins.found[L1, 0, twins.best(L1)] < 9
    assert twins.found[ELASTIC, 0, twins.best(ELASTIC)] == 10


def test_neighbours_are_as_alike_as_asked_and_others_are_not() -> None:
    x, y = marker_study.patients(20_000, 0.5, 1.0, 0.8, 3)
    assert np.corrcoef(x[:, 20], x[:, 21])[0, 1] == pytest.approx(0.8, abs=0.02)
    assert np.corrcoef(x[:, 21], x[:, 22])[0, 1] == pytest.approx(0, abs=0.03)
    rest = np.delete(x, REAL, axis=1)
    assert np.abs(rest.T @ (y - y.mean()) / len(y)).max() < 0.1
    assert np.abs(marker_study.correlations(StudySpec(patients=1000))[list(REAL)]).min() > 0.15


@pytest.mark.parametrize("broken", [{"patients": 5}, {"twins": 1.5}, {"noise": 0.0}, {"seed": -1}])
def test_bad_studies_are_refused(broken: dict[str, float]) -> None:
    with pytest.raises(SpecError):
        StudySpec(**broken)  # type: ignore[arg-type]


def printed(code: str) -> dict[str, float]:
    """Run a script and return its numbers by the words before them."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(code, "script", "exec"), {"__name__": "__main__"})
    finally:
        torch.set_default_dtype(torch.float32)
    lines = [line.rsplit(" ", 1) for line in out.getvalue().splitlines()]
    return {name: float(value) for name, value in (x for x in lines if re.fullmatch(r"[-\d.e+]+", x[-1]))}


def test_script_of_one_weight() -> None:
    spec = WeightSpec(target=-0.8, strength=2.0, lr=0.03, steps=120)
    walks = proximal.walk_weight(spec)
    told = printed(shrinkage_script.weight(spec))
    assert told["L1 近接勾配法"] == walks.proximal[-1] == 0
    assert told["L1 劣勾配法"] == walks.plain[-1]
    assert told["L1 劣勾配法 最後の1歩"] == walks.plain[-1] - walks.plain[-2]
    assert told["L2"] == walks.squared[-1]


def test_script_of_the_paths() -> None:
    spec, place = PathsSpec(patients=65, seed=2, steps=200), 35
    found = proximal.paths(spec)
    told = printed(shrinkage_script.paths(spec, place))
    for method, weights, losses in (
        ("ラッソ(近接勾配法)", found.lasso, found.losses[0]),
        ("劣勾配法", found.plain, found.losses[1]),
        ("リッジ(L2)", found.ridge, found.losses[2]),
    ):
        for name, value in zip(shrinkage.COLUMNS, weights[place], strict=True):
            assert told[f"{method} {name}"] == pytest.approx(value, abs=1e-12)
        exact = told[f"{method} 61 通りの λ で、ちょうど 0 の係数"]
        assert exact == shrinkage.zeros(weights).sum()
        assert told[f"{method} この λ での検証損失"] == pytest.approx(losses[place], rel=1e-9)
    assert told["係数がすべて 0 になる λ"] == pytest.approx(found.vanish)
    steps = np.abs(np.diff(found.tail[:, place], axis=0)).mean(axis=0)
    assert told["劣勾配法 血糖 最後の 40 歩の平均の歩幅"] == pytest.approx(float(steps[9]), rel=1e-3)


def test_script_of_the_markers() -> None:
    spec = StudySpec(patients=75, twins=0.9, seed=4)
    found = marker_study.study(spec)
    places = (0, found.best(L2), found.best(L1), found.best(ELASTIC))
    told = printed(shrinkage_script.markers(spec, places))
    names = ("なし", "L2", "L1", "エラスティックネット")
    for kind, (name, place) in enumerate(zip(names, places, strict=True)):
        assert told[f"{name} 見つけた本物"] == found.found[kind, 0, place]
        assert told[f"{name} 余計なマーカー"] == found.wrong[kind, 0, place]
        assert told[f"{name} テスト R2"] == pytest.approx(found.explained(kind, place), abs=1e-4)
