"""The gallery against torchvision's own transforms, and the script that goes home with it."""

import io
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from benchmarks.fuzz_pictures import dicom
from core import device
from core.gallery import difference_colours, make, original, paint, pictures_of, variants
from core.gallery_script import UploadedPicture, gallery_script
from core.gallery_sheet import font_file, sheet
from core.gallery_specs import STEPS, VARIANTS, GallerySpec, SourceSpec
from core.phantom import film
from core.specs import SpecError

device.one_thread()  # as in a worker
ALL = tuple((name, step.default) for name, step in STEPS.items())
FILM = original(SourceSpec())


def test_every_transform_is_torchvisions_own_with_the_same_draws() -> None:
    bilinear = v2.InterpolationMode.BILINEAR
    plain = [
        v2.RandomHorizontalFlip(p=0.5),
        v2.RandomRotation(15, interpolation=bilinear),
        v2.RandomAffine(0, translate=(0.1, 0.1), scale=(0.9, 1.1), shear=5, interpolation=bilinear),
        v2.ElasticTransform(alpha=150.0, sigma=8.0),
        v2.ColorJitter(brightness=0.2, contrast=0.2),
        v2.GaussianBlur(9, sigma=(0.1, 1.5)),
        v2.GaussianNoise(sigma=0.05),
        v2.RandomErasing(p=0.5, scale=(0.02, 0.1)),
    ]
    for place, (name, strength) in enumerate(ALL):
        pictures, _ = variants(FILM, ((name, strength),), seed=7)
        for variant in range(VARIANTS):
            torch.manual_seed(7000 + 10 * variant + place)
            expected = plain[place](torch.from_numpy(FILM)).numpy()
            assert np.abs(pictures[variant] - expected).max() < 2e-4, name


def test_strengths_reach_their_transforms() -> None:
    assert make("flip", 0.3).p == 0.3
    assert make("rotation", 90.0).degrees == [-90.0, 90.0]
    affine = make("affine", 0.2)
    assert (affine.translate, affine.scale, affine.shear) == ((0.2, 0.2), (0.8, 1.2), [-10.0, 10.0])
    assert make("jitter", 0.4).contrast == pytest.approx((0.6, 1.4))
    assert make("erase", 0.3).scale == (0.02, 0.3)


def test_what_is_told_is_what_was_drawn() -> None:
    pictures, drawn = variants(FILM, (("flip", 0.5),), seed=3)
    for picture, told in zip(pictures, drawn, strict=True):
        assert np.array_equal(picture, FILM[..., ::-1] if told.flipped else FILM)
        assert told.difference == pytest.approx(np.abs(picture - FILM).mean(), abs=1e-6)
    pictures, drawn = variants(np.ones_like(FILM), (("erase", 0.4),), seed=3)
    for picture, told in zip(pictures, drawn, strict=True):
        assert told.erased == pytest.approx((picture == 0).mean())
    _, drawn = variants(FILM, (("rotation", 15.0),), seed=3)
    angles = [told.angle for told in drawn if told.angle is not None]
    assert len(set(angles)) == VARIANTS
    assert all(abs(angle) <= 15 for angle in angles)


def test_switching_a_transform_off_leaves_the_draws_of_the_others() -> None:
    _, every = variants(FILM, ALL, seed=5)
    _, some = variants(FILM, tuple(item for item in ALL if item[0] not in ("rotation", "noise")), seed=5)
    _, wild = variants(
        FILM, tuple((name, STEPS[name].high if name == "rotation" else s) for name, s in ALL), 5
    )
    for a, b, c in zip(every, some, wild, strict=True):
        assert (a.flipped, a.scale, a.shift, a.brightness, a.sigma) == (
            b.flipped,
            b.scale,
            b.shift,
            b.brightness,
            b.sigma,
        )
        assert (a.flipped, a.scale, a.brightness, a.erased) == (c.flipped, c.scale, c.brightness, c.erased)


def test_flips_of_many_seeds_are_binomial() -> None:
    small = np.zeros((1, 8, 8), np.float32)
    counts = [sum(d.flipped for d in variants(small, (("flip", 0.5),), seed)[1]) for seed in range(300)]
    assert np.mean(counts) == pytest.approx(4.5, abs=4 * 1.5 / math.sqrt(300))
    assert np.std(counts) == pytest.approx(1.5, abs=0.25)


