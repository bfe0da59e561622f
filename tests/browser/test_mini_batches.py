"""A newcomer on 「ミニバッチ」: race batch sizes, watch noisy paths, shuffle, deal out, load ahead."""

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
PAGE = "/mini_batches?mb_experiment="


def chart(page: Page, alt: str) -> Locator:
    """Find a chart by what is said of it to those who cannot see it; ``alt`` is a pattern."""
    return page.get_by_role("button", name=re.compile(f"^Fullscreen: .*{alt}"), include_hidden=True)


def bar(page: Page) -> Locator:
    return page.get_by_role("toolbar", name="再生の操作")


def at_step(page: Page, step: int, label: str) -> None:
    bar(page).get_by_role("slider").fill(str(step))
    expect(page.get_by_text(re.compile(rf"^{label} {step} / "))).to_be_visible()


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True)])
def test_race_predict_look_along_three_axes_pin_and_compare(visit: Visit, phone: bool, dark: bool) -> None:
    page = visit(f"{PAGE}バッチサイズの競走&mb_epochs=5&mb_seed={11 + phone}", phone=phone, dark=dark)
    expect(page.get_by_role("heading", name="ミニバッチ・エポック・DataLoader")).to_be_visible()
    expect(page.get_by_text("学習用の 341 人")).to_be_visible()
    check(page.get_by_role("radio", name="全データ(341)"))
    press(page, "並べて学習")
    expect(page.get_by_text("5 エポックで終了")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("予想は「全データ(341)」")).to_be_visible()
    expect(chart(page, "逆伝播のために保持した量")).to_be_attached()
    for axis in ("更新回数", "秒"):
        page.get_by_role("radio", name=axis, exact=True).click()
        expect(chart(page, f"横軸は{axis}")).to_be_attached()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    expect(page).to_have_url(re.compile("mb_axis="))
    assert not overflows(page)


def test_the_first_screen_holds_title_goal_button_and_drawing(visit: Visit) -> None:
    page = visit("/mini_batches")
    for seen in (
        page.get_by_role("button", name="並べて学習"),
        page.get_by_test_id("stVegaLiteChart").first,
    ):
        expect(seen).to_be_visible()
        box = seen.bounding_box()
        assert box
        assert box["y"] + box["height"] <= 800


def test_online_learning_blows_up_and_the_page_says_why(visit: Visit) -> None:
    page = visit(f"{PAGE}バッチサイズの競走")
    press(page, "オンラインには大きすぎる学習率")
    expect(page.get_by_role("slider", name="学習率")).to_have_attribute("aria-valuetext", "1")
    press(page, "並べて学習")
    expect(page.get_by_text("発散した)もの: B = 1(オンライン)")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("なぜ")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
def test_walk_play_and_measure_the_noise(visit: Visit, phone: bool) -> None:
    page = visit(f"{PAGE}道すじのゆれ", phone=phone)
    check(page.get_by_role("radio", name="全データ(90 人)"))
    press(page, "歩き始める")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("更新 0 / 90")).to_be_visible()
    expect(page.locator(".lab-terrain-ball")).to_have_count(3)
    losses = []
    for step in (0, 90):
        at_step(page, step, "更新")
        page.wait_for_timeout(300)
        losses.append([float(v) for v in page.locator(".lab-terrain-value").all_inner_texts()])
    assert len(set(losses[0])) == 1  # all from one start
    assert losses[1][0] > losses[1][2]  # one by one ends above all patients
    expect(page.get_by_role("heading", name="ゆれを測る")).to_be_visible()
    expect(chart(page, "勾配のばらつき")).to_be_attached()
    page.get_by_role("radio", name="同じエポック数").click()
    press(page, "歩き始める")
    expect(page.get_by_text("更新 0 / 270")).to_be_visible()
    assert not overflows(page)


