"""Walk through the app and take the pictures of the README: ``python -m tests.browser.tour``.

Every picture is of a page that has really been used: predicted, trained, played, compared. The pictures
go to ``.github/images``: a PNG of each station, two of a phone, and ``tour.webp``, the stations as an
animation with a caption under each. ``--only NAME …`` takes some stations anew.
"""

from __future__ import annotations

import argparse
import io
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect, sync_playwright

from core.vitals.sample import SampleSpec, sample_csv
from tests.browser.chromium import ARGUMENTS, find
from tests.browser.reader import check, press, read, settle
from tests.server import ROOT, serving

IMAGES = ROOT / ".github" / "images"
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
SHOWN_MS = 5000  # a station in the animation
WIDTH, STRIP = 960, 60  # of a station in the animation, and of the caption under it
LONGEST_S = 20


def still(page: Page) -> bytes:
    """Return the picture of the page once nothing in it moves any more."""
    settle(page)
    page.mouse.move(0, 0)
    before, limit = b"", time.monotonic() + LONGEST_S
    while (now := page.screenshot()) != before:
        assert time.monotonic() < limit, "the page does not come to rest"
        before = now
    return now


def bring_up(place: Locator) -> None:
    """Scroll until ``place`` is at the top of the window, below the bar of the app."""
    expect(place).to_be_visible()
    place.evaluate("e => { e.style.scrollMarginTop = '66px'; e.scrollIntoView({ block: 'start' }); }")


def heading(page: Page, name: str) -> Locator:
    """Find a heading."""
    return page.get_by_role("heading", name=name, exact=True)


def home(page: Page) -> None:
    """Look at the lessons, once the miniature has learnt."""
    expect(page.locator(".lab-mini-numbers")).to_have_text(re.compile(r"エポック (\d+) / \1\b"))


def forecast(page: Page) -> None:
    """Predict, train an LSTM, and read whether it beats the last reading."""
    expect(page.get_by_role("button", name="学習開始")).to_be_enabled()
    check(page.get_by_test_id("stRadioGroup").get_by_role("radio").first)
    press(page, "学習開始")
    bring_up(heading(page, "テスト区間の予測"))


def pause(page: Page) -> None:
    """Train a single epoch, and hold."""
    press(page, "1エポックずつ")
    expect(page.get_by_text("エポック 1 / 100 で一時停止中")).to_be_visible()
    for epoch in range(2, 9):
        press(page, "1エポック")
        expect(page.get_by_text(f"エポック {epoch} / 100 で一時停止中")).to_be_visible()
    bring_up(page.get_by_test_id("stProgress").first)


def compare(page: Page) -> None:
    """Keep two runs and lay them over one another."""
    runs = (("ちょうどよい", "0.001", "収束した"), ("覚え込みすぎる用量", "0.01", "過学習"))
    for count, (preset, rate, verdict) in enumerate(runs, start=1):
        press(page, preset)
        expect(page.get_by_role("slider", name="学習率 η")).to_have_attribute("aria-valuetext", rate)
        settle(page)
        press(page, "学習開始")
        expect(page.get_by_text(f"正解は「{verdict}」でした")).to_be_visible()
        press(page, "この結果を比較に残す")
        expect(page.get_by_role("button", name=f"比較に残した {count} 件の").first).to_be_attached()
    bring_up(heading(page, "比較"))


def race(page: Page) -> None:
    """Let the optimizers race down one valley."""
    check(page.get_by_role("radio", name="Adam", exact=True))
    press(page, "レース開始")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    _to(page, 40)
    bring_up(page.locator(".lab-terrain"))


def descent(page: Page) -> None:
    """Choose a start on the map, and walk down."""
    ground = page.locator(".lab-terrain-stage svg")
    box = ground.bounding_box()
    assert box
    ground.click(position={"x": box["width"] * 0.86, "y": box["height"] * 0.2})
    expect(page).to_have_url(re.compile("gd_map_x="))
    settle(page)
    press(page, "歩き始める")
    expect(page.get_by_text("歩数 0 / 200")).to_be_visible()
    _to(page, 60)
    bring_up(page.locator(".lab-terrain"))


def playground(page: Page) -> None:
    """Train a network on two readings, and see the map of its decisions."""
    press(page, "学習開始")
    read(page)
    bring_up(page.locator(".lab-pg-map"))


def overfit(page: Page) -> None:
    """Train three capacities at once."""
    check(page.get_by_role("radio", name="大", exact=True))
    press(page, "3つを同時に学習")
    read(page)
    page.locator(".lab-player").get_by_role("slider", name="コマ").fill("60")
    expect(page.get_by_text("コマ 60 / 60")).to_be_visible()
    bring_up(page.get_by_test_id("stProgress").first)


def gallery(page: Page) -> None:
    """Change a picture in nine ways."""
    press(page, "変形を 9 枚作る")
    expect(page.locator(".lab-gallery img[src^='data:image/jpeg']")).to_have_count(10)
    bring_up(page.locator(".lab-gallery"))


