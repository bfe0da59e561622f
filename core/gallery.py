"""One picture and nine variants of it, each transform with a draw of its own. Torch is for workers only.

Variant k and transform j always draw from the seed ``1000 * seed + 10 * k + j``. So switching a transform
off, or making it stronger, leaves the draws of all others as they were.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.gallery_specs import IN_A_ROW, MOVING, PLACES, STEPS, VARIANTS, GallerySpec, SourceSpec
from core.image_files.picture import SIDE, Bytes
from core.phantom import film

if TYPE_CHECKING:
    from torch import Tensor

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """What was drawn for one variant; None for a transform that is off.

    Attributes:
        flipped: whether it was mirrored.
        angle: degrees, positive counter-clockwise.
        scale: of the size.
        shift: of the centre, in pixels to the right and down.
        bend: root mean square of the elastic shifts, in pixels.
        brightness, contrast: factors.
        sigma: of the blur, in pixels.
        erased: share of the picture that was blackened, 0 when spared.
        difference: mean absolute change of brightness (0 … 1) against the original.
        nodule: how much of a film's nodule is left in the picture, 1 for all of it.
    """

    flipped: bool = False
    angle: float | None = None
    scale: float | None = None
    shift: tuple[int, int] | None = None
    bend: float | None = None
    brightness: float | None = None
    contrast: float | None = None
    sigma: float | None = None
    erased: float | None = None
    difference: float = 0.0
    nodule: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Variants under ``names``: JPEG or, as differences, colours; ``drawn`` has one entry a variant."""

    names: tuple[str, ...]
    pictures: tuple[bytes, ...]
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """The original as JPEG, and rows of variants: one row, or one for each transform."""

    original: bytes
    rows: tuple[Row, ...]


def _digit(spec: SourceSpec) -> Floats:
    from sklearn.datasets import load_digits
    from torch import from_numpy
    from torchvision.transforms import v2

    digits = load_digits()
    small = digits.images[digits.target == spec.digit][spec.sample] / 16
    padded = np.pad(small, 2).astype(np.float32)[None]
    large: Floats = v2.functional.resize(from_numpy(padded), [SIDE, SIDE]).numpy()
    return large


@lru_cache(maxsize=16)
def _drawn(spec: SourceSpec) -> Floats:
    if spec.name == "digit":
        return _digit(spec)
    rng = np.random.default_rng(spec.seed)
    return film(rng, SIDE, mirrored=spec.mirrored, nodule=spec.nodule)[None]


def original(spec: SourceSpec, upload: Bytes | None = None) -> Floats:
    """Return the picture to begin with, of shape (1 or 3, SIDE, SIDE) in [0, 1]."""
    if spec.name != "upload":
        return _drawn(spec)
    assert upload is not None
    return (upload / 255).astype(np.float32)


def make(name: str, strength: float) -> Any:
    """Return the transform ``name``."""
    from torchvision.transforms import v2

    from core import gallery_steps

    called, arguments = STEPS[name].call(strength)
    module = v2 if called.startswith("v2.") else gallery_steps
    if "interpolation" in arguments:
        arguments["interpolation"] = v2.InterpolationMode.BILINEAR
    return getattr(module, called.removeprefix("v2."))(**arguments)


