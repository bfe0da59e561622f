"""A window walked through a trained network, step by step inside the browser.

The walk is computed by ``core.inside`` and travels as data, so that playing and stepping send nothing.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.inside import Layer, Network, Step, head, walk
from core.series import FloatArray
from pages.ui import player

_HERE = Path(__file__).parent
_SCRIPTS = ("inside_grid", "inside_window", "inside_words", "inside_equations", "inside_stepper")
PHASES = {"rnn": 3, "lstm": 5, "gru": 5}
"""Steps that a reading takes in each layer."""


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


_drawing = st.components.v2.component(
    "lab_inside",
    html=_read("inside_stepper.html"),
    css=_read("inside_stepper.css"),
    js="".join(_read(f"{name}.js") for name in _SCRIPTS),
    isolate_styles=False,  # the bar looks for the slider
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """A window to walk: its readings (length,) and what follows, in the signal's unit.

    ``torch`` is the forecast of the trained network itself, ``label`` names the time that is forecast,
    ``digits`` are the decimals of the unit, ``first`` is the unit whose arithmetic is shown at first.
    """

    values: FloatArray = field(repr=False)
    truth: float
    torch: float
    label: str
    unit: str
    digits: int
    first: int


def steps(net: Network, length: int) -> int:
    """Return the steps of a walk: every phase of every layer for every reading, and the answer."""
    return length * len(net.layers) * PHASES[net.cell] + 1


def show(net: Network, shown: Shown, key: str) -> None:
    """Draw the walk of a window, with the bar that plays its steps."""
    block = f"{key}/block"
    with st.container(key=block, gap="xsmall"):
        player.bar(block, steps=steps(net, len(shown.values)), key=f"{key}/bar", label="手順", speed=2)
        _drawing(key=f"{key}/drawing", data={"walk": walk_json(net, shown)})


def decimals(values: FloatArray) -> int:
    """Return how many decimals tell readings apart: two for a range of about 1, none beyond 100."""
    spread = float(np.ptp(values[np.isfinite(values)]))
    return int(np.clip(2 - math.floor(math.log10(spread)), 0, 4)) if spread > 0 else 2


def walk_json(net: Network, shown: Shown) -> str:
    """Return the walk as JSON; arrays are packed as float32, which is what the weights are."""
    scaled = net.scale(shown.values)
    walked = list(walk(net, scaled))
    output = float(head(net, walked[-1][-1].state))
    layers = [_layer(layer, [at[place] for at in walked]) for place, layer in enumerate(net.layers)]
    cells = [np.abs(step.cell).max() for at in walked for step in at if step.cell is not None]
    return json.dumps(
        {
            "network": zlib.crc32(net.w_hy.tobytes()),
            "cell": net.cell,
            "hidden": net.hidden,
            "length": len(scaled),
            "layers": layers,
            "w_hy": _packed(net.w_hy),
            "b_y": net.b_y,
            "mean": net.mean,
            "sd": net.sd,
            "standardized": (net.mean, net.sd) != (0.0, 1.0),
            "output": output,
            "window_limit": max(float(np.abs(scaled).max()), abs(output), 1e-6),
            "cell_limit": float(max(cells, default=1.0)) or 1.0,
            "values": shown.values.tolist(),
            "truth": shown.truth,
            "forecast": net.unscale(output),
            "torch": shown.torch,
            "label": shown.label,
            "unit": shown.unit,
            "digits": shown.digits,
            "unit_first": shown.first,
        },
        separators=(",", ":"),
    )


def _layer(layer: Layer, walked: Sequence[Step]) -> dict[str, Any]:
    return {
        "inputs": layer.w_ih.shape[1],
        "w_ih": _packed(layer.w_ih),
        "w_hh": _packed(layer.w_hh),
        "b_ih": _packed(layer.b_ih),
        "b_hh": _packed(layer.b_hh),
        "x": _packed([step.inputs for step in walked]),
        "sums": _packed([step.sums for step in walked]),
        "gates": _packed([step.gates for step in walked]),
        "states": _packed([step.state for step in walked]),
        "cells": _packed(cells) if (cells := [s.cell for s in walked if s.cell is not None]) else None,
    }


def _packed(values: npt.ArrayLike) -> str:
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()
