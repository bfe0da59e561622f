"""What a worker can be asked to do. The server imports this module too, so torch is imported inside.

Each job trains the networks of ``specs`` together and returns a result for each, or ``Paused``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.history import ForecastRun, Paused, TableRun
from core.landscape import Path, PathSpec
from core.landscape import descend as walk
from core.range_test import RangeTest
from core.range_test import range_test as carry_out_range_test
from core.series import Series
from core.specs import ForecastSpec, TableRunSpec

if TYPE_CHECKING:
    from core.training import Watch


def forecasters(
    specs: tuple[ForecastSpec, ...], series: Series | None, paused: Paused | None, watch: Watch
) -> tuple[ForecastRun, ...] | Paused:
    """Train forecasters; see ``core.forecaster.train_forecasters``."""
    from core.forecaster import train_forecasters

    return train_forecasters(specs, series, paused, watch)


def perceptrons(
    specs: tuple[TableRunSpec, ...], series: None, paused: Paused | None, watch: Watch
) -> tuple[TableRun, ...] | Paused:
    """Train perceptrons on a table of patients; see ``core.perceptron.train_on_table``."""
    from core.perceptron import train_on_table

    assert series is None
    return train_on_table(specs, paused, watch)


def device_name() -> str:
    """Name the device that this worker trains on."""
    from core import device

    return device.describe(device.pick())


def range_test(spec: TableRunSpec) -> RangeTest:
    """Run a learning-rate range test; see ``core.range_test.range_test``."""
    return carry_out_range_test(spec)


def descend(specs: tuple[PathSpec, ...]) -> tuple[Path, ...]:
    """Walk down a landscape; see ``core.landscape.descend``."""
    return walk(specs)
