import contextlib
import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import classification, tables
from core.history import TableRun
from core.loss_curves import of_probability
from core.perceptron import train_on_table
from core.specs import LossSpec, TableRunSpec, TableSpec
from pages.parts.loss_functions import (
    loss_curve_view,
    loss_formulas,
    loss_outliers_charts,
    loss_outliers_view,
    loss_parts,
)
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PROBABILITIES = {"lf_experiment": "確率の損失"}
OUTLIERS = {"lf_experiment": "外れ値(回帰)"}
IMBALANCE = {"lf_experiment": "不均衡(分類)", "lf_ep": "10"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def row(app: AppTest, name: str) -> list[str]:
    """Return the cells of the table row that begins with ``name``."""
    (line,) = [
        line for block in app.markdown for line in block.value.split("\n") if line.startswith(f"| {name} |")
    ]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_ten_times_the_error_is_a_hundred_times_the_penalty(open_page: Open) -> None:
    app = open_page("loss_functions.py")
    app.radio[0].set_value("20倍").run()
    app = press(app, "lf_numbers/check")
    assert not app.exception
    assert "予想は「20倍」、結果は「100倍」でした" in shown(app)
    assert "MSE は 4 から 400 へ 100倍です" in shown(app)
    assert row(app, "誤差 2 の損失") == ["4 mmHg²", "2 mmHg", "2 mmHg²"]
    assert row(app, "誤差 20 の損失") == ["400 mmHg²", "20 mmHg", "150 mmHg²"]
    assert row(app, "何倍か") == ["100倍", "10倍", "75倍"]
    assert row(app, "傾き(式)") == row(app, "傾き(自動微分)") == ["40 mmHg", "1", "10 mmHg"]


@pytest.mark.parametrize(("prediction", "delta"), [(60, 1), (120, 10), (125, 5), (220, 60), (119, 60)])
def test_slopes_by_formula_and_by_autograd_agree_on_screen(
    open_page: Open, prediction: int, delta: int
) -> None:
    app = open_page("loss_functions.py", lf_prediction=str(prediction), lf_delta=str(delta))
    app = press(app, "lf_numbers/check")
    assert not app.exception
    assert row(app, "傾き(式)") == row(app, "傾き(自動微分)")


@pytest.mark.parametrize(
    ("preset", "why"), [(0, ""), (1, ""), (2, "2,500 人ぶん"), (3, "まだ δ = 60 の内側")]
)
def test_presets_of_numbers_that_fail_say_why(open_page: Open, preset: int, why: str) -> None:
    app = press(press(open_page("loss_functions.py"), f"lf_numbers/preset/{preset}"), "lf_numbers/check")
    assert ("なぜ" in shown(app)) == bool(why)
    assert why in shown(app)


def test_the_quoted_losses_of_probabilities_are_computed(open_page: Open) -> None:
    app = press(open_page("loss_functions.py", **PROBABILITIES), "lf_probabilities/check")
    assert not app.exception
    assert row(app, "−log p") == ["0.105", "0.511", "4.605", "∞"]
    loss, in_p, formula, autograd = row(app, "交差エントロピー")
    assert (loss, in_p, formula, autograd) == ("4.605", "−100", "−0.990", "−0.990")
    for name in ("BCE-with-logits", "重み付き", "focal"):
        assert row(app, name)[2] == row(app, name)[3]
    assert "正解は「20倍〜100倍」" in shown(app)
    assert "43.7倍" in shown(app)


def test_a_probability_of_nothing_costs_infinitely_much(open_page: Open) -> None:
    app = open_page("loss_functions.py", lf_p="0", **PROBABILITIES)
    app = press(app, "lf_probabilities/check")
    assert not app.exception
    assert row(app, "交差エントロピー")[:3] == ["∞", "−∞", "−1"]
    assert "正解は「無限大」" in shown(app)


def test_benign_truth_turns_the_curves_around(open_page: Open) -> None:
    app = open_page("loss_functions.py", lf_p="99", lf_class="良性(0)", **PROBABILITIES)
    app = press(app, "lf_probabilities/check")
    assert row(app, "交差エントロピー") == ["4.605", "100", "0.990", "0.990"]
    assert row(app, "重み付き")[0] == "4.605"


@pytest.mark.parametrize(
    ("preset", "answer", "bce", "by_hand"),
    [
        (0, "ほぼ −1(正しい)", ["20", "−1.000", "2.1×10⁻⁹"], "20"),
        (1, "小さすぎる、または 0", ["100", "0", "0"], "∞"),
        (2, "小さすぎる、または 0", ["100", "−1.4×10⁻⁷⁵", "1.4×10⁻⁸⁷"], "200"),
        (3, "小さすぎる、または 0", ["100", "0", "0"], "∞"),
    ],
)
def test_what_pytorch_does_at_the_limit(
    open_page: Open, preset: int, answer: str, bce: list[str], by_hand: str
) -> None:
    app = press(open_page("loss_functions.py", **PROBABILITIES), f"lf_limits/preset/{preset}")
    app = press(app, "lf_limits/check")
    assert not app.exception
    seen = shown(app)
    assert f"正解は「{answer}」" in seen
    found = row(app, "② BCE")
    assert found[0] == bce[0]
    assert found[2] == bce[2]
    assert found[1] in (bce[1], "−1")
    assert row(app, "① 手書きの式")[0] == by_hand
    assert row(app, "④ BCE-with-logits")[:2] == [str([20, 200, 200, 800][preset]), "−1"]
    assert ("なぜ" in seen) == (preset > 0)
    assert "損失を 100 とします" in seen
    assert "−1.0×10¹²" in seen


def printed(script: str) -> dict[str, tuple[float, float]]:
    """Run a script of the page and return what it prints of each loss."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(script, {})
    lines = [line.split() for line in out.getvalue().splitlines()]
    return {name: (float(loss), float(slope)) for name, loss, slope in lines}


def test_the_small_scripts_print_the_numbers_of_the_page() -> None:
    assert printed(loss_formulas.number_script(120, 140, 10)) == {
        "MSE": (400, 40),
        "MAE": (20, 1),
        "Huber": (150, 10),
    }
    loss = LossSpec(positive_weight=3.0, gamma=2.0)
    found = printed(loss_formulas.probability_script(0.01, 1, loss))
    for name, label in (("cross_entropy", "交差エントロピー"), ("weighted", "重み付き"), ("focal", "focal")):
        expected = of_probability(name, 0.01, 1, loss)
        assert found[label] == pytest.approx((float(expected.value), float(expected.slope)))


def trained(app: AppTest, slot: str) -> tuple[AppTest, tuple[TableRun, ...]]:
    app = wait_until_done(press(app, f"{slot}/start"), slot)
    assert not app.exception
    return app, app.session_state[slot].run.result


@pytest.mark.parametrize(
    ("preset", "answer", "why"),
    [
        (0, "どれも大差ない", ""),
        (1, "MSE", "損失の"),
        (2, "MSE", "90 人中 8 人"),
        (3, "複数が同じくらい", "δ = 1000 mmHg では"),
        (4, "", "学習不足"),
    ],
)
def test_typing_errors_bend_the_lines_as_the_presets_say(
    open_page: Open, preset: int, answer: str, why: str
) -> None:
    app = press(open_page("loss_functions.py", **OUTLIERS), f"lf_outliers/preset/{preset}")
    app, _ = trained(app, "lf_outliers")
    seen = shown(app)
    assert f"正解は「{answer}" in seen
    assert ("なぜ" in seen) == bool(why)
    assert why in seen


def test_the_lines_are_those_of_the_trained_networks_in_clinical_units(open_page: Open) -> None:
    app, results = trained(open_page("loss_functions.py", lf_wrong="5", **OUTLIERS), "lf_outliers")
    specs = app.session_state["lf_outliers"].specs
    straight = train_on_table(specs)
    assert isinstance(straight, tuple)
    data = tables.load(specs[0].table)
    age = data.test.inputs[:, 0] * data.scale[0] + data.centre[0]
    for spec, result, other, name in zip(specs, results, straight, ("MSE", "MAE", "Huber"), strict=True):
        assert result.history == other.history
        fit = loss_outliers_charts.line(spec, result)
        answers = result.test_outputs[:, 0] * data.target_scale + data.target_centre
        np.testing.assert_allclose(fit.at_zero + fit.per_year * age, answers, rtol=1e-4)
        truth = data.test.targets * data.target_scale + data.target_centre
        assert fit.error == pytest.approx(float(np.abs(answers - truth).mean()), rel=1e-4)
        assert row(app, name)[2] == f"{fit.error:.1f} mmHg"


def test_mistyped_patients_are_ten_times_too_high_and_the_clean_line_is_without_them() -> None:
    spec = TableRunSpec(table=TableSpec(name="blood_pressure", mistyped=4, seed=3))
    right = TableRunSpec(table=TableSpec(name="blood_pressure", seed=3))
    age, typed = loss_outliers_charts.patients(spec)
    _, pressure = loss_outliers_charts.patients(right)
    np.testing.assert_allclose(typed[:4], 10 * pressure[:4])
    np.testing.assert_allclose(typed[4:], pressure[4:])
    per_year, at_zero = np.polyfit(age, pressure, 1)
    assert loss_outliers_charts.clean_line(spec) == pytest.approx((at_zero, per_year))


def test_the_share_of_the_loss_that_mistyped_patients_make_up(open_page: Open) -> None:
    app, results = trained(open_page("loss_functions.py", lf_wrong="2", **OUTLIERS), "lf_outliers")
    specs = app.session_state["lf_outliers"].specs
    train = tables.load(specs[0].table).train
    result = results[0]
    answers = train.inputs @ result.weights["0.weight"].T + result.weights["0.bias"]
    squares = (answers[:, 0] - train.targets) ** 2
    lines = [loss_outliers_charts.line(*pair) for pair in zip(specs, results, strict=True)]
    share = loss_outliers_view.shares(specs, lines)["MSE"]
    assert share == pytest.approx(float(squares[:2].sum() / squares.sum()), rel=1e-3)
    assert f"2 人が損失の {share:.0%} を占めます" in shown(app)


def test_five_groups_of_patients_train_together_and_pins_draw_a_response_curve(open_page: Open) -> None:
    app, results = trained(
        open_page("loss_functions.py", lf_groups="別の患者でも(5組)", **OUTLIERS), "lf_outliers"
    )
    assert len(results) == 15
    assert {spec.table.seed for spec in app.session_state["lf_outliers"].specs} == {3, 4, 5, 6, 7}
    assert "〜" in row(app, "MSE")[2]
    app = press(app, "loss_outliers/pin")
    table = app.dataframe[0].value
    assert table["打ち間違い(件)"].tolist() == [3.0]
    assert table["テストMAE MSE(mmHg)"][0] > 4 * table["テストMAE MAE(mmHg)"][0]


def test_weights_find_more_of_the_ill_and_the_threshold_moves_without_training(open_page: Open) -> None:
    app = open_page("loss_functions.py", **IMBALANCE)
    assert "「全員陰性」と答えるだけで、正解率は **94.9%**" in shown(app)
    app.radio[0].set_value("交差エントロピー").run()
    app, results = trained(app, "lf_imbalance")
    assert "予想は「交差エントロピー」、結果は「重み付き」でした" in shown(app)
    run = app.session_state["lf_imbalance"].run
    for threshold in (0.5, 0.05):
        app.slider(key="lf_threshold").set_value(threshold).run()
        assert app.session_state["lf_imbalance"].run is run
        told = {kind: row(app, kind) for kind in ("感度", "特異度", "PPV", "NPV", "正解率")}
        for place, result in enumerate(results):
            z = result.test_outputs.astype(np.float64)
            called = 1 / (1 + np.exp(z[:, 0] - z[:, 1])) >= threshold
            ill = result.test_targets == 1
            assert told["感度"][place] == f"{called[ill].mean():.1%}"
            assert told["特異度"][place] == f"{(~called[~ill]).mean():.1%}"
            assert told["PPV"][place] == f"{ill[called].mean():.1%}"
            assert told["NPV"][place] == f"{(~ill[~called]).mean():.1%}"
            assert told["正解率"][place] == f"{(called == ill).mean():.1%}"
        assert told["PPV"][3] == "—"
    area = classification.roc(
        classification.probabilities(results[1].test_outputs), results[1].test_targets
    ).area
    assert f"重み付き {area:.3f}" in shown(app)


@pytest.mark.parametrize(
    ("preset", "why"), [(0, ""), (1, "アラーム疲労"), (2, "重みなしと同じ"), (3, ""), (4, "学習不足")]
)
def test_presets_of_the_rare_disease_that_fail_say_why(open_page: Open, preset: int, why: str) -> None:
    app = open_page("loss_functions.py", lf_experiment="不均衡(分類)")
    app, _ = trained(press(app, f"lf_imbalance/preset/{preset}"), "lf_imbalance")
    assert ("なぜ" in shown(app)) == bool(why)
    assert why in shown(app)


def test_seeds_of_the_rare_disease(open_page: Open) -> None:
    app, results = trained(open_page("loss_functions.py", lf_seeds="5シード", **IMBALANCE), "lf_imbalance")
    assert len(results) == 15
    assert "5つの種での感度" in shown(app)
    app.button_group(key="lf_seeds").set_value("新しい乱数").run()
    app, results = trained(app, "lf_imbalance")
    specs = app.session_state["lf_imbalance"].specs
    assert [spec.loss.name for spec in specs] == ["cross_entropy", "weighted", "focal"]
    assert len({spec.training.seed for spec in specs}) == 1
    app = press(app, "loss_imbalance/pin")
    assert app.dataframe[0].value["感度 重み付き"][0] == pytest.approx(
        loss_imbalance_sensitivity(results[1]), abs=1e-4
    )


def loss_imbalance_sensitivity(result: TableRun) -> float:
    called = result.test_outputs.argmax(1) == 1
    return float(called[result.test_targets == 1].mean())


@pytest.mark.parametrize(
    "query",
    [
        {"lf_experiment": "../etc", "lf_truth": "nan", "lf_prediction": "1e9", "lf_delta": "-3"},
        {"lf_experiment": "確率の損失", "lf_p": "x", "lf_w": "inf", "lf_g": "99", "lf_class": "<b>"},
        {"lf_experiment": "確率の損失", "lf_z": "-203", "lf_precision": "float16"},
        {"lf_experiment": "外れ値(回帰)", "lf_wrong": "1e99", "lf_d": "7", "lf_rate": "0", "lf_groups": "!"},
        {"lf_experiment": "不均衡(分類)", "lf_share": "0", "lf_weight": "3", "lf_threshold": "2"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("loss_functions.py", **query)
    assert not app.exception
    assert not app.error


def test_a_logit_between_two_steps_is_still_told(open_page: Open) -> None:
    app = open_page("loss_functions.py", lf_z="-203", **PROBABILITIES)
    app = press(app, "lf_limits/check")
    assert not app.exception
    assert row(app, "⑤ 交差エントロピー")[0] in ("205", "200")


@pytest.mark.parametrize("slope", [-50.0, -0.3, 0.0, 0.3, 50.0])
def test_tangents_stay_within_the_chart_and_have_the_slope(slope: float) -> None:
    ends = loss_curve_view.tangent((3.0, 4.0), slope, (0.0, 10.0), 8.0)
    assert (ends[:, 0] >= 0).all()
    assert (ends[:, 0] <= 10).all()
    assert (ends[:, 1] >= -1e-9).all()
    assert (ends[:, 1] <= 8 + 1e-9).all()
    rise, run = ends[1, 1] - ends[0, 1], ends[1, 0] - ends[0, 0]
    assert rise == pytest.approx(slope * run)
    assert run > 0
    assert len(loss_curve_view.tangent((3.0, math.inf), slope, (0.0, 10.0), 8.0)) == 0


def test_numbers_in_words() -> None:
    assert loss_parts.number(-math.inf) == "−∞"
    assert loss_parts.number(math.nan) == "nan"
    assert loss_parts.number(-0.0) == "0"
    assert loss_parts.number(-1e12) == "−1.0×10¹²"
    assert loss_parts.times(2500) == "2,500倍"
    assert loss_parts.percent(math.nan) == "—"
