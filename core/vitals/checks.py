"""Is it plausible? Readings are flagged for the reader to look at; a flag never deletes anything."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.vitals.cells import Flags, FloatColumn
from core.vitals.choices import Choices
from core.vitals.order import Timed
from core.vitals.problems import Notes
from core.vitals.table import IntArray

SENTINELS = (0.0, 127.0, 255.0, -32768.0, 8388607.0)
FLAT_READINGS = 30
FLAT_S = 300.0
NEAR_S = 300.0
_CAN_BE_FLAT = {"temperature", "SpO2", "glucose"}


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Something only the reader can decide: ``read(data, accept)`` does it."""

    kind: str
    column: str | None
    message: str
    accept: Choices


def flag(timed: list[Timed], seconds: FloatColumn, notes: Notes) -> list[Timed]:
    """Flag readings outside soft limits, jumps, flat lines, and pressures that are upside down."""
    checked = [_flag_one(signal, seconds, notes) for signal in timed]
    return _flag_pressures(checked, notes)


def _note(signal: Timed, found: Flags, kind: str, message: str, notes: Notes) -> Flags:
    notes.add(kind, message, column=signal.readings.source, lines=signal.lines[found])
    return found


def _flag_one(signal: Timed, seconds: FloatColumn, notes: Notes) -> Timed:
    kind, scale = signal.readings.kind, signal.readings.scale
    known = np.flatnonzero(np.isfinite(signal.values))
    if kind is None or scale is None or not len(known):
        return signal
    factor, offset = scale
    values = signal.values * factor + offset
    flags = signal.flags.copy()
    low, high = kind.soft
    with np.errstate(invalid="ignore"):
        outside = (values < low) | (values > high)
    words = f"ふつうは見られない値({low:g}〜{high:g} {kind.unit} の外)です。値はそのまま使います"
    flags |= _note(signal, outside, "unusual", words, notes)
    change, time = np.abs(np.diff(values[known])), np.diff(seconds[known])
    usual = float(np.median(time)) if len(time) else 0.0
    jumps = np.zeros(len(values), dtype=np.bool_)
    if 0 < usual <= NEAR_S:
        jumps[known[1:]] = (change > kind.jump) & (time <= 2 * usual)
    words = f"前の値から {kind.jump:g} {kind.unit} を超えて急に変わっています。値はそのまま使います"
    flags |= _note(signal, jumps, "jump", words, notes)
    if kind.key not in _CAN_BE_FLAT:
        flags |= _flat(signal, values, seconds, known, notes)
    return replace(signal, flags=flags)


def _flat(signal: Timed, values: FloatColumn, seconds: FloatColumn, known: IntArray, notes: Notes) -> Flags:
    """Flag runs of one value that last for at least 30 readings and five minutes."""
    found = np.zeros(len(values), dtype=np.bool_)
    edges = np.flatnonzero(np.diff(values[known]) != 0) + 1
    starts, stops = np.append(0, edges), np.append(edges, len(known))
    begun = []
    for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
        long = seconds[known[stop - 1]] - seconds[known[start]] >= FLAT_S
        if stop - start >= FLAT_READINGS and long:
            found[known[start:stop]] = True
            begun.append(int(signal.lines[known[start]]))
    words = f"同じ値が {FLAT_READINGS} 回以上続いています(センサー外れなどの可能性)。値はそのまま使います"
    notes.add("flat", words, column=signal.readings.source, lines=begun)
    return found


def _flag_pressures(timed: list[Timed], notes: Notes) -> list[Timed]:
    """Flag pressures whose upper value is not above the lower one."""
    keys = [signal.readings.kind.key if signal.readings.kind else "" for signal in timed]
    uppers = [i for i, key in enumerate(keys) if key == "SBP"]
    lowers = [i for i, key in enumerate(keys) if key == "DBP"]
    checked = list(timed)
    for upper, lower in zip(uppers, lowers, strict=False):
        a, b = checked[upper], checked[lower]
        if a.readings.unit != b.readings.unit:
            continue
        with np.errstate(invalid="ignore"):
            wrong = a.values <= b.values
        words = f"収縮期血圧が拡張期血圧({b.readings.source})以下です。値はそのまま使います"
        _note(a, wrong, "pressure", words, notes)
        checked[upper], checked[lower] = (replace(s, flags=s.flags | wrong) for s in (a, b))
    return checked


def propose_sentinels(timed: list[Timed], choices: Choices) -> list[Proposal]:
    """Propose values that devices write for "no reading" as missing, where they stand apart from the rest."""
    proposals = []
    for signal in timed:
        known = signal.values[np.isfinite(signal.values)]
        found = [
            value for value in SENTINELS if _stands_apart(value, known, signal.readings.kind is not None)
        ]
        if not found:
            continue
        source = signal.readings.source
        count = sum(int(np.sum(known == value)) for value in found)
        listed = "、".join(f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}" for value in found)
        missing = {**choices.missing, source: (*choices.missing.get(source, ()), *found)}
        proposals.append(
            Proposal(
                kind="sentinel",
                column=source,
                message=f"{listed} が {count:,} 件あります。"
                "機器が「測定なし」の印に使う値かもしれません。欠測にしますか",
                accept=replace(choices, missing=missing),
            )
        )
    return proposals


def _stands_apart(value: float, known: FloatColumn, vital: bool) -> bool:
    same = known == value
    count, others = int(same.sum()), known[~same]
    if not count or not len(others):
        return False
    if value in (-32768.0, 8388607.0) or (value == 0 and vital):
        return True
    if not vital:
        return False
    middle = float(np.median(others))
    spread = max(1.0, float(np.median(np.abs(others - middle))))
    return abs(value - middle) > 5 * spread and not np.any(np.abs(others - value) <= 2)


def propose_conversions(found: list[tuple[str, str, str]], choices: Choices) -> list[Proposal]:
    """Propose to convert each (source, usual unit, unit that the numbers seem to be in)."""
    return [
        Proposal(
            kind="convert",
            column=source,
            message=f"値の単位は {unit}{'(割合)' if unit == '0-1' else ''} のようです。{usual} に換算しますか"
            "(いまは換算せずに使います)",
            accept=replace(choices, convert=True),
        )
        for source, usual, unit in found
    ]
