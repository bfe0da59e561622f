import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import backprop, chain, ecg, partials, score, slopes
from core.backprop import LineSpec
from core.chain import ChainSpec
from core.partials import AtDischarge
from core.perceptron import train_on_table
from core.score import PatientSpec
from core.slopes import SlopeSpec
from pages.ui import workings as view
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]
NETWORK = {"dv_experiment": "偏微分と勾配", "dv_part": "学習したモデルで", "dv_epochs": "10"}
EXPERIMENTS = {
    "傾きと極限": "dv_slope",
    "心電図の傾き": "dv_ecg",
    "偏微分と勾配": "dv_score",
    "連鎖律": "dv_chain",
    "逆伝播": "dv_backprop",
}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def started(open_page: Open, experiment: str, **query: str) -> AppTest:
    """Open an experiment and ask for its result."""
    app = open_page("derivatives.py", dv_experiment=experiment, **query)
    return press(app, f"{EXPERIMENTS[experiment]}/go")


def cells(app: AppTest, row: str) -> list[str]:
    """Return the cells of the table row that begins with ``row``, without marks of agreement."""
    (line,) = [line for line in shown(app).splitlines() if line.startswith(f"| {row} ")]
    return [cell.strip(" *✓✗\N{NO-BREAK SPACE}") for cell in line.strip("|").split("|")[1:]]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_nothing_is_told_before_the_reader_asks(open_page: Open, experiment: str) -> None:
    app = open_page("derivatives.py", dv_experiment=experiment)
    assert not app.exception
    assert "自動微分 |" not in shown(app)
    assert "予想" in app.radio[0].label
    app = press(app, f"{EXPERIMENTS[experiment]}/go")
    assert not app.exception
    assert "✓" in shown(app)


@pytest.mark.parametrize("curve", ["x²", "sin x", "eˣ", "σ(x)", "|x|"])
def test_four_slopes_agree_to_the_shown_digits(open_page: Open, curve: str) -> None:
    app = started(open_page, "傾きと極限", dv_fn=curve)
    names = {"x²": "square", "sin x": "sin", "eˣ": "exp", "σ(x)": "sigmoid", "|x|": "abs"}
    truth = f"{slopes.autograd_slope(SlopeSpec(curve=names[curve], x=1.0)):.6f}"
    for row in ("前進差分", "後退差分", "中心差分", "微分の公式", "自動微分"):
        assert cells(app, row)[0] == truth
    assert "✗" not in shown(app)


def test_too_small_a_step_loses_its_digits_and_says_why(open_page: Open) -> None:
    app = press(open_page("derivatives.py"), "dv_slope/preset/2")
    app.radio[0].set_value("小数8桁以上").run()
    app = press(app, "dv_slope/go")
    forward = float(slopes.quotients(SlopeSpec(), 1e-15).forward)
    assert forward == pytest.approx(2.22, abs=0.01)
    assert cells(app, "前進差分")[0] == f"{forward:.6f}"
    seen = shown(app)
    assert "予想は「小数8桁以上」、結果は「小数3桁以下」でした" in seen
    assert "桁落ち" in seen
    assert "最小の目盛りで 10 個分" in seen


def test_a_corner_has_no_slope(open_page: Open) -> None:
    app = press(press(open_page("derivatives.py"), "dv_slope/preset/3"), "dv_slope/go")
    seen = shown(app)
    assert cells(app, "前進差分")[0] == "1.000000"
    assert cells(app, "後退差分")[0] == "−1.000000"
    assert "| 微分の公式 | 存在しない" in seen
    assert "正解は「傾きが決まらない」" in seen
    assert "なぜ" in seen


def test_sliders_are_followed_at_once_and_a_preset_asks_anew(open_page: Open) -> None:
    app = started(open_page, "傾きと極限")
    app.slider(key="dv_x").set_value(-1.5).run()
    assert cells(app, "自動微分")[0] == "−3.000000"
    app = press(app, "dv_slope/preset/1")
    assert "自動微分 |" not in shown(app)


def test_a_delayed_beat_is_compared_with_the_normal_one(open_page: Open) -> None:
    app = open_page("derivatives.py", dv_experiment="心電図の傾き")
    app.radio[0].set_value("ゆるやかになる").run()
    app = press(app, "dv_ecg/go")
    seen = shown(app)
    normal, beat = ecg.upstroke(ecg.waves(100)), ecg.upstroke(ecg.waves(160))
    assert "予想どおりです" in seen
    assert f"正常 {normal.slope:.1f} mV/秒、この心拍 {beat.slope:.1f} mV/秒" in seen
    assert f"正常 {normal.qrs_ms:.0f} ms、この心拍 {beat.qrs_ms:.0f} ms" in seen
    assert "McSharry" in seen
    assert "教育用の模式図" in seen
    truth = f"{beat.slope:.3f}"
    for row in ("差分(1 µs)", "微分の公式", "自動微分"):
        assert cells(app, row)[0] == truth


