"""What drawings of patients in a plane share: how patients travel to the browser, and colours there."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from core import plane

SCALE = 100  # points travel as hundredths
SCRIPT = Path(__file__).with_name("plane_view.js").read_text(encoding="utf-8")


def packed(patients: plane.Patients) -> dict[str, str]:
    """Return where patients are, and who is ill, for ``patientsOf`` of the script."""
    return {
        "at": base64_of((patients.points * SCALE).round().clip(-32000, 32000).astype("<i2")),
        "ill": base64_of(patients.classes.astype(np.uint8)),
    }


def base64_of(values: npt.NDArray[Any]) -> str:
    """Return the bytes of an array as text."""
    return base64.b64encode(values.tobytes()).decode("ascii")
