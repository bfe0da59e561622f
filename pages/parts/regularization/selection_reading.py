"""What the marker study tells: four penalties in a table, and sentences with its numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.marker_study import ELASTIC, L1, L2, MARKERS, NONE, REAL, REPEATS, STRENGTHS, Study, StudySpec
from pages.parts.regularization.selection_view import NAMES
from pages.ui import workings as view

Counts = npt.NDArray[np.int64]
STRONGER = 4  # places, a factor of 2.5


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The study to carry out, and the place of the λ to judge it at; None for the best on validation."""

    study: StudySpec
    place: int | None

    def places(self, found: Study, repeat: int = 0) -> tuple[int, int, int, int]:
        """Return the place of the λ of each penalty."""
        if self.place is None:
            return (0, found.best(L2, repeat), found.best(L1, repeat), found.best(ELASTIC, repeat))
        return (0, self.place, self.place, self.place)


def _spread(choice: Choice, found: Study, counts: Counts, kind: int) -> Counts:
    """Return a count of one penalty in every repetition, each at its own λ."""
    return np.array([counts[kind, r, choice.places(found, r)[kind]] for r in range(REPEATS)])


def show_table(choice: Choice, found: Study) -> None:
    """Compare the four penalties on the first group of patients."""
    places = choice.places(found)
    kinds = list(enumerate(places))
    hits = [int(found.found[kind, 0, place]) for kind, place in kinds]
    misses = [int(found.wrong[kind, 0, place]) for kind, place in kinds]
    rows = {
        "λ": ["0", *(f"{STRENGTHS[place]:.2g}" for place in places[1:])],
        f"見つけた本物(/{len(REAL)})": [str(hit) for hit in hits],
        "余計なマーカー": [str(miss) for miss in misses],
        "適合率": [
            f"{hit / (hit + miss):.0%}" if hit + miss else "—" for hit, miss in zip(hits, misses, strict=True)
        ],
        "ちょうど 0": [str(MARKERS - hit - miss) for hit, miss in zip(hits, misses, strict=True)],
        "大きい順10個の本物": [str(int(found.top[kind, 0, place])) for kind, place in kinds],
        "テスト R²": [view.fixed(found.explained(kind, place), 3) for kind, place in kinds],
    }
    lines = [f"| | {' | '.join(NAMES)} |", "|:--|--:|--:|--:|--:|"]
    st.markdown("\n".join(lines + [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]))
    st.caption(
        "L1+L2 は、半分ずつ混ぜたエラスティックネットです。"
        "適合率は、0 でない重みのうち本物の割合、R² は初めて見る 500 人での当たり具合(1 が完全)です。"
    )


def reading(choice: Choice, found: Study) -> list[str]:
    """Say what each penalty found, with the numbers of this study."""
    places = choice.places(found)
    at, hit, miss = places[L1], int(found.found[L1, 0, places[L1]]), int(found.wrong[L1, 0, places[L1]])
    hits, misses = (_spread(choice, found, counts, L1) for counts in (found.found, found.wrong))
    exact = [_exact(found, kind, places) for kind in (NONE, L2)]
    dense = [int(found.top[kind, 0, places[kind]]) for kind in (NONE, L2)]
    lines = [
        f"**L1** は {MARKERS} 個のうち {MARKERS - hit - miss} 個をちょうど 0 にし、"
        f"残した {hit + miss} 個のうち {hit} 個が本物でした。",
        "**L2 となし**では、ちょうど 0 の重みは、"
        + ("どちらも " if exact[0] == exact[1] else f"L2 で {exact[1]} 個、なしで ")
        + f"{exact[0]} 個です。"
        "本物も「見つけた」ことになりますが、選んではいません。重みの大きい順に10個取ると、"
        f"本物は L2 で {dense[1]} 個、なしで {dense[0]} 個です。",
        f"**テスト R²** は、なし {view.fixed(found.explained(NONE, 0), 2)}、"
        f"L2 {view.fixed(found.explained(L2, places[L2]), 2)}、"
        f"L1 {view.fixed(found.explained(L1, at), 2)} です。",
        f"**患者を {REPEATS} 回集め直す**と、L1 が見つけた本物は {_range(hits)} 個、"
        f"余計なマーカーは {_range(misses)} 個でした。1回の結果だけで選ぶのは危険です。",
    ]
    if choice.place is None and at + STRONGER < len(STRENGTHS):
        there = at + STRONGER
        lines.append(
            f"検証損失で選ぶ λ は、当てるための λ です。2.5倍強い λ = {STRENGTHS[there]:.2g} にすると、"
            f"本物 {found.found[L1, 0, there]} 個、余計 {found.wrong[L1, 0, there]} 個になります。"
        )
    if choice.study.twins >= 0.8:
        lines.append(_pairs(found, places))
    return lines


def _range(counts: Counts) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low}〜{high}"


def _exact(found: Study, kind: int, places: tuple[int, ...]) -> int:
    return int(MARKERS - found.found[kind, 0, places[kind]] - found.wrong[kind, 0, places[kind]])


def _pairs(found: Study, places: tuple[int, ...]) -> str:
    """Say of how many pairs of real markers only one is left."""
    halves = []
    for kind in (L1, ELASTIC):
        pairs = (found.weights[kind, places[kind]][list(REAL)] != 0).reshape(-1, 2).sum(axis=1)
        halves.append(int((pairs == 1).sum()))
    return (
        f"本物の双子5組のうち、片方しか残らなかったのは、L1 で {halves[0]} 組、"
        f"エラスティックネットで {halves[1]} 組です。"
    )
