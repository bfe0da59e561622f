"""A newcomer on 「勾配降下法」: choose a start on the map, walk, play, lose the way in fog, map a network."""

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
MAP = "/gradient_descent?gd_experiment=2つの重み(地図)"
NETWORK = "/gradient_descent?gd_experiment=本物の損失地形&gd_epochs=20"
EDGES = {"left": 50, "right": 10, "top": 8, "bottom": 42}  # of the plot within its picture


def picture(page: Page) -> Locator:
    return page.locator(".lab-terrain-stage svg")


def fact(page: Page, label: str) -> str:
    row = page.locator(".lab-terrain-row", has_text=label).first
    return row.locator(".lab-terrain-value").inner_text()


def click_share(page: Page, across: float, up: float) -> None:
    """Click the map at these shares of its width and height."""
    box = picture(page).bounding_box()
    assert box
    wide = box["width"] - EDGES["left"] - EDGES["right"]
    high = box["height"] - EDGES["top"] - EDGES["bottom"]
    at = {"x": EDGES["left"] + across * wide, "y": EDGES["top"] + (1 - up) * high}
    picture(page).click(position=at)  # type: ignore[arg-type]


def at_step(page: Page, step: int) -> None:
    page.get_by_role("toolbar", name="再生の操作").get_by_role("slider").fill(str(step))
    expect(page.locator(".lab-terrain-value").first).to_have_text(re.compile(rf"^{step} / "))


@pytest.mark.parametrize("phone", [False, True])
def test_choose_a_start_on_the_map_predict_walk_and_read(visit: Visit, phone: bool) -> None:
    page = visit(MAP, phone=phone)
    expect(picture(page)).to_be_visible()
    click_share(page, 0.2, 0.75)  # of −4 … 4, both ways
    across = page.get_by_role("slider", name="出発点 w₁(横)")
    expect(across).to_have_attribute("aria-valuetext", re.compile(r"^-2\.4"))
    up = page.get_by_role("slider", name="出発点 w₂(縦)")
    expect(up).to_have_attribute("aria-valuetext", re.compile(r"^(2|1\.95|2\.05)"))
    expect(page).to_have_url(re.compile("gd_map_x=-2.4"))
    check(page.get_by_role("radio", name="いちばん深い谷底"))
    press(page, "歩き始める")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    at_step(page, 200)
    assert float(fact(page, "損失")) == pytest.approx(0.5135, abs=1e-3)
    expect(page.locator(".lab-terrain-voice")).not_to_be_empty()
    assert not overflows(page)


def test_playing_is_smooth_keeps_its_height_and_says_nothing_to_the_server(visit: Visit) -> None:
    page = visit(MAP)
    spoken: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: spoken.append(frame)))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: spoken.append(frame)))
    page.reload()
    press(page, "歩き始める")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    page.wait_for_timeout(1000)
    assert spoken
    spoken.clear()
    heights, moves = page.evaluate(
        """async () => {
            const block = document.querySelector('.lab-terrain');
            const ball = block.querySelector('.lab-terrain-ball');
            const heights = new Set();
            let moves = 0;
            new MutationObserver(() => moves++).observe(ball, { attributes: true, attributeFilter: ['cx'] });
            document.querySelector('.lab-player [data-action=toggle]').click();
            for (let i = 0; i < 30; i++) {
                await new Promise((done) => setTimeout(done, 100));
                heights.add(block.offsetHeight);
            }
            return [heights.size, moves];
        }"""
    )
    assert heights == 1
    assert moves > 3 * 20 * 1.5  # in three seconds, between the 20 steps of each as well; about 180 when idle
    press(page, "一時停止")
    assert int(fact(page, "歩数").split("/")[0]) > 20
    assert spoken == []


