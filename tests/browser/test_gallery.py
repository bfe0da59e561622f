"""A newcomer in the gallery: predict, make, move a slider, compare, take home, and bring a picture along."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.reader import check, overflows, press

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
GO = "変形を 9 枚作る"


def source(page: Page, name: str) -> str:
    """Return the picture whose description begins with ``name``, as the address that holds it."""
    found: str = page.get_by_role("img", name=name).first.get_attribute("src") or ""
    return found


@pytest.mark.parametrize("phone", [False, True])
def test_predict_make_move_a_slider_and_read(visit: Visit, phone: bool) -> None:
    page = visit("/augmentation", phone=phone)
    expect(page.get_by_role("img", name="もとの画像")).to_be_visible()
    expect(page.locator(".lab-gallery figure.empty")).to_have_count(9)
    check(page.get_by_role("radio", name="4〜5枚"))
    press(page, GO)
    expect(page.get_by_text("内臓逆位に見えるのは")).to_be_visible()
    expect(page.locator(".lab-gallery img[src^='data:image/jpeg']")).to_have_count(10)
    expect(page.get_by_text("模式図", exact=True)).to_have_count(10)
    before = source(page, "変形 1")
    page.get_by_role("slider", name="反転の確率 p").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.get_by_text("左右が反転したのは 9 枚です。")).to_be_visible()
    expect(page.get_by_role("img", name="左右反転").first).to_be_visible()
    press(page, "引き直す")
    expect(page.locator(".lab-gallery img").nth(1)).not_to_have_attribute("src", before)
    width = page.locator(".lab-gallery figure").nth(2).bounding_box()
    assert width is not None
    assert width["width"] > 80
    assert not overflows(page)


def test_a_trap_says_why_and_the_views_change(visit: Visit) -> None:
    page = visit("/augmentation", dark=True)
    press(page, "左右反転の罠")
    expect(page.get_by_role("button", name="回転", exact=True)).to_have_attribute("aria-pressed", "false")
    press(page, GO)
    expect(page.get_by_text("なぜ", exact=True)).to_be_visible()
    page.get_by_role("radio", name="差を見る").click()
    expect(page.get_by_text("+1 明るくなった")).to_be_visible()
    press(page, "何でもかけすぎ")
    expect(page.get_by_role("slider", name="雑音 σ")).to_have_value("0.3")
    press(page, GO)
    page.get_by_role("radio", name="1つずつ").click()
    expect(page.locator(".lab-gallery section")).to_have_count(8)
    expect(page.get_by_text("弾性変形だけ(差の平均")).to_be_visible()
    assert not overflows(page)


def test_the_gallery_is_taken_home_as_one_png_and_as_a_script(visit: Visit, tmp_path: Path) -> None:
    page = visit("/augmentation?au_g_nodule=true", phone=True)
    press(page, GO)
    expect(page.get_by_text("結節が残った割合は")).to_be_visible()
    with page.expect_download() as download:
        press(page, "ギャラリーをPNGで保存")
    download.value.save_as(tmp_path / "gallery.png")
    sheet = Image.open(tmp_path / "gallery.png")
    assert sheet.width > 5 * 256
    assert np.asarray(sheet.convert("L")).std() > 30
    page.get_by_text("この計算とまったく同じ torchvision のコード").click()
    with page.expect_download() as download:
        press(page, "Python(.py)")
    text = Path(download.value.path()).read_text(encoding="utf-8")
    assert "def film(" in text
    assert "nodule=True" in text
    compile(text, "gallery", "exec")


def test_a_readers_own_picture_is_varied_and_a_pdf_refused(visit: Visit, tmp_path: Path) -> None:
    page = visit("/augmentation", phone=True)
    page.get_by_role("radio", name="自分の画像").click()
    expect(page.get_by_text("要配慮個人情報")).to_be_visible()
    chooser = page.locator("input[type=file]")
    (tmp_path / "x.png").write_bytes(b"%PDF-1.7 not a picture")
    chooser.set_input_files(tmp_path / "x.png")
    expect(page.get_by_text("これは PDF です。")).to_be_visible()
    shade = np.tile(np.arange(200, dtype=np.uint8), (300, 1))
    Image.fromarray(np.stack([shade, shade[::-1], shade[:, ::-1]], axis=2)).save(tmp_path / "y.png")
    chooser.set_input_files(tmp_path / "y.png")
    expect(page.get_by_text("PNG として読み込みました")).to_be_visible()
    press(page, GO)
    expect(page.get_by_text("左右が反転したのは")).to_be_visible()
    expect(page.locator(".lab-gallery img[src^='data:image/jpeg']")).to_have_count(10)
    expect(page.get_by_text("模式図", exact=True)).to_have_count(0)
    assert not overflows(page)
