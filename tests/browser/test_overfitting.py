"""A newcomer on 「過学習と未学習」: five experiments, each predicted, run, played or compared, and read."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press, read, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]


@pytest.mark.parametrize("phone", [False, True])
def test_three_capacities_are_predicted_trained_and_scrubbed(visit: Visit, phone: bool) -> None:
    page = visit("/overfitting", phone=phone)
    expect(page.get_by_role("heading", name="過学習と未学習")).to_be_visible()
    if not phone:
        box = page.get_by_role("button", name="3つを同時に学習").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 800
    check(page.get_by_role("radio", name="大", exact=True))
    press(page, "3つを同時に学習")
    read(page)
    expect(page.get_by_text("予想は「大」、結果は「中」でした")).to_be_visible()
    expect(page.get_by_text("大は「過学習」")).to_be_visible()
    expect(page.get_by_text("コマ 0 / 60")).to_be_visible()
    press(page, "再生")
    expect(page.get_by_text("コマ 60 / 60")).to_be_visible()
    page.locator(".lab-player").get_by_role("slider", name="コマ").fill("30")
    expect(page.get_by_text("コマ 30 / 60")).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_the_counter_fills_up_and_the_run_is_compared_with_one_never_stopped(
    visit: Visit, phone: bool
) -> None:
    page = visit(f"/overfitting?of_experiment=早期終了&of_stop_seed={1 + phone}", phone=phone)
    press(page, "1エポックずつ")
    expect(page.get_by_text("我慢カウンター 0/7")).to_be_visible()
    expect(page.get_by_text("エポック 1 / 100 で一時停止中")).to_be_visible()
    press(page, "再開")
    read(page)
    expect(page.get_by_text("我慢カウンター 7/7")).to_be_visible()
    best, stop = re.findall(
        r"(\d+) エポック目の .*、(\d+) エポック\(", page.get_by_text("で止まりました").inner_text()
    )[0]
    assert int(stop) == int(best) + 7
    press(page, "止めずに 100 エポックまで続けていたら?")
    expect(page.get_by_text("止めずに最後(100 エポック)まで")).to_be_visible(timeout=60_000)
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    assert not overflows(page)


def test_random_labels_are_learnt_by_heart(visit: Visit) -> None:
    page = visit("/overfitting?of_experiment=でたらめなラベル", dark=True)
    press(page, "丸暗記できる大きさ")
    expect(page.get_by_role("slider", name="隠れユニット数")).to_have_attribute("aria-valuetext", "256")
    settle(page)
    check(page.get_by_role("radio", name="学習損失だけ下がり、検証損失は上がる"))
    press(page, "2つを同時に学習")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("をほぼ丸暗記しました")).to_be_visible()
    page.get_by_text("数式で見る(この学習の数字)").click()
    expect(page.get_by_text("0.6931").first).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_more_patients_of_a_real_table(visit: Visit, phone: bool) -> None:
    page = visit("/overfitting?of_experiment=本物の臨床データ&of_real_epochs=30", phone=phone)
    if phone:
        page.get_by_role("radio", name="糖尿病").click()
        expect(page.get_by_text("20 人から 266 人に増やすと、テストの誤差は")).to_be_visible()
    press(page, "15 個のネットワークを同時に学習")
    read(page)
    expect(page.get_by_text("いつも平均を答えると" if phone else "感度の中央値は")).to_be_visible()
    page.get_by_text("ものさし(標準化)は学習用の患者だけから作る").click()
    expect(page.get_by_text("(使いません)")).to_be_visible()
    assert not overflows(page)


def test_a_shortcut_fails_at_another_hospital_and_the_settings_are_shared(visit: Visit) -> None:
    page = visit("/overfitting?of_experiment=病院Aから病院Bへ")
    expect(page.get_by_text("模式図")).to_be_visible()
    press(page, "逆の習慣の病院")
    expect(page.get_by_role("radio", name="逆", exact=True)).to_be_checked()
    settle(page)
    page.get_by_text("25ポイント以上下がる", exact=True).click()
    press(page, "病院Aで学習し、病院Bで試す")
    read(page)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("最も頼っていたのは「明るさ」です")).to_be_visible()
    assert not overflows(page)
    press(page, "この設定を共有")
    shown = page.locator(".lab-share-address")
    expect(shown).to_contain_text("of_link=")
    other = visit("/" + shown.inner_text().split("/", 3)[3])
    expect(other.get_by_role("radio", name="逆", exact=True)).to_be_checked()
