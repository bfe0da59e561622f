import base64
import contextlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from core.landscape import LANDSCAPES, Path, PathSpec, descend
from core.loss_surface import SliceSpec, cut
from core.specs import OptimizerSpec
from pages.parts.gradient_descent import descent_reading, descent_surface_view, descent_walk
from pages.ui import terrain, text, walk_script
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
MAP = {"gd_experiment": "2つの重み(地図)"}
NETWORK = {"gd_experiment": "本物の損失地形"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def walk(landscape: str, start: tuple[float, ...], lr: float, steps: int = 200) -> tuple[PathSpec, Path]:
    optimizer = OptimizerSpec(name="sgd", lr=lr)
    spec = PathSpec(landscape=landscape, start=start, optimizer=optimizer, steps=steps)
    return spec, descend([spec])[0]


def sent(app: AppTest) -> list[dict[str, Any]]:
    """Return what each component on the page was sent."""
    assert not app.exception
    found = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in found if proto.component_name.startswith("lab_terrain")]


def numbers(packed: str) -> list[float]:
    return [float(number) for number in np.frombuffer(base64.b64decode(packed), dtype="<f4")]


# --- the walks


def test_a_walk_is_told_with_the_numbers_of_its_path(open_page: Open) -> None:
    app = open_page("gradient_descent.py", **MAP)
    assert "図の上をクリック" in shown(app)
    app.radio[0].set_value("いちばん深い谷底").run()
    app = press(app, "gd_map_start")
    seen = shown(app)
    _, path = walk("two_valleys", (3.5, 2.5), 0.02)
    assert "予想は「いちばん深い谷底」、結果は「浅い谷底(局所最小)」でした" in seen
    assert f"損失 {text.number(float(path.losses[-1]))}" in seen
    assert "なぜ" in seen  # these are the settings of a preset that fails
    assert "2/λ = 0.238" in seen  # f'' at 1.9187 is 2 − 10 sin(2·1.9187) = 8.41


@pytest.mark.parametrize(
    ("experiment", "slot", "preset", "result"),
    [
        ("1つの重み", "gd_line", 0, "いちばん深い谷底"),
        ("1つの重み", "gd_line", 1, "浅い谷底(局所最小)"),
        ("1つの重み", "gd_line", 2, "いちばん深い谷底"),
        ("1つの重み", "gd_line", 3, "途中(谷底には着かない)"),
        ("1つの重み", "gd_line", 4, "発散する"),
        ("2つの重み(地図)", "gd_map", 0, "いちばん深い谷底"),
        ("2つの重み(地図)", "gd_map", 1, "浅い谷底(局所最小)"),
        ("2つの重み(地図)", "gd_map", 2, "いちばん深い谷底"),
        ("2つの重み(地図)", "gd_map", 3, "発散する"),
        ("2つの重み(地図)", "gd_map", 4, "途中(谷底には着かない)"),
        ("2つの重み(地図)", "gd_map", 5, "途中(谷底には着かない)"),
        ("2つの重み(地図)", "gd_map", 6, "左上の谷"),
    ],
)
def test_presets_end_as_they_are_named_and_failing_ones_say_why(
    open_page: Open, experiment: str, slot: str, preset: int, result: str
) -> None:
    app = open_page("gradient_descent.py", gd_experiment=experiment)
    app = press(press(app, f"{slot}/preset/{preset}"), f"{slot}_start")
    seen = shown(app)
    assert not app.exception
    assert f"正解は「{result}」" in seen
    fails = result in ("浅い谷底(局所最小)", "途中(谷底には着かない)", "発散する")
    assert ("**なぜ**" in seen) == fails


def test_a_landscape_comes_with_a_start_and_a_rate_that_suit_it(open_page: Open) -> None:
    app = open_page("gradient_descent.py", **MAP)
    app.selectbox(key="gd_map_land").set_value(text.LANDSCAPE_LABELS["rosenbrock"]).run()
    assert not app.exception
    assert (app.slider(key="gd_map_x").value, app.slider(key="gd_map_y").value) == (-1.2, 1.0)
    assert app.select_slider(key="gd_map_rate").value == 0.001
    app = press(app, "gd_map_start")
    assert "勾配の小さい平らな所" in shown(app)  # the floor of the bent valley


