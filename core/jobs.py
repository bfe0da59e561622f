"""What a worker can be asked to do. The server imports this module too, so torch is imported inside."""

from __future__ import annotations

from collections.abc import Callable

from core.history import Epoch, ForecastRun
from core.series import Series
from core.specs import ForecastSpec


def forecaster(
    spec: ForecastSpec,
    series: Series | None,
    report: Callable[[Epoch], None],
    interrupted: Callable[[], bool],
) -> ForecastRun:
    """Train a forecaster; see ``core.forecaster.train_forecaster``."""
    from core.forecaster import train_forecaster

    return train_forecaster(spec, series, report, interrupted)


def device_name() -> str:
    """Name the device that this worker trains on."""
    from core import device

    return device.describe(device.pick())
