"""A small network whose hidden units rest, drawn anew at every step inside the browser.

The whole training travels as data, and the ▶ bar of ``player`` moves through it; so playing, stepping and
switching between train() and eval() send nothing to the server.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import streamlit as st

from core.dropout_rest import FEATURES, LAYERS, STEPS, Rest, RestSpec
from pages.ui import player

_HERE = Path(__file__).parent
_HTML = """
<div class="lab-drop" role="group" aria-label="ドロップアウトで休むユニットの図">
  <div class="lab-drop-modes" role="group" aria-label="学習と判定の切り替え">
    <button type="button" data-mode="train" aria-pressed="true">
      <code>model.train()</code><span>学習</span>
    </button>
    <button type="button" data-mode="eval" aria-pressed="false">
      <code>model.eval()</code><span>判定</span>
    </button>
  </div>
  <svg class="lab-drop-network" viewBox="0 0 400 322" role="img" aria-label="ネットワーク"></svg>
  <p class="lab-drop-said" aria-live="polite"></p>
  <svg class="lab-drop-rests" viewBox="0 0 400 124" role="img" aria-label="休んだ割合"></svg>
  <p class="lab-drop-kinds"></p>
  <div class="vega-bindings" hidden>
    <input type="range" name="step" min="0" max="1000" step="1" value="1">
  </div>
</div>
"""
_drawing = st.components.v2.component(
    "lab_dropout",
    html=_HTML,
    css=(_HERE / "dropout_drawing.css").read_text(encoding="utf-8"),
    js=(_HERE / "dropout_drawing.js").read_text(encoding="utf-8"),
    isolate_styles=False,  # the bar looks for the slider
)


def show(spec: RestSpec, found: Rest, key: str) -> None:
    """Draw what ``found`` tells of the training of ``spec``, with the bar that plays its steps."""
    block = f"{key}/block"
    with st.container(key=block, gap="xsmall"):
        player.bar(block, steps=STEPS, key=f"{key}/bar", speed=1)
        _drawing(key=f"{key}/drawing", data={"walk": walk_json(spec, found)})


@lru_cache(maxsize=64)
def walk_json(spec: RestSpec, found: Rest) -> str:
    """Return what the drawing shows, as JSON: numbers rounded to what can be seen."""
    return json.dumps(
        {
            "p": spec.p,
            "layers": LAYERS,
            "features": [{"name": each.name, "unit": each.unit, "digits": each.digits} for each in FEATURES],
            "steps": [
                {
                    "patient": [round(value, 1) for value in found.patients[step].tolist()],
                    "target": int(found.targets[step]),
                    "weights": [layer[step].round(2).tolist() for layer in found.weights],
                    "train": _state(found.passed, step, float(found.risks[step])),
                    "eval": _state(found.called, step, float(found.called_risks[step])),
                }
                for step in range(STEPS)
            ],
        },
        separators=(",", ":"),
    )


def _state(layers: tuple[object, ...], step: int, risk: float) -> dict[str, object]:
    return {"layers": [_digits(layer[step].tolist()) for layer in layers], "risk": round(risk, 4)}  # type: ignore[index]


def _digits(values: list[float]) -> list[float]:
    """Round values, but none of a unit at work to the 0 of one that rests."""
    return [round(value, 4) or (1e-4 if value else 0) for value in values]
