"""A reader's own file as this session holds it: its bytes, how it is read, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import streamlit as st

from core.vitals import Choices, Imported, ImportRefused, Option, PatientNeeded, PersonalData, read
from core.vitals.guards import MAX_BYTES
from pages.parts.vitals.offers import Offer, offers

KEPT = "vitals/file"


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a file was not read: the importer's words, and the patients to choose from. It holds no cell."""

    kind: Literal["personal", "patient", "other"]
    message: str
    options: tuple[Option, ...] = ()


@dataclass(kw_only=True, eq=False)
class Taken:
    """A file of this session. ``imported`` is the last reading that succeeded.

    ``refusal`` is why a later reading did not, ``tried`` the choices of the last reading of either kind.
    ``before`` are the choices to go back to, ``turn`` counts readings that succeeded, and ``used`` says that
    the reader has looked at what was understood and takes it.
    """

    file_id: str
    name: str
    data: bytes = field(repr=False)
    sample: bool = False
    tried: Choices = field(default_factory=Choices)
    before: Choices | None = None
    imported: Imported | None = None
    refusal: Refusal | None = None
    offers: tuple[Offer, ...] = ()
    turn: int = 0
    used: bool = False

    @property
    def ready(self) -> Imported | None:
        """Return the reading that the reader has confirmed."""
        return self.imported if self.used else None

    def read(self, choices: Choices) -> None:
        """Read the file by ``choices``; a reading that is refused leaves the last good one as it is."""
        self.tried = choices
        try:
            imported = read(self.data, self.name, choices)
        except ImportRefused as refused:
            self.refusal = _refusal(refused)
            return
        last = self.imported
        if last is not None:
            self.before = last.choices if last.choices != choices else self.before
            self.used = self.used and same_table(last.choices, choices)
        self.imported, self.refusal = imported, None
        self.offers = offers(imported)
        self.turn += 1


def same_table(one: Choices, other: Choices) -> bool:
    """Say whether two choices read the same rows and columns of a file."""

    def table(choices: Choices) -> tuple[str | int | None, ...]:
        return choices.encoding, choices.delimiter, choices.header_line, choices.patient, choices.source

    return table(one) == table(other)


def _refusal(refused: ImportRefused) -> Refusal:
    if isinstance(refused, PersonalData):
        return Refusal(kind="personal", message=str(refused))
    if isinstance(refused, PatientNeeded):
        return Refusal(kind="patient", message=str(refused), options=refused.options)
    return Refusal(kind="other", message=str(refused))


def current() -> Taken | None:
    """Return the file of this session, if there is one."""
    taken = st.session_state.get(KEPT)
    return taken if isinstance(taken, Taken) else None


def take(file_id: str, name: str, data: bytes, *, sample: bool = False) -> Taken:
    """Keep a new file in this session and read it. One byte over the limit is enough to refuse it."""
    taken = Taken(file_id=file_id, name=name, data=data[: MAX_BYTES + 1], sample=sample)
    taken.read(Choices())
    st.session_state[KEPT] = taken
    return taken


def forget() -> None:
    """Drop the file and all that came of it."""
    st.session_state.pop(KEPT, None)


def without_columns(choices: Choices) -> Choices:
    """Return ``choices`` without what names columns, patients or devices: for a table read anew."""
    return replace(choices, mapping={}, units={}, missing={}, patient=None, source=None)
