from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import ARGUMENTS, find
from tests.server import Server, serving

expect.set_options(timeout=45_000)  # a busy machine takes its time

TRIES_AGAIN = 1
"""How often a browser test that failed is tried again: a starved machine loses a click now and then."""

FITS = "document.documentElement.scrollWidth <= window.innerWidth + 1"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try browser tests again, with all that they need made anew; a fault in the app fails them again."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=TRIES_AGAIN))


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all modules that do not ask for their own."""
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server; one that has answered nobody yet in modules that say ``FRESH_SERVER = True``."""
    if not getattr(request.module, "FRESH_SERVER", False):
        yield request.getfixturevalue("shared_server")
        return
    with serving(tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find()
    assert path, "no Chromium: python -m tests.browser.chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser, server: Server) -> Iterator[Callable[..., Page]]:
    """Open an address of the app as somebody new, with a browser of their own.

    When the test has ended, every page that is still open must fit on a phone as well.
    """
    contexts: list[BrowserContext] = []

    def visited(path: str, phone: bool = False, dark: bool = False) -> Page:
        context = browser.new_context(
            viewport=PHONE if phone else DESKTOP,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            locale="ja-JP",
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(45_000)
        page.goto(server.url + path)
        return page

    yield visited
    try:
        for page in (page for context in contexts for page in context.pages):
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            page.wait_for_function(FITS)
    finally:
        for context in contexts:
            context.close()


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """A CSV as a Japanese Excel saves it: cp932, a clock, two signals, one reading missing."""
    import math

    lines = ["日時,心拍数,SpO2"]
    for i in range(150):
        heart = "---" if i == 40 else f"{80 + 10 * math.sin(i / 4):.1f}"
        lines.append(f"2024/05/01 {7 + i // 60}:{i % 60:02d},{heart},{96 + i % 3}")
    path = tmp_path / "バイタル.csv"
    path.write_bytes("\r\n".join(lines).encode("cp932"))
    return path
