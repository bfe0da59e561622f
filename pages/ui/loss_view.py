"""How a training looks on any page: its curves, live or finished, one network or a band of several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from core.history import Row
from pages.ui import charts, text
from pages.ui.runs import Watched


def curve(rows: Sequence[Row], validation: bool) -> npt.NDArray[np.float64]:
    """Return losses (epochs, networks), NaN where there is none."""
    if not rows:
        return np.empty((0, 1))
    return np.array(
        [[e.validation_loss if validation else e.train_loss for e in row] for row in rows], dtype=np.float64
    )


def band_rows(name: str, values: npt.NDArray[np.float64]) -> pa.Table:
    """Make chart rows of losses (epochs, networks): the median and the range of the networks."""
    values = np.where(np.isfinite(values), values, np.nan)
    kept = values[~np.isnan(values).any(axis=1)] if len(values) else values
    return charts.rows(
        name,
        epoch=np.arange(1, len(kept) + 1),
        loss=np.median(kept, axis=1),
        low=kept.min(axis=1, initial=np.inf),
        high=kept.max(axis=1, initial=-np.inf),
    )


def show(watched: Watched, title: str = "損失", log: bool = False) -> None:
    """Draw the losses so far of a run on fixed axes; several networks as their median with a band."""
    rows = watched.run.rows
    tables = [band_rows("学習", curve(rows, False))]
    if rows and rows[0][0].validation_loss is not None:
        tables.append(band_rows("検証", curve(rows, True)))
    names = ("学習", "検証")[: len(tables)]
    several = len(watched.specs) > 1
    spec = charts.losses(watched.epochs, names, title, log, several)
    last = f"最新の学習損失は {text.number(rows[-1][0].train_loss)}。" if rows else ""
    charts.draw(spec, pa.concat_tables(tables), f"エポックごとの損失。{last}", key="loss_chart")
