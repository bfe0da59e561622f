"""What a gallery is made of: its picture, its transforms as torchvision calls them, and their strengths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.specs import SpecError, require_between, require_one_of

VARIANTS = 9
IN_A_ROW = 4
SOURCES = ("film", "digit", "upload")
VIEWS = ("together", "alone", "difference")


@dataclass(frozen=True, kw_only=True)
class Step:
    """A transform as torchvision calls it, and the range of its strength.

    ``call`` gives the class and its arguments for a strength; "bilinear" stands for that interpolation.
    """

    low: float
    high: float
    by: float
    default: float
    call: Callable[[float], tuple[str, dict[str, Any]]]


def _affine(strength: float) -> dict[str, Any]:
    return {
        "degrees": 0,
        "translate": (strength, strength),
        "scale": (round(1 - strength, 2), round(1 + strength, 2)),
        "shear": round(50 * strength, 1),
        "interpolation": "bilinear",
    }


STEPS: dict[str, Step] = {
    "flip": Step(
        low=0.0, high=1.0, by=0.1, default=0.5, call=lambda s: ("v2.RandomHorizontalFlip", {"p": s})
    ),
    "rotation": Step(
        low=5.0,
        high=180.0,
        by=5.0,
        default=15.0,
        call=lambda s: ("v2.RandomRotation", {"degrees": s, "interpolation": "bilinear"}),
    ),
    "affine": Step(low=0.05, high=0.5, by=0.05, default=0.1, call=lambda s: ("v2.RandomAffine", _affine(s))),
    "elastic": Step(
        low=50.0,
        high=1000.0,
        by=50.0,
        default=150.0,
        call=lambda s: ("Elastic", {"alpha": s, "sigma": 8.0}),
    ),
    "jitter": Step(
        low=0.1,
        high=0.9,
        by=0.1,
        default=0.2,
        call=lambda s: ("v2.ColorJitter", {"brightness": s, "contrast": s}),
    ),
    "blur": Step(
        low=0.5,
        high=6.0,
        by=0.5,
        default=1.5,
        call=lambda s: ("Blur", {"kernel_size": 2 * round(3 * s) + 1, "sigma": (0.1, s)}),
    ),
    "noise": Step(
        low=0.01, high=0.3, by=0.01, default=0.05, call=lambda s: ("v2.GaussianNoise", {"sigma": s})
    ),
    "erase": Step(
        low=0.05,
        high=0.4,
        by=0.05,
        default=0.1,
        call=lambda s: ("v2.RandomErasing", {"p": 0.5, "scale": (0.02, s)}),
    ),
}
MOVING = ("flip", "rotation", "affine", "elastic", "erase")
PLACES = {name: place for place, name in enumerate(STEPS)}


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """The picture to begin with. A reader's upload travels beside the spec, never inside it."""

    name: str = "film"
    seed: int = 0
    nodule: bool = False
    mirrored: bool = False
    digit: int = 6
    sample: int = 0

    def __post_init__(self) -> None:
        require_one_of("画像", self.name, SOURCES)
        require_between("模式図の番号", self.seed, 0, 9999)
        require_between("数字", self.digit, 0, 9)
        require_between("手書き文字の番号", self.sample, 0, 99)


@dataclass(frozen=True, kw_only=True)
class GallerySpec:
    """A gallery: its picture, the transforms that are on with their strengths, in the order of ``STEPS``."""

    source: SourceSpec
    strengths: tuple[tuple[str, float], ...]
    seed: int = 0
    view: str = "together"

    def __post_init__(self) -> None:
        require_between("乱数の種", self.seed, 0, 9999)
        require_one_of("見せ方", self.view, VIEWS)
        names = [name for name, _ in self.strengths]
        if names != [name for name in STEPS if name in names]:
            raise SpecError("変換の並びが正しくありません。")
        for name, strength in self.strengths:
            require_between("変換の強さ", strength, STEPS[name].low, STEPS[name].high)