def own_file(page: Page) -> None:
    """Bring one's own CSV: here the simulated patient of ``core.vitals.sample``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "模擬ICU.csv"
        path.write_text(sample_csv(SampleSpec(hours=12, step_s=120)), encoding="utf-8-sig")
        page.locator("input[type=file]").set_input_files(path)
        expect(page.get_by_text("360 行を読み込みました")).to_be_visible()
    settle(page)
    bring_up(page.get_by_text("360 行を読み込みました"))


def take_home(page: Page) -> None:
    """Save the script of a run."""
    press(page, "学習開始")
    read(page)
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    settle(page)
    with page.expect_download() as download:
        press(page, "Python(.py)")
    assert download.value.suggested_filename.endswith(".py")
    bring_up(page.get_by_text("この学習とまったく同じ PyTorch のコード"))


def _to(page: Page, step: int) -> None:
    """Move the player to a step."""
    page.get_by_role("toolbar", name="再生の操作").get_by_role("slider").fill(str(step))
    expect(page.get_by_text(f"歩数 {step} / 200")).to_be_visible()


@dataclass(frozen=True, kw_only=True)
class Station:
    """A page at an address, what is done there, and what the animation says of it; phones have no caption."""

    name: str
    path: str
    use: Callable[[Page], None]
    caption: str = ""

    @property
    def phone(self) -> bool:
        """Say whether the picture is of a phone."""
        return not self.caption


STATIONS = (
    Station(name="home", path="/", use=home, caption="12 のレッスンを、どこからでも"),
    Station(
        name="forecast",
        path="/vitals?cell=LSTM&epochs=100",
        use=forecast,
        caption="予想して、LSTM を訓練。「直前の値」に勝てたかを数字で判定",
    ),
    Station(
        name="pause",
        path="/overfitting?of_experiment=早期終了",
        use=pause,
        caption="途中で止めて、1エポックずつ進めたり、再開したり",
    ),
    Station(
        name="compare",
        path="/learning_rate?experiment=本物のネットワーク",
        use=compare,
        caption="結果を残して、重ねて比べる",
    ),
    Station(name="race", path="/optimizers", use=race, caption="オプティマイザのレース。谷を速く下るのは?"),
    Station(
        name="descent",
        path="/gradient_descent?gd_experiment=2つの重み(地図)",
        use=descent,
        caption="地図をクリックして出発点を選び、谷底へ",
    ),
    Station(
        name="playground",
        path="/activations?ac_experiment=プレイグラウンド",
        use=playground,
        caption="学習につれて、判定の地図が変わっていく",
    ),
    Station(
        name="overfit", path="/overfitting", use=overfit, caption="未学習・適切・過学習を、曲線から見分ける"
    ),
    Station(
        name="gallery", path="/augmentation", use=gallery, caption="診断を変えない変換、変えてしまう変換"
    ),
    Station(
        name="own_file",
        path="/vitals?data=自分のCSV",
        use=own_file,
        caption="ご自分のバイタルサインの CSV も(ディスクには残しません)",
    ),
    Station(
        name="take_home",
        path="/learning_rate?experiment=本物のネットワーク&rate_epochs=20",
        use=take_home,
        caption="同じ数字が出る PyTorch のコードを持ち帰る",
    ),
    Station(name="phone_race", path="/optimizers", use=race),
    Station(name="phone_forecast", path="/vitals?cell=LSTM&epochs=100", use=forecast),
)


@contextmanager
def reader(browser: Browser, phone: bool) -> Iterator[Page]:
    """Open a window as somebody new."""
    context = browser.new_context(
        viewport=PHONE if phone else DESKTOP, color_scheme="light", locale="ja-JP", reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    yield page
    context.close()


def japanese_font(size: int) -> ImageFont.FreeTypeFont:
    """Return the font of japanize-matplotlib, or the system's for Japanese."""
    package = find_spec("japanize_matplotlib")
    if package is not None and package.origin is not None:
        found = Path(package.origin).parent / "fonts" / "ipaexg.ttf"
        if found.exists():
            return ImageFont.truetype(found, size)
    asked = ["fc-match", "--format=%{file}", "sans:lang=ja"]
    return ImageFont.truetype(subprocess.run(asked, capture_output=True, text=True, check=True).stdout, size)


def captioned(picture: Image.Image, text: str) -> Image.Image:
    """Shrink a picture to ``WIDTH`` and write ``text`` under it."""
    height = round(picture.height * WIDTH / picture.width)
    page = Image.new("RGB", (WIDTH, height + STRIP), "#16324F")
    page.paste(picture.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS))
    ImageDraw.Draw(page).text(
        (WIDTH / 2, height + STRIP / 2), text, font=japanese_font(24), fill="white", anchor="mm"
    )
    return page


def save(picture: bytes, path: Path) -> None:
    """Write a small PNG: 256 colours are enough for a page, if rare ones are among them."""
    drawn = Image.open(io.BytesIO(picture)).convert("RGB")
    drawn.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)


def animate(stations: tuple[Station, ...], folder: Path) -> Path:
    """Put the pictures of ``stations`` together as an animation with captions."""
    frames = [
        captioned(Image.open(folder / f"{station.name}.png"), f"{number}. {station.caption}")
        for number, station in enumerate(stations, start=1)
    ]
    path = folder / "tour.webp"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=SHOWN_MS, loop=0, quality=72, method=4
    )
    return path


def main() -> None:
    """Take the pictures."""
    expect.set_options(timeout=60_000)
    names = [station.name for station in STATIONS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    folder.mkdir(parents=True, exist_ok=True)
    path = find()
    assert path, "no Chromium: python -m tests.browser.chromium"
    with tempfile.TemporaryDirectory() as logs, serving(Path(logs) / "log") as server:
        server.wait_ready()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for station in STATIONS:
                if station.name not in chosen.only:
                    continue
                begin = time.monotonic()
                with reader(browser, station.phone) as page:
                    page.goto(server.url + quote(station.path, safe="/?&="))
                    settle(page)
                    station.use(page)
                    save(still(page), folder / f"{station.name}.png")
                print(f"{station.name}: {time.monotonic() - begin:.1f} s", flush=True)
            browser.close()
    made = animate(tuple(s for s in STATIONS if not s.phone), folder)
    print(f"{made}: {made.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
