"""A newcomer on 「活性化関数」: predict, ask, train, play and read, in the three guided experiments."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.reader import guess, overflows, play_to_the_end, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
PHONE_AND_DESKTOP = pytest.mark.parametrize("phone", [False, True])
BEND = "/activations?ac_experiment=線形の重ね合わせ&ac_l_task=U字のリスクを学ばせる"


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has_text=re.compile(f"^{re.escape(name)}")).first


@PHONE_AND_DESKTOP
def test_measure_slopes_where_a_curve_is_steep_and_where_it_is_flat(visit: Visit, phone: bool) -> None:
    page = visit("/activations", phone=phone, dark=phone)
    expect(page.get_by_role("heading", name="活性化関数")).to_be_visible()
    expect(page.get_by_text("ReLU([−3, −0.5, 0, 1, 2.5]) = [0, 0, 0, 1, 2.5]")).to_be_visible()
    guess(page, "ReLU")
    press(page, "傾きを測る")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(row(page, "tanh")).to_contain_text("0.786448 ✓")
    press(page, "飽和したシグモイド")
    expect(row(page, "tanh")).to_have_count(0)
    press(page, "傾きを測る")
    expect(row(page, "シグモイド")).to_contain_text("0.006648 ✓")
    expect(page.get_by_text("曲線が平らになります")).to_be_visible()
    numbers = page.get_by_label("数の並び(カンマ区切り)")
    numbers.fill("-1, 2, -3")
    numbers.press("Enter")
    expect(page.get_by_text("ReLU([−1, 2, −3]) = [0, 2, 0]")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_multiply_a_stack_out_and_then_not(visit: Visit, phone: bool) -> None:
    page = visit("/activations?ac_experiment=線形の重ね合わせ", phone=phone)
    guess(page, "丸め誤差だけ")
    press(page, "1枚に掛け合わせる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(row(page, "重みとバイアスの数")).to_contain_text("369")
    press(page, "ReLU をはさむ")
    expect(row(page, "重みとバイアスの数")).to_have_count(0)
    press(page, "1枚に掛け合わせる")
    expect(page.get_by_text("正解は「はっきりずれる」")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_a_line_stays_a_line_and_relu_bends(visit: Visit, phone: bool) -> None:
    page = visit(f"{BEND}&ac_b_seed={71 + phone}&ac_b_epochs=100", phone=phone)
    guess(page, "活性化関数のあるものは全部")
    press(page, "同時に学習")
    expect(page.get_by_text("100 エポックで終了")).to_be_visible()
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    play_to_the_end(page)
    expect(row(page, "線形(なし) 8×3層")).to_contain_text("学べない")
    expect(row(page, "ReLU 8×1層")).to_contain_text("学べた")
    expect(page.get_by_text("直線しか描けません")).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


@PHONE_AND_DESKTOP
def test_gradients_vanish_and_relu_dies(visit: Visit, phone: bool) -> None:
    page = visit(f"/activations?ac_experiment=勾配消失&ac_v_epochs={60 + 20 * phone}", phone=phone)
    guess(page, "シグモイド")
    press(page, "同時に学習")
    expect(page.get_by_text("エポックで終了")).to_be_visible()
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    play_to_the_end(page)
    expect(row(page, "シグモイド")).to_contain_text("1.2×10⁻⁵")
    expect(page.get_by_text("0.25⁵ = 9.8×10⁻⁴")).to_be_visible()
    press(page, "ReLU が死ぬ")
    expect(page.get_by_role("radio", name="Adam", exact=True)).to_be_checked()
    press(page, "同時に学習")
    expect(page.get_by_text("1個残らず死にました")).to_be_visible()
    expect(row(page, "LeakyReLU")).to_contain_text("学べた")
    assert not overflows(page)


def test_a_shared_address_opens_the_same_depth(visit: Visit) -> None:
    page = visit("/activations?ac_experiment=勾配消失")
    press(page, "浅い2層")
    press(page, "この設定を共有")
    shown = page.locator(".lab-share-address")
    expect(shown).to_contain_text("ac_v_depth=2")
    other = visit("/" + shown.inner_text().split("/", 3)[3])
    expect(other.get_by_role("slider", name="隠れ層の数")).to_have_value("2")
