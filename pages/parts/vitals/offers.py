"""What the importer proposes, as buttons: what would happen, and to how many values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.vitals import Choices, Imported, Proposal
from core.vitals.grid import daily_grid, fill, grid_of, lay
from core.vitals.problems import ImportRefused
from pages.ui import text


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One button: ``words`` before it, its ``label``, and the choices that it stands for."""

    kind: str
    words: str
    label: str
    accept: Choices


def offers(imported: Imported) -> tuple[Offer, ...]:
    """Turn the proposals of a reading into buttons; conversions go together, as one choice does them all."""
    made = []
    conversions = [p for p in imported.proposals if p.kind == "convert"]
    for proposal in imported.proposals:
        if proposal.kind == "sentinel":
            made.append(_sentinel(imported, proposal))
        elif proposal.kind == "grid":
            made.append(_grid(imported, proposal))
        elif proposal.kind == "daily":
            offer = _daily(imported, proposal)
            made += [offer] if offer else []
        elif conversions and proposal is conversions[0]:
            made.append(_convert(imported, conversions))
    return tuple(made)


def _name(imported: Imported, source: str | None) -> str:
    return text.plain(imported.signal(source or "").label)


def _sentinel(imported: Imported, proposal: Proposal) -> Offer:
    source = proposal.column or ""
    named = proposal.accept.missing.get(source, ())
    new = [value for value in named if value not in imported.choices.missing.get(source, ())]
    count = int(np.isin(imported.raw.values[source], new).sum())
    return Offer(
        kind="sentinel",
        words=f"**{_name(imported, source)}** に {proposal.message}。",
        label=f"{_name(imported, source)}の {count:,} 件を欠測にする",
        accept=proposal.accept,
    )


def _convert(imported: Imported, proposals: list[Proposal]) -> Offer:
    words = " ".join(f"**{_name(imported, p.column)}** : {p.message}。" for p in proposals)
    count = sum(int(np.isfinite(imported.raw.values[p.column or ""]).sum()) for p in proposals)
    return Offer(kind="convert", words=words, label=f"{count:,} 件を換算する", accept=proposals[0].accept)


def _grid(imported: Imported, proposal: Proposal) -> Offer:
    step, limit = proposal.accept.grid_s or 1.0, proposal.accept.limit_s or 0.0
    seconds = imported.raw.seconds
    words = f"{proposal.message}こともできます。"
    try:
        grid = grid_of(seconds, step, limit)
    except ImportRefused:
        return Offer(kind="grid", words=words, label="間隔をそろえる", accept=proposal.accept)
    made = sum(int(fill(lay(v, grid), step, limit)[1].sum()) for v in imported.raw.values.values())
    words += f"{len(seconds):,} 回の測定が {len(grid.times):,} 点になり、{made:,} 個の値を補います。"
    return Offer(
        kind="grid", words=words, label=f"{text.duration(step)}ごとにそろえる", accept=proposal.accept
    )


def _daily(imported: Imported, proposal: Proposal) -> Offer | None:
    part = proposal.accept.daily
    try:
        grid = daily_grid(imported.raw.seconds, part)
    except ImportRefused:
        return None
    used = grid.position[grid.position >= 0]
    days, with_readings = len(grid.times), len(np.unique(used))
    name = "1日の平均" if part == "1日" else f"{part}の平均"
    empty = days - with_readings
    words = f"{name}: {len(used):,} 回の測定を {days:,} 日の並びにします"
    return Offer(
        kind="daily",
        words=words + (f"(測定のない日は {empty:,} 日)。" if empty else "。"),
        label=f"{name}にする({days:,}点)",
        accept=proposal.accept,
    )
