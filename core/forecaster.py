"""Train recurrent networks to forecast the next reading of a series, and judge them on unseen time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from core import device as devices
from core import models, optimizers
from core.forecast import persistence, score
from core.history import ForecastRun, Paused, TestForecast, run_ending, run_history
from core.learners import Learner, Plain, Stacked, Table, to_numpy
from core.losses import MSE
from core.schedules import Clock
from core.series import FloatArray, Series, article_series
from core.specs import ForecastSpec, ScheduleSpec, SpecError, require_stackable
from core.training import Training, Unwatched, Watch, train_on
from core.windows import Scaler, Windows, bounds, make_windows, require_enough


def table(windows: Windows, device: torch.device) -> Table:
    """Turn windows into inputs (windows, length, 1) and targets (windows, 1) on ``device``."""
    inputs = torch.tensor(windows.inputs, device=device).unsqueeze(-1)
    targets = torch.tensor(windows.targets, device=device).unsqueeze(-1)
    return Table(inputs, targets)


def predict(model: nn.Module, windows: Windows, device: torch.device) -> FloatArray:
    """Forecast the target of each window; shape (windows,), in the unit of the windows."""
    model.eval()
    with torch.no_grad():
        parts = [model(part) for part in table(windows, device).inputs.split(1024)]
    forecast: FloatArray = torch.cat(parts).squeeze(-1).cpu().numpy()
    return forecast


def make_learner(specs: Sequence[ForecastSpec], device: torch.device) -> Learner:
    """Build the networks of ``specs``: a plain one for one spec, stacked ones for more."""
    built = [models.build(s.model, s.training.seed).to(device) for s in specs]
    if len(specs) == 1:
        optimizer = optimizers.build(specs[0].optimizer, built[0].parameters())
        return Plain(built[0], MSE, optimizer, clip=specs[0].training.clip)
    clocks = [Clock(ScheduleSpec(), s.optimizer.lr, s.training.epochs) for s in specs]
    rules = [s.optimizer for s in specs]
    return Stacked(built, MSE, rules, clocks, clip=specs[0].training.clip)


def train_forecasters(
    specs: Sequence[ForecastSpec],
    series: Series | None = None,
    paused: Paused | None = None,
    watch: Watch | None = None,
) -> tuple[ForecastRun, ...] | Paused:
    """Carry out ``specs`` together on ``series`` (the article's wave when there is none).

    Every network forecasts the test stretch. ``paused`` is what an earlier call handed back; a run that
    ``watch`` interrupts returns what was learnt so far.

    Raises:
        SpecError: the specs cannot train together, or the series is too short, or too broken by missing
            readings, for these windows.
    """
    require_stackable(specs)
    spec = specs[0]
    if series is None:
        if spec.series.source == "upload":
            raise SpecError("CSVの内容がもう残っていません。もう一度ファイルを選んでください。")
        series = article_series()
    devices.one_thread()
    device = devices.pick()

    cut = bounds(len(series.values), spec.split)
    raw = make_windows(series.values, spec.length)
    scaler = Scaler.fit(series.values[: cut.train]) if spec.standardize else Scaler()
    scaled = make_windows(scaler.scale(series.values), spec.length)
    train = scaled.between(0, cut.train)
    validation = scaled.between(cut.train, cut.validation)
    test = scaled.between(cut.validation, len(series.values))
    require_enough(train, validation, test, spec.split)

    learner = make_learner(specs, device)
    held_out = table(validation, device) if len(validation) else None
    seeds = [s.training.seed for s in specs]
    training = Training(learner, table(train, device), held_out, spec.training, seeds)
    trained = train_on(training, paused, watch or Unwatched())
    if isinstance(trained, Paused):
        return trained
    rows, stopping, together = trained

    unseen = raw.between(cut.validation, len(series.values))
    baseline = persistence(unseen).copy()

    def finish(run: int) -> ForecastRun:
        weights = stopping.best_weights or learner.weights(run)
        model = _with_weights(spec, weights).to(device)
        forecast = scaler.unscale(predict(model, test, device))
        history = run_history(rows, run)
        return ForecastRun(
            history=history,
            ending=run_ending(history, together),
            weights=to_numpy(weights),
            scale=(scaler.mean, scaler.sd),
            weights_epoch=stopping.best_epoch if stopping.best_weights else len(history),
            device=devices.describe(device),
            parameters=models.count_parameters(model),
            train_windows=len(train),
            validation_windows=len(validation),
            test=TestForecast(index=unseen.index, truth=unseen.targets, model=forecast, persistence=baseline),
            model_scores=score(unseen.targets, forecast),
            persistence_scores=score(unseen.targets, baseline),
        )

    return tuple(finish(run) for run in range(learner.runs))


def _with_weights(spec: ForecastSpec, weights: dict[str, Tensor]) -> models.Forecaster:
    model = models.Forecaster(spec.model)
    model.load_state_dict(weights)
    return model


def train_forecaster(
    spec: ForecastSpec, series: Series | None = None, interrupted: Callable[[], bool] | None = None
) -> ForecastRun:
    """Carry out one spec to its end, or until ``interrupted()``; see ``train_forecasters``."""
    watch = Unwatched()
    if interrupted is not None:
        watch.interrupted = interrupted  # type: ignore[method-assign]
    finished = train_forecasters([spec], series, watch=watch)
    assert not isinstance(finished, Paused)
    return finished[0]
