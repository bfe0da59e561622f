"""A file whose name, headers and cells are HTML, Markdown and LaTeX: shown as text, never carried out."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]

NAME = "<img src=x onerror=window.taken=1> **b** $x^2$ :red[r].csv"
HEADERS = [
    "time [s]",
    "HR<img src=x onerror=window.taken=1>",
    "SpO2 **太字** [押す](javascript:window.taken=1)",
    r"RR $\frac{7}{9731}$ :red[赤] `c`",
]
CELL = "<script>window.taken=1</script> ![](x) $y$"


def hostile() -> bytes:
    rows = [f"{second},{70 + second % 9},{95 + second % 4},{14 + second % 3}" for second in range(150)]
    rows[40] = f"40,{CELL},97,15"
    return "\n".join([",".join(HEADERS), *rows]).encode()


def is_harmless(page: Page) -> None:
    assert page.evaluate("window.taken") is None
    main = page.locator("section.stMain, [data-testid=stMain]").first
    assert main.locator("img[src='x'], [onerror], a[href^='javascript']").count() == 0
    for made in ("strong:has-text('太字')", ".katex:has-text('9731')", "span[style]:text-is('赤')"):
        shown = main.locator(made)
        assert shown.count() == 0, made


def test_names_and_cells_of_a_file_are_shown_as_they_are(visit: Visit) -> None:
    page = visit("/vitals?data=自分のCSV&epochs=20")
    page.locator("input[type=file]").set_input_files(
        FilePayload(name=NAME, mimeType="text/csv", buffer=hostile())
    )
    use = page.get_by_role("button", name="この内容で使う")
    expect(use).to_be_visible()
    main = page.locator("[data-testid=stMain]")
    expect(main).to_contain_text("onerror")
    is_harmless(page)
    use.click()
    page.get_by_role("button", name="学習開始").click()
    expect(page.get_by_text("20 エポックで終了")).to_be_visible()
    expect(main).to_contain_text("onerror")
    is_harmless(page)
