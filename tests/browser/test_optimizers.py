"""A newcomer on 「オプティマイザ」: choose a start, predict, race, play, train for real, read the map."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def count_frames(page: Page) -> list[str | bytes]:
    """Return a list that grows by each message to the server from the next load of the page on."""
    sent: list[str | bytes] = []

    def watch(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: sent.append(payload))

    page.on("websocket", watch)
    return sent


@pytest.mark.parametrize("phone", [False, True])
def test_predict_race_play_without_the_server_and_read_the_ranking(visit: Visit, phone: bool) -> None:
    page = visit("/optimizers", phone=phone)
    sent = count_frames(page)
    page.reload()
    expect(page.get_by_role("heading", name="オプティマイザ")).to_be_visible()
    check(page.get_by_role("radio", name="Nesterov"))
    press(page, "レース開始")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_role("table")).to_contain_text("1. Nesterov")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    balls = page.locator(".lab-terrain-ball")
    expect(balls).to_have_count(7)
    before = [balls.nth(i).get_attribute("cx") for i in range(7)]
    page.wait_for_timeout(1000)
    so_far = len(sent)
    assert so_far > 0
    press(page, "再生")
    for i, start in enumerate(before):
        expect(balls.nth(i)).not_to_have_attribute("cx", start or "")
    assert len(sent) == so_far
    expect(page.get_by_text("歩数 0 / 200")).to_have_count(0)
    assert not overflows(page)


def test_a_click_on_the_map_is_the_new_start(visit: Visit) -> None:
    page = visit("/optimizers")
    ground = page.locator(".lab-terrain-stage svg")
    expect(ground).to_be_visible()
    box = ground.bounding_box()
    assert box is not None
    ground.click(position={"x": box["width"] * 0.8, "y": box["height"] * 0.3})
    across = page.get_by_role("slider", name="出発点 w₁(横)")
    expect(across).not_to_have_attribute("aria-valuetext", "-3.50")
    press(page, "レース開始")
    expect(page.get_by_text("結果: 正解は")).to_be_visible()
    assert re.search(r"op_x=[12]\.", page.url)


def test_what_an_optimizer_holds_is_shown_as_arrows_and_formulas(visit: Visit) -> None:
    page = visit("/optimizers?op_focus=Adam")
    press(page, "レース開始")
    expect(page.get_by_text("➜ モメンタムの項")).to_be_visible()
    press(page, "1つ進む")
    arrows = page.locator(".lab-terrain-arrow")
    expect(arrows).to_have_count(3)
    for i in range(3):
        expect(arrows.nth(i)).not_to_have_attribute("d", "")
    page.get_by_text("数式で見る(Adam の中身)").click()
    expect(page.locator(".katex").filter(has_text="v^").first).to_be_visible()


def test_the_script_taken_home_prints_the_winner_of_the_page(visit: Visit, tmp_path: Path) -> None:
    page = visit("/optimizers?op_land=鞍点")
    press(page, "モメンタムの行き過ぎ")
    expect(page.get_by_role("slider", name="出発点 w₁(横)")).to_have_attribute("aria-valuetext", "-3.50")
    press(page, "レース開始")
    expect(page.get_by_text("なぜ")).to_be_visible()
    end = re.findall(r"終わりは w₁ = ([\d.]+)", page.get_by_text("終わりは w₁").inner_text())[0]
    page.get_by_text("このレースとまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / "race.py"
    download.value.save_as(script)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=60)
    momentum = next(line for line in done.stdout.splitlines() if line.startswith("SGD+モメンタム"))
    assert float(re.findall(r"w = \[([-\d.]+)", momentum)[0]) == pytest.approx(float(end), abs=0.006)


@pytest.mark.parametrize("phone", [False, True])
def test_seven_optimizers_train_live_on_a_real_network(visit: Visit, phone: bool) -> None:
    page = visit(
        f"/optimizers?op_exp=本物のネットワークでレース&op_net_epochs=120&op_net_seed={40 + phone}",
        phone=phone,
    )
    press(page, "35 個を同時に学習")
    expect(page.get_by_text(re.compile("残り約|120 エポックで終了"))).to_be_visible()
    expect(page.get_by_text("120 エポックで終了")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(8)
    expect(page.get_by_text("ミリ秒でした")).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_the_map_is_clicked_and_the_run_agrees_with_it(visit: Visit, phone: bool) -> None:
    page = visit("/optimizers?op_exp=モメンタムの地図&op_kappa=20", phone=phone, dark=phone)
    chart = page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first
    expect(chart).to_be_visible()
    page.wait_for_timeout(1000)
    box = chart.bounding_box()
    assert box is not None
    chart.click(position={"x": box["width"] * 0.9, "y": box["height"] * 0.7})
    alpha = page.get_by_role("slider", name="学習率 α")
    expect(alpha).not_to_have_attribute("aria-valuetext", "0.400")
    expect(page.get_by_text("発散、")).to_be_visible()
    check(page.get_by_role("radio", name="収まらない"))
    press(page, "走らせる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    press(page, "いちばん速い点へ")
    expect(alpha).to_have_attribute("aria-valuetext", "2.672")
    press(page, "走らせる")
    expect(page.get_by_text("表示の桁まで一致しました")).to_be_visible()
    assert not overflows(page)
