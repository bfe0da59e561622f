"""From a finished run to what is looked into: its network, its test windows, and a look by a worker."""

from __future__ import annotations

import weakref

import numpy as np

from core import jobs
from core.history import ForecastRun
from core.inside_look import Look
from core.series import FloatArray, article_series
from core.specs import ForecastSpec, SpecError, digest
from core.windows import Windows, bounds, make_windows
from pages.parts.vitals import taken
from pages.ui import runs

WAIT_S = 30
_looks: weakref.WeakKeyDictionary[ForecastRun, Look] = weakref.WeakKeyDictionary()
"""A look lasts as long as its run, which belongs to a reader, or to all who ask for the same."""


def usable(watched: runs.Watched) -> bool:
    """Say whether a run has left a network with numbers in it."""
    results: tuple[ForecastRun, ...] = (watched.run.result or ()) if watched.run.done else ()
    return any(result.ending != "diverged" and result.history for result in results[:1])


def name(watched: runs.Watched) -> str:
    """Name a finished run in this session."""
    results: tuple[ForecastRun, ...] = watched.run.result
    return f"{digest(watched.specs)}/{results[0].weights_epoch}"


def tested_windows(spec: ForecastSpec, result: ForecastRun) -> Windows | None:
    """Return the windows that a run was tested on; None if the reader's file is no longer the one it read."""
    values = _values(spec)
    if values is None:
        return None
    try:
        windows = make_windows(values, spec.length)
    except SpecError:
        return None
    tested = windows.between(bounds(len(values), spec.split).validation, len(values))
    same = np.array_equal(tested.index, result.test.index) and np.array_equal(
        tested.targets, result.test.truth
    )
    return tested if same else None


def _values(spec: ForecastSpec) -> FloatArray | None:
    if spec.series.source == "article":
        return article_series().values
    kept = taken.current()
    imported = kept.ready if kept else None
    if imported is None:
        return None
    return next((s.values for s in imported.signals if s.source == spec.series.signal), None)


def look(spec: ForecastSpec, result: ForecastRun, windows: Windows) -> Look:
    """Let a worker look at the units of a run, once.

    Raises:
        TimeoutError: no worker was free in time.
    """
    found = _looks.get(result)
    if found is None:
        found = runs.engine().quick(
            jobs.inside, spec.model, result.weights, result.scale, windows, timeout=WAIT_S
        )
        _looks[result] = found
    return found
