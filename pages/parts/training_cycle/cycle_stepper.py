"""The walk of one neuron as a drawing that is stepped through in the browser, line by line of its code.

The whole walk travels as data, so that stepping and playing send nothing to the server. Only weights that
the reader rewrites come back, to be trained on from there by torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.neuron import (
    CENTRES,
    HEART_RATE,
    LACTATE,
    PATIENTS,
    PRESSURE,
    SCALE,
    Edit,
    NeuronSpec,
    Trace,
    standardized,
)
from core.specs import SpecError, digest

_HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_stepper = st.components.v2.component(
    "lab_cycle",
    html=_read("cycle_stepper.html"),
    css=_read("cycle_stepper.css"),
    js=_read("cycle_drawing.js") + _read("cycle_stepper.js"),
    isolate_styles=False,  # the drawing's arrowheads are found by their id
)


def show(spec: NeuronSpec, trace: Trace, other: Trace | None, key: str, on_edit: Callable[[], None]) -> None:
    """Draw the walk ``trace`` of ``spec``; ``other`` is drawn beside it as a second curve of losses.

    ``on_edit`` is called when the reader rewrites weights; ``edit_of`` then tells which.
    """
    _stepper(key=key, data=_data(spec, trace, other), on_edit_change=on_edit)


def edit_of(key: str) -> Edit | None:
    """Return the weights that the reader has just rewritten, None if they cannot be used."""
    try:
        edit = st.session_state[key]["edit"]
        one, two, three = (float(weight) for weight in edit["weights"])
        return Edit(update=int(edit["update"]), weights=(one, two, three))
    except (KeyError, TypeError, ValueError, OverflowError, SpecError):
        return None


@lru_cache(maxsize=32)
def _data(spec: NeuronSpec, trace: Trace, other: Trace | None) -> dict[str, Any]:
    """Return what the drawing shows, as JSON."""
    return {
        "id": digest(spec),
        "settings": digest(replace(spec, edits=())),
        "lr": spec.lr,
        "epochs": spec.epochs,
        "forget": spec.forget,
        "limit": len(trace.updates),
        "first": trace.first_loss,
        "other": other and [other.first_loss, *(update.mean_loss for update in other.updates)],
        "centres": CENTRES,
        "scale": SCALE,
        "patients": [
            {"rate": rate, "pressure": pressure, "y": lactate, "x": x}
            for rate, pressure, lactate, x in zip(HEART_RATE, PRESSURE, LACTATE, standardized(), strict=True)
        ],
        "updates": [
            {
                "number": u.number,
                "epoch": u.epoch,
                "patient": u.patient,
                "edited": u.edited,
                "before": u.before,
                "found": u.found,
                "kept": u.kept,
                "output": u.output,
                "loss": u.loss,
                "slope": u.slope,
                "own": u.own,
                "gradient": u.gradient,
                "after": u.after,
                "mean": u.mean_loss,
            }
            for u in trace.updates
        ],
    }


def parse(written: str, epochs: int) -> tuple[Edit, ...]:
    """Read edits as an address writes them (``8:-1.5:0.25:3``, joined by ``;``), leaving out the unusable."""
    edits: dict[int, Edit] = {}
    for part in written.split(";"):
        try:
            update, *weights = part.split(":")
            one, two, three = map(float, weights)
            edit = Edit(update=int(update), weights=(one, two, three))
        except (ValueError, OverflowError):  # SpecError is a ValueError
            continue
        if edit.update <= epochs * PATIENTS:
            edits[edit.update] = edit
    return tuple(edits[update] for update in sorted(edits))


def write(edits: tuple[Edit, ...]) -> str:
    """Write edits for an address; see ``parse``."""
    return ";".join(f"{edit.update}:" + ":".join(f"{w:g}" for w in edit.weights) for edit in edits)
