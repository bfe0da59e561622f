"""A reader of 「正直に評価する」: predicts, trains, reads the verdict, catches a leak, and brings a CSV."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core.history import Paused
from core.horizon_pool import standings
from core.horizon_specs import HorizonSpec
from core.horizon_training import train_horizons
from core.panel import PanelSpec
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec
from pages.ui import text
from tests.browser.reader import check, overflows, press, settle

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
START = "/vitals?vt_experiment=正直に評価する"
SHORT = f"{START}&ve_hours=12時間&ve_horizons=12&ve_length=12&ve_epochs=20"


def trained() -> HorizonSpec:
    return HorizonSpec(
        panel=PanelSpec(hours=12.0, deterioration=False),
        length=12,
        horizons=12,
        differences=False,
        period=60,
        model=ModelSpec(name="lstm", hidden=16),
        optimizer=OptimizerSpec(lr=3e-3),
        training=TrainingSpec(epochs=20, batch_size=64, patience=10),
    )


@pytest.mark.parametrize("phone", [False, True])
def test_predict_train_and_read_the_numbers_of_the_run(visit: Visit, phone: bool) -> None:
    page = visit(SHORT, phone=phone)
    expect(page.get_by_role("heading", name="RNNとバイタルサイン")).to_be_visible()
    check(page.get_by_role("radio", name="ネットワーク", exact=True))
    press(page, "学習して評価する")
    expect(page.get_by_role("heading", name="答え合わせ")).to_be_visible()
    expect(
        page.get_by_text("予想どおりです。").or_(page.get_by_text("予想は「ネットワーク」"))
    ).to_be_visible()
    runs = train_horizons([trained()])
    assert not isinstance(runs, Paused)
    for name, label in (
        ("network", text.unbroken("ネットワーク")),
        ("autoregression", text.unbroken("自己回帰")),
    ):
        score = standings(runs, 0, 1)[name]
        assert score.mae.value is not None
        row = page.get_by_role("table").first.get_by_role("row", name=label)
        expect(row).to_contain_text(text.number(score.mae.value))
    assert not overflows(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)


def test_a_mixed_split_promises_more_than_the_future_keeps(visit: Visit) -> None:
    page = visit(START)
    press(page, "リークで水増し")
    expect(page.get_by_role("radio", name="窓を混ぜてから分ける")).to_be_checked()
    settle(page)
    check(page.get_by_role("radio", name="裏切る(1.2倍を超える)"))
    press(page, "学習して評価する")
    expect(page.get_by_role("heading", name="手元の成績と、未来での成績")).to_be_visible(timeout=90_000)
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("小さく見えました(水増し)")).to_be_visible()


def test_a_file_of_the_readers_own_serves_both_experiments(visit: Visit, csv_file: Path) -> None:
    page = visit("/vitals?data=自分のCSV")
    page.locator("input[type=file]").set_input_files(csv_file)
    press(page, "この内容で使う")
    expect(page.get_by_role("button", name="学習開始")).to_be_enabled()
    check(page.get_by_role("radio", name="正直に評価する"))
    check(page.get_by_role("radio", name="自分のCSV"))
    expect(page.get_by_text("を使っています。").or_(page.get_by_text("バイタル.csv")).first).to_be_visible()
    expect(page.get_by_text("150点").first.or_(page.get_by_text("いちばん先は"))).to_be_visible()
    page.get_by_role("slider", name="何点先まで予測するか").press("Home")
    expect(page.get_by_text("いちばん先は 1点先(1分後) です。")).to_be_visible()
    press(page, "学習して評価する")
    expect(page.get_by_role("heading", name="答え合わせ")).to_be_visible()
    assert "心拍" not in page.url
    check(page.get_by_role("radio", name="遠い記憶"))
    settle(page)
    check(page.get_by_role("radio", name="次の値を当てる"))
    expect(page.get_by_role("button", name="ファイルを外す")).to_be_visible()
    expect(page.get_by_role("button", name="学習開始")).to_be_enabled()
