"""One neuron and six patients: every line of a training loop carried out by torch, every number kept.

Only ``walk`` loads torch, so that a page can describe a walk and read its trace without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from core.specs import SpecError, require_between

if TYPE_CHECKING:
    from torch import Tensor

Weights = tuple[float, float, float]
"""Weight of the heart rate, weight of the blood pressure, bias; or something of each of them."""

NAMES = ("w1", "w2", "b")
LARGEST = 10.0
MAX_EDITS = 8
FAR = 1e6
"""A walk has diverged, and ends, once a weight is larger than this or no number."""

HEART_RATE = (118.0, 70.0, 94.0, 110.0, 62.0, 86.0)
PRESSURE = (100.0, 124.0, 148.0, 116.0, 140.0, 92.0)
LACTATE = (4.7, 1.4, 1.5, 3.6, 0.6, 3.1)
"""Six made-up patients: beats a minute, mmHg (systolic) and mmol/L. Means 90 and 120, both sd 20."""

CENTRES, SCALE = (90.0, 120.0), 20.0
PATIENTS = len(LACTATE)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Weights written by hand just before the update of this number, counted from 1."""

    update: int
    weights: Weights

    def __post_init__(self) -> None:
        require_between("書きかえる修正の番号", self.update, 1, 5 * PATIENTS)
        _require_weights(self.weights)


@dataclass(frozen=True, kw_only=True)
class NeuronSpec:
    """One walk. ``forget`` leaves ``zero_grad()`` out; of two edits of one update, the later holds."""

    start: Weights = (-0.5, 0.5, 0.0)
    lr: float = 0.05
    epochs: int = 3
    forget: bool = False
    edits: tuple[Edit, ...] = ()

    def __post_init__(self) -> None:
        _require_weights(self.start)
        require_between("学習率", self.lr, 1e-4, 1.0)
        require_between("エポック数", self.epochs, 1, 5)
        if len(self.edits) > MAX_EDITS:
            raise SpecError(f"重みの書きかえは {MAX_EDITS} 回までです。いくつか取り消してください。")

    @property
    def remembering(self) -> NeuronSpec:
        """Return the same walk with its ``zero_grad()``."""
        return replace(self, forget=False)


def _require_weights(weights: Weights) -> None:
    if len(weights) != len(NAMES):
        raise SpecError("重みは w₁、w₂、b の3つの数で指定してください。")
    for name, weight in zip(("重み w₁", "重み w₂", "バイアス b"), weights, strict=True):
        require_between(name, weight, -LARGEST, LARGEST)


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One round for one patient: the five lines, and the numbers that each leaves behind.

    Attributes:
        before: weights while predicting.
        found: gradients that the round finds on arrival, None before the first backward().
        kept: gradients after the line with ``zero_grad()``, None where it has cleared them.
        output: the prediction in mmol/L.
        slope: gradient of the loss with respect to the prediction.
        own: gradients of this patient's loss alone.
        gradient: gradients after backward(): ``own``, on top of ``kept``.
        after: weights after step().
        mean_loss: mean loss over all patients with the weights ``after``.
    """

    number: int
    epoch: int
    patient: int
    edited: bool
    before: Weights
    found: Weights | None
    kept: Weights | None
    output: float
    loss: float
    slope: float
    own: Weights
    gradient: Weights
    after: Weights
    mean_loss: float


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A walk that was carried out; ``diverged_at`` is the update that led too far, and the last one."""

    updates: tuple[Update, ...] = field(repr=False)
    first_loss: float
    diverged_at: int | None = None

    @property
    def last(self) -> Update:
        """Return the last update."""
        return self.updates[-1]


def standardized() -> tuple[tuple[float, float], ...]:
    """Return the two inputs of each patient, in standard deviations from the mean."""
    return tuple(
        ((rate - CENTRES[0]) / SCALE, (pressure - CENTRES[1]) / SCALE)
        for rate, pressure in zip(HEART_RATE, PRESSURE, strict=True)
    )


def walk(spec: NeuronSpec) -> Trace:
    """Train the neuron with ``torch.optim.SGD``, one patient an update, and note every number."""
    import torch
    from torch import nn

    x = torch.stack(
        [
            (torch.tensor(HEART_RATE) - CENTRES[0]) / SCALE,
            (torch.tensor(PRESSURE) - CENTRES[1]) / SCALE,
        ],
        dim=1,
    )  # (patients, 2)
    y = torch.tensor(LACTATE).unsqueeze(1)  # (patients, 1)
    model = nn.Linear(2, 1)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=spec.lr)
    parameters = [model.weight, model.bias]

    def put(weights: Weights) -> None:
        with torch.no_grad():
            model.weight.copy_(torch.tensor([weights[:2]]))
            model.bias.copy_(torch.tensor(weights[2:]))

    def weights() -> Weights:
        return _three(model.weight, model.bias)

    def gradients() -> Weights | None:
        weight, bias = model.weight.grad, model.bias.grad
        return None if weight is None or bias is None else _three(weight, bias)

    def mean_loss() -> float:
        with torch.no_grad():
            return float(loss_fn(model(x), y))

    put(spec.start)
    edits = {edit.update: edit.weights for edit in spec.edits}
    if 1 in edits:
        put(edits[1])
    first_loss = mean_loss()
    updates: list[Update] = []
    for number in range(1, spec.epochs * PATIENTS + 1):
        epoch, patient = divmod(number - 1, PATIENTS)
        if number in edits:
            put(edits[number])
        before, found = weights(), gradients()
        if not spec.forget:
            optimizer.zero_grad()
        kept = gradients()
        output = model(x[patient])
        loss = loss_fn(output, y[patient])
        # Into cleared gradients backward() puts this patient's own; otherwise they are asked for besides.
        apart = kept and torch.autograd.grad(loss, parameters, retain_graph=True)
        output.retain_grad()
        loss.backward()
        gradient = gradients()
        assert gradient is not None
        assert output.grad is not None
        optimizer.step()
        updates.append(
            Update(
                number=number,
                epoch=epoch + 1,
                patient=patient,
                edited=number in edits,
                before=before,
                found=found,
                kept=kept,
                output=output.item(),
                loss=loss.item(),
                slope=output.grad.item(),
                own=_three(*apart) if apart else gradient,
                gradient=gradient,
                after=weights(),
                mean_loss=mean_loss(),
            )
        )
        if not all(abs(weight) <= FAR for weight in updates[-1].after):
            return Trace(updates=tuple(updates), first_loss=first_loss, diverged_at=number)
    return Trace(updates=tuple(updates), first_loss=first_loss)


def _three(weight: Tensor, bias: Tensor) -> Weights:
    """Read tensors (1, 2) and (1,) as the three numbers of ``Weights``."""
    one, two = weight[0].tolist()
    return one, two, bias.item()
