"""A reader's own file in the browser: taken in on a phone, kept from everybody else, gone afterwards."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PHONE
from tests.server import Server, serving

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
SAMPLES = Path(__file__).parents[1] / "core" / "samples"
SECRET = "77.625"  # a value that nothing else on the page or in the server has
NAME, PHONE_NUMBER = "神無月一郎", "090-1234-5678"
TTL_S = 2


@pytest.fixture(scope="module")
def short_lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that forgets a reader two seconds after they have left."""
    log = tmp_path_factory.mktemp("server") / "log"
    with serving(log, STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(TTL_S)) as running:
        running.wait_ready()
        yield running


@pytest.fixture
def come(browser: Browser, short_lived: Server) -> Iterator[Open]:
    """Open the page for one's own CSV as somebody new."""
    contexts: list[BrowserContext] = []

    def opened(phone: bool = False) -> Page:
        context = browser.new_context(locale="ja-JP", **({"viewport": PHONE} if phone else {}))  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.goto(f"{short_lived.url}/vitals?data=自分のCSV&epochs=30")
        return page

    yield opened
    for context in contexts:
        context.close()


def drop(page: Page, path: Path) -> None:
    page.locator("input[type=file]").set_input_files(path)


def use(page: Page) -> None:
    page.get_by_role("button", name="この内容で使う").click()
    expect(page.get_by_role("button", name="学習開始")).to_be_enabled()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    rows = [f"{i},{SECRET if i % 7 == 0 else 80 + i % 5},{96 + i % 3}" for i in range(150)]
    path.write_text("\n".join(["time [s],HR,SpO2", *rows]), encoding="utf-8")
    return path


def fetched(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def fits(page: Page) -> bool:
    fitting: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    return fitting


def test_what_one_reader_uploads_is_out_of_reach_for_others_and_gone_afterwards(
    come: Open, own: Path, short_lived: Server
) -> None:
    page = come()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    drop(page, own)
    use(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    page.wait_for_timeout(500)  # a download asked for in the middle of a rerun is asked of the page before it
    with page.expect_download() as download:
        page.get_by_role("button", name="整えたCSVを保存").click()
    assert SECRET in download.value.path().read_text(encoding="utf-8-sig")
    private = [url for url in asked if "/media/" in url or "upload_file" in url]
    private = [url for url in private if "/static/" not in url]
    assert any("upload_file" in url for url in private)
    assert any(url.endswith(".csv") for url in private)
    address = page.url
    assert SECRET not in address
    assert "HR" not in address

    other = come()
    other.goto(address)
    expect(other.get_by_text("CSVを選ぶと")).to_be_visible()
    assert SECRET not in other.content()
    uploads = [url for url in private if "upload_file" in url]
    assert all(SECRET.encode() not in fetched(url)[1] for url in uploads)

    page.context.close()
    limit = time.monotonic() + 20
    while any(SECRET.encode() in fetched(url)[1] for url in private) or _held(short_lived):
        assert time.monotonic() < limit, "what was uploaded outlived its session"
        time.sleep(0.5)
    assert all(SECRET.encode() not in fetched(url)[1] for url in private)


def _held(server: Server) -> int:
    """Return how many bytes of uploaded files the server says that it holds."""
    metrics = fetched(f"{server.url}/_stcore/metrics")[1].decode()
    return sum(int(n) for n in re.findall(r'cache_type="UploadedFileManager",cache=""} (\d+)', metrics))


def test_no_log_quotes_a_refused_or_a_broken_file(come: Open, short_lived: Server, tmp_path: Path) -> None:
    personal = tmp_path / "personal.csv"
    rows = [f"2024/5/1 7:{i:02d},{NAME},{PHONE_NUMBER},{SECRET}" for i in range(30)]
    personal.write_text("\n".join(["日時,氏名,電話番号,心拍数", *rows]), encoding="utf-8")
    page = come()
    drop(page, personal)
    expect(page.get_by_text("個人を特定できる項目")).to_be_visible()
    for secret in (NAME, PHONE_NUMBER, SECRET):
        assert secret not in page.content()
    page.get_by_role("button", name="これらの列を除いて読む").click()
    expect(page.get_by_text("30 行を読み込みました")).to_be_visible()
    assert NAME not in page.content()
    broken = come()
    drop(broken, SAMPLES / "12_truncated_unclosed_quote_nul.csv")
    expect(broken.get_by_text("51行目に文字ではないデータ")).to_be_visible()
    log = short_lived.log.read_text(encoding="utf-8", errors="replace")
    cells = set(re.findall(r"\d+\.\d+", (SAMPLES / "12_truncated_unclosed_quote_nul.csv").read_text("cp932")))
    for secret in (NAME, PHONE_NUMBER, SECRET, *cells):
        assert secret not in log
    assert "Traceback" not in log


def test_home_readings_on_a_phone_become_one_point_a_day_and_are_learnt_from(come: Open) -> None:
    page = come(phone=True)
    drop(page, SAMPLES / "01_omron_connect_cp932.csv")
    expect(page.get_by_text("1日に数回の記録ですね")).to_be_visible()
    page.get_by_role("button", name="朝の平均にする").click()
    expect(page.get_by_text("1日1点(朝の平均)")).to_be_visible()
    use(page)
    expect(page.get_by_test_id("stVegaLiteChart")).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="学習開始").click()
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    assert fits(page)


def test_columns_are_read_otherwise_and_the_sample_makes_the_round_trip(come: Open, tmp_path: Path) -> None:
    page = come()
    page.get_by_text("ファイルがなくても試せます").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="見本のCSVを保存").click()
    saved = tmp_path / "sample.csv"
    download.value.save_as(saved)
    drop(page, saved)
    expect(page.get_by_text("1,440 行を読み込みました")).to_be_visible()
    page.get_by_text("読み方を変える").last.click()
    grid = page.get_by_role("combobox", name="並べる間隔")
    expect(page.get_by_role("button", name="この読み方で読み直す")).to_be_visible()
    grid.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # a list of options closes when the page scrolls beneath it
    grid.fill("10分ごと")
    page.get_by_role("option", name="10分ごと").click()
    page.get_by_role("button", name="この読み方で読み直す").click()
    expect(page.get_by_text("見出しは 1 行目、10分ごと")).to_be_visible()
    use(page)
    page.get_by_role("radio", name="体温").click()
    expect(page.get_by_role("radio", name="体温")).to_be_checked()
    expect(page.get_by_test_id("stVegaLiteChart")).to_have_count(1)
    assert "体温" not in page.url
