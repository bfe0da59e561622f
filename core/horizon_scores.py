"""Judge forecasts of many horizons beside the baselines: scores, intervals, and how often they hold.

Every model starts from the same origins, and sees the same truth. Nothing here needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core import accuracy, baselines, conformal
from core.accuracy import HorizonScores
from core.conformal import Band, Coverage
from core.horizon_specs import MODEL, RIVALS, HorizonSpec
from core.horizon_windows import Part, Parts, Stretches
from core.series import FloatArray
from core.specs import SpecError

Readings = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Judged:
    """One model on one target: its scores on the test, its intervals, and how often they held the truth.

    Each has an entry a horizon. ``refused`` says in Japanese why the model gives no forecast at all.
    """

    scores: tuple[HorizonScores, ...] = ()
    bands: tuple[Band, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    refused: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetScores:
    """The models by name on one target, the network first, and what the network seemed to be worth before.

    ``claimed`` are the network's scores on the calibration stretch, the newest of the past: with a leak they
    flatter it. ``scale`` is that of MASE.
    """

    name: str
    scale: accuracy.Score
    models: dict[str, Judged] = field(repr=False)
    claimed: tuple[HorizonScores, ...] = field(repr=False)


def rival(name: str, spec: HorizonSpec, values: Readings, train_end: int, part: Part) -> Readings:
    """Forecast ``values`` (points,) by a baseline from the origins of ``part``; (rows, horizons).

    Raises:
        SpecError: the baseline cannot be fitted.
    """
    return baselines.forecast(
        name,
        values,
        train_end,
        part.origins,
        spec.horizons,
        period=spec.period,
        order=spec.order,
    )


def judge(
    spec: HorizonSpec,
    readings: FloatArray,
    filled: FloatArray,
    where: Stretches,
    parts: Parts,
    calibrating: FloatArray,
    testing: FloatArray,
) -> tuple[TargetScores, ...]:
    """Score the network's forecasts, (rows, horizons, targets) of calibration and test, and the baselines.

    ``readings`` (points, inputs) and ``filled``, which has no short gaps, are in the signals' own units, and
    so are the forecasts. Forecasts start from ``filled``, the truth is that of ``readings``.
    """
    return tuple(
        _judge_target(
            spec,
            name,
            readings[:, place].astype(np.float64),
            filled[:, place].astype(np.float64),
            where,
            parts,
            calibrating[:, :, number].astype(np.float64),
            testing[:, :, number].astype(np.float64),
        )
        for number, (name, place) in enumerate(zip(spec.panel.targets, spec.panel.answered, strict=True))
    )


def _judge_target(
    spec: HorizonSpec,
    name: str,
    readings: Readings,
    values: Readings,
    where: Stretches,
    parts: Parts,
    calibrating: Readings,
    testing: Readings,
) -> TargetScores:
    end = where.train.stop
    known, came = (part.truth(readings, spec.horizons) for part in (parts.calibration, parts.test))
    scale = accuracy.training_scale(readings[where.train])
    repeated = rival("persistence", spec, values, end, parts.test)
    # Origins that were mixed may lie anywhere in the past, so nothing is kept from the baseline there.
    before = rival("persistence", spec, values, 1, parts.calibration)

    def judged(past: Readings | None, future: Readings) -> Judged:
        bands: tuple[Band, ...] = ()
        if past is not None:
            bands = conformal.calibrate(known, past, spec.alpha)
        return Judged(
            scores=accuracy.accuracy(came, future, repeated, scale),
            bands=bands,
            coverage=conformal.measure(bands, came, future) if bands else (),
        )

    models = {MODEL: judged(calibrating, testing)}
    for other in RIVALS:
        try:
            future = rival(other, spec, values, end, parts.test)
            mixed = spec.leak == "shuffle"
            past = None if mixed else rival(other, spec, values, end, parts.calibration)
            models[other] = judged(past, future)
        except SpecError as error:
            models[other] = Judged(refused=str(error))
    return TargetScores(
        name=name,
        scale=scale,
        models=models,
        claimed=accuracy.accuracy(known, calibrating, before, scale),
    )
