"""What the experiments on optimizers share: who is who, who stands where, and the chart of their losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import cycle

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.landscape import LANDSCAPES, Outcome, Path, PathSpec, outcome
from core.update_rules import RULES
from core.update_terms import terms
from pages.ui import charts, text

NAMES = tuple(text.OPTIMIZER_LABELS)
LABELS = tuple(text.OPTIMIZER_LABELS.values())
NAME_OF = {label: name for name, label in text.OPTIMIZER_LABELS.items()}
_PALETTE = ("#8A8F94", "#2D8BD0", "#56B4E9", "#B8A800", "#E69F00", "#009E73", "#CC79A7", "#D55E00")
COLOURS = dict(zip(NAMES, cycle(_PALETTE), strict=False))
FLOOR = 1e-9
"""Nearer to the lowest loss than this, walkers count as equal: what is left is rounding."""

_ENDINGS: dict[Outcome, str] = {
    "global": "谷底",
    "local": "浅い谷底",
    "moving": "途中",
    "diverged": "発散",
}


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How one optimizer's walk ended: ``gap`` above the lowest loss, ``reached`` the step that came near."""

    name: str
    lr: float
    gap: float
    reached: int | None
    ending: Outcome
    diverged_at: int | None


def small(value: float) -> str:
    """Write a number that may be tiny: 3.1×10⁻⁹ rather than 3.1e-09."""
    if value == 0 or abs(value) >= 1e-3:
        return text.number(value, 2)
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}×10{text.superscript(int(exponent))}"


def gaps(spec: PathSpec, path: Path) -> np.typing.NDArray[np.float64]:
    """Return how far each loss of a path is above the landscape's lowest, (rows,)."""
    land = LANDSCAPES[spec.landscape]
    lowest = float(land.value(np.array(land.minima[0])))
    above: np.typing.NDArray[np.float64] = np.maximum(path.losses - lowest, 0.0)
    return above


def rank(specs: Sequence[PathSpec], paths: Sequence[Path], near: float) -> list[Standing]:
    """Return the standings, the lowest loss first; among equals the one that came ``near`` first."""
    found = []
    for spec, path in zip(specs, paths, strict=True):
        above = gaps(spec, path)
        hits = np.flatnonzero(above <= near)
        lost = path.ending == "diverged"
        found.append(
            Standing(
                name=spec.optimizer.name,
                lr=spec.optimizer.lr,
                gap=float("inf") if lost else float(above[-1]),
                reached=int(hits[0]) if hits.size and not lost else None,
                ending=outcome(path, LANDSCAPES[spec.landscape]),
                diverged_at=path.diverged_at,
            )
        )
    never = max(spec.steps for spec in specs) + 1
    return sorted(found, key=lambda s: (max(s.gap, FLOOR), never if s.reached is None else s.reached, s.gap))


def table(standings: Sequence[Standing], near: float) -> None:
    """Show the standings."""
    lines = ["| 順位 | η | 最小値との差 | 到達 | 終わり |", "|:--|--:|--:|--:|:--|"]
    for place, s in enumerate(standings, start=1):
        lost = s.ending == "diverged"
        gap = "—" if lost else small(s.gap)
        reached = "—" if s.reached is None else f"{s.reached} 歩"
        ending = f"発散({s.diverged_at} 歩)" if lost else _ENDINGS[s.ending]
        label = text.OPTIMIZER_LABELS[s.name]
        lines.append(f"| {place}. {label} | {s.lr:g} | {gap} | {reached} | {ending} |")
    st.markdown("\n".join(lines))
    st.caption(
        f"順位は終わりの損失の低い順、到達は最小値との差が初めて {near:g} 以下になった歩数です。"
        "学習率を変えると順位も変わります。"
        "1つの地形での勝ち負けだけで、どのオプティマイザが優れているかは決められません。"
    )


@lru_cache(maxsize=32)
def _loss_spec(names: tuple[str, ...], steps: int) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    lines = base.mark_line(strokeWidth=2, clip=True).encode(
        x=alt.X("step:Q", title="歩数", scale=alt.Scale(domain=[0, steps], nice=False)),
        y=alt.Y(
            "gap:Q",
            title="損失 − 最小値(対数目盛)",
            scale=alt.Scale(type="log"),
            axis=alt.Axis(format="~e", tickCount=6),
        ),
        color=alt.Color(
            "name:N",
            scale=alt.Scale(
                domain=[text.OPTIMIZER_LABELS[n] for n in names], range=[COLOURS[n] for n in names]
            ),
            legend=alt.Legend(orient="top", title=None, columns=2, symbolType="stroke"),
        ),
        tooltip=[
            alt.Tooltip("name:N", title="オプティマイザ"),
            alt.Tooltip("step:Q", title="歩数"),
            alt.Tooltip("gap:Q", title="最小値との差", format=".3g"),
        ],
    )
    return charts.finish(lines, 300)


def show_losses(specs: Sequence[PathSpec], paths: Sequence[Path]) -> None:
    """Draw each optimizer's loss against the step, down to ``FLOOR``."""
    tables = []
    for spec, path in zip(specs, paths, strict=True):
        above = np.clip(gaps(spec, path), FLOOR, 1e6)
        name = text.OPTIMIZER_LABELS[spec.optimizer.name]
        tables.append(charts.rows(name, step=np.arange(len(above)), gap=above))
    charts.draw(
        _loss_spec(tuple(spec.optimizer.name for spec in specs), max(spec.steps for spec in specs)),
        pa.concat_tables(tables),
        "歩数に対する、損失と最小値との差(対数目盛)。線は1つのオプティマイザです。",
    )


def arrows(spec: PathSpec, path: Path) -> dict[str, np.typing.NDArray[np.float64]]:
    """Return what moves an optimizer at each row of its path, as vectors (rows, 2) on the map.

    The last row, after which nothing moves, has none. For a rule other than SGD, which scales each
    coordinate, the gradient is drawn as long as the real step: only its direction can be compared.
    """
    parts = terms(path, spec.optimizer)
    plain = -spec.optimizer.lr * parts.gradient
    if RULES[spec.optimizer.name].kind != "SGD":
        lengths = np.linalg.norm(plain, axis=1, keepdims=True)
        plain = plain * np.linalg.norm(parts.step, axis=1, keepdims=True) / np.where(lengths > 0, lengths, 1)
    found = {"勾配の逆向き": plain}
    if parts.inertia is not None:
        found["モメンタムの項"] = parts.inertia
    if spec.optimizer.name != "sgd":
        found["実際の1歩"] = parts.step
    nothing = np.zeros((1, path.positions.shape[1]))
    return {label: np.concatenate([vectors, nothing]) for label, vectors in found.items()}
