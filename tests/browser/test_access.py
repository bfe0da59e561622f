"""Every experiment of every page, judged by axe-core; a lesson's main flow by keyboard alone."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.reader import settle
from tests.server import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
ROOT = Path(__file__).parents[2]

SEVERE = ("serious", "critical")
ALSO = ("heading-order", "page-has-heading-one", "empty-heading", "image-redundant-alt")  # only moderate

# What Streamlit draws and an app cannot change: a rule of axe, and where it may be broken.
STREAMLITS_OWN = [
    ("list", "[data-testid=stSidebarNavItems]"),  # the sidebar puts the links of a section into a div
    ("listitem", "[data-testid=stSidebarNavItems]"),  # the same
    ("color-contrast", "label[disabled]"),  # a control that is switched off need not be read (WCAG 1.4.3)
    ("scrollable-region-focusable", ".katex-display"),  # a formula wider than the page scrolls in itself
]

# Parts of an experiment that have a chooser of their own.
NESTED = {
    ("regularization", "ドロップアウト"): ("rg_o_part", ["train() と eval()", "eval() を忘れる"]),
    ("regularization", "重み減衰"): ("rg_d_part", ["ネットワークで競わせる"]),
    ("vitals", "さかのぼる勾配"): ("vb_part", ["学習しながら測る", "爆発を止める"]),
}


def lessons() -> Iterator[tuple[str, str, list[str]]]:
    """Read from each lesson's page its name, the key of its chooser and what that offers."""
    for file in sorted((ROOT / "pages").glob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        offered: list[str] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENTS":
                assert isinstance(node.value, ast.Dict)
                offered = [ast.literal_eval(name) for name in node.value.keys if name is not None]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "lesson.part":
                yield file.stem, ast.literal_eval(node.args[2]), offered


LESSONS = {name: (key, offered) for name, key, offered in lessons()}


def look(page: Page) -> None:
    """Wait until the page has been drawn, charts and components included."""
    settle(page)
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')
            && [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].every((chart) =>
                chart.querySelector('svg.marks, canvas.marks'))"""
    )


def judge(page: Page, rules: list[str] | None = None) -> list[str]:
    """Return what axe finds on the page, one line a part."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {"resultTypes": ["violations"], "elementRef": True}
    if rules:
        options["runOnly"] = {"type": "rule", "values": rules}
    found: list[str] = page.evaluate(
        """async ([options, severe, also, theirs]) => {
            const { violations } = await axe.run(document, options);
            const allowed = (id, node) =>
                theirs.some(([rule, where]) => rule === id && node.element?.closest(where));
            const told = ({ any, all, none }) =>
                [...any, ...all, ...none].map(({ message }) => message.slice(0, 200)).join(' ');
            return violations
                .filter(({ id, impact }) => severe.includes(impact) || also.includes(id))
                .flatMap(({ id, nodes }) => nodes.filter((node) => !allowed(id, node))
                    .map((node) => `${id}: ${node.html.slice(0, 160)} ${told(node)}`));
        }""",
        [options, SEVERE, ALSO, STREAMLITS_OWN],
    )
    return found


def words_of_charts(page: Page) -> list[str]:
    """Return the words on axes and in legends of charts that cannot be read on the page."""
    faint: list[str] = page.evaluate(
        """() => {
            const light = (colour) => {
                const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((value) => value / 255)
                    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const app = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor;
            const paper = light(app);
            const parts = '.role-axis-label, .role-axis-title, .role-legend-label, .role-legend-title';
            return [...document.querySelectorAll('svg.marks')].flatMap((chart) =>
                [...chart.querySelectorAll(parts)].flatMap((part) => [...part.querySelectorAll('text')]))
                .map((text) => [text, light(getComputedStyle(text).fill)])
                .map(([text, ink]) => [text, (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05)])
                .filter(([text, contrast]) => contrast < 4.5)
                .map(([text, contrast]) => `${text.textContent}: ${contrast.toFixed(2)}`);
        }"""
    )
    return faint


def in_light(page: Page) -> list[str]:
    """Judge the page as it is."""
    return [*judge(page), *words_of_charts(page)]


def in_the_dark(page: Page) -> list[str]:
    """Judge the colours of the page in the dark theme."""
    paper = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    light = page.evaluate(paper)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"(light) => {paper} !== light", arg=light)
    look(page)
    found = [*judge(page, ["color-contrast"]), *words_of_charts(page)]
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"(light) => {paper} === light", arg=light)
    return [f"dark: {each}" for each in found]