def test_the_global_random_numbers_are_left_alone() -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    variants(FILM, (("flip", 0.5),), seed=0)
    assert torch.equal(torch.rand(3), expected)


def test_a_digit_is_scikit_learns_enlarged() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    small = digits.images[digits.target == 6][1] / 16
    picture = original(SourceSpec(name="digit", digit=6, sample=1))
    assert picture.shape == (1, 256, 256)
    centres = (np.arange(12) + 0.5) * 256 / 12
    sampled = picture[0][np.ix_(centres.astype(int), centres.astype(int))][2:-2, 2:-2]
    assert np.corrcoef(sampled.ravel(), small.ravel())[0, 1] > 0.98


def test_the_nodule_that_is_left_is_measured() -> None:
    source = SourceSpec(nodule=True)
    spec = GallerySpec(source=source, strengths=(("erase", 0.4),), seed=7)
    (_, drawn), *_ = pictures_of(spec)
    mask = film(np.random.default_rng(0), nodule=True) - film(np.random.default_rng(0))
    pictures, _ = variants(np.ones((1, 256, 256), np.float32), spec.strengths, 7)
    expected = [(mask * (picture[0] > 0)).sum() / mask.sum() for picture in pictures]
    assert [told.nodule for told in drawn] == pytest.approx(expected, abs=1e-4)
    assert min(expected) < 0.2
    assert all(told.nodule == 1 for told in drawn if not told.erased)


def test_an_upload_travels_beside_its_spec_in_grey_or_colours() -> None:
    for channels in (1, 3):
        upload = np.random.default_rng(0).integers(0, 256, (channels, 256, 256), dtype=np.uint8)
        spec = GallerySpec(source=SourceSpec(name="upload"), strengths=ALL)
        gallery = paint(spec, upload)
        image = Image.open(io.BytesIO(gallery.original))
        assert image.mode == ("L" if channels == 1 else "RGB")
        assert len(gallery.rows[0].pictures) == VARIANTS


def test_views_show_all_together_each_alone_or_differences() -> None:
    two = (("flip", 1.0), ("noise", 0.1))
    alone = paint(GallerySpec(source=SourceSpec(), strengths=two, view="alone"))
    assert [row.names for row in alone.rows] == [("flip",), ("noise",)]
    assert [len(row.pictures) for row in alone.rows] == [4, 4]
    assert [len(row.drawn) for row in alone.rows] == [9, 9]
    seen = paint(GallerySpec(source=SourceSpec(), strengths=two, view="difference"))
    assert Image.open(io.BytesIO(seen.rows[0].pictures[0])).mode == "RGB"


def test_differences_are_blue_where_darker_and_orange_where_brighter() -> None:
    colours = difference_colours(np.array([[-1.0, 0.0, 1.0]], np.float32)).astype(int)
    darker, same, brighter = colours[:, 0].T
    assert darker[2] > darker[0]
    assert np.ptp(same) < 5
    assert same.min() > 240
    assert brighter[0] > brighter[2]


