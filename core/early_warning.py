"""Train a forecaster, then follow simulated patients by its errors, beside two rules without a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from core import conformal, models, panel
from core.early_warning_specs import CARRY, RESOLUTION, SIGNALS, UNITS, WarningSpec
from core.history import Paused
from core.horizon_run import HorizonRun
from core.horizon_specs import HorizonSpec
from core.horizon_training import forecast, train_horizons
from core.horizon_windows import Part, carried
from core.panel import Panel
from core.series import FloatArray
from core.specs import SpecError
from core.training import Watch
from core.warning_run import WarningRun

Array = npt.NDArray[np.float64]
ALPHA = 0.1
TO_SD = NormalDist().inv_cdf(1 - ALPHA / 2)
"""How many standard deviations of a normal error lie within the interval that misses ``ALPHA``."""


def string(patients: Sequence[FloatArray], gap: int) -> FloatArray:
    """String patients (points, signals) together, each followed by ``gap`` missing readings."""
    pause = np.full((gap, patients[0].shape[1]), np.nan, dtype=np.float32)
    return np.concatenate([part for patient in patients for part in (patient, pause)])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trained:
    """A network with what it was trained by; ``mean`` and ``sd`` (signals,) scale its readings."""

    network: nn.Module = field(repr=False)
    spec: HorizonSpec
    mean: Array
    sd: Array

    def residuals(self, readings: FloatArray) -> Array:
        """Return reading less forecast by each of ``RULES``; (rules, points, signals), NaN where unknown.

        The forecast for a point comes from ``horizons`` points before it; the network's and the
        persistence forecast start from the same ones. The third rule always forecasts the mean.
        """
        ahead, length = self.spec.horizons, self.spec.length
        filled = carried(readings, CARRY)
        complete = np.isfinite(filled).all(axis=1)
        total = np.concatenate([[0], np.cumsum(complete)])
        origins = np.arange(length - 1, len(readings) - ahead)
        origins = origins[total[origins + 1] - total[origins + 1 - length] == length]
        scaled = torch.tensor(((filled - self.mean) / self.sd).astype(np.float32))
        part = Part(origins=origins, within=slice(0, len(readings)))
        answer = forecast(self.network, self.spec, scaled, part)[:, -1].numpy().astype(np.float64)
        found = np.full((3, *readings.shape), np.nan)
        found[0, origins + ahead] = readings[origins + ahead] - (answer * self.sd + self.mean)
        found[1, origins + ahead] = readings[origins + ahead].astype(np.float64) - filled[origins]
        found[2] = readings - self.mean
        return found


def scales(residuals: Array) -> Array:
    """Return the usual size of residuals (rules, points, signals) of a calm stretch; (rules, signals).

    It is the half-width of the split conformal interval that misses one in ten, in standard deviations as
    if the errors were normal, and never finer than half of what the signal is written down by.

    Raises:
        SpecError: too few readings to calibrate by.
    """
    found = np.empty((residuals.shape[0], residuals.shape[2]))
    for rule, errors in enumerate(residuals):
        for signal, resolution in enumerate(RESOLUTION):
            column = errors[:, signal, None]
            known = column[np.isfinite(column)][:, None]
            (band,) = conformal.calibrate(known, np.zeros_like(known), ALPHA)
            if band.half_width is None:
                raise SpecError("較正に使える値が足りません。乱れの割合を下げるか、時間を長くしてください。")
            found[rule, signal] = max(band.half_width, resolution / 2) / TO_SD
    return found


def _follow(spec: WarningSpec, run: HorizonRun, learnt: FloatArray) -> WarningRun:
    """Follow the patients of ``spec`` by the errors of the network that ``run`` left."""
    forecaster = spec.forecaster
    network = models.build(spec.model, spec.training.seed, len(SIGNALS), forecaster.outputs)
    network.load_state_dict({name: torch.tensor(value) for name, value in run.weights.items()})
    trained = _Trained(network=network, spec=forecaster, mean=np.array(run.mean), sd=np.array(run.sd))
    scale = scales(trained.residuals(learnt)[:, run.stretches.calibration])
    readings = [panel.load(each).columns(SIGNALS) for each in spec.watched]
    block = spec.points + spec.gap
    found = trained.residuals(string(readings, spec.gap))
    shaped = found.reshape(3, -1, 2, block, len(SIGNALS))[:, :, :, spec.cut.calibration.start : spec.points]
    calm = shaped[:2, 1:, 1]  # (network and persistence, patients, points, signals) of the twins
    return WarningRun(
        history=run.history,
        ending=run.ending,
        device=run.device,
        parameters=run.parameters,
        windows=run.windows[:3],
        weights_epoch=run.weights_epoch,
        mean=run.mean,
        scale=scale.astype(np.float32),
        z=(shaped / scale[:, None, None, None]).astype(np.float32),
        readings=np.stack(readings).reshape(-1, 2, spec.points, len(SIGNALS)),
        errors=np.nanmean(np.abs(calm), axis=(1, 2)).astype(np.float32),
    )


def train_and_follow(
    specs: Sequence[WarningSpec], paused: Paused | None, watch: Watch
) -> tuple[WarningRun, ...] | Paused:
    """Train the forecaster of the one spec, and follow its patients; see ``train_horizons``.

    Raises:
        SpecError: the readings are too broken to learn or to calibrate from.
    """
    (spec,) = specs
    patients = [panel.load(each).columns(SIGNALS) for each in spec.learnt]
    learnt = patients[0] if spec.source == "own" else string(patients, spec.gap)
    data = Panel(values=learnt, names=SIGNALS, units=UNITS)
    trained = train_horizons((spec.forecaster,), data, paused, watch)
    if isinstance(trained, Paused):
        return trained
    (run,) = trained
    if run.ending == "diverged":
        raise SpecError("学習が発散しました。学習率を下げてください。")
    return (_follow(spec, run, learnt),)