def test_fog_hides_all_but_the_feet_and_moves_along(visit: Visit) -> None:
    page = visit(f"{MAP}&gd_map_fog=true")
    press(page, "歩き始める")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    assert page.get_by_text("正解は").count() == 0

    def seen() -> tuple[np.ndarray, tuple[float, float]]:
        """Which pixels of the plot differ from plain fog, and the ball's place in it."""
        picture(page).evaluate("picture => picture.scrollIntoView({ block: 'center' })")
        image = Image.open(io.BytesIO(picture(page).screenshot())).convert("RGB")
        plot = np.asarray(image, dtype=int)[
            EDGES["top"] + 2 : -EDGES["bottom"] - 2, EDGES["left"] + 2 : -EDGES["right"] - 2
        ]
        ball = page.locator(".lab-terrain-ball")
        x, y = (float(ball.get_attribute(name) or 0) for name in ("cx", "cy"))
        fog = np.median(plot.reshape(-1, 3), axis=0)
        return np.abs(plot - fog).sum(axis=2) > 12, (x - EDGES["left"] - 2, y - EDGES["top"] - 2)

    places = []
    for step in (0, 12, 200):
        at_step(page, step)
        page.wait_for_timeout(300)
        visible, (x, y) = seen()
        down, across = np.indices(visible.shape)
        far = np.hypot(across - x, down - y) > 0.14 * visible.shape[1] + 36  # beyond disc and arrow
        assert far.mean() > 0.5
        assert not visible[far].any(), step
        assert visible[~far].any()
        places.append((x, y))
    assert len(set(places)) == 3
    page.get_by_text("霧をかける").click()
    expect(page.get_by_text("正解は")).to_be_visible()
    page.wait_for_timeout(500)
    assert seen()[0].mean() > 0.3


def test_a_diverging_walk_stops_at_the_edge_of_the_map_and_says_when(visit: Visit) -> None:
    page = visit(MAP)
    press(page, "大きすぎる学習率")
    expect(page.get_by_role("slider", name="学習率 η")).to_have_attribute("aria-valuetext", "0.1")
    press(page, "歩き始める")
    expect(page.get_by_text("7 歩目で発散しました")).to_be_visible()
    expect(page.locator(".lab-terrain-ball")).to_be_visible()
    at_step(page, 5)
    expect(page.locator(".lab-terrain-voice")).to_have_text("1 歩目で地図の外へ")
    expect(page.locator(".lab-terrain-left")).to_have_text("1 歩目で地図の外へ")
    expect(page.locator(".lab-terrain-ball")).to_be_hidden()
    marker = page.locator(".lab-terrain-leaving").bounding_box()
    box = picture(page).bounding_box()
    assert marker
    assert box
    assert box["x"] <= marker["x"]
    assert marker["x"] + marker["width"] <= box["x"] + box["width"]
    assert box["y"] <= marker["y"] <= box["y"] + box["height"] - EDGES["bottom"]
    assert not overflows(page)


def test_another_walk_begins_at_its_beginning_and_a_curve_can_be_clicked(visit: Visit) -> None:
    page = visit("/gradient_descent")
    press(page, "歩き始める")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    at_step(page, 150)
    click_share(page, 0.9, 0.5)
    expect(page.get_by_role("slider", name="出発点 w")).to_have_attribute(
        "aria-valuetext", re.compile(r"^3\.[12]")
    )
    expect(page.get_by_text("正解は")).to_have_count(0)
    press(page, "歩き始める")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    expect(page.get_by_text("浅い谷底(局所最小)」")).to_be_visible()


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)])
def test_map_a_network_play_its_epochs_and_look_along_other_directions(
    visit: Visit, phone: bool, dark: bool
) -> None:
    page = visit(f"{NETWORK}&gd_seed={51 + phone}", phone=phone, dark=dark)
    check(page.get_by_role("radio", name="ほぼすべて(90%以上)"))
    press(page, "学習して地図を描く")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(picture(page).locator(".lab-terrain-level")).to_have_count(14)
    expect(page.get_by_text("エポック 0 / 20")).to_be_visible()
    first = float(fact(page, "損失"))
    at_step(page, 20)
    last = float(fact(page, "損失"))
    assert last < first
    assert fact(page, "地図からの距離") == "0"
    assert float(fact(page, "地図上の高さ")) == pytest.approx(last, rel=0.01)
    page.get_by_role("radio", name="ランダム").click()
    expect(page.get_by_text("乱数で選んだ向きは").first).to_be_visible()
    expect(page.get_by_text("正解は「ほとんど写らない(10%未満)」")).to_be_visible()
    assert not overflows(page)