def test_a_click_on_the_map_chooses_the_start(visit: Visit) -> None:
    page = visit(f"{PAGE}道すじのゆれ")
    stage = page.locator(".lab-terrain-stage svg")
    expect(stage).to_be_visible()
    box = stage.bounding_box()
    assert box
    stage.click(position={"x": 50 + 0.8 * (box["width"] - 60), "y": 8 + 0.25 * (box["height"] - 50)})
    expect(page).to_have_url(re.compile(r"mb_path_x=1\.[3-7]"))
    expect(page).to_have_url(re.compile(r"mb_path_y=1\.[3-7]"))
    press(page, "歩き始める")
    expect(page.get_by_text("更新 0 / 90")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
def test_sorted_labels_do_harm_and_shuffling_heals(visit: Visit, phone: bool, tmp_path: Path) -> None:
    page = visit(f"{PAGE}シャッフル", phone=phone)
    press(page, "見分けにくい病気なら")
    expect(page.get_by_role("slider", name="学習率")).to_have_attribute("aria-valuetext", "0.3")
    check(page.get_by_role("radio", name="シャッフルあり"))
    press(page, "シャッフルあり・なしを同時に学習")
    expect(page.get_by_text("予想どおりです。")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("見落とす(感度が下がる)")).to_be_visible()
    page.get_by_role("radio", name="最後の3エポック").click()
    expect(chart(page, "最後の3エポック.*陽性")).to_be_attached()
    assert not overflows(page)
    if phone:
        return
    # The take-home script, run as a reader would, tells the page's own accuracies.
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    script = tmp_path / "order.py"
    download.value.save_as(script)
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
        env={"MPLBACKEND": "Agg", "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    accuracies = [float(value) for value in re.findall(r"テスト正解率 ([\d.]+)", done.stdout)]
    assert len(accuracies) == 10
    row = page.locator("table tr", has_text="正解率").first.inner_text()
    told = [float(value) / 100 for value in re.findall(r"([\d.]+)% \(", row)]
    for arm, mine in zip((accuracies[:5], accuracies[5:]), told, strict=True):
        assert mine == pytest.approx(sorted(arm)[2], abs=0.011)  # two of 200 patients


@pytest.mark.parametrize("phone", [False, True])
def test_deal_out_play_the_batches_and_drop_the_last(visit: Visit, phone: bool) -> None:
    page = visit(f"{PAGE}DataLoaderの配り方", phone=phone, dark=phone)
    press(page, "混ぜずに、端数を捨てる")
    expect(
        page.get_by_role("switch", name="端数を捨てる").or_(page.get_by_label("端数を捨てる"))
    ).to_be_checked()
    check(page.get_by_role("radio", name="1人以上いる"))
    press(page, "配ってみる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("バッチ 0 / 9", exact=True)).to_be_visible()
    press(page, "再生")
    expect(page.get_by_text("バッチ 0 / 9", exact=True)).to_have_count(0)
    at_step(page, 9, "バッチ")
    expect(page.get_by_text("患者 19、20 が、一度も使われませんでした")).to_be_visible()
    assert not overflows(page)


def test_load_ahead_measured_here(visit: Visit) -> None:
    page = visit(f"{PAGE}先読み")
    expect(chart(page, "先読みの考え方")).to_be_attached()
    check(page.get_by_role("radio", name="3分の2以下に縮む"))
    press(page, "実際に測る")
    expect(page.get_by_role("heading", name="読み解き")).to_be_visible(timeout=90_000)
    expect(page.get_by_text(re.compile("予想どおりです。|予想は「3分の2以下に縮む」"))).to_be_visible()
    expect(chart(page, "読み込みと学習の時間割")).to_be_attached()
    alone, two = (
        float(
            page.locator("table tr", has_text=f"{workers}人")
            .locator("td")
            .nth(2)
            .inner_text()
            .replace(",", "")
        )
        for workers in (0, 2)
    )
    assert two < alone  # they wait side by side, even on a busy machine
    assert not overflows(page)


def test_a_measurement_can_be_stopped(visit: Visit) -> None:
    page = visit(f"{PAGE}先読み&mb_load_ms=5&mb_load_start=spawn")
    press(page, "実際に測る")
    press(page, "停止")
    expect(chart(page, "先読みの考え方")).to_be_attached()
    expect(page.get_by_role("button", name="停止", exact=True)).to_have_count(0)