def test_coarse_sampling_misses_the_steepest_moment(open_page: Open) -> None:
    app = press(open_page("derivatives.py", dv_experiment="心電図の傾き"), "dv_ecg/preset/2")
    app = press(app, "dv_ecg/go")
    largest = ecg.sampled_slopes(ecg.waves(100), 100)[1].max()
    seen = shown(app)
    assert f"最大の傾きは {largest:.1f} mV/秒" in seen
    assert "なぜ" in seen
    assert "✗" in seen


def test_the_four_partials_of_the_lesson_and_a_step_up_and_down(open_page: Open) -> None:
    app = started(open_page, "偏微分と勾配")
    expected = {"収縮期血圧": "+2.100", "LVEF": "−3.500", "年齢": "+0.800", "BNP": "+5.200"}
    for row, value in expected.items():
        assert cells(app, row) == [value] * 3
    u, gradient = PatientSpec().units, np.array([2.1, -3.5, 0.8, 5.2])
    up, down = score.score(u + 0.2 * gradient), score.score(u - 0.2 * gradient)
    assert f"{up:.1f} 点に上がり" in shown(app)
    assert f"{down:.1f} 点に下がりました" in shown(app)
    app = press(press(app, "dv_score/preset/2"), "dv_score/go")
    assert "かえって上がりました" in shown(app)
    assert "なぜ" in shown(app)


def test_a_low_ejection_fraction_changes_the_partials(open_page: Open) -> None:
    app = press(open_page("derivatives.py", dv_experiment="偏微分と勾配"), "dv_score/preset/1")
    app = press(app, "dv_score/go")
    gradient = score.formula_gradient(PatientSpec(sbp=95, lvef=25, bnp=800).units)
    assert cells(app, "LVEF")[0] == view.signed(gradient[1], 3)
    assert gradient[0] < 0
    assert cells(app, "収縮期血圧")[0] == view.signed(gradient[0], 3)


def test_the_signs_of_the_chain_rule_and_the_trap(open_page: Open) -> None:
    app = open_page("derivatives.py", dv_experiment="連鎖律")
    app.radio[0].set_value("下がる").run()
    app = press(app, "dv_chain/go")
    seen = shown(app)
    assert cells(app, "dy/dx") == ["−2.000"] * 3
    assert cells(app, "dz/dy") == ["0.500"] * 3
    assert cells(app, "dz/dx") == ["−1.000"] * 3
    assert "予想どおりです" in seen
    assert "(+0.50 %/mmHg) × (−2.00 mmHg/mg) = **−1.00 %/mg**" in seen
    assert "(−0.50) × (−2.00) = +1.00" in seen
    app = press(press(app, "dv_chain/preset/1"), "dv_chain/go")
    assert cells(app, "dz/dx") == ["1.000"] * 3
    assert "なぜ" in shown(app)


def test_slopes_of_a_curve_hold_at_the_dose_of_now(open_page: Open) -> None:
    app = press(open_page("derivatives.py", dv_experiment="連鎖律"), "dv_chain/preset/2")
    app = press(app, "dv_chain/go")
    links = chain.by_hand(ChainSpec(dose=8.0, shape="curve"))
    assert cells(app, "dz/dx") == [view.fixed(links.whole, 3)] * 3
    assert abs(links.whole) < 0.2


@pytest.mark.parametrize(
    ("preset", "choice"),
    [(0, "同じくらい"), (1, "10分の1以下に縮む"), (2, "10倍以上にふくらむ"), (3, "0になる")],
)
def test_responsibilities_are_those_of_autograd(open_page: Open, preset: int, choice: str) -> None:
    app = press(open_page("derivatives.py", dv_experiment="逆伝播"), f"dv_backprop/preset/{preset}")
    app = press(app, "dv_backprop/go")
    seen = shown(app)
    assert not app.exception
    assert f"正解は「{choice}」" in seen
    assert "6 か所のうち 6 か所で" in seen
    assert ("なぜ" in seen) == (preset > 0)


def test_moving_a_weight_moves_every_number(open_page: Open) -> None:
    app = started(open_page, "逆伝播", dv_w1="1.0")
    found = backprop.autograd(LineSpec(weights=(1.0, -1.0, 1.5)))
    assert cells(app, "w₁")[1] == view.fixed(found.weights[0], 5)
    assert cells(app, "ŷ")[1] == view.fixed(found.nodes[3], 5)


