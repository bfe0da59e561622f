"""A newcomer on 「損失関数」: predict, move the point, ask PyTorch, train under outliers and imbalance."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
ADDRESS = "/loss_functions?lf_experiment="


def cells(page: Page, name: str) -> list[str]:
    """Return the numbers of the table row that begins with ``name``."""
    row = page.get_by_role("row").filter(has=page.get_by_role("cell", name=name, exact=True))
    expect(row).to_have_count(1)
    return row.get_by_role("cell").all_inner_texts()[1:]


@pytest.mark.parametrize("phone", [False, True])
def test_predict_the_penalty_and_move_the_prediction(visit: Visit, phone: bool) -> None:
    page = visit("/loss_functions", phone=phone)
    expect(page.get_by_role("heading", name="損失関数")).to_be_visible()
    expect(page.locator("canvas, svg.marks").first).to_be_visible()
    check(page.get_by_role("radio", name="100倍", exact=True))
    press(page, "確かめる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    assert cells(page, "何倍か") == ["100倍", "10倍", "75倍"]
    assert cells(page, "傾き(式)") == cells(page, "傾き(自動微分)")
    page.get_by_role("slider", name="予測(モデルの答え、mmHg)").press("ArrowRight")
    expect(page.get_by_role("cell", name="誤差 21 の損失")).to_be_visible()
    assert cells(page, "誤差 21 の損失") == ["441 mmHg²", "21 mmHg", "160 mmHg²"]
    press(page, "とんでもない外れ")
    expect(page.get_by_text("2,500 人ぶん")).to_be_visible()
    page.get_by_text("3つの縦軸をそろえる").click()
    page.get_by_text("数式とコードで見る").click()
    expect(page.get_by_text("F.huber_loss")).to_be_visible()
    assert not overflows(page)


def test_confidence_and_what_pytorch_does_at_nothing(visit: Visit) -> None:
    page = visit(f"{ADDRESS}確率の損失")
    check(page.get_by_role("radio", name="20倍〜100倍"))
    press(page, "確かめる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    assert cells(page, "−log p") == ["0.105", "0.511", "4.605", "∞"]
    press(page, "「絶対に良性」と言い切る")
    expect(page.get_by_text("いまは 0% を与えて ∞")).to_be_visible()
    check(page.get_by_role("radio", name="小さすぎる、または 0"))
    press(page, "PyTorch に計算させる")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    assert cells(page, "② BCE")[:2] == ["100", "0"]
    assert cells(page, "④ BCE-with-logits")[:2] == ["200", "−1"]
    assert cells(page, "① 手書きの式") == ["∞", "nan", "nan"]
    press(page, "float64 なら?")
    expect(page.get_by_text("float64 の p は 1.4×10⁻⁸⁷")).to_be_visible()
    assert cells(page, "① 手書きの式")[:2] == ["200", "−1"]
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_train_with_typing_errors_and_without_and_compare(visit: Visit, phone: bool) -> None:
    page = visit(f"{ADDRESS}外れ値(回帰)&lf_patients={3 + phone}", phone=phone)
    expect(page.get_by_text("▲ の 3 人は打ち間違い")).to_be_visible()
    check(page.get_by_role("radio", name="MSE", exact=True))
    press(page, "3つの損失で同時に学習")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("線はほかの全員を犠牲にしても")).to_be_visible()
    press(page, "この結果を比較に残す")
    press(page, "打ち間違いなし")
    expect(page.get_by_text("打ち間違いはありません。")).to_be_visible()
    expect(page.get_by_text("▲ の 3 人は打ち間違い")).to_have_count(0)
    press(page, "3つの損失で同時に学習")
    expect(page.get_by_text("正解は「どれも大差ない」でした。")).to_be_visible()
    press(page, "この結果を比較に残す")
    expect(page.get_by_role("heading", name="比較")).to_be_visible()
    expect(page.get_by_text("用量反応曲線のように")).to_be_visible()
    page.get_by_text("この学習とまったく同じ PyTorch のコード").click()
    expect(page.get_by_text("nn.HuberLoss").first).to_be_visible()
    assert not overflows(page)


@pytest.mark.parametrize("phone", [False, True])
def test_train_a_screening_and_move_its_threshold(visit: Visit, phone: bool) -> None:
    page = visit(f"{ADDRESS}不均衡(分類)&lf_ep=10&lf_seed={phone:d}", phone=phone, dark=phone)
    expect(page.get_by_text("と答えるだけで、正解率は")).to_be_visible()
    check(page.get_by_role("radio", name="重み付き", exact=True))
    press(page, "3つの損失で同時に学習")
    expect(page.get_by_text("予想どおりです。")).to_be_visible()
    expect(page.get_by_text("正解率の落とし穴")).to_be_visible()
    before = cells(page, "感度")
    assert float(before[1].rstrip("%")) > float(before[0].rstrip("%"))
    threshold = page.get_by_role("slider", name="陽性と判定するしきい値")
    for _ in range(3):
        threshold.press("ArrowLeft")
    expect(page.get_by_text("しきい値 0.47 では")).to_be_visible()
    expect(page.get_by_text("しきい値 0.50 では")).to_have_count(0)
    threshold.press("Home")
    expect(page.get_by_text("しきい値 0.00 では")).to_be_visible()
    assert cells(page, "感度")[:3] == ["100.0%"] * 3
    assert cells(page, "特異度")[:3] == ["0.0%"] * 3
    assert "lf_threshold=0" in page.url
    assert not overflows(page)
