"""Two shapes that are no plain table: long (one reading a row) and wide (one day a row)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from core.vitals.cells import normalize, parse_column
from core.vitals.guards import MAX_COLUMNS, MAX_ROWS
from core.vitals.problems import ImportRefused, Notes
from core.vitals.sections import is_clock_name
from core.vitals.signals import SLOTS, kind_of, split_unit
from core.vitals.table import Column, Table, unique

NOMINAL = {"朝": "7:00", "昼": "12:00", "夕": "18:00", "晩": "21:00"}
_SLOT_NAMES = {
    "夜": "晩",
    "起床": "朝",
    "起床後": "朝",
    "起床時": "朝",
    "就寝前": "晩",
    "就寝時": "晩",
    "morning": "朝",
    "am": "朝",
    "noon": "昼",
    "evening": "晩",
    "night": "晩",
    "pm": "晩",
}
_BRACKETED = re.compile(rf"[\(\[]({SLOTS})[\)\]]", re.IGNORECASE)
_BESIDE = re.compile(
    r"^(朝|昼|夕|晩|夜|起床後?|起床時|就寝前|就寝時)[_ ・の:]?(?=\S)"
    rf"|^({SLOTS})[_ ](?=\S)|(?<=\S)[_ ・:]({SLOTS})$",
    re.IGNORECASE,
)
_TYPES = frozenset(
    [
        "type",
        "項目",
        "項目名",
        "測定項目",
        "種類",
        "種別",
        "parameter",
        "param",
        "signal",
        "vital",
        "vitalsign",
        "itemname",
        "item",
        "measure",
    ]
)
_VALUES = frozenset(
    ["value", "値", "測定値", "数値", "結果", "result", "valuenum", "values", "測定結果", "reading"]
)
_UNITS = frozenset(["unit", "units", "単位", "valueuom", "uom"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Shaped:
    """A table in which each column is one signal. ``shape`` says what the file's was."""

    table: Table
    shape: str = "plain"
    unplain: list[str] = field(default_factory=list)


def shape(table: Table, notes: Notes) -> Shaped:
    """Turn a long or a wide table into a plain one; leave any other as it is."""
    return _from_long(table, notes) or _from_wide(table, notes) or Shaped(table=table)


def _folded(name: str) -> str:
    return re.sub(r"[\s_]", "", normalize(name).lower())


def _from_long(table: Table, notes: Notes) -> Shaped | None:
    """Give each kind of reading a column, which has cells for its own rows; rows keep their number."""
    roles = {role: _role(table, names) for role, names in (("t", _TYPES), ("v", _VALUES), ("u", _UNITS))}
    types, values, units = roles["t"], roles["v"], roles["u"]
    if types is None or values is None or len(set(types.cells)) > 4 * MAX_COLUMNS:
        return None
    if not any(kind_of(split_unit(normalize(cell))[0]) for cell in set(types.cells)):
        return None
    labels = {cell: normalize(cell) or "(項目名なし)" for cell in set(types.cells)}
    written = units.cells if units else [""] * len(types.cells)
    pairs = list(zip((labels[cell] for cell in types.cells), written, strict=True))
    several = Counter(label for label, _ in set(pairs))
    if len(several) > MAX_COLUMNS:
        raise ImportRefused(
            f"項目が {len(several)} 種類あります({MAX_COLUMNS}種類まで)。必要な項目だけを残してください。"
        )
    rows: dict[tuple[str, str], list[int]] = {}
    for i, pair in enumerate(pairs):
        rows.setdefault(pair, []).append(i)
    names = [f"{label}[{unit}]" if several[label] > 1 and unit else label for label, unit in rows]
    columns = [c for c in table.columns if c not in (types, values, units)]
    taken = {c.name for c in columns}
    columns += [
        Column(
            name=name if name not in taken else f"{name}(値)",
            unit=unit,
            cells=[values.cells[i] for i in own],
            rows=np.array(own, dtype=np.int64),
        )
        for name, ((_, unit), own) in zip(unique(names), rows.items(), strict=True)
    ]
    notes.add(
        "long", f"1行に1つの測定値が書かれた表を、{len(rows)} 項目の列に並べ替えました", column=types.name
    )
    return Shaped(
        table=Table(columns=columns, lines=table.lines),
        shape="long",
        unplain=["1行に1つの測定値が書かれた表のため"],
    )


