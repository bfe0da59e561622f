"""Reading a person's own vital-sign CSV: bytes in, signals on a clock and a full report out.

Nothing is dropped, filled or re-scaled without a word in the report.
"""

from core.vitals.importer import Import, Signal, read
from core.vitals.problems import Problem, Refused

__all__ = ["Import", "Problem", "Refused", "Signal", "read"]
