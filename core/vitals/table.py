"""A table of text, column by column, as the stages of the importer hand it on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Column:
    """``cells`` (n,) under the header ``name``; cell i belongs to row ``rows[i]``, else to row i."""

    name: str
    cells: list[str] = field(repr=False)
    unit: str = ""
    rows: IntArray | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """Columns over common rows; row i stood on line ``lines[i]`` (a line may give several rows)."""

    columns: list[Column] = field(repr=False)
    lines: list[int] = field(repr=False)

    def take(self, rows: IntArray) -> Table:
        """Return the table of ``rows`` alone; only for columns that have a cell in every row."""
        picked = rows.tolist()
        return Table(
            columns=[
                Column(name=c.name, unit=c.unit, cells=[c.cells[i] for i in picked]) for c in self.columns
            ],
            lines=[self.lines[i] for i in picked],
        )

    def without(self, names: set[str]) -> Table:
        """Return the table without the columns ``names``."""
        return Table(columns=[c for c in self.columns if c.name not in names], lines=self.lines)

    def names(self) -> list[str]:
        """Return the headers."""
        return [column.name for column in self.columns]


def unique(names: list[str]) -> list[str]:
    """Number repeated headers: HR, HR(2)."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}({seen[name]})")
    return result
