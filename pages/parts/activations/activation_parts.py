"""What the experiments on activations share: labels, colours, and the choice of a run to keep."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.history import TableRun
from core.specs import TableRunSpec
from pages.ui import compare, runs, text

LABELS = text.ACTIVATION_LABELS
NAMES = {label: name for name, label in LABELS.items()}
COLOURS = {
    "sigmoid": "#D55E00",
    "tanh": "#E69F00",
    "relu": "#2D8BD0",
    "leaky_relu": "#B8A800",
    "gelu": "#009E73",
    "silu": "#CC79A7",
    "linear": "#8A8F94",
}
BENT = tuple(name for name in LABELS if name != "linear")


def labels(names: Sequence[str]) -> tuple[str, ...]:
    """Return what readers call activations."""
    return tuple(LABELS[name] for name in names)


def colours(names: Sequence[str]) -> tuple[str, ...]:
    """Return the colours of activations."""
    return tuple(COLOURS[name] for name in names)


def activations(
    label: str, names: Sequence[str], default: Sequence[str], key: str, help_text: str | None = None
) -> tuple[str, ...]:
    """Ask for some of the activations ``names``, and return them in that order; it may be none."""
    offered = list(labels(names))
    chosen = st.pills(
        label,
        offered,
        selection_mode="multi",
        default=list(labels(default)),
        key=key,
        bind="query-params",
        wrap=True,
        help=help_text,
    )
    return tuple(NAMES[shown] for shown in offered if shown in chosen)


def members(specs: Sequence[TableRunSpec]) -> tuple[str, ...]:
    """Return the activations that run side by side; with several seeds they come over and over."""
    return tuple(dict.fromkeys(spec.model.activation for spec in specs))


def pin(page: str, watched: runs.Watched, results: Sequence[TableRun]) -> None:
    """Offer to keep the loss curves of one of the activations."""
    names = members(watched.specs)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        label = st.selectbox("比較に残す活性化関数", labels(names), key=f"{page}/pinned", width=260)
        place = labels(names).index(label) if label in labels(names) else 0
        spec, result = watched.specs[place], results[place]
        hidden = spec.model.hidden
        end = result.history[-1]
        compare.pin_button(
            page,
            f"{LABELS[names[place]]} {hidden[0]}×{len(hidden)}層",
            {
                "活性化関数": LABELS[names[place]],
                "層": f"{hidden[0]}×{len(hidden)}層",
                "学習": f"{text.OPTIMIZER_LABELS[spec.optimizer.name]} η {spec.optimizer.lr:g}",
            },
            {"学習損失": end.train_loss, "検証損失": end.validation_loss},
            result.seconds,
            [row[place :: len(names)] for row in watched.run.rows],
        )
