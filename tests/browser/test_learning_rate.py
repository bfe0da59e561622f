"""A newcomer on 「学習率」: predict, run, pause, step, stop, compare, take the script home, share."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
NETWORK = "/learning_rate?experiment=本物のネットワーク"


def finished_losses(page: Page) -> list[str]:
    """Return what the page says of its run's losses."""
    sentence = page.get_by_text("学習損失は").first.inner_text()
    return re.findall(r"\d\.\d+", sentence)[:2]


@pytest.mark.parametrize("phone", [False, True])
def test_predict_three_doses_play_them_and_read_the_score(visit: Visit, phone: bool) -> None:
    page = visit("/learning_rate", phone=phone)
    expect(page.get_by_role("heading", name="学習率")).to_be_visible()
    check(page.get_by_role("radio", name="中", exact=True))
    press(page, "走らせる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("地形の外へ飛び出しました")).to_be_visible()
    expect(page.get_by_text("ステップ 0 / 200")).to_be_visible()
    press(page, "再生")
    expect(page.get_by_text("ステップ 0 / 200")).to_have_count(0)
    press(page, "一時停止")
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_pause_step_resume_pin_and_compare(visit: Visit, phone: bool) -> None:
    page = visit(f"{NETWORK}&rate_epochs=200&rate_batch=8&rate_seed={31 + phone}", phone=phone)
    press(page, "学習開始")
    expect(page.get_by_text("残り約")).to_be_visible()
    press(page, "一時停止")
    expect(page.get_by_text("で一時停止中")).to_be_visible()
    paused = int(re.findall(r"エポック (\d+) / 200", page.get_by_text("で一時停止中").inner_text())[0])
    press(page, "1エポック")
    expect(page.get_by_text(f"エポック {paused + 1} / 200 で一時停止中")).to_be_visible()
    press(page, "再開")
    expect(page.get_by_text("200 エポックで終了")).to_be_visible()
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible()
    press(page, "この結果を比較に残す")
    page.get_by_role("button", name="少なすぎる用量").click()
    expect(page.get_by_role("radio", name="SGD", exact=True)).to_be_checked()
    press(page, "学習開始")
    expect(page.get_by_text("判定は「遅すぎる」")).to_be_visible()
    expect(page.get_by_text("なぜ")).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    expect(page.get_by_text("2: SGD η 0.0001").first).to_be_attached()
    with page.expect_download() as download:
        press(page, "表をCSVで保存")
    table = Path(download.value.path()).read_bytes().decode("utf-8-sig").splitlines()
    assert len(table) == 3
    press(page, "リセット")
    expect(page.get_by_role("heading", name="読み解き")).to_have_count(0)
    assert not overflows(page)


@pytest.mark.parametrize(
    ("path", "phone"),
    [(f"{NETWORK}&rate_epochs=20&rate_seed=33", True), ("/vitals?epochs=20&seed=33", False)],
)
def test_the_downloaded_script_and_notebook_print_the_pages_own_losses(
    visit: Visit, path: str, phone: bool, tmp_path: Path
) -> None:
    page = visit(path, phone=phone)
    press(page, "学習開始")
    expect(page.get_by_text("20 エポックで終了")).to_be_visible()
    first, last = finished_losses(page)
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    files = {}
    for button in ("Python(.py)", "ノートブック(.ipynb)"):
        with page.expect_download() as download:
            press(page, button)
        files[button] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[button])
    book = nbformat.read(files["ノートブック(.ipynb)"], as_version=4)
    cells = [c.source for c in book.cells if c.cell_type == "code" and "%pip" not in c.source]
    from_notebook = tmp_path / "from_notebook.py"
    from_notebook.write_text("\n\n".join(cells), encoding="utf-8")
    for script in (files["Python(.py)"], from_notebook):
        done = subprocess.run(
            [sys.executable, script.name],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
            env={"MPLBACKEND": "Agg", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        )
        printed = re.findall(r"エポック +(\d+): 学習損失 ([\d.e+-]+)", done.stdout)
        assert [int(number) for number, _ in printed] == list(range(1, 21))
        assert float(first) == pytest.approx(float(printed[0][1]), rel=5e-3)
        assert float(last) == pytest.approx(float(printed[-1][1]), rel=5e-3)


def test_the_shared_address_opens_the_same_settings_for_someone_else(visit: Visit) -> None:
    page = visit("/learning_rate")
    page.get_by_role("radio", name="本物のネットワーク").click()
    page.get_by_role("button", name="多すぎる用量").click()
    expect(page.get_by_role("radio", name="SGD+モメンタム")).to_be_checked()
    press(page, "この設定を共有")
    shown = page.locator(".lab-share-address")
    expect(shown).to_contain_text("optimizer=")
    expect(page.get_by_role("img", name="QRコード")).to_be_visible()
    address = shown.inner_text()
    other = visit("/" + address.split("/", 3)[3])
    expect(other.get_by_role("radio", name="SGD+モメンタム")).to_be_checked()
    expect(other.get_by_role("slider", name="学習率")).to_have_attribute("aria-valuetext", "1")


def test_range_test_and_schedules_on_a_phone(visit: Visit) -> None:
    page = visit("/learning_rate?experiment=範囲テスト", phone=True, dark=True)
    press(page, "範囲テストを行う")
    expect(page.get_by_text("提案する学習率は")).to_be_visible()
    press(page, "この学習率で学習する")
    expect(page.get_by_role("button", name="学習開始")).to_be_visible()
    page.get_by_role("radio", name="スケジュール").click()
    press(page, "7つを同時に学習")
    expect(page.get_by_text("最後の検証損失は")).to_be_visible()
    assert not overflows(page)