def test_fog_keeps_the_answer_until_it_is_asked_for(open_page: Open) -> None:
    app = open_page("gradient_descent.py", gd_map_fog="true", **MAP)
    app = press(app, "gd_map_start")
    assert "結果" not in shown(app)
    stage, walkers = sent(app)
    assert stage["fog"] is True
    assert "深い" not in walkers["alt"]
    app.toggle(key="gd_map_reveal").set_value(True).run()
    assert "正解は「浅い谷底(局所最小)」" in shown(app)


def test_the_formula_is_filled_with_the_numbers_of_the_chosen_step(open_page: Open) -> None:
    app = press(open_page("gradient_descent.py"), "gd_line_start")
    app.slider(key="gd_line_formula").set_value(3).run()
    _, path = walk("two_valleys_1d", (-3.5,), 0.02)
    before, slope, after = (
        float(v) for v in (path.positions[2, 0], path.gradients[2, 0], path.positions[3, 0])
    )
    assert after == pytest.approx(before - 0.02 * slope)
    written = [latex.value for latex in app.latex]
    assert any(f"({before:.4g}) - 0.02 \\times ({slope:.4g}) = ({after:.4g})" in line for line in written)


@pytest.mark.parametrize(
    "query",
    [
        {"gd_line_x": "nan", "gd_line_rate": "1e9", "gd_experiment": "../etc"},
        {"gd_line_land": "<b>", "gd_line_steps": "99999", "gd_line_fog": "?"},
        {**MAP, "gd_map_land": "fuji", "gd_map_x": "inf", "gd_map_y": "-9", "gd_map_rate": "x"},
        {**MAP, "gd_map_land": text.LANDSCAPE_LABELS["saddle"], "gd_map_x": "3.9"},
        {**NETWORK, "gd_opt": "None", "gd_net_rate": "0", "gd_hidden": "1000", "gd_epochs": "-1"},
        {**NETWORK, "gd_seed": "1e99", "gd_directions": "up", "gd_zoom": "×9"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("gradient_descent.py", **query)
    assert not app.exception
    assert not app.error


# --- the reading


@pytest.mark.parametrize(
    ("landscape", "start", "lr", "expected"),
    [
        ("bowl", (-3.5, 2.5), 0.05, "global"),
        ("two_valleys", (3.5, 2.5), 0.02, "local"),
        ("ravine", (-3.5, 1.5), 0.1, "diverged"),
        ("ravine", (-3.5, 1.5), 0.05, "bouncing"),  # 1 − 0.05·40 = −1: to and fro for ever
        ("bowl_1d", (-3.5,), 1.0, "bouncing"),
        ("saddle", (-1.8, 0.0), 0.05, "saddle"),
        ("plateau", (-3.5, 2.5), 0.1, "flat"),
        ("two_valleys_1d", (-3.5,), 0.0002, "slope"),
    ],
)
def test_every_kind_of_ending_is_told_apart(
    landscape: str, start: tuple[float, ...], lr: float, expected: str
) -> None:
    spec, path = walk(landscape, start, lr)
    land = LANDSCAPES[landscape]
    assert descent_reading.ending(path, land) == expected
    assert descent_reading.headline(path, land)
    assert descent_reading.reasons(spec.optimizer.lr, path, land)


def test_second_derivatives_are_those_worked_by_hand() -> None:
    saddle = descent_reading.hessian(LANDSCAPES["saddle"], np.array([0.3, 0.0]))
    np.testing.assert_allclose(saddle, [[2, 0], [0, -4]], atol=1e-6)
    himmelblau = descent_reading.hessian(LANDSCAPES["himmelblau"], np.array([3.0, 2.0]))
    np.testing.assert_allclose(himmelblau, [[74, 20], [20, 34]], rtol=1e-6)
    assert descent_reading.curvature(LANDSCAPES["ravine"], np.zeros(2)) == pytest.approx(40)


@pytest.mark.parametrize(("lr", "within"), [(0.049, True), (0.051, False)])
def test_the_limit_that_is_told_is_where_walks_part(lr: float, within: bool) -> None:
    _, path = walk("ravine", (0.0, 0.1), lr, 400)
    assert (abs(path.positions[-1, 1]) < 0.1) == within
    said = descent_reading.reasons(lr, path, LANDSCAPES["ravine"])[-1]
    assert "2/λ = 0.0500" in said
    assert ("底に近づけます" in said) == within


def test_four_valleys_are_named_by_where_they_lie() -> None:
    land = LANDSCAPES["himmelblau"]
    names = [descent_walk.valley(land, minimum) for minimum in land.minima]
    assert names == ["右上の谷", "左上の谷", "左下の谷", "右下の谷"]


# --- the script


@pytest.mark.parametrize("course", [descent_walk.LINE, descent_walk.MAP], ids=lambda course: course.slot)
def test_the_script_prints_the_end_of_the_page(course: descent_walk.Course) -> None:
    for landscape, (start, lr) in course.defaults.items():
        spec, path = walk(landscape, start, lr, 60)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(walk_script.script(spec), {})
        last = out.getvalue().splitlines()[-1]
        printed = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]\d+)?", last)]
        np.testing.assert_allclose(printed[:-1], path.positions[-1], atol=2e-6)
        assert printed[-1] == pytest.approx(float(path.losses[-1]), rel=1e-5)


def test_the_script_of_a_diverging_walk_says_so_at_the_same_step() -> None:
    spec, path = walk("rosenbrock", (-1.2, 1.0), 0.02)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(walk_script.script(spec), {})
    assert f"{path.diverged_at} 歩目で発散しました" in out.getvalue()


# --- the map


def one_map() -> None:
    import numpy

    from core.landscape import PathSpec, descend
    from core.specs import OptimizerSpec
    from pages.ui import terrain

    spec = PathSpec(
        landscape="himmelblau", start=(1.0, 2.0), optimizer=OptimizerSpec(name="sgd", lr=0.01), steps=5
    )
    (path,) = descend([spec])
    walker = terrain.Walker(
        name="<b>甲</b>",
        colour="#123456",
        path=path,
        arrows={"−∇L": -path.gradients},
        facts={"歩": numpy.arange(6.0)},
    )
    terrain.show("himmelblau", [walker], steps=5, key="m", alt_text="地図", pick=True)


def test_the_map_is_sent_apart_from_the_walkers_and_both_whole() -> None:
    stage, walkers = sent(AppTest.from_function(one_map).run())
    ground = json.loads(stage["ground"])
    assert ground["domain"] == [[-5.0, 5.0], [-5.0, 5.0]]
    assert len(ground["deepest"]) == 4
    assert ground["shallow"] == []
    assert len(json.dumps(stage)) < 60_000
    (walker,) = walkers["walkers"]
    spec = PathSpec(
        landscape="himmelblau", start=(1.0, 2.0), optimizer=OptimizerSpec(name="sgd", lr=0.01), steps=5
    )
    (path,) = descend([spec])
    np.testing.assert_allclose(numbers(walker["positions"]), path.positions.ravel(), rtol=1e-6)
    np.testing.assert_allclose(numbers(walker["losses"]), path.losses, rtol=1e-6)
    np.testing.assert_allclose(numbers(walker["arrows"][0]["vectors"]), -path.gradients.ravel(), rtol=1e-6)
    assert numbers(walker["facts"][0]["values"]) == [0, 1, 2, 3, 4, 5]


def test_a_landscape_is_drawn_once_for_all_readers() -> None:
    assert terrain.landscape_ground("beale") is terrain.landscape_ground("beale")


def test_numbers_that_a_float_cannot_hold_are_kept_finite() -> None:
    assert np.isfinite(numbers(terrain._numbers(np.array([1e300, -1e300])))).all()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2.5], (1.0, 2.5)),
        (None, None),
        ([1], None),
        (["a", 2], None),
        ([float("nan"), 0], None),
        ({"x": 1}, None),
    ],
)
def test_only_a_point_of_the_map_is_a_click(
    monkeypatch: pytest.MonkeyPatch, value: object, expected: tuple[float, float] | None
) -> None:
    monkeypatch.setattr(streamlit, "session_state", {"m/map": {"pick": value}})
    assert terrain.picked("m") == expected


