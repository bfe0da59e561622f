"""The ▶ bar and the share button, in a small app of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.server import ROOT, Server, free_port

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

DEMO = """
import altair as alt
import numpy as np
import streamlit as st

from pages.ui import charts, player, share

steps = np.arange(201)
gain = 2 if st.toggle("二倍", key="twice") else 1
rows = charts.rows("学習", step=steps, y=gain * steps)


def number():
    step = player.step_param(200)
    text = alt.Chart(alt.NamedData("rows")).mark_text(size=40).encode(text="y:Q")
    shown = text.transform_filter(alt.datum.step == step).add_params(step)
    spec = shown.properties(width="container", height=80).to_dict()
    del spec["data"]
    return spec


player.play(number(), rows, steps=200, key="一", alt_text="数", label="<b>更新</b>", speed=60)
player.play(number(), rows, steps=200, key="二", alt_text="数", speed=20)


@st.fragment
def settings():
    st.segmented_control("活性化", ["ReLU", "シグモイド"], default="ReLU", key="act", bind="query-params")


settings()
share.share("share")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The small app, in place of the real one."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo.py").write_text(DEMO, encoding="utf-8")
    port, log = free_port(), folder / "log"
    options = {"server.headless": "true", "server.address": "127.0.0.1", "server.port": str(port)}
    command = [sys.executable, "-m", "streamlit", "run", str(folder / "demo.py")]
    command += [f"--{name}={value}" for name, value in options.items()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env=environment)
    running = Server(port=port, process=process, log=log, started=time.monotonic())
    try:
        running.wait_listening()
        yield running
        assert "Traceback" not in log.read_text(encoding="utf-8")
    finally:
        process.kill()
        process.wait()


class Player:
    """One bar of the page and the number that its chart shows."""

    def __init__(self, page: Page, which: int) -> None:
        self.bar = page.get_by_role("toolbar", name="再生の操作").nth(which)
        self.shown = page.get_by_test_id("stVegaLiteChart").nth(which).locator(".mark-text text")
        self.slider = self.bar.get_by_role("slider")

    def press(self, name: str) -> None:
        self.bar.get_by_role("button", name=name, exact=True).click()

    @property
    def play(self) -> Locator:
        return self.bar.get_by_role("button", name="再生", exact=True)

    @property
    def step(self) -> int:
        return int(self.slider.input_value())

    def expect_at(self, step: int, text: str | None = None) -> None:
        expect(self.slider).to_have_value(str(step))
        expect(self.shown).to_have_text(text or str(step))


def players(page: Page) -> tuple[Player, Player]:
    both = Player(page, 0), Player(page, 1)
    for one in both:
        one.expect_at(0)
    return both


def test_it_plays_to_the_end_without_a_word_to_the_server(visit: Visit) -> None:
    page = visit("/")
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.reload()
    first, second = players(page)
    page.wait_for_timeout(500)
    assert sent  # the page was asked for
    sent.clear()
    first.play.click()
    expect(first.bar.get_by_role("button", name="一時停止")).to_be_visible()
    expect(first.slider).to_have_attribute("aria-valuetext", "<b>更新</b> 200 / 200")
    first.expect_at(200)
    expect(first.play).to_be_visible()  # it stopped
    second.expect_at(0)
    first.play.click()
    page.wait_for_timeout(300)
    first.press("一時停止")
    assert 0 < first.step < 200  # from the start again
    first.expect_at(first.step)
    assert sent == []


def test_pause_steps_and_scrubbing(visit: Visit) -> None:
    page = visit("/")
    _, player = players(page)
    player.play.click()
    page.wait_for_timeout(500)
    player.press("一時停止")
    at = player.step
    assert 3 <= at <= 40  # half a second at 20 steps a second, on a busy machine too
    page.wait_for_timeout(200)
    player.expect_at(at)
    player.press("1つ進む")
    player.expect_at(at + 1)
    player.press("1つ戻る")
    player.press("1つ戻る")
    player.expect_at(at - 1)
    player.slider.fill("123")
    player.expect_at(123)
    expect(player.bar).to_contain_text("ステップ 123 / 200")
    player.press("最初に戻る")
    player.expect_at(0)


def test_a_higher_speed_goes_further(visit: Visit) -> None:
    page = visit("/")
    slow, fast = players(page)[1], Player(page, 0)
    fast.bar.get_by_label("再生の速さ").select_option("×4")
    slow.bar.get_by_label("再生の速さ").select_option("×0.5")
    for player in (slow, fast):
        player.play.click()
    fast.expect_at(200)  # 240 steps a second: frames skip steps, and the last is shown
    assert slow.step < 100


def test_the_keyboard(visit: Visit) -> None:
    page = visit("/")
    _, player = players(page)
    player.slider.focus()
    for key, expected in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 200), ("Home", 0)):
        page.keyboard.press(key)
        player.expect_at(expected)
    page.keyboard.press("Space")
    expect(player.slider).not_to_have_value("0")
    page.keyboard.press("Space")
    expect(player.play).to_be_visible()
    player.play.focus()
    page.keyboard.press("Space")
    expect(player.bar.get_by_role("button", name="一時停止")).to_be_focused()


def test_the_place_is_kept_through_a_rerun_and_another_theme(visit: Visit) -> None:
    page = visit("/")
    first, second = players(page)
    first.slider.fill("50")
    first.expect_at(50)
    page.get_by_text("二倍").click()
    first.expect_at(50, "100")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(1000)
    first.expect_at(50, "100")
    first.press("1つ進む")
    first.expect_at(51, "102")
    second.expect_at(0)


def test_the_charts_own_slider_shows_in_full_screen_only(visit: Visit) -> None:
    page = visit("/")
    first, _ = players(page)
    own = page.locator(".vega-bindings input").first
    expect(own).to_be_hidden()
    page.get_by_test_id("stVegaLiteChart").first.hover()
    page.get_by_role("button", name="Fullscreen").first.click()
    expect(own).to_be_visible()
    own.fill("7")
    first.expect_at(7)


@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_a_thumb(visit: Visit, dark: bool) -> None:
    page = visit("/", phone=True, dark=dark)
    first, _ = players(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in first.bar.get_by_role("button").all():
        box = button.bounding_box()
        assert box
        assert min(box["width"], box["height"]) >= 40


@pytest.mark.parametrize("clipboard", [True, False])
def test_the_address_of_this_moment_is_copied(visit: Visit, clipboard: bool) -> None:
    page = visit("/")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if not clipboard:  # as on a page served over plain http
        page.evaluate("navigator.clipboard.writeText = undefined")
    players(page)
    page.get_by_role("radio", name="シグモイド").click()  # in a fragment: the page itself is not run again
    page.wait_for_url("**/?act=*")
    page.get_by_role("button", name="この設定を共有").click()
    expect(page.locator(".lab-share-address")).to_have_text(page.url)
    page.get_by_role("button", name="アドレスをコピー").click()
    expect(page.get_by_text("コピーしました")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    image = page.get_by_role("img", name="QRコード")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.naturalWidth") > 200
