"""A newcomer in the playground: build a network, watch its map while it learns, go back, tap its units."""

import re
import statistics
import struct
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PLAYGROUND = "/activations?ac_experiment=プレイグラウンド"
SLOW = f"{PLAYGROUND}&pg_batch=4&pg_epochs=500"  # 37,500 updates


def picture(page: Page) -> str:
    """Return all pixels of the large map."""
    page.wait_for_timeout(100)
    drawn: str = page.locator(".lab-pg-plot canvas").evaluate("canvas => canvas.toDataURL()")
    return drawn


def unit(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def epoch(page: Page) -> int:
    found = re.match(r"エポック (\d+)", page.locator(".lab-pg-numbers").inner_text())
    return int(found[1]) if found else -1


def scrub(page: Page, to: int) -> None:
    page.get_by_role("toolbar", name="再生の操作").get_by_role("slider").fill(str(to))
    page.wait_for_timeout(150)


def train(page: Page) -> None:
    press(page, "学習開始")
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible(timeout=60_000)


@pytest.mark.parametrize("phone", [False, True])
def test_predict_train_watch_the_map_and_go_back_in_the_browser(visit: Visit, phone: bool) -> None:
    spoken: list[object] = []
    page = visit(f"{PLAYGROUND}&pg_seed={61 + phone}&pg_batch=4", phone=phone, dark=phone)
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: spoken.append(frame)))
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: spoken.append(frame)))
    page.reload()
    check(page.get_by_role("radio", name="届く", exact=True))
    press(page, "学習開始")
    seen = set()
    while page.get_by_role("heading", name="読み解き").count() == 0:
        seen.add((epoch(page), picture(page)))
    assert len({number for number, _ in seen}) >= 4  # it moved while it trained
    assert len({drawn for _, drawn in seen}) >= 4
    top = page.locator(".lab-pg-map").bounding_box()
    assert top
    assert 0 <= top["y"] < 450  # in the upper half of the screen, or nearly
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.locator(".lab-pg-numbers")).to_contain_text("エポック 200")
    last = picture(page)
    page.wait_for_timeout(1500)
    spoken.clear()
    scrub(page, 0)
    expect(page.locator(".lab-pg-numbers")).to_have_text("エポック 0学習前")
    first = picture(page)
    scrub(page, 20)
    assert len({first, picture(page), last}) == 3
    scrub(page, 0)
    toggle = page.locator(".lab-player [data-action=toggle]")
    toggle.click()
    page.wait_for_timeout(1000)
    toggle.click()
    assert 5 <= epoch(page) < 200
    unit(page, "隠れ層 2・ユニット 3").click()
    expect(page.locator(".lab-pg-title")).to_contain_text("隠れ層 2・ユニット 3")
    expect(page.locator(".lab-pg-said")).to_contain_text("大きい重み: 1層の")
    assert picture(page) not in (first, last)
    press(page, "判定の地図に戻る")
    assert spoken == []
    assert not overflows(page)


def test_refreshes_are_small_and_many(visit: Visit, capsys: pytest.CaptureFixture[str]) -> None:
    received: list[tuple[float, bytes]] = []

    def take(data: bytes | str) -> None:
        received.append((time.monotonic(), data.encode() if isinstance(data, str) else data))

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", take)

    page = visit(f"{SLOW}&pg_seed=63")
    page.on("websocket", listen)
    page.reload()
    expect(page.locator(".lab-pg-plot canvas")).to_be_visible()
    page.wait_for_timeout(1000)
    received.clear()
    press(page, "学習開始")
    expect(page.locator(".lab-pg-numbers")).to_contain_text("検証損失")
    page.wait_for_timeout(6000)
    looks: list[float] = []
    epochs: set[int] = set()
    sizes: list[int] = []
    refresh = 0
    for when, data in received:
        message = ForwardMsg()
        message.ParseFromString(data)
        if message.WhichOneof("type") == "new_session":
            refresh = 0
        refresh += len(data)
        sent = message.delta.new_element.bidi_component
        if sent.component_name != "lab_playground_film":
            continue
        (size,) = struct.unpack_from("<I", sent.bytes)
        new = set(map(int, re.findall(rb'"epoch":(\d+)', sent.bytes[4 : 4 + size]))) - epochs
        if new:
            epochs |= new
            looks.append(when)
            sizes.append(refresh)
    rate = (len(looks) - 1) / (looks[-1] - looks[0])
    usual = 1 / statistics.median(b - a for a, b in pairwise(looks))
    with capsys.disabled():
        print(f"\n{rate:.1f} (usually {usual:.1f}) looks a second, of at most {max(sizes[1:]):,} bytes")
    assert max(sizes[1:]) <= 60_000  # all that a refresh redraws; the first begins with the whole page
    assert usual >= 2  # 4 and more on a machine of its own; here another test runs beside
    press(page, "停止")
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible()


