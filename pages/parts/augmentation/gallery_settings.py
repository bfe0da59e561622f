"""Controls of the gallery: the picture, the transforms with their strengths, presets."""

from __future__ import annotations

import random
from dataclasses import dataclass

import streamlit as st

from core.gallery_script import UploadedPicture
from core.gallery_specs import STEPS, GallerySpec, SourceSpec
from core.image_files.picture import Bytes
from pages.parts.augmentation import gallery_upload, gallery_words
from pages.ui import lesson, workings

FILM, DIGIT, OWN = "胸部X線", "数字", "自分の画像"
SOURCES = {FILM: "film", DIGIT: "digit", OWN: "upload"}
VIEWS = {"いっしょに": "together", "1つずつ": "alone", "差を見る": "difference"}
NAMES = {label: name for name, label in gallery_words.LABELS.items()}
DEFAULT_ON = ["左右反転", "回転", "ずらし・拡大縮小", "明るさ・コントラスト"]


def _film(on: list[str], nodule: bool = False, **strengths: float) -> dict[str, object]:
    values = {f"au_g_{name}": strength for name, strength in strengths.items()}
    return {"au_g_source": FILM, "au_g_nodule": nodule, "au_g_situs": False, "au_g_on": on, **values}


PRESETS = [
    lesson.Preset(
        "胸部X線に無難",
        _film(
            ["回転", "ずらし・拡大縮小", "明るさ・コントラスト", "雑音"],
            rotation=10.0,
            affine=0.05,
            jitter=0.1,
            noise=0.02,
        ),
    ),
    lesson.Preset(
        "左右反転の罠",
        _film(["左右反転"], flip=0.5),
        why="画像だけが反転し、ラベルは「正常」のままです。"
        "心臓が右にある画像を「正常」と教えるため、内臓逆位や左右の取り違えを見分ける力が育ちません。",
    ),
    lesson.Preset(
        "結節が消える",
        _film(["回転", "一部を消す"], nodule=True, film=0, seed=7, rotation=15.0, erase=0.4),
        why="消す四角は、結節のある場所を避けてくれません。結節が隠れた画像にも「結節あり」のラベルが付いたままなので、"
        "モデルは、無い所見を当てるよう求められます。",
    ),
    lesson.Preset(
        "何でもかけすぎ",
        _film(
            list(gallery_words.LABELS.values()),
            flip=0.5,
            rotation=180.0,
            affine=0.5,
            elastic=1000.0,
            jitter=0.9,
            blur=6.0,
            noise=0.3,
            erase=0.4,
        ),
        why="1つずつでも強い変換を8つ重ねたので、読影できる画像がほとんど残りません。"
        "医師が診断できない画像からは、モデルも正しいことを学べません。"
        "「変形のあとも、自分なら同じ診断をつけられるか」が目安です。",
    ),
    lesson.Preset(
        "6 が 9 になる",
        {
            "au_g_source": DIGIT,
            "au_g_digit": 6,
            "au_g_sample": 1,
            "au_g_on": ["回転"],
            "au_g_rotation": 180.0,
        },
        why="±180° まで回すと、6 が 9 の向きになった画像が混ざります。ラベルは「6」のままなので、"
        "モデルは 9 の形を「6」と覚えます。",
    ),
]


@dataclass(frozen=True)
class Settings:
    """What the controls say: the gallery, and the upload with how it was read and its name."""

    spec: GallerySpec
    pixels: Bytes | None = None
    upload: UploadedPicture | None = None
    name: str = ""


def _source() -> tuple[SourceSpec, Bytes | None, UploadedPicture | None, str] | None:
    """Ask for the picture; None while there is none."""
    name = workings.choice("画像", SOURCES, "au_g_source")
    if name == "upload":
        taken = gallery_upload.picture()
        return None if taken is None else (SourceSpec(name="upload"), *taken)
    gallery_upload.forget()
    if name == "digit":
        with st.container(horizontal=True, gap="small"):
            digit = st.number_input("数字", 0, 9, 6, key="au_g_digit", bind="query-params", width=110)
            sample = st.number_input(
                "文字の番号", 0, 99, 1, key="au_g_sample", bind="query-params", width=150
            )
        return SourceSpec(name="digit", digit=int(digit), sample=int(sample)), None, None, ""
    seed = st.slider("模式図の番号(架空の患者さん)", 0, 99, 0, key="au_g_film", bind="query-params")
    with st.container(horizontal=True, gap="medium"):
        nodule = st.toggle("結節あり", key="au_g_nodule", bind="query-params")
        mirrored = st.toggle("内臓逆位", key="au_g_situs", bind="query-params")
    return SourceSpec(seed=seed, nodule=nodule, mirrored=mirrored), None, None, ""


def _strengths() -> tuple[tuple[str, float], ...]:
    """Ask which transforms are on, and how strong each is."""
    on = st.pills(
        "使う変換(押すたびに入・切)",
        list(NAMES),
        selection_mode="multi",
        default=DEFAULT_ON,
        key="au_g_on",
        bind="query-params",
        wrap=True,
    )
    chosen = [name for label, name in NAMES.items() if label in on]
    strengths = []
    with st.container(horizontal=True, gap="small"):
        for name in chosen:
            step, (label, form) = STEPS[name], gallery_words.STRENGTHS[name]
            strength = st.slider(
                label,
                step.low,
                step.high,
                step.default,
                step=step.by,
                format=form,
                key=f"au_g_{name}",
                bind="query-params",
                width=140,
            )
            nearest = step.low + round((strength - step.low) / step.by) * step.by
            strengths.append((name, min(max(round(nearest, 4), step.low), step.high)))
    return tuple(strengths)


def _draw_again() -> None:
    st.session_state["au_g_seed"] = random.randrange(10_000)


def ask() -> Settings | None:
    """Show all controls and return what they say; None while there is no picture."""
    source = _source()
    view = workings.choice("見せ方", VIEWS, "au_g_view")
    strengths = _strengths()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        seed = st.number_input("くじの種", 0, 9999, 0, key="au_g_seed", bind="query-params", width=130)
        st.button("引き直す", icon=":material/casino:", on_click=_draw_again, key="au_g_again")
    if source is None:
        return None
    spec, pixels, upload, name = source
    gallery = GallerySpec(source=spec, strengths=strengths, seed=int(seed), view=view)
    return Settings(spec=gallery, pixels=pixels, upload=upload, name=name)
