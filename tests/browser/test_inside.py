"""A newcomer on 中をのぞく: trains a network, reads a window with it step by step, looks at its units."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.forecaster import train_forecaster
from core.history import ForecastRun
from core.inside import network, walk
from core.series import article_series
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, TrainingSpec
from core.windows import make_windows
from tests.browser.reader import check, overflows, press, read, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PAGE = "/vitals?vt_experiment=中をのぞく"
START = "学習して、中をのぞく"
COUNT_SENDS = """() => {
  const send = WebSocket.prototype.send;
  window.sends = 0;
  WebSocket.prototype.send = function (...data) { window.sends++; return send.apply(this, data); };
}"""
DRAWN = ".lab-inside-card[data-card=sum] .lab-inside-grid"


def trained(page: Page) -> Page:
    press(page, START)
    read(page)
    expect(page.locator(".lab-inside-said")).to_contain_text("h₀ は全部 0 です")
    settle(page)
    return page


def run(cell: str, epochs: int) -> tuple[ForecastSpec, ForecastRun]:
    spec = ForecastSpec(
        model=ModelSpec(name=cell, hidden=4),
        optimizer=OptimizerSpec(lr=1e-2),
        training=TrainingSpec(epochs=epochs),
    )
    return spec, train_forecaster(spec)


def written(values: np.ndarray) -> list[str]:
    return [f"{value:z.2f}".replace("-", "−") for value in values]


def column(page: Page, place: int) -> list[str]:
    """Return the numbers of a vector of the sum: 1 is x, 4 the state before, −1 what comes out."""
    texts: list[str] = page.locator(DRAWN).nth(place).locator("span").all_text_contents()
    return texts


def go(page: Page, step: int) -> None:
    page.locator(".lab-player input[type=range]").fill(str(step))
    expect(page.locator(".lab-player-count")).to_contain_text(f"手順 {step} /")


@pytest.mark.parametrize("phone", [False, True])
def test_a_window_is_read_step_by_step_without_the_server(visit: Visit, phone: bool) -> None:
    page = visit(f"{PAGE}&vi_at=9", phone=phone, dark=phone)
    if not phone:
        box = page.get_by_role("button", name=START).bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    settle(page)
    check(page.get_by_role("radio", name="最後の1点を消したとき"))
    trained(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    spec, result = run("rnn", 100)
    net = network(spec.model, result.weights, result.scale)
    window = make_windows(article_series().values, 10).between(160, 200).inputs[8]
    states = [steps[0].state for steps in walk(net, window.astype(np.float64))]

    page.evaluate(COUNT_SENDS)
    assert column(page, 4) == ["0.00"] * 4
    press(page, "1つ進む")
    assert column(page, 1) == written(window[:1])
    assert column(page, -1) == [""] * 4
    for step in (3, 6, 30):
        go(page, step)
        t = step // 3 - 1
        assert column(page, -1) == written(states[t])
        assert column(page, 4) == written(states[t - 1] if t else np.zeros(4))
    press(page, "1つ進む")
    said = page.locator(".lab-inside-said")
    expect(said).to_contain_text(f"ŷ = {result.test.model[8]:.2f}".replace("-", "−"))
    expect(said).to_contain_text("PyTorch 自身の予測との差は")
    (power,) = re.findall(r"×10⁻(.)", said.inner_text()) or ["⁹"]
    assert power in "⁶⁷⁸⁹"
    expect(page.locator(".lab-inside-lines")).to_contain_text(f"b_y {net.b_y:.2f}".replace("-", "−")[:4])
    assert page.evaluate("window.sends") == 0
    page.get_by_role("slider", name="テスト区間の何番目の窓か").press("ArrowRight")
    expect(said).to_contain_text(f"ŷ = {result.test.model[9]:.2f}".replace("-", "−"))
    assert page.evaluate("window.sends") > 0
    assert not overflows(page)


def test_every_gate_of_an_lstm_is_seen_and_a_unit_is_chosen(visit: Visit) -> None:
    page = trained(visit(f"{PAGE}&vi_cell=LSTM&vi_epochs=20&vi_at=9"))
    spec, result = run("lstm", 20)
    net = network(spec.model, result.weights, result.scale)
    window = make_windows(article_series().values, 10).between(160, 200).inputs[8]
    steps = [steps[0] for steps in walk(net, window.astype(np.float64))]
    go(page, 15)  # the third reading is done
    gates = np.split(steps[2].gates, 4)
    for place, name in enumerate(["入力ゲート i", "忘却ゲート f", "候補 g", "出力ゲート o"]):
        page.locator(".lab-inside-tabs").get_by_role("button", name=name).click()
        assert column(page, -1) == written(gates[place])
    page.get_by_label("式に出すユニット").select_option("2")
    assert steps[2].cell is not None
    lines = page.locator(".lab-inside-lines")
    expect(lines).to_contain_text(f"= {steps[2].cell[1]:.3f}".replace("-", "−"))
    expect(lines).to_contain_text(f"= {steps[2].state[1]:.3f}".replace("-", "−"))
    page.locator(DRAWN).last.locator("span").nth(3).click()
    expect(page.get_by_label("式に出すユニット")).to_have_value("3")
    expect(page.locator(".lab-inside-touched")).to_contain_text("o の 4 番目")
    page.get_by_role("radio", name="忘却ゲート f").check(force=True)
    expect(
        page.locator(".st-key-vi_states").or_(page.locator("[data-testid=stVegaLiteChart]")).first
    ).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_a_learning_rate_of_1_fails_by_saturation(visit: Visit, phone: bool) -> None:
    page = visit(PAGE, phone=phone)
    press(page, "学習率が大きすぎる")
    page.get_by_text("詳しい設定").click()
    expect(page.get_by_role("slider", name="学習率")).to_have_attribute("aria-valuetext", "1")
    settle(page)
    trained(page)
    why = page.get_by_text("飽和)").first
    expect(why).to_contain_text("|h| > 0.99 の割合は")
    (share,) = re.findall(r"割合は (\d+)%", why.inner_text())
    assert int(share) > 80
    go(page, 30)
    assert sum(text.lstrip("−") == "1.00" for text in column(page, -1)) >= 3
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


def test_the_network_of_the_first_experiment_is_opened(visit: Visit) -> None:
    page = visit("/vitals?epochs=10&cell=GRU&hidden=16")
    press(page, "学習開始")
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible(timeout=60_000)
    page.get_by_role("radio", name="中をのぞく").check(force=True)
    page.get_by_text("「次の値を当てる」から", exact=True).click()
    expect(page.get_by_text("、16 ユニット、窓 10 点、")).to_be_visible()
    settle(page)
    page.get_by_role("button", name="中をのぞく", exact=True).click()
    read(page)
    go(page, 51)
    expect(page.locator(".lab-inside-said")).to_contain_text("PyTorch 自身の予測との差は")
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    expect(page.get_by_text("h[layer], c[layer] = read(")).to_be_visible()
    assert not overflows(page)
