"""Mini-batches: how many updates they make, what each holds in memory, and who is in which.

Counting is plain Python; what needs torch loads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.cohorts import COHORTS
from core.specs import TableRunSpec, TableSpec, require_between

REAL_PATIENTS = {"breast_cancer": 569, "diabetes": 442}


def training_rows(table: TableSpec) -> int:
    """Return how many patients a table keeps for training, as ``core.tables.load`` cuts it.

    For tables of a size known beforehand: the real ones, and simulated ones told how many to make.
    """
    if table.name in REAL_PATIENTS:
        patients = REAL_PATIENTS[table.name]
    else:
        assert "patients" in COHORTS[table.name].uses
        patients = table.patients
    rows = patients - round(patients * table.test) - round(patients * table.validation)
    return rows if table.train_rows is None else min(rows, table.train_rows)


def updates(rows: int, batch_size: int, drop_last: bool = False) -> int:
    """Return how many updates one epoch makes: ⌈rows / batch_size⌉, or ⌊ ⌋ with ``drop_last``."""
    return rows // batch_size if drop_last else -(-rows // batch_size)


def leftover(rows: int, batch_size: int) -> int:
    """Return how many patients the incomplete last batch holds; 0 when there is none."""
    return rows % batch_size


@dataclass(frozen=True, kw_only=True)
class Held:
    """Bytes that autograd keeps from the forward pass of one batch until its backward pass.

    Attributes:
        batch_size: patients in the batch.
        batch: bytes of what was computed for them: inputs, hidden units, outputs, targets.
        weights: bytes of the network's own parameters among what is kept; the same for every batch.
    """

    batch_size: int
    batch: int
    weights: int


def held_for_backward(spec: TableRunSpec, sizes: Sequence[int]) -> tuple[Held, ...]:
    """Measure what autograd saves for backward in a batch of each of ``sizes``.

    Every tensor that an operation saves passes through ``torch.autograd.graph.saved_tensors_hooks``; those
    that share their memory are counted once.
    """
    import torch

    from core import losses, models, tables
    from core.perceptron import to_table

    cohort = COHORTS[spec.table.name]
    model = models.build_mlp(spec.model, spec.table.inputs, cohort.outputs, spec.training.seed)
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    loss = losses.build(spec.loss, spec.loss_name)
    train = to_table(tables.load(spec.table).train, torch.device("cpu"))

    def measure(size: int) -> Held:
        rows = torch.arange(size) % len(train.inputs)
        inputs, targets = train.inputs[rows], train.targets[rows]
        found: dict[int, int] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            storage = tensor.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            value = loss.mean(model(inputs), targets)
        held = Held(
            batch_size=size,
            batch=sum(size for place, size in found.items() if place not in own),
            weights=sum(size for place, size in found.items() if place in own),
        )
        del value  # until here it keeps alive what was counted
        return held

    return tuple(measure(size) for size in sizes)


@dataclass(frozen=True, kw_only=True)
class PlanSpec:
    """A small DataLoader to look into: ``patients`` numbered from 1, over a few epochs."""

    patients: int = 20
    batch_size: int = 6
    shuffle: bool = True
    drop_last: bool = False
    epochs: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        require_between("患者数", self.patients, 1, 200)
        require_between("バッチサイズ", self.batch_size, 1, 200)
        require_between("エポック数", self.epochs, 1, 20)
        require_between("乱数の種", self.seed, 0, 2**31 - 1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Who is in which batch: ``epochs[e][b]`` are the patients' numbers in their order."""

    epochs: tuple[tuple[tuple[int, ...], ...], ...] = field(repr=False)

    def used(self, epoch: int) -> tuple[int, ...]:
        """Return the patients that an epoch (from 0) gets to see, in their order."""
        return tuple(patient for batch in self.epochs[epoch] for patient in batch)

    def dropped(self, epoch: int, patients: int) -> tuple[int, ...]:
        """Return who of 1 to ``patients`` is left out of an epoch (from 0)."""
        seen = set(self.used(epoch))
        return tuple(patient for patient in range(1, patients + 1) if patient not in seen)

    def never(self, patients: int) -> tuple[int, ...]:
        """Return who is left out of every epoch."""
        out = [set(self.dropped(epoch, patients)) for epoch in range(len(self.epochs))]
        return tuple(sorted(set.intersection(*out)))


def plan(spec: PlanSpec) -> Plan:
    """Let a real ``torch.utils.data.DataLoader`` deal out the patients."""
    import torch
    from torch.utils.data import DataLoader

    loader: DataLoader[list[int]] = DataLoader(
        list(range(1, spec.patients + 1)),  # type: ignore[arg-type]  # anything with items and a length
        batch_size=spec.batch_size,
        shuffle=spec.shuffle,
        drop_last=spec.drop_last,
        generator=torch.Generator().manual_seed(spec.seed),
    )
    return Plan(
        epochs=tuple(
            tuple(tuple(torch.as_tensor(batch).tolist()) for batch in loader) for _ in range(spec.epochs)
        )
    )
