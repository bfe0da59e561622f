"""A newcomer on the first page: what it is, a network that learns, where to begin, and what was done."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import overflows, press, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


def learnt(page: Page) -> str:
    """Wait until the miniature has been trained; return what is said of it."""
    said = page.locator(".lab-mini-said")
    expect(said).to_contain_text("学習前の", timeout=120_000)  # the workers may just be coming up
    return said.inner_text()


def epoch(page: Page) -> str:
    """Return the epoch that the miniature shows."""
    return page.locator(".lab-mini-numbers").inner_text().split("/")[0]


@pytest.mark.parametrize("dark", [False, True])
def test_everything_fits_one_screen_and_the_miniature_learns_by_itself(visit: Visit, dark: bool) -> None:
    page = visit("/", dark=dark)
    settle(page)
    last = page.get_by_test_id("stPageLink").filter(has_text="RNNとバイタルサイン")
    box = last.bounding_box()
    assert box
    assert box["y"] + box["height"] <= 800
    said = learnt(page)
    first, end = (int(share) for share in re.findall(r"(\d+)%", said)[:2])
    assert end >= 90
    assert end > first
    high, low = (float(loss) for loss in re.findall(r"\d\.\d+", said)[:2])
    assert low < high
    later = last.bounding_box()
    assert later
    assert later["y"] == box["y"]  # nothing has moved
    label = page.get_by_role("img", name=re.compile("検査値 A と B の平面"))
    expect(label).to_have_attribute("aria-label", re.compile(rf"{first}% から {end}%"))


def test_it_plays_round_and_round_without_the_server_until_it_is_paused(visit: Visit) -> None:
    page = visit("/")
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("frame")))
    page.reload()
    learnt(page)
    settle(page)
    expect(page.locator(".lab-mini-numbers")).to_contain_text("エポック 40 / 40")
    before = len(sent)
    assert before  # the socket is being listened to
    expect(page.locator(".lab-mini-numbers")).to_contain_text(re.compile(r"エポック [1-9] / 40"))
    press(page, "一時停止")
    stands = epoch(page)
    page.wait_for_timeout(700)
    assert epoch(page) == stands
    press(page, "再生")
    expect(page.locator(".lab-mini-numbers")).not_to_contain_text(stands)
    assert len(sent) == before


def test_it_stands_still_for_those_who_want_little_motion(visit: Visit) -> None:
    page = visit("/")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    learnt(page)
    expect(page.locator(".lab-mini-numbers")).to_contain_text("エポック 40 / 40")
    page.wait_for_timeout(700)
    expect(page.locator(".lab-mini-numbers")).to_contain_text("エポック 40 / 40")
    press(page, "再生")
    expect(page.locator(".lab-mini-numbers")).not_to_contain_text("エポック 40 / 40")


def test_on_a_phone_it_fits_and_leads_to_the_first_lesson_and_back(visit: Visit) -> None:
    page = visit("/", phone=True)
    learnt(page)
    assert not overflows(page)
    stage = page.get_by_test_id("stVerticalBlock").filter(has=page.locator(".lab-mini")).last
    assert stage.evaluate("e => e.scrollHeight <= e.clientHeight + 1")
    press(page, "レッスン1を始める", exact=False)
    expect(page.get_by_role("heading", name="学習サイクル")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("開いた 1/12")).to_be_visible()
    expect(page.get_by_text("開いた", exact=True)).to_have_count(1)


def test_ones_own_csv_is_asked_for_at_once(visit: Visit) -> None:
    page = visit("/")
    press(page, "自分のCSVを試す", exact=False)
    expect(page.get_by_role("heading", name="RNNとバイタルサイン")).to_be_visible()
    expect(page.get_by_test_id("stFileUploader")).to_be_visible()
