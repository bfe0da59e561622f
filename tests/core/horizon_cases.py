"""Small panels and specs for the tests of forecasters of many horizons."""

import numpy as np
import numpy.typing as npt

from core.history import Paused
from core.horizon_run import HorizonRun
from core.horizon_specs import HorizonSpec
from core.horizon_training import train_horizons
from core.panel import Panel, PanelSpec
from core.specs import ModelSpec, OptimizerSpec, TrainingSpec

Array = npt.NDArray[np.float32]

NAMES = ("a", "b", "c")
SPEC = HorizonSpec(
    panel=PanelSpec(source="upload", inputs=("a", "b"), targets=("b",)),
    length=6,
    horizons=4,
    period=12,
    order=3,
    model=ModelSpec(name="gru", hidden=4),
    optimizer=OptimizerSpec(lr=0.01),
    training=TrainingSpec(epochs=4, batch_size=32, patience=2),
)


def panel_of(values: npt.ArrayLike) -> Panel:
    """Make a panel of ``values`` (points, signals), named a, b, c."""
    table = np.asarray(values, dtype=np.float32)
    return Panel(values=table, names=NAMES[: table.shape[1]], units=("",) * table.shape[1])


def walk(points: int = 240, seed: int = 0, gaps: float = 0.03) -> Array:
    """Make three wandering signals with a share of ``gaps``, (points, 3)."""
    generator = np.random.default_rng(seed)
    steps = generator.normal(0, 1, (points, 3)) + np.sin(np.arange(points) / 5)[:, None]
    values: Array = (80 + np.cumsum(steps, axis=0)).astype(np.float32)
    values[generator.random((points, 3)) < gaps] = np.nan
    return values


def train(specs: list[HorizonSpec], values: npt.ArrayLike) -> tuple[HorizonRun, ...]:
    """Train on ``values`` (points, signals)."""
    runs = train_horizons(specs, panel_of(values))
    assert not isinstance(runs, Paused)
    return runs


def same_weights(one: HorizonRun, other: HorizonRun) -> bool:
    """Say whether two networks are the same, bit by bit."""
    assert one.weights.keys() == other.weights.keys()
    return all(np.array_equal(one.weights[n], other.weights[n], equal_nan=True) for n in one.weights)