@pytest.fixture(scope="module")
def reader(browser: Browser, server: Server) -> Iterator[Page]:
    """A page that one reader keeps open for all lessons, so that the app is loaded once."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="ja-JP")
    page = context.new_page()
    page.set_default_timeout(45_000)
    page.goto(server.url)
    yield page
    context.close()


def test_the_lessons_are_found() -> None:
    assert len(LESSONS) == 12
    assert all(len(offered) >= 2 for _, offered in LESSONS.values())


def test_home_shuts_no_reader_out(reader: Page, server: Server) -> None:
    reader.goto(server.url)
    expect(reader.get_by_role("heading", level=1)).to_be_visible()
    look(reader)
    assert [*in_light(reader), *in_the_dark(reader)] == []


@pytest.mark.parametrize("name", LESSONS)
def test_no_experiment_of_a_lesson_shuts_a_reader_out(reader: Page, server: Server, name: str) -> None:
    key, offered = LESSONS[name]
    found: list[str] = []
    reader.goto(f"{server.url}/{name}")
    for experiment in offered:
        choose(reader, key, experiment)
        found += [f"{experiment}: {each}" for each in in_light(reader)]
        if experiment == offered[0]:
            found += [f"{experiment}: {each}" for each in in_the_dark(reader)]
        inner, parts = NESTED.get((name, experiment), ("", []))
        for part in parts:
            choose(reader, inner, part)
            found += [f"{experiment}, {part}: {each}" for each in in_light(reader)]
    assert not found, "\n".join(found)


def choose(page: Page, key: str, name: str) -> None:
    """Choose an experiment of the page, and wait until the server has drawn it."""
    wanted = page.locator(f".st-key-{key}").get_by_role("radio", name=name, exact=True)
    expect(wanted).to_be_visible()
    look(page)
    if wanted.is_checked():
        return
    page.evaluate(
        """() => {
            const app = document.querySelector('[data-testid=stApp]');
            window.ran = false;
            setTimeout(() => { window.ran = true; }, 1500);  // a run may be too short to be seen
            new MutationObserver((_, observer) => {
                if (app.dataset.testScriptState !== 'running') return;
                window.ran = true;
                observer.disconnect();
            }).observe(app, { attributes: true, attributeFilter: ['data-test-script-state'] });
        }"""
    )
    wanted.click()
    page.wait_for_function("window.ran")
    expect(wanted).to_be_checked()
    look(page)


def tab_to(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until what is wanted has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(node) => node === document.activeElement"):
            return
    raise AssertionError(f"{most} times Tab did not lead to {wanted}")


def marked(page: Page) -> bool:
    """Say whether what has the focus shows it."""
    seen: bool = page.evaluate(
        """() => {
            const style = getComputedStyle(document.activeElement);
            const ring = style.outlineStyle !== 'none' && style.outlineWidth !== '0px';
            return ring || style.boxShadow !== 'none';
        }"""
    )
    return seen


def test_a_lesson_can_be_predicted_run_and_played_by_keyboard_alone(visit: Visit) -> None:
    page = visit("/learning_rate")
    start = page.get_by_role("button", name="走らせる", exact=True)
    expect(start).to_be_visible()
    look(page)
    tab_to(page, page.get_by_role("radio", name="小", exact=True))
    page.keyboard.press("ArrowRight")
    middle = page.get_by_role("radio", name="中", exact=True)
    expect(middle).to_be_checked()
    look(page)
    dose = page.get_by_role("slider", name="中(学習率 η)")
    tab_to(page, dose, most=10)
    page.keyboard.press("ArrowRight")
    expect(dose).to_have_attribute("aria-valuetext", "0.03")
    look(page)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    tab_to(page, start, most=12)
    assert marked(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("ステップ 0 / 200")).to_be_visible()
    look(page)
    assert start.evaluate("(node) => node === document.activeElement")
    play = page.get_by_role("button", name="再生", exact=True)
    tab_to(page, play, most=20)
    assert marked(page)
    page.keyboard.press(" ")
    expect(page.get_by_text("ステップ 0 / 200")).to_have_count(0)
    page.keyboard.press(" ")
    expect(play).to_be_visible()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("ステップ 1 / 200")).to_be_visible()
    assert judge(page) == []
