"""Charts of the race between Adam with L2 and AdamW."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.history import Frame, Row
from core.weight_bins import SQUARES
from pages.parts.regularization import penalties_bands, penalties_ridges

NAMES = ("減衰なし", "Adam + L2", "AdamW")
COLOURS = ("#8A8F94", "#E69F00", "#2D8BD0")


def draw(rows: Sequence[Row], frames: Sequence[Frame], epochs: int, done: bool) -> None:
    """Draw Σw² and the validation loss over the epochs, and the spread of the weights."""
    squares = np.array(
        [[arrays["sums"][SQUARES] for arrays in frame.arrays] for frame in frames], dtype=np.float64
    )
    penalties_bands.draw(
        NAMES,
        COLOURS,
        np.array([frame.epoch for frame in frames], dtype=np.float64),
        np.maximum(squares, 1e-6),
        epochs=epochs,
        title="Σw²(対数目盛)",
        alt_text="3つの方法の、エポックごとの重みの2乗の合計。",
        log=True,
        height=210,
    )
    penalties_bands.validation(rows, NAMES, COLOURS, epochs, "検証損失(対数目盛)")
    st.caption("線は5シードの中央値、帯は最小から最大です。")
    penalties_ridges.show(NAMES, COLOURS, frames, "rg_d_weights", done)
    if frames:
        st.caption(penalties_ridges.caption(frames[-1]))
