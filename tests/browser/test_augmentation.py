"""A newcomer on 「データ拡張」: curves measured anew, a harmful augmentation, a verdict over five seeds."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import overflows, press, read, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


@pytest.mark.parametrize("phone", [False, True])
def test_curves_are_predicted_measured_picked_and_taken_home(
    visit: Visit, phone: bool, tmp_path: Path
) -> None:
    page = visit("/augmentation?au_experiment=波形の拡張", phone=phone, dark=phone)
    press(page, "頻脈を伸び縮み")
    expect(page.get_by_role("radio", name="時間の伸縮", exact=True)).to_be_checked()
    settle(page)
    if not phone:
        box = page.get_by_role("button", name="ラベルを測り直す").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    page.get_by_text("0 本", exact=True).click()
    press(page, "ラベルを測り直す")
    read(page)
    expect(page.get_by_text("予想は「0 本」、結果は「4〜8 本」でした。")).to_be_visible()
    expect(page.get_by_text("頻脈は1分あたりの拍数")).to_be_visible()
    page.get_by_role("toolbar", name="再生の操作").get_by_role("slider").fill("5")
    expect(page.get_by_text("波形 5 / 12")).to_be_visible()
    press(page, "くじを引き直す")
    expect(page.get_by_text("頻脈は1分あたりの拍数")).to_have_count(0)
    assert not overflows(page)
    page.get_by_text("この計算とまったく同じ NumPy のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / "curves.py"
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=True, cwd=tmp_path
    )
    (broken,) = re.findall(r"時間の伸縮だけ: 12 本中 (\d+) 本", done.stdout)
    told = page.get_by_text("12 本の心拍数は").inner_text()
    assert (re.findall(r"(\d+) 本で、", told) or ["0"])[0] == broken


def test_a_flipped_heart_breaks_the_classifier_and_is_compared(visit: Visit) -> None:
    page = visit("/augmentation?au_experiment=してはいけない拡張&au_h_rows=60")
    expect(page.get_by_text("ラベルは左から順に")).to_be_visible()
    page.get_by_text("30ポイント以上下がる", exact=True).click()
    press(page, "拡張なし・ありで学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("内臓逆位の画像そのもの")).to_be_visible()
    page.get_by_text("数式で見る(この学習の数字)").click()
    expect(page.get_by_text("0.693").first).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_the_benefit_is_judged_over_five_pairs_and_shared(visit: Visit, phone: bool) -> None:
    page = visit("/augmentation?au_experiment=効き目を測る", phone=phone, dark=not phone)
    press(page, "学習が短すぎる")
    expect(page.get_by_role("slider", name="拡張の強さ")).to_have_attribute("aria-valuetext", "2.0 倍")
    settle(page)
    press(page, "5組 10 個を学習")
    read(page)
    expect(page.get_by_text("いつもより長い学習が要ります")).to_be_visible()
    expect(page.get_by_text("6.25%")).to_be_visible()
    assert not overflows(page)
    press(page, "この設定を共有")
    shown = page.locator(".lab-share-address")
    expect(shown).to_contain_text("au_b_strength=2")
    other = visit("/" + shown.inner_text().split("/", 3)[3])
    expect(other.get_by_role("slider", name="拡張の強さ")).to_have_attribute("aria-valuetext", "2.0 倍")