def test_a_click_moves_the_sliders_onto_their_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, Any] = {
        "gd_map/map": {"pick": [1.234, -9.0]},
        "gd_map_land": text.LANDSCAPE_LABELS["ravine"],
    }
    monkeypatch.setattr(streamlit, "session_state", state)
    descent_walk._take_click(descent_walk.MAP)
    assert (state["gd_map_x"], state["gd_map_y"]) == (1.25, -2.0)


# --- the network


def test_a_network_is_trained_mapped_and_read_and_its_plane_can_be_changed(open_page: Open) -> None:
    app = open_page("gradient_descent.py", gd_epochs="10", gd_hidden="4", **NETWORK)
    app.radio[0].set_value(descent_surface_view.SHARES[3]).run()
    app = wait_until_done(press(app, "gd_surface/start"), "gd_surface_run")
    assert not app.exception
    watched = app.session_state["gd_surface_run"]
    traced = watched.run.result[0]
    found = cut(watched.spec, traced, SliceSpec())
    assert f"写ったのは {found.shown:.1%} でした" in shown(app)
    assert f"結果は「{descent_surface_view.share_choice(found.shown)}」でした" in shown(app)
    assert (
        f"損失は {text.number(float(traced.losses[0]))} から {text.number(float(traced.losses[-1]))}"
        in shown(app)
    )
    stage, walkers = sent(app)
    assert json.loads(stage["ground"])["domain"] == [list(edge) for edge in found.domain]
    np.testing.assert_allclose(
        numbers(walkers["walkers"][0]["positions"]), found.path.ravel(), rtol=1e-4, atol=1e-5
    )
    app.button_group(key="gd_directions").set_value("ランダム").run()
    assert "乱数で選んだ向き" in shown(app)
    assert app.session_state["gd_surface_run"].run.result[0] is traced  # not trained again
    app.select_slider(key="gd_zoom").set_value(2.0).run()
    assert json.loads(sent(app)[0]["ground"])["domain"] == [[-2.0, 2.0], [-2.0, 2.0]]
    app = press(app, "gradient_descent/pin")
    assert app.dataframe[0].value["オプティマイザ"].tolist() == ["Adam"]


def test_a_network_that_diverges_has_no_map_and_says_why(open_page: Open) -> None:
    app = press(open_page("gradient_descent.py", **NETWORK), "gd_surface_run/preset/3")
    app = wait_until_done(press(app, "gd_surface/start"), "gd_surface_run")
    assert not app.exception
    assert "発散" in "\n".join(warning.value for warning in app.warning)
    assert "**なぜ**" in shown(app)
    assert sent(app) == []


def test_the_share_of_a_path_is_scored_at_the_edges() -> None:
    shares = [
        descent_surface_view.share_choice(share) for share in (1.0, 0.9, 0.89, 0.5, 0.49, 0.1, 0.09, 0.0)
    ]
    assert shares == [descent_surface_view.SHARES[i] for i in (0, 0, 1, 1, 2, 2, 3, 3)]


def test_a_changed_setting_does_not_pass_for_the_walk_that_is_shown(open_page: Open) -> None:
    app = press(open_page("gradient_descent.py"), "gd_line_start")
    assert "正解は" in shown(app)
    app.slider(key="gd_line_x").set_value(3.5).run()
    assert "正解は" not in shown(app)
