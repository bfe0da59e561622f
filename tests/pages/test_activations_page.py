import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import collapse as collapsing
from core import tables
from core.collapse import StackSpec
from core.curve_axis import curve_inputs
from core.history import TableRun
from core.specs import TableRunSpec, TableSpec
from pages.parts.activations import activation_bend_view, activation_vanish_view
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
LINEAR = {"ac_experiment": "線形の重ね合わせ"}
BEND = {**LINEAR, "ac_l_task": "U字のリスクを学ばせる"}
VANISH = {"ac_experiment": "勾配消失"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def cells(app: AppTest, row: str) -> list[str]:
    """Return the cells of the table row that begins with ``row``, without marks."""
    line, *_ = [line for line in shown(app).splitlines() if re.match(rf"\| \**{re.escape(row)}[ *|]", line)]
    return [cell.strip(" *✓✗\N{NO-BREAK SPACE}") for cell in line.strip("|").split("|")[1:]]


def curves(open_page: Open, **query: str) -> AppTest:
    return press(open_page("activations.py", **query), "ac_curves/go")


def results(app: AppTest, slot: str) -> tuple[TableRun, ...]:
    found: tuple[TableRun, ...] = app.session_state[slot].run.result
    return found


def test_the_five_numbers_of_the_lesson_are_there_at_once(open_page: Open) -> None:
    app = open_page("activations.py")
    assert not app.exception
    seen = shown(app)
    assert r"ReLU(\[−3, −0.5, 0, 1, 2.5\]) = \[0, 0, 0, 1, 2.5\]" in seen
    assert "5 個のうち **3 個**" in seen
    assert "| 自動微分 |" not in seen


def test_other_numbers_and_another_activation(open_page: Open) -> None:
    app = open_page("activations.py", ac_c_numbers="−2 4")
    assert r"ReLU(\[−2, 4\]) = \[0, 4\]" in shown(app)
    app.selectbox(key="ac_c_list").set_value("LeakyReLU").run()
    assert r"LeakyReLU(\[−2, 4\]) = \[−0.02, 4\]" in shown(app)
    app.text_input(key="ac_c_numbers").set_value("1, 二").run()
    assert not app.exception
    assert "「二」は数として読めません" in shown(app)


def test_slopes_by_formula_and_by_autograd_agree(open_page: Open) -> None:
    app = open_page("activations.py", ac_c_x="1.5")
    app.radio[0].set_value("ReLU").run()
    app = press(app, "ac_curves/go")
    seen = shown(app)
    sigma = 1 / (1 + np.exp(-1.5))
    slope = f"{sigma * (1 - sigma):.6f}"
    assert "予想どおりです" in seen
    assert cells(app, "tanh")[1:3] == [f"{1 - np.tanh(1.5) ** 2:.6f}"] * 2
    assert slope in seen
    assert "✗" not in seen
    assert "| シグモイド | 0.2500 | 0.00 |" in seen
    assert "| tanh | 1.0000 | 0.00 |" in seen
    app.slider(key="ac_c_x").set_value(-1.5).run()
    assert "| ReLU | 0.0000 | 0.000000 | 0.000000" in shown(app)


@pytest.mark.parametrize(("preset", "said"), [(1, "飽和"), (2, "死んだ ReLU"), (3, "微分はありません")])
def test_flat_places_and_corners_say_why(open_page: Open, preset: int, said: str) -> None:
    app = press(press(open_page("activations.py"), f"ac_curves/preset/{preset}"), "ac_curves/go")
    assert not app.exception
    (why,) = [m.value for m in app.markdown if m.value.startswith("**なぜ**")]
    assert said in why


def test_no_activation_at_all_asks_for_one(open_page: Open) -> None:
    app = open_page("activations.py")
    app.get("button_group")
    app.pills(key="ac_c_who").set_value([]).run()
    assert not app.exception
    assert "1つ以上選んでください" in shown(app)


def test_a_stack_is_multiplied_out(open_page: Open) -> None:
    app = open_page("activations.py", **LINEAR, ac_l_layers="4", ac_l_width="8")
    app.radio[0].set_value("丸め誤差だけ").run()
    app = press(app, "ac_stack/go")
    found = collapsing.collapse(StackSpec(layers=4, width=8))
    seen = shown(app)
    assert "予想どおりです" in seen
    assert cells(app, "重みとバイアスの数") == [str(8 * 5 + 2 * 8 * 9 + 9), "5"]
    assert cells(app, "どんな1枚の層でも表せない割合")[1] == "0 %"
    for weight in found.matrix:
        assert f"{abs(weight):.4f}" in seen


def test_relu_between_cannot_be_multiplied_out(open_page: Open) -> None:
    app = press(press(open_page("activations.py", **LINEAR), "ac_stack/preset/2"), "ac_stack/go")
    seen = shown(app)
    found = collapsing.collapse(StackSpec(activation="relu"))
    assert "正解は「はっきりずれる」" in seen
    assert "なぜ" in seen
    assert cells(app, "どんな1枚の層でも表せない割合")[1] == f"{100 * found.missed:.3g} %"


@pytest.fixture
def bent(open_page: Open) -> Callable[..., AppTest]:
    def trained(preset: int | None = None, **query: str) -> AppTest:
        app = open_page("activations.py", **BEND, **query)
        if preset is not None:
            app = press(app, f"ac_bend/preset/{preset}")
        return wait_until_done(press(app, "ac_bend/start"), "ac_bend")

    return trained


def test_a_line_cannot_bend_however_deep_and_relu_can(bent: Callable[..., AppTest]) -> None:
    app = bent(1)
    assert not app.exception
    seen = shown(app)
    linear, relu = results(app, "ac_bend")
    assert linear.history[-1].train_loss > 0.9
    assert relu.history[-1].train_loss < 0.15
    assert "正解は「活性化関数のあるものは全部」" in seen
    assert "線形(なし) 16×6層**: 線形の層は何枚重ねても1枚と同じ" in seen
    spec: TableRunSpec = app.session_state["ac_bend"].spec
    slope, height = activation_bend_view.line(spec, linear)
    frames = app.session_state["ac_bend"].run.frames
    x = curve_inputs(spec.table)
    np.testing.assert_allclose(frames[-1].arrays[0]["curve"], slope * x + height, atol=1e-2)
    assert f"{abs(slope):.2f} × カリウム" in seen


def test_the_kinks_told_are_where_the_curve_bends(bent: Callable[..., AppTest]) -> None:
    app = bent(ac_b_width="4")
    spec, relu = app.session_state["ac_bend"].specs[1], results(app, "ac_bend")[1]
    curve = app.session_state["ac_bend"].run.frames[-1].arrays[1]["curve"].astype(float)
    x = curve_inputs(spec.table)
    bends = x[1:-1][abs(np.diff(curve, 2)) > 1e-3]
    found = activation_bend_view.kinks(spec, relu)
    assert found
    assert all(min(abs(bends - kink)) < x[1] - x[0] for kink in found)
    assert all(min(abs(np.array(found) - bend)) < x[1] - x[0] for bend in bends)


def test_one_relu_is_not_enough_and_says_so(bent: Callable[..., AppTest]) -> None:
    app = bent(2)
    seen = shown(app)
    assert "正解は「どれも学べない」" in seen
    assert "ReLU 1×1層" in seen
    assert "右へ上がるユニットと左へ上がるユニットの両方" in seen


def test_five_seeds_and_a_pin(bent: Callable[..., AppTest]) -> None:
    app = bent(ac_b_seeds="5シード", ac_b_epochs="20")
    assert not app.exception
    assert len(results(app, "ac_bend")) == 10
    app = press(app, "activations_bend/pin")
    assert app.dataframe[0].value["活性化関数"].tolist() == ["線形(なし)"]


def test_the_best_line_is_that_of_the_normal_equations() -> None:
    spec = TableSpec(name="u_shape", patients=400, noise=0.3)
    slope, loss = activation_bend_view.best_line(spec)
    part = tables.load(spec).train
    x, y = part.inputs[:, 0].astype(float), part.targets.astype(float)
    r = np.corrcoef(x, y)[0, 1]
    assert loss == pytest.approx(1 - r**2, abs=1e-5)
    data = tables.load(spec)
    assert slope == pytest.approx(r * data.target_scale / data.scale[0], rel=1e-4)


@pytest.fixture
def deep(open_page: Open) -> Callable[..., AppTest]:
    def trained(preset: int, **query: str) -> AppTest:
        app = press(open_page("activations.py", **VANISH, **query), f"ac_vanish/preset/{preset}")
        return wait_until_done(press(app, "ac_vanish/start"), "ac_vanish")

    return trained


def test_the_gradient_vanishes_in_deep_sigmoids(open_page: Open) -> None:
    app = open_page("activations.py", **VANISH)
    app.radio[0].set_value("シグモイド").run()
    app = wait_until_done(press(app, "ac_vanish/start"), "ac_vanish")
    assert not app.exception
    seen = shown(app)
    gradients = app.session_state["ac_vanish"].run.frames[0].arrays[0]["gradients"]
    assert len(gradients) == 6
    assert gradients[0] / gradients[-1] < 0.25**5
    assert "予想どおりです" in seen
    assert cells(app, "シグモイド")[2] == "1.2×10⁻⁵"
    assert f"{gradients[0] / gradients[-1]:.1e}" == "1.2e-05"
    assert "0.25⁵ = 9.8×10⁻⁴" in seen
    assert "**シグモイド**: 入力側の層に届く勾配は" in seen
    assert cells(app, "シグモイド")[0] == "学べない"
    assert cells(app, "ReLU")[0] == "学べた"


def test_two_layers_are_no_hindrance(deep: Callable[..., AppTest]) -> None:
    app = deep(1)
    assert "正解は「みんな学べる」" in shown(app)
    assert not [m for m in app.markdown if m.value.startswith("**なぜ**")]


def test_a_rate_too_large_kills_relu_and_a_leak_rescues(deep: Callable[..., AppTest]) -> None:
    app = deep(4)
    last = app.session_state["ac_vanish"].run.frames[-1]
    assert not last.arrays[0]["gradients"].any()
    assert last.arrays[0]["dead"].max() == 1
    assert last.arrays[1]["gradients"].all()
    seen = shown(app)
    assert "正解は「ReLU」" in seen
    assert f"{int(np.argmax(last.arrays[0]['dead'] == 1)) + 1} 層目のユニットが1個残らず死にました" in seen
    assert cells(app, "ReLU")[2] != "—"
    assert cells(app, "ReLU")[3] == "—"
    assert cells(app, "LeakyReLU")[0] == "学べた"


def test_five_seeds_tell_luck_from_skill(open_page: Open) -> None:
    app = open_page("activations.py", **VANISH, ac_v_seeds="5シード", ac_v_epochs="20")
    app = wait_until_done(press(app, "ac_vanish/start"), "ac_vanish")
    assert not app.exception
    able = sum(activation_vanish_view.gain(r) >= 0.1 for r in results(app, "ac_vanish")[2::3])
    assert f"ReLU は、5 個の種のうち {able} 個で学べました" in shown(app)
    app.selectbox(key="activations_vanish/pinned").set_value("tanh").run()
    app = press(app, "activations_vanish/pin")
    assert app.dataframe[0].value["活性化関数"].tolist() == ["tanh"]


def test_a_diverged_network_is_told_as_one_that_has_not_learnt(deep: Callable[..., AppTest]) -> None:
    (result, *_) = results(deep(1), "ac_vanish")
    broken = replace(result.history[-1], train_loss=float("nan"))
    lost = activation_vanish_view.gain(replace(result, history=(*result.history, broken)))
    answer = activation_vanish_view.answer({"relu": lost, "tanh": 0.5})
    assert answer.choice == "ReLU"
    assert "計算不能" in answer.because


@pytest.mark.parametrize(
    "query",
    [
        {"ac_experiment": "../etc", "ac_c_who": "<b>", "ac_c_x": "nan", "ac_c_n": "1e99"},
        {"ac_c_numbers": "'; drop", "ac_c_list": "cosh"},
        {**LINEAR, "ac_l_task": "x", "ac_l_layers": "99", "ac_l_width": "3", "ac_l_seed": "-1"},
        {**LINEAR, "ac_l_between": "?"},
        {**BEND, "ac_b_who": "x", "ac_b_straight": "0", "ac_b_width": "7", "ac_b_noise": "9"},
        {**BEND, "ac_b_seed": "1e99", "ac_b_rate": "inf", "ac_b_epochs": "1000000"},
        {**VANISH, "ac_v_who": "cosh", "ac_v_depth": "40", "ac_v_opt": "x", "ac_v_rate": "0"},
        {**VANISH, "ac_v_width": "nan", "ac_v_batch": "0", "ac_v_seed": "x", "ac_v_seeds": "7"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("activations.py", **query)
    assert not app.exception
    assert not app.error
    for button in app.button:
        if button.key and button.key.endswith("/go"):
            assert not button.click().run().exception
            break
