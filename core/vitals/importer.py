"""The importer: bytes of a CSV in, signals on a clock and a report out."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

import numpy as np

from core.series import FloatArray
from core.vitals import checks
from core.vitals.cells import Flags, FloatColumn
from core.vitals.checks import Proposal
from core.vitals.choices import Choices
from core.vitals.clock import ClockKind, RowTimes, find_clock
from core.vitals.grid import Grid, stretches
from core.vitals.onto_grid import onto_grid
from core.vitals.order import Timed, in_order
from core.vitals.people import one_patient
from core.vitals.problems import ImportRefused, Notes, Option, Problem, Unexpected
from core.vitals.reading import read_text
from core.vitals.readings import Readings, find_readings, reject_impossible
from core.vitals.report import ClockReport, ColumnReport, Report, RowsReport, stamp
from core.vitals.shapes import shape
from core.vitals.signals import split_unit


@dataclass(frozen=True, kw_only=True, eq=False)
class Signal:
    """One column of readings, (points,) on the common grid, float32, NaN where a reading is missing.

    ``source`` is the header, ``key`` the vital sign (``HR``, …, or None), ``name`` its Japanese name (or the
    header), ``label`` both. ``missing`` counts empty points, ``flagged`` odd readings, ``filled`` points that
    were interpolated: those where ``made`` (points,) is true. ``limits``: readings outside were made missing
    (None if there were none).
    """

    source: str
    key: str | None
    name: str
    label: str
    unit: str
    values: FloatArray = field(repr=False)
    missing: int
    flagged: int = 0
    filled: int = 0
    limits: tuple[float, float] | None = None
    made: Flags = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Clock:
    """The common clock. ``times`` (points,) are seconds: from 1970 on the wall clock for ``datetime``.

    ``segments`` are the (start, stop) of points between gaps. ``zoned``: the times are Japan's for certain.
    """

    kind: ClockKind
    column: str | None
    format: str
    zoned: bool
    regular: bool
    interval_s: float
    limit_s: float
    times: FloatColumn = field(repr=False)
    segments: tuple[tuple[int, int], ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """The readings before any grid: ``seconds``, ``values[source]`` and ``flags[source]``, all (times,).

    NaN is missing; a flag is on an odd reading.
    """

    seconds: FloatColumn = field(repr=False)
    values: dict[str, FloatColumn] = field(repr=False)
    flags: dict[str, Flags] = field(repr=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """What a file holds.

    ``proposals`` are questions to the reader; ``sources`` the devices to choose from, ``patients`` how many
    people are in the file. ``headers`` are all columns that ``Choices.mapping`` may name. ``unscriptable``
    says why a short script could not read the file itself, so that it reads the cleaned CSV instead
    (``core.vitals.export``); empty if it can.
    """

    report: Report
    clock: Clock
    signals: tuple[Signal, ...]
    raw: Raw = field(repr=False)
    choices: Choices
    headers: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    patients: int = 1
    sources: tuple[Option, ...] = ()
    shape: str = "plain"
    unscriptable: str = ""

    @property
    def scriptable(self) -> bool:
        """Say whether a short script can read the file itself."""
        return not self.unscriptable

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Return the problems of the report."""
        return self.report.problems

    def signal(self, source: str) -> Signal:
        """Return the signal of column ``source``, or the first one."""
        return next((s for s in self.signals if s.source == source), self.signals[0])


def read(data: bytes, name: str = "", choices: Choices | None = None) -> Imported:
    """Read the bytes of a CSV; ``name`` is the file's name, of which only the ending is looked at.

    Raises:
        ImportRefused: with the reason and what to change; nothing of the file is kept, neither in the message
            nor in the traceback. ``PersonalData`` and ``PatientNeeded`` ask for a choice.
    """
    refusal: ImportRefused
    try:
        return _read(data, name, choices or Choices())
    except ImportRefused as refused:
        refusal = refused
    except Exception as error:  # whatever it is: its text may quote the file
        place = traceback.extract_tb(error.__traceback__)[-1]
        refusal = Unexpected(f"{type(error).__name__} {place.filename}:{place.lineno}")
    # Raised anew out here, so that no frame that holds cells hangs on the exception.
    raise refusal.with_traceback(None) from None


