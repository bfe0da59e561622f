"""What a reader of any page does and sees."""

import time

from playwright.sync_api import Error, Locator, Page, expect

SECONDS = 20


def press(page: Page, name: str, exact: bool = True) -> None:
    """Press a button."""
    page.get_by_role("button", name=name, exact=exact).click()


def guess(page: Page, choice: str) -> None:
    """Answer the question of the experiment."""
    question = page.get_by_test_id("stRadioGroup")
    question.get_by_text(choice, exact=True).click()
    expect(question.get_by_role("radio", name=choice, exact=True)).to_be_checked()


def check(choice: Locator) -> None:
    """Choose a radio button, which Streamlit keeps invisible, or none for a moment while it redraws."""
    limit = time.monotonic() + SECONDS
    while True:
        try:
            choice.check(force=True)
            return
        except Error:
            if time.monotonic() > limit:
                raise
            time.sleep(0.2)


def settle(page: Page) -> None:
    """Wait until the page has been redrawn."""
    page.locator('[data-testid="stApp"][data-test-script-state="notRunning"]').wait_for()


def read(page: Page) -> None:
    """Wait for the reading of a run."""
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible(timeout=60_000)


def play_to_the_end(page: Page) -> None:
    """Play a little, then jump to the last step."""
    count = page.locator(".lab-player-count")
    expect(count).to_contain_text(" 0 / ")
    press(page, "再生")
    expect(count).not_to_contain_text(" 0 / ")
    steps = page.locator(".lab-player input[type=range]")
    steps.focus()
    page.keyboard.press("End")
    last = steps.get_attribute("max")
    expect(count).to_contain_text(f"{last} / {last}")


def overflows(page: Page) -> bool:
    """Say whether the page is wider than its window."""
    wide: bool = page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1")
    return wide
