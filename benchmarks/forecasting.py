"""Networks and baselines on records of vital signs: MAE, MASE, skill and coverage at several horizons.

python -m benchmarks.forecasting FILE.csv … [--signal HR] [--horizons 1 10 30 60] [--seeds 5] [--alone]

With ``--alone`` a network reads nothing but the signal that it forecasts.

Every figure comes from the code that the page 「正直に評価する」 uses; the numbers of a network are the
median of its seeds. One row a record, horizon and model, as a Markdown table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from core.history import Paused
from core.horizon_pool import Standing, standing
from core.horizon_run import HorizonRun
from core.horizon_specs import MODEL, RIVALS, HorizonSpec
from core.horizon_training import train_horizons
from core.panel import Panel, PanelSpec, panel_of
from core.specs import ModelSpec, TrainingSpec
from core.vitals import read

CELLS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}


def spec_of(inputs: tuple[str, ...], signal: str, cell: str, horizons: int) -> HorizonSpec:
    """Return a run that reads ``inputs`` and forecasts ``signal`` at 1…``horizons``, all at once."""
    return HorizonSpec(
        panel=PanelSpec(source="upload", inputs=inputs, targets=(signal,)),
        length=30,
        horizons=horizons,
        period=60,
        model=ModelSpec(name=cell, hidden=16),
        training=TrainingSpec(epochs=60, batch_size=64, patience=10),
    )


def train(specs: Sequence[HorizonSpec], panel: Panel) -> tuple[HorizonRun, ...]:
    """Train ``specs`` on ``panel`` to their end."""
    finished = train_horizons(specs, panel)
    assert not isinstance(finished, Paused)
    return finished


def _told(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return format(median(known), form) if known else "—"


def _row(record: str, horizon: int, name: str, found: Sequence[Standing]) -> str:
    scores = [
        _told([s.mae.value for s in found], ".3f"),
        _told([s.mase.value for s in found], ".2f"),
        _told([s.skill.value for s in found], "+.0%"),
        _told([s.coverage for s in found], ".0%"),
    ]
    return f"| {record} | {horizon} | {name} | {' | '.join(scores)} | {found[0].count} |"


def main() -> None:
    """Read the files, train, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--signal", default="HR")
    parser.add_argument("--horizons", nargs="+", type=int, default=[1, 10, 30, 60])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--alone", action="store_true")
    asked = parser.parse_args()
    print("| record | ahead | model | MAE | MASE | skill | coverage of 90 % | n |")
    print("|:--|--:|:--|--:|--:|--:|--:|--:|")
    begin = time.perf_counter()
    for file in asked.files:
        imported = read(file.read_bytes(), file.name)
        panel = panel_of(imported)
        signal = next(s.source for s in imported.signals if s.key == asked.signal)
        runs: dict[str, tuple[HorizonRun, ...]] = {}
        for cell in CELLS:
            inputs = (signal,) if asked.alone else panel.names
            first = spec_of(inputs, signal, cell, max(asked.horizons))
            seeded = [replace(first, training=replace(first.training, seed=s)) for s in range(asked.seeds)]
            runs[cell] = train(seeded, panel)
        for horizon in asked.horizons:
            for cell, label in CELLS.items():
                found = [standing([run], 0, MODEL, horizon) for run in runs[cell]]
                print(_row(file.stem, horizon, label, found))
            for rival in RIVALS:
                print(_row(file.stem, horizon, rival, [standing(runs["lstm"][:1], 0, rival, horizon)]))
    print(f"\n{asked.seeds} seeds a network, {time.perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
