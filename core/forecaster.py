"""Train a recurrent network to forecast the next reading of a series, and judge it on unseen time."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn

from core import device as devices
from core import models, optimizers
from core.forecast import persistence, score
from core.history import Ending, Epoch, ForecastRun, TestForecast
from core.series import FloatArray, Series, article_series
from core.specs import ForecastSpec, SpecError
from core.training import EarlyStopping, Interrupted, Table, epochs, never
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


def train_forecaster(
    spec: ForecastSpec,
    series: Series | None = None,
    report: Callable[[Epoch], None] = lambda _: None,
    interrupted: Callable[[], bool] = never,
) -> ForecastRun:
    """Carry out ``spec`` on ``series`` (the article's wave when there is none) and forecast its test stretch.

    ``report`` is told each epoch; ``interrupted`` is asked between batches, and a run that it ends
    returns what was learnt so far.

    Raises:
        SpecError: the series is too short, or too broken by missing readings, for these windows.
    """
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

    model = models.build(spec.model, spec.training.seed).to(device)
    optimizer = optimizers.build(spec.optimizer, model.parameters())
    stopping = EarlyStopping(spec.training.patience, spec.training.min_delta)
    history: list[Epoch] = []
    ending: Ending = "finished"
    try:
        held_out = table(validation, device) if len(validation) else None
        for epoch in epochs(
            model, nn.MSELoss(), optimizer, table(train, device), held_out, spec.training, interrupted
        ):
            history.append(epoch)
            report(epoch)
            if stopping.update(epoch, model):
                ending = "early"
                break
    except Interrupted:
        ending = "stopped"
    if history and not math.isfinite(history[-1].train_loss):
        ending = "diverged"
    weights_epoch = len(history)
    if stopping.best_weights:
        model.load_state_dict(stopping.best_weights)
        weights_epoch = stopping.best_epoch

    unseen = raw.between(cut.validation, len(series.values))
    forecast = scaler.unscale(predict(model, test, device))
    baseline = persistence(unseen)
    return ForecastRun(
        history=tuple(history),
        ending=ending,
        weights_epoch=weights_epoch,
        device=devices.describe(device),
        parameters=models.count_parameters(model),
        train_windows=len(train),
        validation_windows=len(validation),
        test=TestForecast(
            index=unseen.index, truth=unseen.targets, model=forecast, persistence=baseline.copy()
        ),
        model_scores=score(unseen.targets, forecast),
        persistence_scores=score(unseen.targets, baseline),
    )
