"""Augmentation in batches: each transform against torchvision's, and against what it promises."""

import math
from typing import Any
from unittest import mock

import pytest
import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from core.augment import Augment
from core.perceptron import train_on_table
from core.specs import (
    AugmentSpec,
    ConvSpec,
    OptimizerSpec,
    SpecError,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
)


@pytest.fixture
def pictures() -> Tensor:
    smooth = torch.nn.functional.interpolate(
        torch.rand(6, 1, 6, 6, generator=torch.Generator().manual_seed(0)), size=32, mode="bicubic"
    )
    return smooth.clamp(0, 1)


def drawn(value: float) -> Any:
    """Let every number drawn be ``value``, between 0 and 1."""
    return mock.patch("torch.rand", lambda *shape, **_: torch.full(shape, value))


def changed(pictures: Tensor, value: float, **strengths: float) -> Tensor:
    with drawn(value):
        moved: Tensor = Augment(**strengths).train()(pictures)
    return moved


def test_nothing_happens_in_eval_or_at_no_strength(pictures: Tensor) -> None:
    assert torch.equal(Augment(flip=1.0, noise=0.5).eval()(pictures), pictures)
    assert torch.allclose(Augment().train()(pictures), pictures, atol=1e-5)


def test_flips_and_half_turns_are_exact(pictures: Tensor) -> None:
    assert torch.allclose(changed(pictures, 0.5, flip=1.0), pictures.flip(-1), atol=1e-4)
    assert torch.allclose(changed(pictures, 0.5, upside_down=1.0), pictures.flip(-1, -2), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.3, 0.9])
def test_moving_agrees_with_torchvision(pictures: Tensor, value: float) -> None:
    """The same angle, shift and size, drawn for all, give torchvision's picture but for its rounding."""
    share = 2 * value - 1
    bilinear = v2.InterpolationMode.BILINEAR
    turned = functional.rotate(pictures, 15 * share, interpolation=bilinear)
    assert (changed(pictures, value, degrees=15.0) - turned).abs().max() < 1e-3
    size = functional.affine(
        pictures,
        angle=0.0,
        translate=[0.0, 0.0],
        scale=1 + 0.1 * share,
        shear=[0.0, 0.0],
        interpolation=bilinear,
    )
    assert (changed(pictures, value, scale=0.1) - size).abs().max() < 1e-3
    pixels = -0.1 * share * 32
    whole = round(pixels)
    shifted = functional.affine(
        pictures,
        angle=0.0,
        translate=[whole, whole],
        scale=1.0,
        shear=[0.0, 0.0],
        interpolation=bilinear,
    )
    ours = changed(pictures, value, translate=whole / -32 / share)
    assert (ours - shifted).abs().max() < 1e-3


def test_light_and_contrast_agree_with_torchvision(pictures: Tensor) -> None:
    light = functional.adjust_brightness(pictures, 1 - 0.2)
    assert torch.allclose(changed(pictures, 0.0, brightness=0.2), light, atol=1e-5)
    colours = pictures.expand(-1, 3, -1, -1)  # torchvision takes the mean of what is grey anyway
    contrast = functional.adjust_contrast(colours, 1 - 0.2)[:, :1]
    assert torch.allclose(changed(pictures, 0.0, contrast=0.2), contrast, atol=1e-3)


def test_noise_and_erasing_have_the_strength_they_are_told() -> None:
    grey = torch.full((400, 1, 32, 32), 0.5)
    torch.manual_seed(0)
    assert (Augment(noise=0.05).train()(grey) - grey).std().item() == pytest.approx(0.05, rel=0.01)
    erased = Augment(erase=0.5).train()(grey)
    hit = (erased == 0).flatten(1).any(1)
    assert 0.4 < hit.float().mean() < 0.6
    shares = (erased[hit] == 0).flatten(1).float().mean(1)
    assert (7 / 32) ** 2 <= shares.min() < shares.max() <= (17 / 32) ** 2


def test_each_picture_of_a_batch_is_changed_in_its_own_way(pictures: Tensor) -> None:
    torch.manual_seed(3)
    moved = Augment(degrees=20.0).train()(pictures[:1].expand(5, -1, -1, -1))
    assert len({round(picture.mean().item() * 1e6 + picture.std().item() * 1e6) for picture in moved}) == 5


def run(spec: TableRunSpec) -> Any:
    (result,) = train_on_table([spec])  # type: ignore[misc]
    return result


def spec(augment: AugmentSpec, **table: Any) -> TableRunSpec:
    return TableRunSpec(
        table=TableSpec(train_rows=60, patients=200, **table),
        model=ConvSpec(channels=(4,), augment=augment),
        optimizer=OptimizerSpec(lr=1e-2),
        training=TrainingSpec(epochs=25, batch_size=20),
    )


def test_a_run_on_pictures_repeats_to_the_digit_and_knows_its_accuracy() -> None:
    first, again = (run(spec(AugmentSpec(degrees=10), name="digits")) for _ in range(2))
    assert first.history == again.history
    assert first.test_accuracy == again.test_accuracy
    accuracies = [epoch.validation_accuracy for epoch in first.history]
    assert accuracies[-1] > 0.4 > accuracies[0]
    assert all(math.isclose(a * 359, round(a * 359)) for a in accuracies)  # of 359 pictures


def test_flipping_left_and_right_takes_away_what_tells_situs() -> None:
    plain, flipped = (run(spec(a, name="situs")) for a in (AugmentSpec(), AugmentSpec(flip=0.5)))
    assert plain.test_accuracy > 0.9
    assert flipped.test_accuracy < 0.75


def test_pictures_and_tables_want_their_own_networks() -> None:
    with pytest.raises(SpecError, match="畳み込み"):
        TableRunSpec(table=TableSpec(name="digits"))
    with pytest.raises(SpecError, match="多層パーセプトロン"):
        TableRunSpec(model=ConvSpec())
