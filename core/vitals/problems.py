"""What the importer has to say about a file: what it did, what it asks, and why it refuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.vitals.table import IntArray

LISTED = 3
NAMED = 8


class ImportRefused(ValueError):  # noqa: N818 - a message to the reader, not a failure
    """The file is not taken. The message is Japanese, names the line where it can, and quotes no value."""


Refused = ImportRefused


class PersonalData(ImportRefused):
    """Columns seem to point to a person; ``Choices(remove_personal=True)`` reads the file without them.

    ``columns`` count from 1 and are empty when only a title above the table points to a person.
    """

    def __init__(self, message: str, columns: tuple[int, ...] = ()) -> None:
        super().__init__(message)
        self.columns = columns


@dataclass(frozen=True, kw_only=True)
class Option:
    """One answer to a question: ``value`` goes into ``Choices``, ``label`` is for the reader."""

    value: str
    label: str
    rows: int


class PatientNeeded(ImportRefused):
    """Several patients share the file; ``Choices(patient=option.value)`` takes one of ``options``.

    The options number the patients in order of appearance and hold nothing that is written in the file.
    """

    def __init__(self, message: str, options: tuple[Option, ...]) -> None:
        super().__init__(message)
        self.options = options


class Unexpected(ImportRefused):
    """The importer met a shape that it was not built for. ``place`` names the code, never a value."""

    def __init__(self, place: str) -> None:
        super().__init__(
            "このファイルは想定していない形のため、読み込めませんでした(内容は残していません)。"
            "列名の行と数値の行だけにした CSV UTF-8 で保存し直してください。"
        )
        self.place = place


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing the reader should know. ``line`` counts from 1 in the file as it is; None means all of it."""

    line: int | None
    column: str | None
    kind: str
    message: str


class Notes:
    """Collects problems while a file is read; what happened on many lines becomes one entry."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def add(
        self,
        kind: str,
        message: str,
        *,
        column: str | None = None,
        lines: Sequence[int] | IntArray | None = None,
        together: bool = False,
    ) -> None:
        """Note ``message`` for all of the file, or for ``lines``: in one entry if they are many."""
        if lines is None:
            self._problems.append(Problem(line=None, column=column, kind=kind, message=message))
            return
        count = len(lines)
        places = [int(line) for line in lines[:NAMED]]
        if count > (1 if together else LISTED):
            named = "、".join(map(str, places)) + ("…" if count > NAMED else "")
            message = f"{message}(全{count:,}件:{named} 行目)"
            places = places[:1]
        self._problems += [Problem(line=line, column=column, kind=kind, message=message) for line in places]

    def problems(self) -> tuple[Problem, ...]:
        """Return all that was noted, in order."""
        return tuple(self._problems)
