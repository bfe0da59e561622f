"""A reader of 「正則化」 who moves λ along the paths, and looks for real markers."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PATH = "/regularization?rg_experiment=0になる重み"
SELECT = "/regularization?rg_experiment=マーカーを選ぶ"


def chart(page: Page, alt_text: str) -> Locator:
    """Find a chart by what its buttons read out."""
    return page.get_by_role("button", name=alt_text).first


@pytest.mark.parametrize("phone", [False, True])
def test_predict_a_price_and_walk_one_weight(visit: Visit, phone: bool) -> None:
    page = visit(PATH, phone=phone, dark=phone)
    expect(page.get_by_text("予想: 罰が大きく変わるのは?")).to_be_visible()
    check(page.get_by_role("radio", name="L2", exact=True))
    press(page, "罰を計算する")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    page.get_by_role("radio", name="1つの重み").click()
    check(page.get_by_role("radio", name="0 のまわりで行ったり来たり"))
    press(page, "歩かせる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("歩目から、ちょうど 0 のままです")).to_be_visible()
    assert not overflows(page)


def test_move_lambda_along_the_paths(visit: Visit) -> None:
    page = visit(f"{PATH}&rg_p_part=10項目の係数")
    check(page.get_by_role("radio", name="4〜6個"))
    press(page, "61通りの λ で求める")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("λ 30 / 60")).to_be_visible()
    press(page, "1つ進む")
    expect(page.get_by_text("λ 31 / 60")).to_be_visible()
    press(page, "再生")
    expect(page.get_by_text("λ 60 / 60")).to_be_visible()
    page.get_by_role("button", name="強すぎる λ").click()
    expect(page.get_by_role("slider", name="罰の強さ λ")).to_have_attribute("aria-valuetext", "2.2")
    press(page, "61通りの λ で求める")
    expect(page.get_by_text("正解は「10個全部」")).to_be_visible()
    expect(page.get_by_text("λ 50 / 60")).to_be_visible()
    expect(page.get_by_text("なぜ")).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_look_for_markers_and_take_the_script_home(visit: Visit, phone: bool, tmp_path: Path) -> None:
    page = visit(SELECT, phone=phone)
    expect(chart(page, "200 個のマーカーと重症度スコアとの相関")).to_be_attached()
    page.get_by_role("button", name="双子のマーカー").click()
    expect(page.get_by_role("slider", name="となりどうしの相関")).to_have_attribute("aria-valuetext", "0.98")
    check(page.get_by_role("radio", name="7〜9個"))
    press(page, "マーカーを選ばせる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("片方しか残らなかったのは")).to_be_visible()
    assert not overflows(page)
    page.get_by_role("radio", name="L1+L2").click()
    expect(chart(page, "罰「L1+L2」での 200 個の重み。本物 10 個")).to_be_attached()
    press(page, "再生")
    expect(page.get_by_text("λ 18 / 18")).to_be_visible()
    if phone:
        return
    told = page.get_by_text("に重みを残し").inner_text()
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / download.value.suggested_filename
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=120, check=True, cwd=tmp_path
    )
    hit, miss = re.findall(r"のうち (\d+) 個.*も (\d+) 個残しました", told)[0]
    assert f"L1 見つけた本物 {hit}\n" in done.stdout
    assert f"L1 余計なマーカー {miss}\n" in done.stdout
