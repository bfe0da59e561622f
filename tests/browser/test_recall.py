"""A reader who follows gradients back through time, lets one explode, and asks networks to remember."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, play_to_the_end, press, read

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
RECALL = "/vitals?vt_experiment=遠い記憶"
BACK = "/vitals?vt_experiment=さかのぼる勾配"


@pytest.mark.parametrize("phone", [False, True])
def test_recall_a_cue_and_see_what_the_answer_hangs_on(visit: Visit, phone: bool) -> None:
    page = visit(f"{RECALL}&vr_epochs=10", phone=phone, dark=phone)
    expect(page.get_by_role("button", name="2人分の記録。100 回のうち").first).to_be_attached()
    press(page, "近い記憶(10回前)")
    expect(page.get_by_text("10 回前の合図を思い出せるでしょうか?")).to_be_visible()
    expect(page.get_by_role("slider", name="合図は何回前か(T)")).to_have_attribute("aria-valuetext", "10")
    check(page.get_by_role("radio", name="思い出せる", exact=True))
    press(page, "3つを同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text(re.compile("で答えが変わります。雑音ではなく"))).to_be_visible()
    play_to_the_end(page)
    assert not overflows(page)


def test_a_lstm_whose_gate_stays_as_it_was_forgets(visit: Visit) -> None:
    page = visit(f"{RECALL}&vr_length=50&vr_gate=PyTorchのまま&vr_epochs=5")
    check(page.get_by_role("radio", name="思い出せない", exact=True))
    press(page, "3つを同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("忘却ゲート(LSTM)")).to_be_visible()
    expect(page.get_by_text("勾配消失(SimpleRNN)")).to_be_visible()


@pytest.mark.parametrize("phone", [False, True])
def test_go_back_through_new_networks(visit: Visit, phone: bool) -> None:
    page = visit(BACK, phone=phone)
    expect(page.get_by_text("99 点前まで、勾配がいちばん残るネットワークは?")).to_be_visible()
    check(page.get_by_role("radio", name="GRU", exact=True))
    press(page, "勾配をさかのぼって測る")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_role("button", name="長さ 100 の窓で").first).to_be_attached()
    press(page, "爆発する(4倍)")
    expect(page.get_by_role("slider", name="W_hh に掛ける倍率")).to_have_attribute("aria-valuetext", "×4")
    press(page, "勾配をさかのぼって測る")
    expect(page.get_by_text("勾配爆発(SimpleRNN)")).to_be_visible()
    assert not overflows(page)


def test_let_a_gradient_explode_and_clip_it(visit: Visit) -> None:
    page = visit(f"{BACK}&vb_part=爆発を止める")
    check(page.get_by_role("radio", name="爆発して壊れる"))
    press(page, "なし・ありを同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("へ跳ね上がりました。")).to_be_visible()
    page.get_by_text("この計算とまったく同じ PyTorch のコード").click()
    expect(page.get_by_text("clip_grad_norm_").first).to_be_visible()
    assert not overflows(page)


def test_follow_gradients_while_networks_learn(visit: Visit) -> None:
    page = visit(f"{BACK}&vb_part=学習しながら測る&vb_t_length=30&vb_t_epochs=10")
    check(page.get_by_role("radio", name="遠くまで届くようになる"))
    press(page, "学習しながらさかのぼる")
    read(page)
    expect(page.get_by_text(re.compile("最初まで残る割合は、学習前の"))).to_be_visible()
    play_to_the_end(page)
    assert not overflows(page)
