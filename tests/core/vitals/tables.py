"""Small tables for the tests of the importer."""

from core.vitals import Choices, Imported, read


def table(rows: int = 20, header: str = "時刻,心拍数,SpO2", sep: str = ",") -> str:
    lines = [header] + [f"2024-05-01 07:{i:02d},{70 + i % 7},{95 + i % 4}" for i in range(rows)]
    return "\r\n".join(lines).replace(",", sep) + "\r\n"


def text_of(header: str, *rows: str) -> str:
    return "\n".join([header, *rows]) + "\n"


def read_text(text: str, choices: Choices | None = None) -> Imported:
    return read(text.encode(), "a.csv", choices)


def kinds(imported: Imported) -> set[str]:
    return {problem.kind for problem in imported.problems}


def said(imported: Imported, kind: str) -> str:
    return " ".join(problem.message for problem in imported.problems if problem.kind == kind)