@pytest.mark.parametrize(
    "wrong",
    [
        {"seed": -1},
        {"view": "x"},
        {"strengths": (("flip", 2.0),)},
        {"strengths": (("noise", 0.1), ("flip", 0.5))},
        {"strengths": (("melt", 1.0),)},
    ],
)
def test_specs_check_themselves(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        GallerySpec(**{"source": SourceSpec(), "strengths": (), **wrong})  # type: ignore[arg-type]


SCRIPTS = {
    "film": GallerySpec(source=SourceSpec(seed=8, nodule=True, mirrored=True), strengths=ALL, seed=12),
    "digit": GallerySpec(source=SourceSpec(name="digit", digit=3, sample=11), strengths=ALL, seed=12),
    "alone": GallerySpec(
        source=SourceSpec(seed=2), strengths=(("flip", 1.0), ("blur", 3.0)), seed=1, view="alone"
    ),
    "colours": GallerySpec(source=SourceSpec(name="upload"), strengths=(("rotation", 90.0),)),
    "dicom": GallerySpec(source=SourceSpec(name="upload"), strengths=(("noise", 0.01),)),
}
UPLOADS = {
    "colours": UploadedPicture(colours=True),
    "dicom": UploadedPicture(kind="DICOM", adjustable=True, low=-100.0, high=100.0),
}
# Loading torch takes longer than the scripts, so that one process runs them all, each in its folder.
DRIVER = """
import os, runpy, sys
for folder in sys.argv[1:]:
    os.chdir(folder)
    print("##", folder)
    runpy.run_path("gallery.py")
    os.chdir("..")
"""


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Run the scripts as readers do; return the folder of their folders, and what each printed."""
    home = tmp_path_factory.mktemp("home")
    for name, spec in SCRIPTS.items():
        (home / name).mkdir()
        (home / name / "gallery.py").write_text(gallery_script(spec, UPLOADS.get(name)), encoding="utf-8")
    Image.new("RGB", (300, 200), (200, 30, 20)).save(home / "colours" / "my_picture.png")
    values = np.tile(np.arange(256, dtype=np.uint16), (256, 1))
    (home / "dicom" / "my_picture.dcm").write_bytes(dicom(values, RescaleSlope=1, RescaleIntercept=-100))
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *SCRIPTS],
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    printed = {part.split("\n", 1)[0]: part for part in done.stdout.split("## ")[1:]}
    return home, printed


@pytest.mark.parametrize("name", ["film", "digit"])
def test_the_script_makes_the_pages_pictures_bit_for_bit(
    at_home: tuple[Path, dict[str, str]], name: str
) -> None:
    home, printed = at_home
    (pictures, drawn), *_ = pictures_of(SCRIPTS[name])
    for number, (picture, told) in enumerate(zip(pictures, drawn, strict=True), 1):
        saved = np.asarray(Image.open(home / name / f"variant_{number}.png"))
        assert np.array_equal(saved, picture[0])
        line = f"{number}枚目: もとの画像との明るさの差の平均 {told.difference:.4f}"
        assert line in printed[name]


def test_the_script_of_each_transform_alone(at_home: tuple[Path, dict[str, str]]) -> None:
    rows = pictures_of(SCRIPTS["alone"])
    for (pictures, _), name in zip(rows, ("RandomHorizontalFlip", "Blur"), strict=True):
        for number, picture in enumerate(pictures, 1):
            saved = np.asarray(Image.open(at_home[0] / "alone" / f"{name}_{number}.png"))
            assert np.array_equal(saved, picture[0])


def test_the_script_of_an_upload_reads_the_readers_file(at_home: tuple[Path, dict[str, str]]) -> None:
    first = np.asarray(Image.open(at_home[0] / "colours" / "original.png"))
    assert first.shape == (256, 256, 3)
    assert first[128, 128].tolist() == [200, 30, 20]
    assert not first[10].any()


def test_the_script_of_a_dicom_reads_it_through_the_window(at_home: tuple[Path, dict[str, str]]) -> None:
    first = np.asarray(Image.open(at_home[0] / "dicom" / "original.png"))
    assert first[5, 0] == 0
    assert first[5, 100] == pytest.approx(127.5, abs=1)
    assert first[5, 220] == 255


def test_the_sheet_holds_every_picture_and_japanese_captions() -> None:
    spec = GallerySpec(source=SourceSpec(), strengths=(("flip", 1.0),), seed=2)
    captions = [["もとの画像", *(str(i) for i in range(9))]]
    data = sheet(spec, None, "ギャラリー(模式図)", captions, ["教育用"])
    page = np.asarray(Image.open(io.BytesIO(data)).convert("L")).astype(int)
    first = (FILM[0] * 255).round()
    assert np.abs(page[60:316, 12:268] - first).max() <= 1
    assert np.abs(page[60:316, 280:536] - first[:, ::-1]).max() <= 1
    assert font_file() is not None
    empty = sheet(spec, None, "", [[""] * 10], [""])
    assert np.abs(page[:60] - np.asarray(Image.open(io.BytesIO(empty)).convert("L"))[:60]).max() > 200
