"""A few training pictures as a network sees them: as they are, and changed by its augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt

from core import tables
from core.specs import ConvSpec, TableRunSpec

Bytes = npt.NDArray[np.uint8]


def changed_pictures(spec: TableRunSpec, classes: Sequence[int]) -> tuple[Bytes, Bytes]:
    """Return one picture of each of ``classes`` (count, side, side), 0 … 255, before and after a change.

    A class named twice gives two pictures. The lots are drawn by the seed of the training.
    """
    import torch

    from core.augment import Augment

    assert isinstance(spec.model, ConvSpec)
    train = tables.load(spec.table).train
    taken: dict[int, int] = {}
    rows = []
    for wanted in classes:
        found = np.flatnonzero(train.targets == wanted)
        rows.append(found[taken.get(wanted, 0) % len(found)])
        taken[wanted] = taken.get(wanted, 0) + 1
    pictures = torch.tensor(train.inputs[rows])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.training.seed)
        changed = Augment(**asdict(spec.model.augment))(pictures)
    before, after = (
        (255 * shown[:, 0].clamp(0, 1)).round().to(torch.uint8).numpy() for shown in (pictures, changed)
    )
    return before, after