def _role(table: Table, names: frozenset[str]) -> Column | None:
    """Return the column whose header is one of ``names``; for values only one that holds numbers."""
    for column in table.columns:
        if _folded(column.name) in names:
            parsed = parse_column(column.cells)
            if names is _VALUES and not parsed.numbers:
                continue
            if names is _TYPES and parsed.numbers:
                continue
            return column
    return None


def slot_of(name: str) -> tuple[str, str] | None:
    """Split 最高血圧(朝) into 最高血圧 and its slot (朝・昼・夕・晩); None for a header without a slot."""
    for pattern in (_BRACKETED, _BESIDE):
        match = pattern.search(name)
        if match:
            found = match[match.lastindex or 1].lower()
            base = (name[: match.start()] + name[match.end() :]).strip(" _・:")
            return (base, _SLOT_NAMES.get(found, found)) if base else None
    return None


def _from_wide(table: Table, notes: Notes) -> Shaped | None:
    """Give each slot of a day a row of its own: 2 slots make two rows of each line."""
    slotted: dict[str, dict[str, Column]] = {}
    for column in table.columns:
        split = slot_of(normalize(column.name))
        if split:
            slotted.setdefault(split[1], {}).setdefault(split[0], column)
    if len(slotted) < 2:
        return None
    shared = Counter(base for bases in slotted.values() for base in bases)
    bases = [base for base, count in shared.items() if count > 1]
    if not any(kind_of(split_unit(base)[0]) for base in bases):
        return None
    used = {id(c) for columns in slotted.values() for c in columns.values()}
    slots = sorted(slotted, key=lambda slot: list(NOMINAL).index(slot) if slot in NOMINAL else 9)
    common = [c for c in table.columns if id(c) not in used]
    names = list(shared)
    timed = any(is_clock_name(name) for name in names)
    cells: dict[str, list[str]] = {name: [] for name in names}
    times: list[str] = []
    kept: list[int] = []
    for i in range(len(table.lines)):
        for slot in slots:
            own = {name: c.cells[i] for name, c in slotted[slot].items()}
            if not any(text for name, text in own.items() if not is_clock_name(name)):
                continue
            kept.append(i)
            times.append(NOMINAL.get(slot, "12:00"))
            for name in names:
                cells[name].append(own.get(name, ""))
    if len(kept) > 2 * MAX_ROWS:
        raise ImportRefused(f"朝・晩などに分けると {MAX_ROWS:,} 行を超えます。期間で分けてください。")
    if not kept:
        raise ImportRefused("朝・晩の列に測定値がありません。データの入ったCSVを選んでください。")
    empty = sorted(set(range(len(table.lines))) - set(kept))
    notes.add("empty", "朝・晩のどちらにも測定値がないため使いません", lines=[table.lines[i] for i in empty])
    units = {name: next((b[name].unit for b in slotted.values() if name in b), "") for name in names}
    columns = [Column(name=c.name, unit=c.unit, cells=[c.cells[i] for i in kept]) for c in common]
    taken = {c.name for c in columns}
    columns += [
        Column(name=name if name not in taken else f"{name}(枠)", unit=units[name], cells=cells[name])
        for name in names
    ]
    words = f"{'・'.join(slots)}の列を、1回の測定を1行とする形に並べ替えました"
    if not timed:
        columns.append(Column(name="時刻(枠)", cells=times))
        words += (
            "。時刻の列がないため、"
            + "、".join(f"{slot}は {NOMINAL.get(slot, '12:00')}" for slot in slots)
            + " とみなします"
        )
    notes.add("wide", words)
    return Shaped(
        table=Table(columns=columns, lines=[table.lines[i] for i in kept]),
        shape="wide",
        unplain=["朝・晩の列に分かれた表のため"],
    )
