"""Train forecasters of many horizons on several signals, and judge each on the time after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core import horizon_scores, models, optimizers, panel
from core.history import Paused, Row
from core.horizon_course import StoppingCourse
from core.horizon_run import HorizonRun
from core.horizon_specs import HorizonSpec
from core.horizon_windows import Part, carried, cut, scale
from core.learners import Plain, to_numpy
from core.losses import KNOWN_MSE
from core.panel import Panel
from core.series import FloatArray
from core.specs import SpecError
from core.training import Training, Unwatched, Watch, train_on

AT_ONCE = 1024


class WindowSamples:
    """Windows and what came after them, gathered batch by batch out of the one series they overlap in.

    ``values`` (points, inputs) are scaled and filled, ``readings`` those without what was filled in. Inputs
    are (batch, length, inputs); targets (batch, outputs) hold every answer at horizon 1, then 2, …, NaN
    outside the stretch of the part, less the newest reading with ``differences``.
    """

    def __init__(self, spec: HorizonSpec, values: Tensor, readings: Tensor, part: Part) -> None:
        self._readings = readings
        self._values, self._within, self._differences = values, part.within, spec.differences
        device = values.device
        self._origins = torch.tensor(part.origins, device=device)
        self._answers = torch.tensor(spec.answers, device=device)
        self._back = torch.arange(1 - spec.length, 1, device=device)
        steps = 1 if spec.strategy == "recursive" else spec.horizons
        self._ahead = torch.arange(1, steps + 1, device=device)

    @property
    def rows(self) -> int:
        """See ``Samples.rows``."""
        return len(self._origins)

    def take(self, batch: Tensor) -> tuple[Tensor, Tensor]:
        """See ``Samples.take``."""
        origins = self._origins[batch]
        inputs = self._values[origins.unsqueeze(-1) + self._back]
        place = origins.unsqueeze(-1) + self._ahead  # (batch, horizons)
        inside = (place >= self._within.start) & (place < self._within.stop)
        came = self._readings[place.clamp(max=len(self._readings) - 1)][..., self._answers]
        targets = torch.where(inside.unsqueeze(-1), came, torch.nan)  # (batch, horizons, answers)
        if self._differences:
            targets = targets - inputs[..., -1:, :][..., self._answers]
        return inputs, targets.flatten(-2)


@torch.no_grad()
def forecast(model: nn.Module, spec: HorizonSpec, values: Tensor, part: Part) -> Tensor:
    """Forecast the targets at every horizon from the origins of ``part``; (rows, horizons, targets).

    ``values`` (points, inputs) and the answers are scaled. Nothing after an origin is read.
    """
    model.eval()
    samples = WindowSamples(spec, values, values, part)
    answered = list(spec.panel.answered)
    found = []
    for rows in torch.arange(samples.rows).split(AT_ONCE):
        window, _ = samples.take(rows)
        if spec.strategy == "direct":
            answer = model(window).unflatten(-1, (spec.horizons, len(answered)))
            found.append(answer + window[:, -1:, answered] if spec.differences else answer)
            continue
        path = []
        for _ in range(spec.horizons):
            answer = model(window)
            answer = answer + window[:, -1] if spec.differences else answer
            path.append(answer)
            window = torch.cat([window[:, 1:], answer.unsqueeze(1)], dim=1)
        found.append(torch.stack(path, dim=1)[..., answered])
    return torch.cat(found)


class _Case:
    """One spec with its readings, cut and scaled, and the training of its network."""

    def __init__(self, spec: HorizonSpec, data: Panel, device: torch.device) -> None:
        self.spec = spec
        self.readings = data.columns(spec.panel.inputs)
        self.filled = carried(self.readings, spec.carry)
        self.where, self.parts = cut(spec, self.readings, self.filled)
        seen = slice(0, self.where.test.start) if spec.leak != "none" else self.where.train
        self.mean, self.sd = scale(self.readings, seen)
        self.values, known = (
            torch.tensor(((v - self.mean) / self.sd).astype(np.float32), device=device)
            for v in (self.filled, self.readings)
        )
        self.network = models.build(spec.model, spec.training.seed, len(spec.panel.inputs), spec.outputs).to(
            device
        )
        rule = optimizers.build(spec.optimizer, self.network.parameters())
        self.training = Training(
            Plain(self.network, KNOWN_MSE, rule, clip=spec.training.clip),
            WindowSamples(spec, self.values, known, self.parts.train),
            WindowSamples(spec, self.values, known, self.parts.validation),
            spec.training,
        )

    def forecast(self, part: Part) -> FloatArray:
        """Forecast a part in the signals' own units; (rows, horizons, targets)."""
        answered = list(self.spec.panel.answered)
        scaled = forecast(self.network, self.spec, self.values, part).cpu().numpy().astype(np.float64)
        found: FloatArray = (scaled * self.sd[answered] + self.mean[answered]).astype(np.float32)
        return found


def train_horizons(
    specs: Sequence[HorizonSpec],
    upload: Panel | None = None,
    paused: Paused | None = None,
    watch: Watch | None = None,
) -> tuple[HorizonRun, ...] | Paused:
    """Carry out ``specs`` side by side, epoch by epoch; each keeps the weights of its best validation loss.

    ``paused`` is what an earlier call handed back; a run that ``watch`` interrupts returns what was learnt
    so far.

    Raises:
        SpecError: the specs differ in their number of epochs, or a series is too short for one of them,
            or too broken by missing readings.
    """
    if len({spec.training.epochs for spec in specs}) != 1:
        raise SpecError("一緒に学習する設定は、エポック数をそろえてください。")
    devices.one_thread()
    device = devices.pick()
    cases = [_Case(spec, panel.load(spec.panel, upload), device) for spec in specs]
    course = StoppingCourse([case.training for case in cases])
    trained = train_on(course, paused, watch or Unwatched())
    if isinstance(trained, Paused):
        return trained

    def finish(run: int, case: _Case, rows: Sequence[Row]) -> HorizonRun:
        end = course.ends[run]
        history = tuple(row[run] for row in rows[:end])
        stopping = course.stoppings[run]
        weights = course.weights(run)
        case.network.load_state_dict(weights)
        testing, parts = case.forecast(case.parts.test), case.parts
        diverged = bool(history) and not np.isfinite(history[-1].train_loss)
        ending = "diverged" if diverged else "early" if end is not None else trained.ending
        truth = [
            parts.test.truth(case.readings[:, place], case.spec.horizons)
            for place in case.spec.panel.answered
        ]
        return HorizonRun(
            history=history,
            ending=ending,
            device=devices.describe(device),
            parameters=models.count_parameters(case.network),
            stretches=case.where,
            windows=(len(parts.train), len(parts.validation), len(parts.calibration), len(parts.test)),
            origins=parts.test.origins,
            truth=np.stack(truth, axis=-1).astype(np.float32),
            forecast=testing,
            targets=horizon_scores.judge(
                case.spec,
                case.readings,
                case.filled,
                case.where,
                parts,
                case.forecast(parts.calibration),
                testing,
            ),
            weights=to_numpy(weights),
            weights_epoch=stopping.best_epoch if stopping.best_weights else len(history),
            mean=tuple(case.mean.tolist()),
            sd=tuple(case.sd.tolist()),
        )

    return tuple(finish(run, case, trained.rows) for run, case in enumerate(cases))
