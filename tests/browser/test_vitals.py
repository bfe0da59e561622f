"""A reader on 「RNNとバイタルサイン」: a cold deep link, a live run, a shared run, an upload, a phone."""

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, expect

from core.forecaster import train_forecaster
from core.specs import ForecastSpec, ModelSpec, TrainingSpec
from pages.ui import text
from tests.browser.reader import overflows
from tests.server import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
FRESH_SERVER = True


def start(page: Page) -> None:
    page.get_by_role("button", name="学習開始").click()


def test_a_cold_deep_link_trains_and_gives_the_numbers_of_the_run(visit: Visit) -> None:
    page = visit("/vitals?cell=LSTM&epochs=150&seed=3")  # the very first request that this server sees
    expect(page.get_by_role("heading", name="RNNとバイタルサイン")).to_be_visible()
    expect(page.get_by_text("Page not found")).to_have_count(0)
    expect(page.get_by_role("radio", name="LSTM")).to_be_checked()
    start(page)
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    expect(page.get_by_text("150 エポックで終了")).to_be_visible()
    spec = ForecastSpec(model=ModelSpec(name="lstm"), training=TrainingSpec(epochs=150, seed=3))
    expected = train_forecaster(spec)
    row = page.get_by_role("row", name="LSTM")
    expect(row).to_contain_text(text.number(expected.model_scores.mae))
    expect(row).to_contain_text(text.number(expected.model_scores.mse))
    baseline = page.get_by_role("row", name="直前の値をそのまま")
    expect(baseline).to_contain_text(text.number(expected.persistence_scores.mae))
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(3)
    assert "cell=LSTM" in page.url


def test_two_browsers_that_ask_for_one_spec_train_once(visit: Visit, server: Server) -> None:
    before = server.health()["runs"]["started"]
    pages = [visit("/vitals?epochs=500&seed=21") for _ in range(2)]
    for page in pages:
        expect(page.get_by_role("button", name="学習開始")).to_be_enabled()
    for page in pages:
        start(page)
    for page in pages:
        expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    assert server.health()["runs"]["started"] == before + 1


def test_stop_keeps_the_curve_and_judges_what_was_learnt(visit: Visit) -> None:
    page = visit("/vitals?epochs=500&seed=22&cell=GRU")
    start(page)
    expect(page.get_by_text("残り約")).to_be_visible()
    page.get_by_role("button", name="停止", exact=True).click()
    expect(page.get_by_text("途中で停止し")).to_be_visible()
    expect(page.get_by_role("button", name="停止", exact=True)).to_be_disabled()


def test_a_killed_worker_is_told_and_the_run_finishes(visit: Visit, server: Server) -> None:
    page = visit("/vitals?epochs=500&seed=23&cell=GRU")
    start(page)
    expect(page.get_by_text("残り約")).to_be_visible()
    workers = [
        p
        for p in psutil.Process(server.process.pid).children(recursive=True)
        if "forkserver" in "".join(p.cmdline())
    ]
    for worker in workers:
        worker.cpu_percent()
    page.wait_for_timeout(300)
    max(workers, key=lambda p: p.cpu_percent()).kill()
    expect(page.get_by_text("最初からやり直しました")).to_be_visible()
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    expect(page.get_by_text("500 エポックで終了")).to_be_visible()


def test_an_excel_csv_on_a_phone(visit: Visit, csv_file: Path) -> None:
    page = visit("/vitals?epochs=30", phone=True)
    page.get_by_role("radio", name="自分のCSV").click()
    page.locator("input[type=file]").set_input_files(csv_file)
    expect(page.get_by_text("150 行を読み込みました")).to_be_visible()
    expect(page.get_by_text("Shift_JIS")).to_be_visible()
    page.get_by_role("button", name="この内容で使う").click()
    expect(page.get_by_role("radio", name="心拍数")).to_be_checked()
    start(page)
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    expect(page.get_by_role("row", name="直前の値をそのまま")).to_be_visible()
    expect(page.get_by_text("回/分").first).to_be_visible()
    assert not overflows(page)
    assert "バイタル" not in page.url


def test_a_refused_file_says_why_in_japanese(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("氏名,心拍数\n鈴木一郎,70\n", encoding="utf-8")
    page = visit("/vitals?data=自分のCSV")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("個人を特定できる項目")).to_be_visible()
    expect(page.get_by_text("鈴木")).to_have_count(0)


@pytest.mark.parametrize("path", ["/", "/vitals"])
@pytest.mark.parametrize("phone", [False, True])
def test_pages_fit_the_screen_and_ask_no_other_server(visit: Visit, path: str, phone: bool) -> None:
    page = visit("/", phone=phone)
    elsewhere: list[str] = []
    page.on("request", lambda r: elsewhere.append(r.url) if "127.0.0.1" not in r.url else None)
    page.goto(page.url.rstrip("/") + path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.wait_for_timeout(800)
    assert not overflows(page)
    assert not [u for u in elsewhere if u.startswith("http")]
