"""Several patients, or several devices, in one file: they are told apart and never run together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from core.vitals.cells import normalize
from core.vitals.choices import EVERY, Choices
from core.vitals.personal import is_pseudonym, names_person
from core.vitals.problems import ImportRefused, Notes, Option, PatientNeeded
from core.vitals.table import Column, Table

_DEVICE = frozenset(
    [
        "sourcename",
        "source",
        "datasource",
        "device",
        "devicename",
        "機種",
        "機器",
        "測定機器",
        "測定器",
        "機器名",
        "ソース",
    ]
)
MAX_PATIENTS = 1000


@dataclass(frozen=True, kw_only=True, eq=False)
class OnePatient:
    """The rows of one patient. ``dropped`` are the lines of others; ``sources`` the devices to choose."""

    table: Table
    dropped: list[int] = field(repr=False)
    patients: int = 1
    sources: tuple[Option, ...] = ()
    chosen: bool = False


def one_patient(table: Table, people: list[Column], choices: Choices, notes: Notes) -> OnePatient:
    """Keep the rows of one patient (and of one device, if chosen).

    Raises:
        PatientNeeded: there are several patients and none is chosen.
        ImportRefused: the chosen patient or device is not in the file.
    """
    telling = [c for c in table.columns if _tells_apart(c, len(table.lines))]
    telling += [c for c in people if names_person(c.name) and len(set(c.cells) - {""}) > 1]
    dropped: list[int] = []
    patients, chosen = 1, False
    if telling:
        keys = list(zip(*(c.cells for c in telling), strict=True))
        counts = Counter(keys)
        patients = len(counts)
        key = _chosen_patient(list(counts), list(counts.values()), choices.patient, telling, table.names())
        rows = np.array([i for i, k in enumerate(keys) if k == key], dtype=np.int64)
        dropped = [line for line, k in zip(table.lines, keys, strict=True) if k != key]
        notes.add("patient", "選んだ患者とは別の患者の行のため使いません", lines=dropped)
        table, chosen = table.take(rows), True
    elif choices.patient is not None and choices.patient not in ("", "#1"):
        raise ImportRefused(
            "患者を区別する列が見つからないため、患者を選べません。患者の指定を外してください。"
        )
    ids = {c.name for c in table.columns if _is_id(c)}
    if ids:
        notes.add("id", f"番号の列は測定値ではないため使いません({'、'.join(sorted(ids))})")
        table = table.without(ids)
    table, sources, left, one = _one_device(table, choices, notes)
    return OnePatient(
        table=table, dropped=dropped + left, patients=patients, sources=sources, chosen=chosen or one
    )


def _tells_apart(column: Column, rows: int) -> bool:
    """Say whether a column holds the number of a patient (several rows each), not of a row."""
    if not is_pseudonym(column.name):
        return False
    different = len(set(column.cells) - {""})
    return 1 < different <= MAX_PATIENTS and 2 * different <= rows


def _is_id(column: Column) -> bool:
    """Say whether a column numbers patients, stays or rows."""
    name = normalize(column.name).lower()
    if is_pseudonym(name):
        return True
    ends = name.endswith(("id", "_id", "番号")) and all(c.isdigit() or not c for c in column.cells[:200])
    return ends and len(set(column.cells)) * 2 > len(column.cells)


def _chosen_patient(
    keys: list[tuple[str, ...]],
    counts: list[int],
    chosen: str | None,
    telling: list[Column],
    names: list[str],
) -> tuple[str, ...]:
    options = tuple(
        Option(value=f"#{i + 1}", label=f"{i + 1}人目({count:,} 行)", rows=count)
        for i, count in enumerate(counts)
    )
    places = [f"{names.index(c.name) + 1}列目" for c in telling if c.name in names] or ["取り除いた列"]
    if chosen is None:
        raise PatientNeeded(
            f"{'、'.join(places)}で区別される {len(keys)} 人分の記録が混ざっています。"
            "続けて読むと別の人の値がつながってしまうため、1人を選んでください"
            "(ファイルに出てくる順に #1、#2 …)。",
            options,
        )
    for option, key in zip(options, keys, strict=True):
        if chosen in (option.value, "/".join(key)):
            return key
    raise PatientNeeded(
        f"選んだ患者の記録は見つかりません。#1 から #{len(keys)} の中から選んでください。", options
    )


def _one_device(
    table: Table, choices: Choices, notes: Notes
) -> tuple[Table, tuple[Option, ...], list[int], bool]:
    """Keep the rows of the chosen device; without a choice keep all, and say that there are several."""
    for column in table.columns:
        name = "".join(normalize(column.name).lower().replace("_", " ").split())
        counts = Counter(column.cells)
        if name not in _DEVICE or not 1 < len(counts) <= MAX_PATIENTS:
            continue
        ordered = counts.most_common()
        options = tuple(Option(value=cell, label=cell or "(空欄)", rows=count) for cell, count in ordered)
        if choices.source in (None, EVERY):
            notes.add(
                "source",
                f"{len(counts)} 種類の機器の記録が混ざっています。すべてを合わせて使います(1つを選べます)",
                column=column.name,
            )
            return table, options, [], False
        wanted = choices.source or ""
        if wanted.startswith("#") and wanted[1:].isdigit() and 0 < int(wanted[1:]) <= len(ordered):
            wanted = ordered[int(wanted[1:]) - 1][0]
        rows = np.array([i for i, cell in enumerate(column.cells) if cell == wanted], dtype=np.int64)
        if not len(rows):
            raise ImportRefused(
                f"選んだ機器の記録は見つかりません。#1 から #{len(ordered)} の中から選んでください。"
            )
        left = [line for line, cell in zip(table.lines, column.cells, strict=True) if cell != wanted]
        notes.add("source", "選んだ機器とは別の機器の行のため使いません", column=column.name, lines=left)
        return table.take(rows), options, left, True
    if choices.source not in (None, EVERY):
        raise ImportRefused(
            "機器を区別する列が見つからないため、機器を選べません。機器の指定を外してください。"
        )
    return table, (), [], False
