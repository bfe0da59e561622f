"""Time augmentation in batches beside a Dataset: ``python -m benchmarks.augmentation [--json] [--runs N]``.

The textbook side is a ``Dataset`` that changes one picture at a time with torchvision's v2 transforms, in a
``DataLoader`` without workers; ours indexes one tensor and changes each batch in a few operations. Both
flip, turn, shift, resize, shear and change brightness and contrast, with one thread, in the same process,
in turn: textbook, ours, textbook, ours, … An epoch of pictures is timed, without a network, and with the
small network of the lesson. In every round the mean picture of both must agree.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from benchmarks.training import machine
from core import device, models, tables
from core.augment import Augment
from core.specs import ConvSpec, TableSpec
from core.training import order

BATCH = 32
PARITY = 0.1  # five standard errors of a pixel
Batches = Iterator[tuple[Tensor, Tensor]]


class Films(Dataset[tuple[Tensor, Tensor]]):
    """Pictures, each changed anew whenever it is asked for."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self._inputs, self._targets = inputs, targets
        self._transform = v2.Compose(
            [
                v2.RandomHorizontalFlip(0.5),
                v2.RandomAffine(
                    degrees=10,
                    translate=(0.1, 0.1),
                    scale=(0.9, 1.1),
                    shear=5,
                    interpolation=v2.InterpolationMode.BILINEAR,
                ),
                v2.ColorJitter(brightness=0.2, contrast=0.2),
            ]
        )

    def __len__(self) -> int:
        """Return how many pictures there are."""
        return len(self._inputs)

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor]:
        """Return a picture, changed, and its class."""
        return self._transform(self._inputs[place]), self._targets[place]


def by_textbook(inputs: Tensor, targets: Tensor, seed: int) -> Batches:
    """Deal out one epoch picture by picture."""
    torch.manual_seed(seed)
    yield from DataLoader(Films(inputs, targets), batch_size=BATCH, shuffle=True)


def by_us(inputs: Tensor, targets: Tensor, seed: int) -> Batches:
    """Deal out one epoch batch by batch, as ``core.training`` does."""
    torch.manual_seed(seed)
    change = Augment(
        flip=0.5, degrees=10, translate=0.1, scale=0.1, shear=5, brightness=0.2, contrast=0.2
    ).train()
    for rows in order(len(inputs), True, torch.Generator().manual_seed(seed)).split(BATCH):
        yield change(inputs.index_select(0, rows)), targets.index_select(0, rows)


Side = Callable[[Tensor, Tensor, int], Batches]
Epoch = Callable[[Side, Tensor, Tensor, int], Tensor]


def look(side: Side, inputs: Tensor, targets: Tensor, seed: int) -> Tensor:
    """Go through an epoch; return the mean picture (1, height, width)."""
    total = torch.zeros_like(inputs[0])
    for pictures, _ in side(inputs, targets, seed):
        total += pictures.sum(0)
    return total / len(inputs)


def learn(side: Side, inputs: Tensor, targets: Tensor, seed: int) -> Tensor:
    """Train the lesson's network for an epoch; return the mean picture."""
    network = models.build_mlp(ConvSpec(), inputs[0].numel(), 2, seed).train()
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    total = torch.zeros_like(inputs[0])
    for pictures, classes in side(inputs, targets, seed):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(pictures), classes).backward()
        optimizer.step()
        total += pictures.sum(0)
    return total / len(inputs)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Medians in seconds an epoch; ``ratio`` is the median of the rounds' ratios."""

    workload: str
    textbook_s: float
    ours_s: float
    ratio: float
    low: float
    high: float
    largest_difference: float
    target: float

    @property
    def met(self) -> bool:
        """Say whether the target was reached."""
        return self.ratio >= self.target


def measure(name: str, target: float, epoch: Epoch, rounds: int) -> Timing:
    """Time both sides in turn, after a warm-up.

    Raises:
        AssertionError: their mean pictures differ by more than chance allows.
    """
    films = tables.load(TableSpec(name="situs", patients=1000)).train
    inputs, targets = torch.tensor(films.inputs), torch.tensor(films.targets)
    epoch(by_textbook, inputs[:64], targets[:64], 0)
    epoch(by_us, inputs[:64], targets[:64], 0)
    theirs: list[float] = []
    ours: list[float] = []
    largest = 0.0
    for seed in range(rounds):
        begin = time.perf_counter()
        expected = epoch(by_textbook, inputs, targets, seed)
        between = time.perf_counter()
        found = epoch(by_us, inputs, targets, seed)
        end = time.perf_counter()
        theirs.append(between - begin)
        ours.append(end - between)
        largest = max(largest, (expected - found).abs().max().item())
        assert largest <= PARITY, f"{name}: the mean pictures differ by {largest:.3f}"
    ratios = [a / b for a, b in zip(theirs, ours, strict=True)]
    return Timing(
        workload=name,
        textbook_s=statistics.median(theirs),
        ours_s=statistics.median(ours),
        ratio=statistics.median(ratios),
        low=min(ratios),
        high=max(ratios),
        largest_difference=largest,
        target=target,
    )


def line(t: Timing) -> str:
    """Return ``t`` as a line of the table."""
    spread = f"{t.ratio:.2f} [{t.low:.2f}–{t.high:.2f}]"
    return (
        f"{t.workload:<24} {t.textbook_s:>11.3f} {t.ours_s:>8.3f} {spread:>20}"
        f" {t.target:>7g} {'yes' if t.met else 'NO':>4} {t.largest_difference:>11.1e}"
    )


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description="Time augmentation in batches beside a Dataset.")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each workload (5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    device.one_thread()
    timings = [
        measure("600 films, augmented", 4, look, options.runs),
        measure("… and learnt from", 2, learn, options.runs),
    ]
    if options.json:
        print(json.dumps({"machine": machine(), "timings": [asdict(t) for t in timings]}, ensure_ascii=False))
        return
    print(machine())
    print(
        f"{'workload':<24} {'textbook s':>11} {'ours s':>8} {'ratio':>20} {'target':>7} {'met':>4}"
        f" {'difference':>11}"
    )
    for timing in timings:
        print(line(timing))


if __name__ == "__main__":
    main()