def _read(data: bytes, name: str, choices: Choices) -> Imported:
    if name.lower().endswith((".xlsx", ".xls", ".xlsm", ".numbers", ".pdf", ".zip", ".gz")):
        ending = name.lower().rsplit(".", 1)[-1]
        raise ImportRefused(
            f"{ending} の形式は読み込めません。Excelなどで開き、「CSV UTF-8」で保存し直してください。"
        )
    notes = Notes()
    text = read_text(data, choices, notes)
    person = one_patient(text.table, text.people, choices, notes)
    shaped = shape(person.table, notes)
    table = shaped.table
    times = find_clock(table, choices, notes)
    found = find_readings(table, times, choices, notes)
    found = [reject_impossible(r, table.lines, notes) for r in found]
    seconds, timed, used = in_order(times, found, table.lines, choices, notes)
    timed = checks.flag(timed, seconds, notes)
    proposals = [*_unit_questions(found, choices), *checks.propose_sentinels(timed, choices)]
    for proposal in proposals:
        notes.add("proposal", proposal.message, column=proposal.column)
    laid = onto_grid(seconds, timed, times, choices, notes)
    read_lines = {*text.table.lines, *text.apart}
    rows = RowsReport(read=len(read_lines), kept=len(used), dropped=len(read_lines) - len(used))
    unplain = [*text.unplain, *shaped.unplain, *times.unplain, *laid.unplain]
    unplain += ["選んだ行だけを使ったため"] if person.chosen else []
    unplain += [reason for r in found for reason in r.unplain]
    unplain += ["同じ時刻の行の扱いを変えたため"] if choices.duplicates != "first" else []
    signals = tuple(
        _signal(t, values, made) for t, values, made in zip(timed, laid.values, laid.made, strict=True)
    )
    clock = _clock(times, laid.grid, laid.there)
    report = Report(
        encoding=text.encoding,
        delimiter=text.delimiter,
        header_line=text.header_line,
        columns=tuple(_column(t) for t in timed),
        clock=_clock_report(times, clock, laid.grid),
        rows=rows,
        problems=notes.problems(),
    )
    return Imported(
        report=report,
        clock=clock,
        signals=signals,
        raw=Raw(
            seconds=seconds,
            values={t.readings.source: t.values for t in timed},
            flags={t.readings.source: t.flags for t in timed},
        ),
        choices=choices,
        headers=tuple(table.names()),
        proposals=(*proposals, *laid.proposals),
        patients=person.patients,
        sources=person.sources,
        shape=shaped.shape,
        unscriptable=unplain[0] if unplain else "",
    )


def _unit_questions(found: list[Readings], choices: Choices) -> list[Proposal]:
    """Ask whether numbers in another unit should be brought to the usual one."""
    return checks.propose_conversions(
        [(r.source, r.kind.unit, r.unit) for r in found if r.kind and r.question and not choices.convert],
        choices,
    )


def _signal(timed: Timed, values: FloatArray, made: Flags) -> Signal:
    own = timed.readings
    name = split_unit(own.source)[0]
    kind = own.kind
    return Signal(
        source=own.source,
        key=kind.key if kind else None,
        name=kind.label if kind else own.source,
        label=own.source if kind is None or kind.label == name else f"{kind.label}({name})",
        unit=own.unit,
        values=values,
        missing=int(np.isnan(values).sum()),
        flagged=int(timed.flags.sum()),
        filled=int(made.sum()),
        made=made,
        limits=own.limits if own.rejected else None,
    )


def _column(timed: Timed) -> ColumnReport:
    present = timed.present
    return ColumnReport(
        source=timed.readings.source,
        signal=timed.readings.kind.key if timed.readings.kind else None,
        unit=timed.readings.unit,
        rows=int(present.sum()),
        missing=int(np.isnan(timed.values[present]).sum()),
        flagged=int((timed.flags & present).sum()),
    )


def _clock(times: RowTimes, grid: Grid, there: Flags) -> Clock:
    return Clock(
        kind=times.kind,
        column=times.columns[0] if times.columns else None,
        format=times.format,
        zoned=times.zoned,
        regular=grid.regular,
        interval_s=grid.step_s,
        limit_s=grid.limit_s,
        times=grid.times,
        segments=stretches(there),
    )


def _clock_report(times: RowTimes, clock: Clock, grid: Grid) -> ClockReport:
    first, last = float(grid.times[0]), float(grid.times[-1])
    return ClockReport(
        kind=times.kind,
        start=stamp(first, times.zoned) if times.kind == "datetime" else round(first, 6),
        end=stamp(last, times.zoned) if times.kind == "datetime" else round(last, 6),
        interval_s=round(clock.interval_s, 6),
        regular=clock.regular,
    )
