"""Reading a person's own vital-sign CSV: bytes in, signals on a clock and a full report out.

Nothing is dropped, filled or re-scaled without a word in the report.
"""

from core.vitals.checks import Proposal
from core.vitals.choices import Choices
from core.vitals.importer import Clock, Imported, Signal, read
from core.vitals.problems import ImportRefused, Option, PatientNeeded, PersonalData, Problem
from core.vitals.report import Report

__all__ = [
    "Choices",
    "Clock",
    "ImportRefused",
    "Imported",
    "Option",
    "PatientNeeded",
    "PersonalData",
    "Problem",
    "Proposal",
    "Report",
    "Signal",
    "read",
]