def _told(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """Say what a transform was given, as fields of ``Drawn``."""
    if name == "flip":
        return {"flipped": True}
    if name == "rotation":
        return {"angle": params["angle"]}
    if name == "affine":
        return {"scale": params["scale"], "shift": tuple(params["translate"])}
    if name == "elastic":
        return {"bend": float(params["displacement"].square().sum(-1).mean().sqrt()) * SIDE / 2}
    if name == "jitter":
        return {"brightness": params["brightness_factor"], "contrast": params["contrast_factor"]}
    if name == "blur":
        return {"sigma": params["sigma"][0]}
    if name == "erase":
        return {"erased": params["h"] * params["w"] / SIDE**2}
    return {}


def _watched(name: str, strength: float, log: dict[str, Any]) -> Any:
    """Return a transform that notes in ``log`` what it draws."""
    transform = make(name, strength)
    carry_out = transform.transform

    def noted(picture: Any, params: dict[str, Any]) -> Any:
        log.update(_told(name, params))
        return carry_out(picture, params)

    transform.transform = noted
    return transform


def variants(
    image: Floats, strengths: tuple[tuple[str, float], ...], seed: int
) -> tuple[Floats, list[Drawn]]:
    """Change a picture nine times.

    Returns:
        Pictures of shape (9, channels, SIDE, SIDE) in [0, 1], and what was drawn for each.
    """
    import torch

    start = torch.from_numpy(image)
    log: dict[str, Any] = {}
    steps = [(PLACES[name], name, _watched(name, strength, log)) for name, strength in strengths]
    pictures: list[Tensor] = []
    drawn: list[Drawn] = []
    with torch.random.fork_rng(devices=[]):
        for variant in range(VARIANTS):
            log.clear()
            picture = start
            for place, name, step in steps:
                torch.default_generator.manual_seed(1000 * seed + 10 * variant + place)
                if name == "erase":
                    log["erased"] = 0.0
                picture = step(picture)
            pictures.append(picture)
            difference = float((picture - start).abs().mean())
            drawn.append(Drawn(**log, difference=difference))
    stacked: Floats = torch.stack(pictures).numpy()
    return stacked, drawn


def to_bytes(pictures: Floats) -> Bytes:
    """Round brightness in [0, 1] to 0 … 255."""
    return np.round(np.clip(pictures, 0, 1) * 255).astype(np.uint8)


def _jpeg(picture: Bytes) -> bytes:
    """Encode (1 or 3, height, width)."""
    from PIL import Image

    plane = picture[0] if len(picture) == 1 else np.ascontiguousarray(picture.transpose(1, 2, 0))
    file = io.BytesIO()
    Image.fromarray(plane).save(file, "JPEG", quality=88, subsampling=0)
    return file.getvalue()


def difference_colours(change: Floats) -> Bytes:
    """Colour a change of brightness (height, width), -1 … 1: blue is darker, white none, orange brighter.

    Returns:
        Bytes of shape (3, height, width).
    """
    ends = np.array([[0, 90, 170], [250, 250, 250], [200, 80, 0]], dtype=np.float32)
    levels = np.interp(np.linspace(-1, 1, 255), [-1, 0, 1], [0, 1, 2])
    table = np.stack([np.interp(levels, [0, 1, 2], ends[:, colour]) for colour in range(3)], axis=1)
    # The square root lets small changes be seen.
    place = np.sign(change) * np.sqrt(np.abs(np.clip(change, -1, 1)))
    colours: Bytes = table.astype(np.uint8)[np.round((place + 1) * 127).astype(np.intp)]
    return colours.transpose(2, 0, 1)


def _nodule_left(spec: SourceSpec, strengths: tuple[tuple[str, float], ...], seed: int) -> list[float]:
    """Send what a nodule adds to its film through the transforms that move or hide it."""
    added = _drawn(spec) - _drawn(replace(spec, nodule=False))
    moved, _ = variants(added, tuple(item for item in strengths if item[0] in MOVING), seed)
    left: list[float] = (moved.sum(axis=(1, 2, 3)) / added.sum()).tolist()
    return left


def _groups(spec: GallerySpec) -> list[tuple[tuple[str, float], ...]]:
    """Return which transforms are carried out together: all of them, or each for itself."""
    return [(item,) for item in spec.strengths] if spec.view == "alone" else [spec.strengths]


def pictures_of(spec: GallerySpec, upload: Bytes | None = None) -> list[tuple[list[Bytes], list[Drawn]]]:
    """Return for each row its pictures, (1 or 3, SIDE, SIDE) each, and what was drawn for nine variants."""
    image = original(spec.source, upload)
    rows = []
    for group in _groups(spec):
        pictures, drawn = variants(image, group, spec.seed)
        if spec.source.name == "film" and spec.source.nodule and spec.view != "alone":
            left = _nodule_left(spec.source, group, spec.seed)
            drawn = [replace(one, nodule=share) for one, share in zip(drawn, left, strict=True)]
        if spec.view == "difference":
            seen = [difference_colours(change) for change in (pictures - image).mean(axis=1)]
        else:
            seen = list(to_bytes(pictures[:IN_A_ROW] if spec.view == "alone" else pictures))
        rows.append((seen, drawn))
    return rows


def paint(spec: GallerySpec, upload: Bytes | None = None) -> Gallery:
    """Make a gallery; ``upload`` is (1 or 3, SIDE, SIDE) for the source of that name."""
    rows = [
        Row(
            names=tuple(name for name, _ in group),
            pictures=tuple(_jpeg(picture) for picture in pictures),
            drawn=tuple(drawn),
        )
        for group, (pictures, drawn) in zip(_groups(spec), pictures_of(spec, upload), strict=True)
    ]
    return Gallery(original=_jpeg(to_bytes(original(spec.source, upload))), rows=tuple(rows))
