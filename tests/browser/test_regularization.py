"""A newcomer on 「正則化」: five ways raced, played and compared, and weight decay in two ways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press, read, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


@pytest.mark.parametrize("phone", [False, True])
def test_five_ways_are_predicted_raced_and_played(visit: Visit, phone: bool) -> None:
    page = visit("/regularization", phone=phone)
    expect(page.get_by_role("heading", name="正則化")).to_be_visible()
    if not phone:
        box = page.get_by_role("button", name="5つを同時に学習").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    check(page.get_by_role("radio", name="L2", exact=True))
    press(page, "5つを同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("なし(過学習)")).to_be_visible()
    curve, weights = (page.locator(f".st-key-{key}-player") for key in ("rg_n_fits", "rg_n_weights"))
    expect(curve.get_by_text("コマ 60 / 60")).to_be_visible()
    curve.get_by_role("button", name="最初に戻る").click()
    expect(curve.get_by_text("コマ 0 / 60")).to_be_visible()
    curve.get_by_role("button", name="再生").click()
    expect(curve.get_by_text("コマ 60 / 60")).to_be_visible()
    weights.get_by_role("toolbar").get_by_role("slider").fill("30")
    expect(weights.get_by_text("コマ 30 / 60")).to_be_visible()
    assert not overflows(page)


def test_a_penalty_that_is_too_strong_is_explained_and_compared(visit: Visit) -> None:
    page = visit("/regularization")
    press(page, "λ が大きすぎる")
    expect(page.get_by_role("slider", name="L2 の強さ")).to_have_attribute("aria-valuetext", "0.3")
    settle(page)
    press(page, "5つを同時に学習")
    read(page)
    expect(page.get_by_text("λ が大きすぎる(未学習)")).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    expect(page.get_by_text("nn.Dropout(0.1)").first).to_be_visible()


def test_two_weights_shrink_alike_under_sgd_and_apart_under_adam(visit: Visit) -> None:
    page = visit("/regularization?rg_experiment=重み減衰")
    press(page, "SGD では同じ")
    expect(page.get_by_role("radio", name="SGD", exact=True)).to_be_checked()
    settle(page)
    check(page.get_by_role("radio", name="同じ", exact=True))
    settle(page)
    press(page, "2つの方法で縮める")
    expect(page.get_by_text("予想どおりです。")).to_be_visible(timeout=60_000)
    press(page, "Adam では食い違う")
    expect(page.get_by_role("radio", name="Adam", exact=True)).to_be_checked()
    settle(page)
    press(page, "2つの方法で縮める")
    expect(page.get_by_text("正解は「直接縮める(重み減衰)」でした")).to_be_visible(timeout=60_000)
    paths = page.locator(".st-key-rg_d_two-paths-player")
    paths.get_by_role("toolbar").get_by_role("slider").fill("100")
    expect(paths.get_by_text("周 100 / 250")).to_be_visible()
    assert not overflows(page)


def test_adam_with_l2_and_adamw_race_on_a_network(visit: Visit) -> None:
    page = visit("/regularization?rg_experiment=重み減衰&rg_d_part=ネットワークで競わせる")
    check(page.get_by_role("radio", name="Adam + L2", exact=True))
    settle(page)
    press(page, "5シードで同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    assert not overflows(page)
