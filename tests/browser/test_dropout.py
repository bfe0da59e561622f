"""A newcomer on 正則化 / ドロップアウト: watch units rest, switch to eval(), forget it for real."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from core.dropout_rest import STEPS, Rest, RestSpec, rest
from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PAGE = "/regularization?rg_experiment=ドロップアウト"
ONES = f"{PAGE}&rg_o_part=train() と eval()"
FORGET = f"{PAGE}&rg_o_part=eval() を忘れる"


def opened(page: Page) -> Page:
    """Wait for the drawing; a server that has only just started may ask to load the page again."""
    drawing = page.locator(".lab-drop-kinds")
    asked = page.get_by_text("計算の準備をしています")
    expect(drawing.or_(asked)).to_be_visible(timeout=40_000)
    if asked.count():
        page.reload()
    at(page, 1)
    return page


def drawn(page: Page) -> list[str]:
    """Return what the hidden units of the drawing say."""
    texts: list[str] = page.locator(".lab-drop-unit text").all_text_contents()
    return texts[4:-2]


def expected(found: Rest, step: int) -> list[str]:
    values = np.concatenate([layer[step] for layer in found.passed])
    return ["休" if value == 0 else f"{value:z.2f}".replace("-", "−") for value in values]


def at(page: Page, step: int) -> None:
    expect(page.get_by_text(f"ステップ {step} / {STEPS}")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
def test_step_by_step_other_units_rest_and_in_eval_none(visit: Visit, phone: bool) -> None:
    page = opened(visit(PAGE, phone=phone, dark=phone))
    check(page.get_by_role("radio", name="60種類(毎回ちがう)"))
    found = rest(RestSpec())
    for step in range(3):
        assert drawn(page) == expected(found, step)
        gone = page.locator(".lab-drop-edge[data-gone]").count()
        assert gone == _gone(found.working[step])
        kinds = len(np.unique(found.working[: step + 1], axis=0))
        expect(page.locator(".lab-drop-kinds")).to_contain_text(f"現れた顔ぶれ {kinds} 種類")
        press(page, "1つ進む")
    press(page, "最初に戻る")
    at(page, 0)
    assert "休" not in drawn(page)
    press(page, "1つ進む")
    page.get_by_role("button", name="model.eval()").click()
    expect(page.locator(".lab-drop-edge[data-gone]")).to_have_count(0)
    expect(page.locator(".lab-drop-said")).to_contain_text("14 個の全員が働き")
    expect(page.locator(".lab-drop-said")).to_contain_text(f"{found.called_risks[0]:.0%}")
    assert "休" not in drawn(page)
    press(page, "答え合わせと読み解き")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    assert not overflows(page)


def _gone(working: np.ndarray) -> int:
    """Count the edges of a 4-8-6-2 network that touch a resting unit."""
    first, second = working[:8].sum(), working[8:].sum()
    return int(4 * (8 - first) + (48 - first * second) + 2 * (6 - second))


def test_playing_and_switching_send_nothing_to_the_server(visit: Visit) -> None:
    page = opened(visit(PAGE))
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.reload()
    at(page, 1)
    page.wait_for_timeout(800)
    assert sent
    sent.clear()
    page.get_by_label("再生の速さ").select_option("×4")
    press(page, "再生")
    page.get_by_role("button", name="model.eval()").click()
    expect(page.get_by_text(f"ステップ 1 / {STEPS}")).to_have_count(0)
    press(page, "一時停止")
    page.get_by_role("toolbar").get_by_role("slider").fill(str(STEPS))
    at(page, STEPS)
    page.get_by_role("button", name="model.train()").click()
    found = rest(RestSpec())
    assert drawn(page) == expected(found, STEPS - 1)
    counts = page.locator(".lab-drop-rests text").all_text_contents()
    rested = (~found.working).sum(axis=0)
    assert [str(count) for count in rested] == counts[2 : 2 + len(rested)]
    assert sent == []


def test_another_p_keeps_the_step_and_too_much_rest_says_why(visit: Visit) -> None:
    page = opened(visit(PAGE))
    press(page, "1つ進む")
    press(page, "休みすぎ(p = 0.9)")
    found = rest(RestSpec(p=0.9))
    expect(page.get_by_role("slider", name="休む確率 p")).to_have_value("0.9")
    expect(page.locator(".lab-drop-rests")).to_have_attribute("aria-label", re.compile("p = 0.9"))
    at(page, 2)
    assert drawn(page) == expected(found, 1)
    press(page, "答え合わせと読み解き")
    expect(page.get_by_text("なぜ")).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_ones_go_through_with_and_without_the_scale(visit: Visit, phone: bool) -> None:
    page = visit(ONES, phone=phone, dark=not phone)
    check(page.get_by_role("radio", name="10 前後(入れた合計のまま)"))
    press(page, "通してみる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("出てきた値は 0 と 2 だけです")).to_be_visible()
    press(page, "割り増しを忘れる")
    expect(page.get_by_role("radio", name="割り増さない")).to_be_checked()
    expect(page.get_by_text("予想どおりです。")).to_have_count(0)
    press(page, "通してみる")
    expect(page.get_by_text("割り増し忘れ", exact=True)).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_forget_eval_watch_the_jitter_then_call_it(visit: Visit, phone: bool) -> None:
    page = visit(f"{FORGET}&rg_o_epochs=20&rg_o_run_seed={51 + phone}", phone=phone)
    check(page.get_by_role("radio", name="0人", exact=True))
    press(page, "学習開始")
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible()
    expect(page.get_by_text("予想は「0人」")).to_be_visible()
    expect(page.get_by_text("eval() の呼び忘れ")).to_be_visible()
    expect(page.get_by_text("予測 0 / 200")).to_be_visible()
    press(page, "再生")
    expect(page.get_by_text("予測 0 / 200")).to_have_count(0)
    page.locator(".lab-player").get_by_role("button", name="一時停止").click()
    check(page.get_by_role("radio", name="呼ぶ", exact=True))
    expect(page.get_by_text("正解は「0人」")).to_be_visible()
    expect(page.get_by_text("eval() の呼び忘れ")).to_have_count(0)
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


def test_the_downloaded_script_prints_the_jitter_of_the_page(visit: Visit, tmp_path: Path) -> None:
    page = visit(f"{FORGET}&rg_o_epochs=10&rg_o_run_seed=61")
    press(page, "学習開始")
    sentence = page.get_by_text("200 回のうち一度でも eval() と違う診断になりました")
    expect(sentence).to_be_visible()
    count = re.findall(r"200 人のうち (\d+) 人が", sentence.inner_text())[0]
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Python(.py)").first.click()
    script = tmp_path / download.value.suggested_filename
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={"MPLBACKEND": "Agg", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert f"食い違った患者 {count} 人 / 200 人" in done.stdout
