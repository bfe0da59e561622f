"""A reader of 「RNNとバイタルサイン」 who watches simulated patients by a forecaster's errors."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press, read, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
HERE = "/vitals?vt_experiment=早期警告&vw_ward=4&vw_cell=rnn"
LABEL = "学習用の模擬データです。実際の警報・診断・監視には使えません。"


@pytest.mark.parametrize("phone", [False, True])
def test_predict_watch_and_move_the_threshold(visit: Visit, phone: bool) -> None:
    page = visit(HERE, phone=phone, dark=phone)
    expect(page.get_by_text(LABEL)).to_be_visible()
    check(page.get_by_role("radio", name="早い", exact=True))
    press(page, "学習して見守る")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text=LABEL)).to_have_count(2)
    expect(page.get_by_role("button", name=re.compile("目印が点いていた時間の割合")).first).to_be_attached()
    assert not overflows(page)
    page.get_by_role("radio", name="20人の成績").click()
    expect(page.get_by_text("別の模擬患者 20 人と、その双子 20 人")).to_be_visible()
    table = page.get_by_role("table").first
    expect(table.get_by_role("row")).to_have_count(5)
    before = table.inner_text()
    page.get_by_role("slider", name="しきい値").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider", name="しきい値")).to_have_attribute("aria-valuetext", "3.3")
    expect(table).not_to_have_text(before, use_inner_text=True)
    settle(page)
    assert not overflows(page)
    page.get_by_role("radio", name="当たる割合").click()
    expect(page.get_by_text("アラーム疲労と呼ばれています")).to_be_visible()
    expect(page.get_by_role("alert").filter(has_text=LABEL)).to_have_count(2)
    assert not overflows(page)


def test_a_threshold_that_is_too_low_and_the_script(visit: Visit, tmp_path: Path) -> None:
    page = visit(HERE)
    press(page, "しきい値が低すぎる")
    settle(page)
    press(page, "学習して見守る")
    read(page)
    expect(page.get_by_role("slider", name="しきい値")).to_have_attribute("aria-valuetext", "1.5")
    expect(page.get_by_text("いつも点いている目印は、何も知らせません。")).to_be_visible()
    page.get_by_role("radio", name="20人の成績").click()
    expect(page.get_by_text("別の模擬患者 20 人と、その双子 20 人")).to_be_visible()
    row = page.get_by_role("table").first.get_by_role("row").nth(1).inner_text()
    false = re.findall(r"([\d.]+) 回", row)[0]
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / download.value.suggested_filename
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path
    )
    assert re.search(rf"^ネットワーク: .*誤り {re.escape(false)} 回/日", done.stdout, re.MULTILINE)


def test_the_address_restores_the_experiment(visit: Visit) -> None:
    page = visit(f"{HERE}&vw_source=悪化も混ぜる&vw_signal=体温&vw_threshold=2.2")
    expect(page.get_by_role("radio", name="悪化も混ぜる")).to_be_checked()
    expect(page.get_by_role("button", name=re.compile("模擬患者の体温")).first).to_be_attached()
    press(page, "学習して見守る")
    read(page)
    expect(page.get_by_role("slider", name="しきい値")).to_have_attribute("aria-valuetext", "2.2")
    expect(page.get_by_text("悪化した値も「ふだん」として覚えました")).to_be_visible()