def test_the_controls_change_what_is_seen(visit: Visit) -> None:
    page = visit(PLAYGROUND)
    units = page.locator(".lab-pg-unit")
    expect(units).to_have_count(2 + 16 + 16 + 1)
    first = picture(page)
    page.get_by_text("テスト患者も表示").click()
    expect(page.locator(".lab-pg-test")).to_be_visible()
    assert picture(page) != first
    page.get_by_role("button", name="A×B", exact=True).click()
    expect(unit(page, "入力 A×B")).to_be_visible()
    expect(units).to_have_count(3 + 16 + 16 + 1)
    page.get_by_label("1層目", exact=True).fill("3")
    page.get_by_label("1層目", exact=True).press("Enter")
    expect(units).to_have_count(3 + 3 + 16 + 1)
    unit(page, "入力 A×B").click()
    expect(page.locator(".lab-pg-title")).to_contain_text("入力 A×B")
    columns = picture(page)
    page.get_by_text("2色に塗り分ける").click()
    page.wait_for_timeout(500)
    assert picture(page) != columns
    unit(page, "入力 A×B").focus()
    page.keyboard.press("ArrowRight")
    expect(unit(page, "隠れ層 1・ユニット 3")).to_be_focused()
    expect(page.locator(".lab-pg-title")).to_contain_text("隠れ層 1・ユニット 3")
    expect(page).to_have_url(re.compile("pg_u1=3"))
    assert not overflows(page)


def test_a_preset_that_fails_says_why(visit: Visit) -> None:
    page = visit(PLAYGROUND)
    press(page, "線形を4層")
    expect(unit(page, "隠れ層 4・ユニット 8")).to_be_visible()
    check(page.get_by_role("radio", name="届く", exact=True))
    train(page)
    expect(page.get_by_text("予想は「届く」、結果は「届かない」でした。")).to_be_visible()
    expect(page.get_by_text("何枚重ねても1枚の足し算と掛け算に等しくなります")).to_be_visible()
    assert not overflows(page)


def test_somebody_who_comes_later_gets_the_whole_film(visit: Visit) -> None:
    address = f"{PLAYGROUND}&pg_seed=64&pg_epochs=60"
    pictures = []
    for _ in range(2):
        page = visit(address)
        train(page)
        expect(page.locator(".lab-pg-numbers")).to_contain_text("エポック 60")
        reel = []
        for number in (0, 7, 33, 60):
            scrub(page, number)
            expect(page.locator(".lab-pg-numbers")).to_contain_text(f"エポック {number}")
            reel.append(picture(page))
        assert len(set(reel)) == 4
        pictures.append(reel)
    assert pictures[0] == pictures[1]


def test_the_weight_of_a_line_is_told(visit: Visit) -> None:
    page = visit(f"{PLAYGROUND}&pg_layers=なし&pg_data=2つの集まり&pg_epochs=20")
    train(page)
    a, out = (unit(page, name).bounding_box() for name in ("入力 A", "出力(病気ありの確率)"))
    assert a
    assert out
    page.mouse.move((a["x"] + a["width"] + out["x"]) / 2, (a["y"] + out["y"] + a["height"]) / 2)
    expect(page.locator(".lab-pg-said")).to_have_text(re.compile(r"A → 出力 の重み [−\d.]+"))
