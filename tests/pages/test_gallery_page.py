import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from benchmarks.fuzz_pictures import dicom, saved
from core.gallery import Drawn, paint, pictures_of
from core.gallery_specs import STEPS, GallerySpec, SourceSpec
from pages.parts.augmentation import gallery, gallery_settings, gallery_upload, gallery_view, gallery_words
from pages.ui import runs
from tests.pages.reading import shown

Open = Callable[..., AppTest]
GREY = saved(Image.fromarray(np.tile(np.arange(256, dtype=np.uint8), (200, 1))), "PNG")
DEFAULTS = tuple((name, STEPS[name].default) for name in ("flip", "rotation", "affine", "jitter"))


def go(app: AppTest) -> AppTest:
    return app.button(key="au_g/go").click().run()


def drawn(spec: GallerySpec) -> tuple[Drawn, ...]:
    return paint(spec).rows[0].drawn


def test_before_the_button_there_is_the_original_and_a_question(open_page: Open) -> None:
    app = open_page("augmentation.py")
    assert not app.exception
    assert "内臓逆位に見える" in app.radio[0].label
    assert "読み解き" not in [s.value for s in app.header]
    assert "左右が反転したのは" not in shown(app)


def test_flips_are_counted_scored_and_told_with_their_chance(open_page: Open) -> None:
    app = open_page("augmentation.py")
    spec = GallerySpec(source=SourceSpec(), strengths=DEFAULTS)
    flips = sum(one.flipped for one in drawn(spec))
    wrong = "0〜1枚" if flips > 1 else "8〜9枚"
    app.radio[0].set_value(wrong).run()
    app = go(app)
    assert not app.exception
    seen = shown(app)
    right = gallery_view.COUNTS[min(flips // 2, 4)]
    assert f"予想は「{wrong}」、結果は「{right}」でした" in seen
    assert f"内臓逆位に見えるのは {flips} 枚" in seen
    chance = {5: "24.6", 4: "24.6", 3: "16.4", 6: "16.4"}[flips]  # binomial coefficients / 512
    assert f"確率は {chance}%" in seen
    turned = [abs(one.angle or 0) for one in drawn(spec)]
    assert f"平均 {np.mean(turned):.1f}°、最大 {max(turned):.1f}°" in seen


def test_a_slider_redraws_at_once_and_asks_for_a_new_prediction(open_page: Open) -> None:
    app = open_page("augmentation.py")
    app.radio[0].set_value("4〜5枚").run()
    app = go(app)
    app.slider(key="au_g_flip").set_value(1.0).run()
    assert not app.exception
    assert "左右が反転したのは **9 枚**" in shown(app)
    assert app.radio[0].value is None


def test_reseeding_draws_other_variants_of_the_same_picture(open_page: Open) -> None:
    app = go(open_page("augmentation.py"))
    before = shown(app)
    app.button(key="au_g_again").click().run()
    assert app.number_input(key="au_g_seed").value != 0
    assert shown(app) != before


@pytest.mark.parametrize("preset", range(len(gallery_settings.PRESETS)))
def test_presets_set_their_controls_and_failing_ones_say_why(open_page: Open, preset: int) -> None:
    app = open_page("augmentation.py")
    app.button(key=f"au_g/preset/{preset}").click().run()
    app = go(app)
    assert not app.exception
    assert not app.error
    asked = gallery_settings.PRESETS[preset]
    for key, value in asked.values.items():
        assert app.session_state[key] == value
    assert ("**なぜ**" in shown(app)) == bool(asked.why) == (preset > 0)


def test_the_harmless_preset_holds_no_dangerous_transform_and_the_trap_does(open_page: Open) -> None:
    app = open_page("augmentation.py")
    app.button(key="au_g/preset/0").click().run()
    assert "答えを変えるおそれがある変換" not in shown(go(app))
    app.button(key="au_g/preset/1").click().run()
    assert "答えを変えるおそれがある変換" in shown(go(app))


def test_the_nodule_preset_loses_nodules(open_page: Open) -> None:
    app = open_page("augmentation.py")
    app.button(key="au_g/preset/2").click().run()
    assert "結節がほとんど消えるのは" in app.radio[0].label
    seen = shown(go(app))
    lost = int(re.findall(r"未満\)のは (\d) 枚", seen)[0])
    spec = GallerySpec(source=SourceSpec(nodule=True), strengths=(("rotation", 15.0), ("erase", 0.4)), seed=7)
    assert lost == sum((one.nodule or 0) < 0.2 for one in drawn(spec)) >= 3


def test_each_transform_alone_is_ranked_by_its_measured_difference(open_page: Open) -> None:
    app = open_page("augmentation.py", au_g_view="1つずつ")
    assert "いちばん大きく変える" in app.radio[0].label
    app = go(app)
    assert not app.exception
    rows = pictures_of(GallerySpec(source=SourceSpec(), strengths=DEFAULTS, view="alone"))
    sizes = {
        name: float(np.mean([one.difference for one in told]))
        for (name, _), (_, told) in zip(DEFAULTS, rows, strict=True)
    }
    best = max(sizes, key=sizes.__getitem__)
    assert f"正解は「{gallery_words.LABELS[best]}」" in shown(app)
    assert f"{gallery_words.LABELS[best]} {sizes[best]:.3f}" in shown(app)


def test_a_digit_turned_over_is_counted_and_warned_of(open_page: Open) -> None:
    app = open_page("augmentation.py")
    app.button(key="au_g/preset/4").click().run()
    assert "上下が逆さ" in app.radio[0].label
    seen = shown(go(app))
    spec = GallerySpec(source=SourceSpec(name="digit", digit=6, sample=1), strengths=(("rotation", 180.0),))
    over = sum(abs(one.angle or 0) > 90 for one in drawn(spec))
    assert f"逆さになったのは {over} 枚でした(期待値は 4.5 枚)" in seen
    assert "6 を 180° 回すと 9" in seen


def test_warnings_follow_the_picture(open_page: Open) -> None:
    assert "内臓逆位" in gallery_words.warning("flip", 0.5, SourceSpec())
    assert "鏡文字" in gallery_words.warning("flip", 0.5, SourceSpec(name="digit"))
    assert "結節あり" in gallery_words.warning("erase", 0.1, SourceSpec(nodule=True))
    for source in (SourceSpec(), SourceSpec(name="digit"), SourceSpec(name="upload")):
        for name, step in STEPS.items():
            assert gallery_words.warning(name, step.high, source).endswith(("。", "。)"))
            if name != "flip":
                assert not gallery_words.is_mild(name, step.high, source)
    app = open_page("augmentation.py", au_g_source="数字")
    assert "鏡に映した文字" in shown(go(app))


def upload(app: AppTest, name: str, data: bytes, kind: str = "image/png") -> AppTest:
    return app.file_uploader[0].upload(name, data, kind).run()


def test_an_upload_is_read_noted_and_varied(open_page: Open) -> None:
    app = open_page("augmentation.py", au_g_source="自分の画像")
    assert "個人情報" in shown(app)
    assert "変形が並びます" in shown(app)
    app = go(upload(app, "x.png", GREY))
    assert not app.exception
    assert "PNG として読み込みました(幅 256 × 高さ 200 画素)" in shown(app)
    assert "左右が反転したのは" in shown(app)
    assert "皮膚の一部" in shown(app)


def test_a_window_can_be_moved_over_a_dicom(open_page: Open) -> None:
    values = np.tile(np.arange(256, dtype=np.uint16) * 8, (200, 1))
    data = dicom(values, WindowCenter=1000, WindowWidth=800, PatientName="SECRET^NAME")
    app = open_page("augmentation.py", au_g_source="自分の画像")
    app = go(upload(app, "IM000001", data, "application/octet-stream"))
    assert not app.exception
    level, width = (
        next(s for s in app.slider if s.label.startswith(name)) for name in ("ウィンドウ中心", "ウィンドウ幅")
    )
    assert (level.value, width.value) == (1000, 800)
    before = app.session_state[gallery.LAST][1].original
    width.set_value(2000.0).run()
    after = app.session_state[gallery.LAST][1].original
    spans = [
        np.ptp(np.asarray(Image.open(io.BytesIO(one)))[128, 60:200].astype(int)) for one in (before, after)
    ]
    assert spans[0] > spans[1] + 50  # a wider window is flatter
    assert "SECRET" not in shown(app)
    assert "SECRET" not in repr(app.session_state[gallery_upload.KEPT])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 バイト"),
        (b"<html>patient</html>", "HTML"),
        (b"%PDF-1.4", "PDF"),
        (GREY[:300], "途中で切れているか"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 6_000_000, "5 MB"),
    ],
    ids=["empty", "html", "pdf", "cut", "large"],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_shown(open_page: Open, data: bytes, said: str) -> None:
    app = upload(open_page("augmentation.py", au_g_source="自分の画像"), "x.png", data)
    assert not app.exception
    assert any(said in error.value for error in app.error)
    assert "patient" not in shown(app)


def test_an_upload_is_in_no_cache_of_others_and_forgotten_with_its_source(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared: list[GallerySpec] = []
    real = gallery._shared

    def watched(name: str, spec: GallerySpec) -> object:
        shared.append(spec)
        return real(name, spec)

    monkeypatch.setattr(gallery, "_shared", watched)
    app = go(upload(open_page("augmentation.py", au_g_source="自分の画像"), "x.png", GREY))
    assert not shared
    assert gallery.LAST in app.session_state
    assert gallery_upload.KEPT in app.session_state
    app.button_group(key="au_g_source").set_value("胸部X線").run()
    assert gallery.LAST not in app.session_state
    assert gallery_upload.KEPT not in app.session_state
    assert shared


def test_an_address_restores_every_control_but_the_upload(open_page: Open) -> None:
    app = open_page(
        "augmentation.py",
        au_g_film="12",
        au_g_nodule="true",
        au_g_situs="true",
        au_g_view="差を見る",
        au_g_seed="77",
        au_g_flip="0.9",
        au_g_rotation="45",
    )
    assert not app.exception
    assert app.slider(key="au_g_film").value == 12
    assert app.toggle(key="au_g_nodule").value
    assert app.toggle(key="au_g_situs").value
    assert app.button_group(key="au_g_view").value == "差を見る"
    assert app.number_input(key="au_g_seed").value == 77
    assert app.slider(key="au_g_flip").value == 0.9
    assert app.slider(key="au_g_rotation").value == 45


@pytest.mark.parametrize(
    "query",
    [
        {"au_g_source": "<script>", "au_g_seed": "-5", "au_g_flip": "nan", "au_g_film": "1e9"},
        {"au_g_source": "数字", "au_g_digit": "12", "au_g_sample": "-1", "au_g_view": "x"},
        {"au_g_on": "何か", "au_g_rotation": "17.3", "au_g_affine": "99"},
        {"au_g_rotation": "17.3", "au_g_jitter": "0.1234"},
    ],
)
def test_hostile_addresses_fall_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("augmentation.py", **query)
    assert not app.exception
    assert not app.error
    assert not go(app).exception


def test_without_a_transform_the_page_asks_for_one(open_page: Open) -> None:
    app = open_page("augmentation.py")
    app.button_group(key="au_g_on").set_value([]).run()
    assert not app.exception
    assert "変換を1つ以上" in shown(app)


def test_binomial_by_hand() -> None:
    assert gallery_view.binomial(0, 0.5) == 1 / 512
    assert gallery_view.binomial(4, 0.5) == 126 / 512
    assert gallery_view.binomial(9, 1.0) == 1
    assert sum(gallery_view.binomial(k, 0.3) for k in range(10)) == pytest.approx(1)


def test_a_slow_engine_is_told_kindly(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> object:
        raise TimeoutError

    app = open_page("augmentation.py")
    app.button(key="au_g/go").click().run()
    monkeypatch.setattr(runs.engine(), "quick", late)
    app.number_input(key="au_g_seed").set_value(9999).run()
    assert not app.exception
    assert "計算の準備をしています" in shown(app)


def test_until_the_variants_are_asked_for_none_are_made(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    quick = runs.engine().quick

    def counted(job: Callable[..., Any], *asked: Any, timeout: float) -> Any:
        made.append(job)
        return quick(job, *asked, timeout=timeout)

    app = open_page("augmentation.py")
    monkeypatch.setattr(runs.engine(), "quick", counted)
    app.number_input(key="au_g_seed").set_value(9998).run()
    assert not made
    app.button(key="au_g/go").click().run()
    assert len(made) == 1
