import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path as File

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.landscape import LANDSCAPES, Path, PathSpec, descend, outcome
from core.momentum_map import MomentumSpec, measured_rate, simulate
from core.specs import OptimizerSpec, TableRunSpec, TrainingSpec, with_seeds
from core.update_rules import RULES
from pages.parts.optimizers import (
    race_course,
    race_formula,
    race_map,
    race_momentum,
    race_network,
    race_presets,
    race_result,
    race_script,
    race_view,
)
from pages.ui import charts, text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
NETWORK = {"op_exp": "本物のネットワークでレース", "op_net_epochs": "10"}
MAP = {"op_exp": "モメンタムの地図"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def race(landscape: str, **changed: float) -> tuple[tuple[PathSpec, ...], tuple[Path, ...]]:
    """The race of the page, at the settings that suit the landscape but for ``changed`` rates."""
    course = race_presets.COURSES[landscape]
    specs = tuple(
        PathSpec(landscape=landscape, start=course.start, optimizer=OptimizerSpec(name=name, lr=lr))
        for name, lr in (course.rates | changed).items()
    )
    return specs, descend(specs)


# --- the race on a landscape


def test_the_race_is_scored_with_the_numbers_of_its_paths(open_page: Open) -> None:
    app = open_page("optimizers.py")
    app.radio[0].set_value("SGD").run()
    app = press(app, "op_race/start")
    assert not app.exception
    specs, paths = race("ravine")
    ends = {s.optimizer.name: float(p.losses[-1]) for s, p in zip(specs, paths, strict=True)}
    reached = {s.optimizer.name: int(np.argmax(p.losses <= 0.01)) for s, p in zip(specs, paths, strict=True)}
    settled = [name for name, end in ends.items() if end <= race_view.FLOOR]
    best = min(settled, key=reached.__getitem__)  # ties of rounding go to who came first
    seen = shown(app)
    assert f"予想は「SGD」、結果は「{text.OPTIMIZER_LABELS[best]}」でした" in seen
    assert race_view.small(ends[best]) in seen
    for name, step in reached.items():
        label = re.escape(text.OPTIMIZER_LABELS[name])
        assert re.search(rf"\d\. {label} \|.*\| {step} 歩 \| 谷底", seen)


def test_moving_a_slider_asks_anew_and_choosing_whose_arrows_does_not(open_page: Open) -> None:
    app = press(open_page("optimizers.py"), "op_race/start")
    assert "到達" in shown(app)
    app.selectbox(key="op_focus").set_value("RMSprop").run()
    assert "到達" in shown(app)
    assert any("RMSprop の中身" in e.label for e in app.expander)
    app.slider(key="op_x").set_value(2.0).run()
    assert "到達" not in shown(app)
    assert "レース開始" in shown(app)


@pytest.mark.parametrize("preset", range(len(race_presets.PRESETS)))
def test_presets_run_and_failing_ones_say_why(open_page: Open, preset: int) -> None:
    app = press(press(open_page("optimizers.py"), f"op_race/preset/{preset}"), "op_race/start")
    assert not app.exception
    assert "到達" in shown(app)
    assert ("なぜ" in shown(app)) == bool(race_presets.PRESETS[preset].why)


def test_sgd_bounces_at_twice_the_inverse_curvature() -> None:
    _, paths = race("ravine", sgd=0.05)
    across = paths[0].positions[:, 1]
    np.testing.assert_allclose(np.abs(across), 1.5, rtol=1e-9)  # never lower
    assert (across[1:] * across[:-1] < 0).all()


def test_adagrad_tires_and_rmsprop_does_not() -> None:
    specs, paths = race("bowl", adagrad=0.05)
    ends = {s.optimizer.name: float(p.losses[-1]) for s, p in zip(specs, paths, strict=True)}
    assert ends["adagrad"] > 1 > 1e-6 > ends["rmsprop"]
    told = race_presets._shrinks(specs, paths)
    first, later = np.linalg.norm(np.diff(paths[3].positions, axis=0), axis=1)[[0, 49]]
    assert text.number(first) in told
    assert text.number(later) in told
    assert later < first / 5


def test_momentum_overshoots_into_the_shallow_valley_where_sgd_stays_in_the_deep_one() -> None:
    specs, paths = race("two_valleys", sgd=0.05, momentum=0.05)
    land = LANDSCAPES["two_valleys"]
    assert outcome(paths[0], land) == "global"
    assert outcome(paths[1], land) == "local"
    assert "歩目に" in race_presets._passes(specs, paths)


def test_nobody_leaves_the_ridge_of_the_saddle(open_page: Open) -> None:
    app = press(press(open_page("optimizers.py"), "op_race/preset/6"), "op_race/start")
    assert "正解は「差がつかない」" in shown(app)
    assert "w₂ の動きは最大で 0" in shown(app)


def test_learning_rates_that_send_everyone_away_are_told(open_page: Open) -> None:
    app = open_page(
        "optimizers.py", op_land=text.LANDSCAPE_LABELS["rosenbrock"], op_scale="×10", op_who="Nesterov"
    )
    app.radio[0].set_value(race_presets.NOBODY).run()
    seen = shown(press(app, "op_race/start"))
    assert "予想どおりです。" in seen
    assert "発散(" in seen


def test_ranking_puts_lost_walkers_last_and_counts_rounding_as_equal() -> None:
    specs, paths = race("rosenbrock", sgd=0.1)
    standings = race_view.rank(specs, paths, 0.01)
    assert standings[-1].name == "sgd"
    assert standings[-1].diverged_at is not None
    gaps = [s.gap for s in standings]
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("name", RULES)
def test_formulas_carry_the_numbers_of_the_state(name: str) -> None:
    specs, paths = race("ravine")
    at = list(RULES).index(name)
    lines = " ".join(race_formula.values(specs[at].optimizer, paths[at], 7))
    path = paths[at]
    for values in (path.positions[6], path.gradients[6], path.positions[7]):
        assert race_formula.vector(values) in lines
    for values in path.states.values():
        assert race_formula.vector(values[7]) in lines
    if name in ("adam", "adamw"):
        assert race_formula.vector(path.states["exp_avg"][7] / (1 - 0.9**7)) in lines
        assert race_formula.vector(path.states["exp_avg_sq"][7] / (1 - 0.999**7)) in lines
    assert race_formula.rule(specs[at].optimizer)


def test_arrows_point_where_the_walker_goes() -> None:
    specs, paths = race("ravine")
    for spec, path in zip(specs, paths, strict=True):
        arrows = race_view.arrows(spec, path)
        move = np.diff(path.positions, axis=0)
        for vectors in arrows.values():
            assert vectors.shape == path.positions.shape
            assert not vectors[-1].any()
        if spec.optimizer.name == "sgd":
            np.testing.assert_allclose(arrows["勾配の逆向き"][:-1], move, atol=1e-12)
        else:
            np.testing.assert_allclose(arrows["実際の1歩"][:-1], move)
        if spec.optimizer.name == "momentum":
            together = arrows["勾配の逆向き"] + arrows["モメンタムの項"]
            np.testing.assert_allclose(together[:-1], move, atol=1e-12)


@pytest.mark.parametrize("landscape", ["beale", "two_valleys", "rosenbrock"])
def test_the_script_prints_the_ends_of_the_page(landscape: str, tmp_path: File) -> None:
    specs, paths = race(landscape, sgd=5.0 if landscape == "rosenbrock" else 0.01)
    file = tmp_path / "race.py"
    file.write_text(race_script.script(specs), encoding="utf-8")
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == len(RULES)
    for line, spec, path in zip(lines, specs, paths, strict=True):
        assert line.startswith(text.OPTIMIZER_LABELS[spec.optimizer.name] + ":")
        if path.ending == "diverged":
            assert line.endswith(f"{path.diverged_at} 歩目で発散しました")
            continue
        assert f"w = {[round(v, 6) for v in path.positions[-1].tolist()]}" in line
        loss = float(line.rsplit(" ", 1)[1])
        assert loss == pytest.approx(float(path.losses[-1]), rel=1e-5, abs=1e-14)


# --- the race on a network


def test_the_network_race_trains_five_seeds_of_each_and_ranks_them(open_page: Open) -> None:
    app = open_page("optimizers.py", **NETWORK)
    app.button_group(key="op_net_who").set_value(["SGD", "RMSprop"]).run()
    app = wait_until_done(press(app, "op_net/start"), "op_net")
    assert not app.exception
    watched = app.session_state["op_net"]
    names = list(race_result.members(watched.specs))
    assert names == ["sgd", "rmsprop"]
    assert all(len(places) == 5 for places in race_result.members(watched.specs).values())
    seeds = [spec.training.seed for spec in watched.specs]
    assert seeds == [0, 1, 2, 3, 4] * len(names)
    standings = race_result.rank(watched.specs, watched.run.result)
    for standing in standings:
        ends = [watched.run.result[p].history[-1].validation_loss for p in standing.places]
        assert standing.median == pytest.approx(float(np.median(ends)))
        assert f"{race_view.small(min(ends))}〜{race_view.small(max(ends))}" in shown(app)
    assert standings == sorted(standings, key=lambda s: s.median)
    assert "ミリ秒でした" in shown(app)
    app = press(app, "optimizers/pin")
    assert app.dataframe[0].value["検証損失(中央値)"][0] == standings[0].median


def test_a_lead_counts_only_when_every_seed_agrees() -> None:
    def standing(name: str, *losses: float) -> race_result.Standing:
        return race_result.Standing(
            name=name,
            lr=0.1,
            places=(),
            losses=losses,
            reached=None,
            seconds=1.0,
            per_update=1e-3,
            train=0.1,
            diverged=0,
        )

    clear = [standing("adam", 0.1, 0.2, 0.3), standing("sgd", 0.2, 0.3, 0.4)]
    assert race_result.answer(clear).choice == "Adam"
    narrow = [standing("adam", 0.1, 0.2, 0.5), standing("sgd", 0.2, 0.3, 0.4)]
    assert race_result.answer(narrow).choice == race_result.EVEN
    assert "3 回中 2 回" in race_result.answer(narrow).because
    lost = [standing("adam", *[float("inf")] * 3)]
    assert race_result.answer(lost).choice == race_result.EVEN


def test_too_large_a_rate_makes_momentum_diverge_and_says_why(open_page: Open) -> None:
    app = press(open_page("optimizers.py", op_exp=NETWORK["op_exp"]), "op_net/preset/2")
    app = wait_until_done(press(app, "op_net/start"), "op_net")
    assert not app.exception
    assert "なぜ" in shown(app)
    standings = race_result.rank(app.session_state["op_net"].specs, app.session_state["op_net"].run.result)
    assert {standings[-1].name, standings[-2].name} == {"momentum", "nesterov"}
    assert min(standings[-1].losses[:1] + standings[-2].losses[:1]) > 10


def test_one_rate_for_all_is_too_small_for_sgd() -> None:
    from core.perceptron import train_on_table

    specs = tuple(
        spec
        for name in ("sgd", "rmsprop")
        for spec in with_seeds(
            TableRunSpec(
                optimizer=OptimizerSpec(name=name, lr=0.001),
                training=TrainingSpec(epochs=60, batch_size=32),
            ),
            5,
        )
    )
    results = train_on_table(specs)
    assert isinstance(results, tuple)
    answer = race_result.answer(race_result.rank(specs, results))
    assert answer.choice == "RMSprop"
    assert "5 回中 5 回" in answer.because


def test_presets_of_the_network_name_controls_that_exist(open_page: Open) -> None:
    app = open_page("optimizers.py", **NETWORK)
    keys = {f"op_n_{name}" for name in RULES}
    for preset in race_network.PRESETS:
        assert keys <= set(preset.values)
        for key in keys:
            assert preset.values[key] in race_network._RATES
    assert {s.key for s in app.select_slider if s.key and s.key.startswith("op_n_")} == keys


# --- the map


@pytest.mark.parametrize("preset", range(len(race_momentum.PRESETS)))
def test_the_map_and_the_run_agree_on_the_page(open_page: Open, preset: int) -> None:
    app = press(press(open_page("optimizers.py", **MAP), f"op_map/preset/{preset}"), "op_map/start")
    assert not app.exception
    values = race_momentum.PRESETS[preset].values
    kappa = values["op_kappa"]
    curvatures = (1.0,) if kappa == 1 else (1 / kappa, 1.0)
    (run,) = simulate(
        [MomentumSpec(lr=values["op_a"], momentum=values["op_b"], curvatures=curvatures, steps=1000)]
    )
    seen = shown(app)
    assert f"実測が {measured_rate(run):.4f}" in seen
    assert "表示の桁まで一致しました" in seen
    ends = re.findall("「(" + "|".join(race_map.REGIONS) + ")」", seen)
    assert len(ends) == 2
    assert ends[0] == ends[1]
    assert ("なぜ" in seen) == bool(race_momentum.PRESETS[preset].why)


def test_the_star_button_goes_to_polyaks_point(open_page: Open) -> None:
    app = open_page("optimizers.py", op_kappa="20", **MAP)
    button = next(b for b in app.button if b.label == "いちばん速い点へ")
    app = button.click().run()
    assert app.slider(key="op_a").value == pytest.approx(2.672)
    assert app.slider(key="op_b").value == pytest.approx(0.403)


def test_the_answer_counts_steps_of_the_run() -> None:
    quick = np.array([[1.0], [0.5], [1e-4]])
    assert race_momentum._answer(quick).choice == "20歩以内"
    (slow,) = simulate([MomentumSpec(lr=0.5, momentum=0.99, steps=1000)])
    last = int(np.flatnonzero(np.abs(slow[:, 0]) > 0.001)[-1]) + 1
    assert last > 100
    assert race_momentum._answer(slow).choice == "101歩以上"
    (lost,) = simulate([MomentumSpec(lr=2.2, momentum=0.0, steps=1000)])
    assert race_momentum._answer(lost).choice == "収まらない"


def test_charts_are_built_once_and_hold_no_data() -> None:
    for spec in (
        race_view._loss_spec(("sgd", "adam"), 200),
        race_result._spec(("sgd", "adam"), "epoch", "エポック", 60, "検証損失", True),
        race_map._map_spec(),
        race_map._run_spec(("λ = 1",), "w", "重み w", 60, False),
    ):
        assert "datasets" not in spec
    assert race_map._map_spec() is race_map._map_spec()
    assert set(race_view.COLOURS) == set(RULES)
    assert set(race_view.COLOURS.values()) <= set(charts.PIN_COLOURS)


@pytest.mark.parametrize(
    "query",
    [
        {"op_land": "富士山", "op_x": "1e9", "op_y": "nan", "op_steps": "-5", "op_scale": "inf"},
        {"op_land": "鞍点", "op_x": "3.9", "op_who": "<b>", "op_r_sgd": "7"},
        {"op_focus": "SGD2", "op_beta": "2", "op_at": "99999"},
        {
            "op_exp": "本物のネットワークでレース",
            "op_net_epochs": "1e9",
            "op_n_adam": "x",
            "op_net_seed": "-1",
        },
        {"op_exp": "モメンタムの地図", "op_a": "-3", "op_b": "1", "op_kappa": "7", "op_lambda": "0"},
        {"op_exp": "../etc"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("optimizers.py", **query)
    assert not app.exception
    assert not app.error


def test_every_course_fits_its_landscape() -> None:
    for name, course in race_presets.COURSES.items():
        assert PathSpec(landscape=name, start=course.start)
        assert set(course.rates.values()) <= set(race_presets.RATES)
        for value in course.start:
            assert round(value / race_course.GRID) * race_course.GRID == pytest.approx(value)
