"""A newcomer on 「微分と連鎖律」: predict, ask, play, move a slider and read, in every experiment."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from core import score
from core.score import PatientSpec
from tests.browser.reader import guess, overflows, play_to_the_end, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE_AND_DESKTOP = pytest.mark.parametrize("phone", [False, True])


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=re.compile(f"^{re.escape(name)}"))


@PHONE_AND_DESKTOP
def test_shrink_the_step_until_the_secant_is_the_tangent(visit: Visit, phone: bool) -> None:
    page = visit("/derivatives", phone=phone)
    expect(page.get_by_role("heading", name="微分と連鎖律")).to_be_visible()
    guess(page, "小数4〜7桁")
    press(page, "Δx を縮める")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    play_to_the_end(page)
    expect(row(page, "中心差分")).to_contain_text("2.000000 ✓")
    page.get_by_role("button", name="角のある関数").click()
    expect(row(page, "中心差分")).to_have_count(0)
    expect(page.get_by_role("radio", name="|x|")).to_be_checked()
    press(page, "Δx を縮める")
    expect(row(page, "微分の公式")).to_contain_text("存在しない")
    expect(page.get_by_text("左右の極限が一致しない")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_a_tangent_walks_along_the_delayed_beat(visit: Visit, phone: bool) -> None:
    page = visit("/derivatives?dv_experiment=心電図の傾き", phone=phone)
    guess(page, "ゆるやかになる")
    press(page, "傾きを測る")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    play_to_the_end(page)
    expect(row(page, "自動微分")).to_contain_text("43.338")
    page.get_by_role("slider", name=re.compile("心室に興奮が広がる時間")).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text(re.compile("この心拍 40.8 mV/秒"))).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_four_partials_make_a_gradient_and_a_step_can_be_too_long(visit: Visit, phone: bool) -> None:
    page = visit("/derivatives?dv_experiment=偏微分と勾配", phone=phone)
    guess(page, "BNP")
    press(page, "偏微分を計算する")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    for name, value in (("収縮期血圧", "+2.100"), ("LVEF", "−3.500"), ("年齢", "+0.800"), ("BNP", "+5.200")):
        expect(row(page, name)).to_contain_text(f"{value} ✓")
    page.get_by_role("slider", name="LVEF").focus()
    page.keyboard.press("ArrowLeft")
    slope = score.formula_gradient(PatientSpec(lvef=40).units)[1]
    expect(row(page, "LVEF")).to_contain_text(f"{slope:.3f} ✓".replace("-", "−"))
    page.get_by_role("button", name="歩幅が大きすぎる").click()
    expect(row(page, "LVEF")).to_have_count(0)
    press(page, "偏微分を計算する")
    expect(page.get_by_text("かえって上がりました")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_train_a_network_and_move_one_input_of_a_patient(visit: Visit, phone: bool) -> None:
    seed = 51 + phone
    page = visit(
        f"/derivatives?dv_experiment=偏微分と勾配&dv_part=学習したモデルで&dv_seed={seed}", phone=phone
    )
    guess(page, "BNP")
    press(page, "学習開始")
    expect(page.get_by_text("60 エポックで終了")).to_be_visible()
    expect(page.get_by_role("heading", name="この患者さんでの偏微分")).to_be_visible()
    cell = row(page, "収縮期血圧 +1 mmHg").get_by_role("cell").nth(2)
    expect(cell).to_contain_text("✓")
    before = cell.inner_text()
    page.get_by_role("slider", name="収縮期血圧(mmHg)").focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(cell).not_to_have_text(before)
    expect(cell).to_contain_text("✓")
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_the_chain_rule_with_the_signs_that_hold(visit: Visit, phone: bool) -> None:
    page = visit("/derivatives?dv_experiment=連鎖律", phone=phone)
    guess(page, "下がる")
    press(page, "つなげて計算する")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(row(page, "dz/dx")).to_contain_text("−1.000 ✓")
    expect(page.get_by_text("(−0.50) × (−2.00) = +1.00")).to_be_visible()
    page.get_by_role("button", name="符号を取り違える").click()
    expect(row(page, "dz/dx")).to_have_count(0)
    guess(page, "下がる")
    press(page, "つなげて計算する")
    expect(page.get_by_text("結果は「上がる」でした")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_responsibility_goes_back_and_vanishes(visit: Visit, phone: bool) -> None:
    page = visit("/derivatives?dv_experiment=逆伝播", phone=phone, dark=phone)
    press(page, "責任をさかのぼる")
    play_to_the_end(page)
    expect(page.get_by_text("6 か所のうち 6 か所で")).to_be_visible()
    press(page, "勾配が消える")
    expect(page.get_by_role("radio", name="シグモイド")).to_be_checked()
    expect(row(page, "w₁")).to_have_count(0)
    guess(page, "10分の1以下に縮む")
    press(page, "責任をさかのぼる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(row(page, "w₁")).to_contain_text("×10⁻⁸ ✓")
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    assert download.value.suggested_filename == "backprop_sigmoid.py"
    assert not overflows(page)


def test_a_shared_address_opens_the_same_slopes(visit: Visit) -> None:
    page = visit("/derivatives?dv_experiment=連鎖律")
    page.get_by_role("button", name="効き目が頭打ち").click()
    press(page, "この設定を共有")
    shown = page.locator(".lab-share-address")
    expect(shown).to_contain_text("dv_dose=8")
    other = visit("/" + shown.inner_text().split("/", 3)[3])
    expect(other.get_by_role("radio", name="頭打ちの曲線")).to_be_checked()
    press(other, "つなげて計算する")
    expect(row(other, "dz/dx")).to_contain_text("−0.143 ✓")