def test_a_network_is_trained_and_differentiated_at_the_readers_patient(open_page: Open) -> None:
    app = open_page("derivatives.py", dv_p_sbp="120", **NETWORK)
    app = wait_until_done(press(app, "dv_run/start"), "dv_run")
    assert not app.exception
    spec = app.session_state["dv_run"].spec
    trained = train_on_table([spec])
    assert isinstance(trained, tuple)
    (run,) = trained
    patient = AtDischarge(pressure=120)
    found = partials.network_partials(spec, [run.weights], patient.values[None])
    per_mmhg = view.signed(100 * found.gradients[0, 0, 1], 3)
    assert cells(app, "収縮期血圧 +1 mmHg") == [per_mmhg] * 2
    assert cells(app, "BNP +10 pg/mL") == [view.signed(1000 * found.gradients[0, 0, 3], 3)] * 2
    assert f"再入院リスクは {found.risks[0, 0]:.1%}" in shown(app)
    app.slider(key="dv_p_sbp").set_value(170).run()
    assert cells(app, "収縮期血圧 +1 mmHg")[0] != per_mmhg
    every = partials.network_partials(spec, [run.weights], partials.test_patients(spec)).gradients
    sizes = 100 * partials.influence(every, partials.test_patients(spec))
    assert f"{('年齢', '収縮期血圧', 'LVEF', 'BNP')[int(sizes.argmax())]} {sizes.max():.1f}" in shown(app)


def test_five_seeds_show_how_far_the_partials_differ(open_page: Open) -> None:
    app = open_page("derivatives.py", dv_seeds="5シード", **NETWORK)
    app = wait_until_done(press(app, "dv_run/start"), "dv_run")
    assert not app.exception
    low, high = re.split("〜", cells(app, "年齢 +1 歳")[2])
    assert low.strip() != high.strip()


def test_epoch_by_epoch_a_stopped_run_is_differentiated_as_far_as_it_came(open_page: Open) -> None:
    app = press(open_page("derivatives.py", **NETWORK), "dv_run/step")
    app = wait_until(app, "dv_run", "paused")
    app = wait_until_done(press(app, "dv_run/stop"), "dv_run")
    assert not app.exception
    assert "この患者さんでの偏微分" in [s.value for s in app.header]


@pytest.mark.parametrize("preset", [1, 2])
def test_networks_that_learn_too_little_or_too_much_say_why(open_page: Open, preset: int) -> None:
    app = open_page("derivatives.py", **{k: v for k, v in NETWORK.items() if k != "dv_epochs"})
    app = press(press(app, f"dv_run/preset/{preset}"), "dv_run/start")
    app = wait_until_done(app, "dv_run")
    assert not app.exception
    assert "なぜ" in shown(app)
    assert ("「遅すぎる」", "「過学習」")[preset - 1] in shown(app)


def test_a_pin_is_compared(open_page: Open) -> None:
    app = wait_until_done(press(open_page("derivatives.py", **NETWORK), "dv_run/start"), "dv_run")
    app = press(app, "derivatives/pin")
    assert app.dataframe[0].value["学習率"].tolist() == ["η 0.001"]


@pytest.mark.parametrize(
    "query",
    [
        {"dv_experiment": "../etc", "dv_fn": "<b>", "dv_x": "nan", "dv_dx": "1e99"},
        {"dv_experiment": "心電図の傾き", "dv_delay": "-5", "dv_rate": "1e9"},
        {"dv_experiment": "偏微分と勾配", "dv_sbp": "inf", "dv_bnp": "-1", "dv_moved": "x", "dv_stride": "0"},
        {"dv_experiment": "偏微分と勾配", "dv_part": "x", "dv_rate_net": "9", "dv_hidden": "0"},
        {**NETWORK, "dv_epochs": "99999", "dv_seed": "1e99", "dv_seeds": "7"},
        {"dv_experiment": "連鎖律", "dv_first": "1e9", "dv_second": "nan", "dv_shape": "?"},
        {"dv_experiment": "逆伝播", "dv_w1": "inf", "dv_act": "cosh", "dv_input": "0.3"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("derivatives.py", **query)
    assert not app.exception
    assert not app.error
    for button in app.button:
        if button.key and button.key.endswith("/go"):
            app = button.click().run()
            assert not app.exception
            break


def test_numbers_are_written_as_a_reader_reads_them() -> None:
    assert view.fixed(-2.0, 1) == "−2.0"
    assert view.fixed(-0.00001, 2) == "0.00"
    assert view.fixed(float("nan"), 2) == "計算不能"
    assert view.signed(2.1, 1) == "+2.1"
    assert view.signed(-0.0, 1) == "0.0"
    assert view.scientific(1.23e-8) == "1.2×10⁻⁸"
    assert view.scientific(0.16) == "0.16"
    assert view.power(-12) == "10⁻¹²"
