"""Lesson データ拡張: gallery of one picture and nine variants."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import streamlit as st

from core import jobs
from core.gallery import Gallery
from core.gallery_script import gallery_script
from core.gallery_specs import VARIANTS, GallerySpec
from core.specs import digest
from pages.parts.augmentation import gallery_formulas, gallery_settings, gallery_view, gallery_words
from pages.parts.augmentation.gallery_settings import Settings
from pages.ui import lesson, runs, side_by_side, workings

SLOT = "au_g"
LAST = "au_g/last"
LARGER_IS_NOT_WORSE = (
    "差の大きさと、診断への害は別のものです。"
    "左右反転は、画像としては自然に見えても、意味を変えることがあります。"
)
_script = lru_cache(maxsize=64)(gallery_script)


@st.cache_data(max_entries=60, show_spinner=False)
def _shared(name: str, _spec: GallerySpec) -> Gallery:  # noqa: ARG001 - the key
    """Make a gallery that holds nobody's picture; equal settings are made once for all readers."""
    gallery: Gallery = runs.engine().quick(jobs.gallery, _spec, None, timeout=30)
    return gallery


def _gallery(settings: Settings, spec: GallerySpec) -> Gallery:
    """Make a gallery; one of a reader's own picture is kept in this session alone, and only the last."""
    if settings.pixels is None:
        st.session_state.pop(LAST, None)
        return _shared(digest(spec), spec)
    name = f"{digest(spec)} {settings.name}"
    kept = st.session_state.get(LAST)
    if kept is None or kept[0] != name:
        made = runs.engine().quick(jobs.gallery, spec, settings.pixels, timeout=30)
        kept = st.session_state[LAST] = (name, made)
    gallery: Gallery = kept[1]
    return gallery


@st.fragment
def show() -> None:
    """Let the reader choose a picture and transforms, predict, and look at nine variants."""
    question = st.container()
    controls, stage = st.columns([2, 3], gap="large")
    with controls:
        settings = gallery_settings.ask()
        asked = workings.asked(SLOT, f"変形を {VARIANTS} 枚作る")
        workings.presets(SLOT, gallery_settings.PRESETS)
    with stage:
        if settings is None:
            st.info("画像を選ぶと、ここに変形が並びます。", icon=":material/image:")
            return
        if not settings.spec.strengths:
            st.info("変換を1つ以上選んでください。", icon=":material/tune:")
            return
        try:
            _stage(question, settings, asked)
        except TimeoutError:
            st.info("計算の準備をしています。数秒後にもう一度ボタンを押してください。")


def _stage(question: Any, settings: Settings, asked: bool) -> None:
    spec = settings.spec
    about = (spec, settings.name)
    to_ask = gallery_view.question(spec)
    with question:
        if len(to_ask.choices) > 1:
            lesson.predict(SLOT, to_ask.text, to_ask.choices, about)
    if not asked:
        # Only the original, which no slider changes: it is made once for all readers.
        alone = _gallery(settings, GallerySpec(source=spec.source, view="alone", strengths=()))
        gallery_view.show_waiting(spec, alone.original)
        st.caption("予想を選んでから、ボタンを押してください。その後は、設定を変えるとすぐに描き直します。")
        return
    gallery = _gallery(settings, spec)
    gallery_view.show_pictures(spec, gallery)
    if len(to_ask.choices) > 1:
        lesson.score(SLOT, about, lambda: to_ask.answer(gallery))
    st.header("読み解き")
    if spec.view == "alone":
        gallery_view.show_sizes(gallery)
        st.caption(LARGER_IS_NOT_WORSE)
    else:
        side_by_side.points(gallery_view.reading(spec, gallery.rows[0].drawn))
    workings.why(gallery_settings.PRESETS)
    _warn(spec)
    if spec.view != "alone":
        colours = settings.upload is not None and settings.upload.colours
        gallery_formulas.show(spec, gallery.rows[0].drawn, colours)
    _take_home(settings, gallery)


def _warn(spec: GallerySpec) -> None:
    """Say which of the transforms may change what the picture means, the dangerous ones first."""
    titles = {
        False: "**:material/warning: この画像では、答えを変えるおそれがある変換**",
        True: "**:material/check_circle: この強さなら、答えが変わりにくい変換**",
    }
    for mild, title in titles.items():
        told = [
            f"**{gallery_words.LABELS[name]}** — {gallery_words.warning(name, strength, spec.source)}"
            for name, strength in spec.strengths
            if gallery_words.is_mild(name, strength, spec.source) == mild
        ]
        if told:
            st.markdown(title)
            side_by_side.points(told)


def _take_home(settings: Settings, gallery: Gallery) -> None:
    """Offer the gallery as one PNG, and as a script."""
    spec = settings.spec
    title = f"データ拡張のギャラリー: {gallery_words.TITLES[spec.source.name]}"
    told = "、".join(f"{gallery_words.LABELS[name]} {strength:g}" for name, strength in spec.strengths)
    foot = (
        f"変換と強さ: {told}",
        f"くじの種 {spec.seed}。AI研修医ラボ。教育用です。診断・治療には使えません。",
    )
    captions = gallery_view.captions(spec, gallery)

    def sheet() -> bytes:
        drawn: bytes = runs.engine().quick(
            jobs.gallery_sheet, spec, settings.pixels, title, captions, foot, timeout=30
        )
        return drawn

    st.download_button(
        "ギャラリーをPNGで保存",
        sheet,
        file_name="gallery.png",
        mime="image/png",
        icon=":material/download:",
        key="au_g_png",
        on_click="ignore",
    )
    code = _script(spec) if settings.upload is None else gallery_script(spec, settings.upload)
    workings.script(SLOT, code, "augmentation_gallery", "torchvision")
