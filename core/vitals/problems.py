"""What the importer has to say about a file."""

from __future__ import annotations

from dataclasses import dataclass


class Refused(ValueError):  # noqa: N818 - a message to the reader, not a failure
    """The file is not taken. The message is Japanese, names the line where it can, and quotes no value."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing the reader should know. ``line`` counts from 1 in the file as it is; None means all of it."""

    line: int | None
    column: str | None
    kind: str
    message: str
