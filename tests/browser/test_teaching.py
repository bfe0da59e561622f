"""A teacher prepares a lesson; two readers open its link, cannot move what is locked, answer, and train."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import SECONDS, guess, overflows, press, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
LESSON = "/learning_rate?experiment=本物のネットワーク&rate=0.01&rate_epochs=20"
WORDS = "まず予想を。<b>太字</b> $x^2$ **y** は文字のまま"


def choose(page: Page, label: str, option: str) -> None:
    """Choose from a list in the teacher's form."""
    listed = page.get_by_role("option", name=option, exact=True)
    limit = time.monotonic() + SECONDS
    while not listed.is_visible():  # a list that opens while the page is being redrawn closes again
        assert time.monotonic() < limit, option
        page.get_by_role("combobox", name=label).click()
        page.wait_for_timeout(500)
    listed.click()
    settle(page)
    if page.get_by_role("listbox").count():  # one to choose several from stays open, and hides the rest
        page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_have_count(0)


def make_link(page: Page) -> str:
    """Prepare a lesson as a teacher does, and return the path of its link."""
    page.get_by_text("授業用リンクを作る", exact=True).click()
    choose(page, "動かせなくする設定", "学習率 η")
    choose(page, "隠す設定", "オプティマイザ")
    choose(page, "目標", "検証損失")
    number = page.get_by_role("spinbutton", name="いくつ以下になれば達成?")
    number.fill("3")
    number.press("Enter")
    settle(page)
    page.get_by_role("textbox", name="先生からのひとこと").fill(WORDS)
    press(page, "リンクを作る")
    address = page.locator(".lab-share-address")
    expect(address).to_contain_text("class=v1")
    expect(page.get_by_role("img", name="QRコード")).to_be_visible()
    return "/" + address.inner_text().split("/", 3)[3]


def knob(page: Page) -> Locator:
    """Return the locked slider, which no longer has a role for those who do not see it."""
    return page.locator('.st-key-rate input[type="range"]')


def assert_locked(page: Page) -> None:
    """Try to move the locked slider with the mouse, by touch coordinates and with the keyboard."""
    expect(page.locator(".st-key-rate")).to_have_attribute("aria-disabled", "true")
    expect(knob(page)).to_have_attribute("aria-valuetext", "0.01")
    knob(page).scroll_into_view_if_needed()
    place = page.locator(".st-key-rate").bounding_box()
    assert place
    page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] * 0.7)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] - 5, place["y"] + place["height"] * 0.7, steps=4)
    page.mouse.up()
    knob(page).evaluate("knob => knob.focus()")
    assert not knob(page).evaluate("knob => knob.getRootNode().activeElement === knob")
    for _ in range(40):  # all the way round the page
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement.closest('.st-key-rate') !== null")
    settle(page)
    expect(knob(page)).to_have_attribute("aria-valuetext", "0.01")


def test_a_class_with_two_readers(visit: Visit) -> None:
    teacher = visit(LESSON)
    path = make_link(teacher)
    assert not overflows(teacher)
    readers = [visit(path), visit(path, phone=True)]
    for reader in readers:
        expect(reader.get_by_text(WORDS, exact=True)).to_be_visible()
        expect(reader.get_by_text("目標: 検証損失を 3 以下に")).to_be_visible()
        expect(reader.locator(".st-key-optimizer")).to_be_hidden()
        assert_locked(reader)
        expect(reader.locator(".lab-votes")).to_have_count(0)
        assert not overflows(reader)
    guess(readers[0], "収束した")
    expect(readers[0].locator(".lab-votes")).to_contain_text("クラスの予想(1人)")
    expect(readers[1].locator(".lab-votes")).to_have_count(0)
    guess(readers[1], "過学習")
    for reader in readers:
        votes = reader.locator(".lab-votes")
        expect(votes).to_contain_text("クラスの予想(2人)")
        expect(votes.locator("li", has_text="収束した")).to_contain_text("1人")
        expect(votes.locator("li", has_text="過学習")).to_contain_text("1人")
        expect(votes.locator("li", has_text="発散した")).to_contain_text("0人")
    press(readers[1], "学習開始")
    expect(readers[1].get_by_text("達成しました")).to_be_visible()
    assert not overflows(readers[1])
    press(teacher, "授業を終える(集計を消す)")
    expect(readers[0].get_by_text("集計は、もうありません")).to_be_visible()
    expect(readers[0].locator(".lab-votes")).to_have_count(0)


def test_the_link_survives_moving_around_in_the_lesson_and_a_reload(visit: Visit) -> None:
    reader = visit(make_link(visit(LESSON)))
    expect(reader.get_by_text(WORDS, exact=True)).to_be_visible()
    settle(reader)
    reader.get_by_role("slider", name="エポック数").focus()
    reader.keyboard.press("ArrowRight")
    expect(reader).to_have_url(re.compile("class=v1.*rate_epochs=30|rate_epochs=30.*class=v1"))
    reader.get_by_role("radio", name="3つの用量").click()
    expect(reader.get_by_role("button", name="走らせる")).to_be_visible()
    reader.get_by_role("radio", name="本物のネットワーク").click()
    expect(knob(reader)).to_have_attribute("aria-valuetext", "0.01")
    press(reader, "多すぎる用量")
    settle(reader)
    assert_locked(reader)  # and what is hidden does not move either
    expect(reader).not_to_have_url(re.compile("optimizer="))
    guess(reader, "収束した")
    expect(reader.locator(".lab-votes")).to_contain_text("クラスの予想(1人)")
    reader.reload()
    expect(reader.get_by_text(WORDS, exact=True)).to_be_visible()
    expect(reader.get_by_role("button", name="学習開始")).to_be_visible()
    settle(reader)
    expect(reader.locator(".lab-votes")).to_have_count(0)
    guess(reader, "発散した")
    expect(reader.locator(".lab-votes")).to_contain_text("クラスの予想(1人)")  # the same browser, once
    reader.get_by_role("link", name="次: ミニバッチ").click()
    expect(reader.get_by_role("heading", name="ミニバッチ", exact=False).first).to_be_visible()
    expect(reader.get_by_text(WORDS, exact=True)).to_have_count(0)


@pytest.mark.parametrize("piece", ["v1AAAA", "%3Cscript%3E", "v1" + "A" * 1500, "v1%00%F0%9F"])
def test_a_broken_link_opens_the_ordinary_lesson(visit: Visit, piece: str) -> None:
    page = visit(f"{LESSON}&class={piece}")
    expect(page.get_by_role("button", name="学習開始")).to_be_visible()
    expect(page.locator(".st-key-rate")).not_to_have_attribute("inert", "")
    expect(knob(page)).to_have_attribute("aria-valuetext", "0.01")
    expect(page.get_by_text("問題が起きました")).to_have_count(0)
