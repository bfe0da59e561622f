"""How a textbook script reads a reader's own CSV: what the importer hands to training, in plain Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.script_parts import constant, literal
from core.vitals import Imported
from core.vitals.clock import FORMATS, ISO, ClockKind
from core.vitals.export import CLEANED_ENCODING, cleaned_clock, cleaned_name, cleaned_names


@dataclass(frozen=True, kw_only=True)
class UploadSource:
    """How a script finds a reader's own file and one signal in it; nothing of what the file holds.

    ``column`` and ``clock_column`` are headers as the importer names them, ``header_line`` counts from 1.
    ``limits``: readings outside cannot be and are missing.
    ``time_format`` is the clock's strptime pattern, or ``ISO8601`` for times with a zone; without one the
    script finds it out.
    """

    file_name: str
    encoding: str
    delimiter: str
    header_line: int
    column: str
    clock: ClockKind
    clock_column: str | None = None
    regular: bool = True
    time_format: str = ""
    limits: tuple[float, float] | None = None

    @classmethod
    def of(cls, imported: Imported, column: str, file_name: str) -> UploadSource:
        """Describe the signal ``column`` of a file that the importer has read.

        Where a short script could not read the file itself, this describes its cleaned CSV instead.
        """
        report, clock = imported.report, imported.clock
        if not imported.scriptable or report.encoding is None or report.delimiter is None:
            kind, clock_column, time_format = cleaned_clock(imported)
            return cls(
                file_name=cleaned_name(file_name),
                encoding=CLEANED_ENCODING,
                delimiter=",",
                header_line=1,
                column=cleaned_names(imported)[column],
                clock=kind,
                clock_column=clock_column,
                regular=clock.regular,
                time_format=time_format,
            )
        return cls(
            file_name=file_name,
            encoding=report.encoding,
            delimiter=report.delimiter,
            header_line=report.header_line or 1,
            column=column,
            clock=clock.kind,
            clock_column=clock.column,
            regular=clock.regular,
            limits=imported.signal(column).limits,
        )

    @property
    def name(self) -> str:
        """Return the file's name without any folder."""
        return re.split(r"[\\/]", self.file_name)[-1] or "data.csv"


_CLEAN = '''
def clean(cell):
    """全角文字を半角に、いろいろな横線をマイナスにそろえる。"""
    text = unicodedata.normalize("NFKC", cell)
    text = re.sub("[−‐‑–—―─]", "-", text).strip()
    return re.sub(r"(?:(?<=\\d)|^)ー+(?=\\d|\\.|$)", "-", text)


def to_number(cell):
    """セルを数値にする。数値でなければ欠測(NaN)とする。"""
    text = re.sub(r"^[↑↓HL*]\\s*(?=\\d)|(?<=\\d)\\s*[↑↓HL*]$", "", clean(cell))
    text = text.removesuffix("%").rstrip()
    digits = r"(?:\\d{1,3}(?:,\\d{3})+|\\d+)(?:\\.\\d*)?|\\.\\d+"
    if not re.fullmatch(rf"[+-]?(?:{digits})(?:[eE][+-]?\\d+)?", text):
        return math.nan
    return float(text.replace(",", ""))
'''
_STRPTIME = '''
def read_time(cell, pattern):
    """日時を読む。読めなければ None とする。"""
    try:
        return datetime.strptime(clean(cell).replace("T", " "), pattern)
    except ValueError:
        return None
'''
_ISO = '''
def read_time(cell):
    """時差の付いた日時を読む。読めなければ None とする。"""
    try:
        time = datetime.fromisoformat(re.sub(r"\\s+(?=[+-]\\d)", "", clean(cell)))
    except ValueError:
        return None
    return time if time.tzinfo else None
'''
_EITHER = '''
def read_time(cell, pattern):
    """日時を読む。読めなければ None とする。"""
    try:
        if pattern == "ISO8601":  # 2024-05-01T07:00:00Z のように時差の付いた書き方
            time = datetime.fromisoformat(re.sub(r"\\s+(?=[+-]\\d)", "", clean(cell)))
            return time if time.tzinfo else None
        return datetime.strptime(clean(cell).replace("T", " "), pattern)
    except ValueError:
        return None
'''
_CHOOSE = """
# 候補のうち、いちばん多くの行を読める書き方を使う
time_format = max(
    FORMATS,
    key=lambda pattern: sum(read_time(row[clock], pattern) is not None for row in rows),
)
"""
_UNITS = """
# 見出しのすぐ下が単位の行なら除く
marks = r"%|℃|°[CF]|mmhg|bpm|/分|回|秒|kg|mg/dl|kpa|cmh2o|sec|min"
units = [clean(cell).strip("()[] ") for cell in rows[0]]
if any(units) and all(re.search(marks, unit, re.IGNORECASE) for unit in units if unit):
    rows = rows[1:]
"""
_NUMBERED = """
# 同じ名前の列には (2)、(3) … を付けて区別する
header = [
    f"{name}({header[:i].count(name) + 1})" if name in header[:i] else name
    for i, name in enumerate(header)
]
"""
_GRID = """
# 等間隔の時刻に並べる。記録の抜けは埋めずに NaN のままにする
step = np.median(np.diff(seconds))
position = np.rint((seconds - seconds[0]) / step).astype(int)
values = np.full(position[-1] + 1, np.nan, dtype=np.float32)
values[position] = [readings[time] for time in times]
"""


def _table(upload: UploadSource) -> str:
    """Write how the cells are read: ``header`` and ``rows``."""
    named = [upload.column] if upload.clock_column is None else [upload.column, upload.clock_column]
    begin = f'with open(FILE, encoding={literal(upload.encoding)}, newline="") as file:\n'
    if upload.header_line > 1:
        begin += f"    for _ in range({upload.header_line - 1}):  # 見出しより上の行をとばす\n"
        begin += "        next(file)\n"
    begin += f"    table = csv.reader(file, delimiter={literal(upload.delimiter)})\n"
    begin += "    rows = [[cell.strip() for cell in row] for row in table]\n"
    begin += "rows = [row for row in rows if any(row)]  # 空の行を除く\n"
    if any(re.fullmatch(r"列\d+(\(\d+\))?", name) for name in named):
        begin += 'header = [clean(cell) or f"列{i + 1}" for i, cell in enumerate(rows[0])]\n'
    else:
        begin += "header = [clean(cell) for cell in rows[0]]\n"
    begin += "rows = rows[1:]"
    if any(re.search(r"\(\d+\)$", name) for name in named):
        begin += _NUMBERED.rstrip()
    if upload.clock == "rows":
        begin += _UNITS.rstrip()
    return begin + (
        "\nrows = [row for row in rows if len(row) == len(header)]  # 列の数が合わない行は使わない\n"
        "column = header.index(COLUMN)"
    )


def _readings(upload: UploadSource) -> tuple[str, str]:
    """Write the function that reads a time, if there is one, and how ``values`` come about."""
    if upload.clock == "rows":
        last = "values = np.array([to_number(row[column]) for row in rows], dtype=np.float32)"
        return "", "# 時刻の列がないので、行の順番を時間の順とみなす\n" + last
    function, begin, argument = "", "", ""
    if upload.clock == "elapsed":
        read, known = "to_number(row[clock])", "math.isfinite(time)"
        seconds = "np.array(times)"
    else:
        known, seconds = "time is not None", "np.array([(t - times[0]).total_seconds() for t in times])"
        if upload.time_format == ISO:
            function = _ISO
        elif upload.time_format:
            function, argument = _STRPTIME, f", {literal(upload.time_format)}"
        else:
            patterns = "".join(f"    {literal(pattern)},\n" for pattern in (*FORMATS, ISO))
            function = f"# 日時の書き方の候補\nFORMATS = [\n{patterns}]\n\n{_EITHER}"
            begin, argument = _CHOOSE.lstrip("\n"), ", time_format"
        read = f"read_time(row[clock]{argument})"
    code = (
        "clock = header.index(TIME_COLUMN)\n"
        + begin
        + "readings = {}\n"
        + "for row in rows:\n"
        + f"    time = {read}\n"
        + f"    if {known} and time not in readings:  # 同じ時刻の行は、先のものだけを使う\n"
        + "        readings[time] = to_number(row[column])\n"
        + "times = sorted(readings)"
    )
    if upload.regular:
        return function, f"{code}\nseconds = {seconds}\n{_GRID}"
    return function, code + (
        "\n\n# 間隔がそろっていないので、測った順の並びとして扱う\n"
        "values = np.array([readings[time] for time in times], dtype=np.float32)"
    )


def own_file(upload: UploadSource) -> str:
    """Write how the reader's own CSV becomes ``values``, as the importer would hand them to training."""
    begin = "# CSV は同じフォルダに置いてください(Google Colab では左側の「ファイル」の中)\n"
    begin += constant("FILE", upload.name) + "\n" + constant("COLUMN", upload.column)
    if upload.clock != "rows":
        begin += "\n" + constant("TIME_COLUMN", upload.clock_column or "")
    function, readings = _readings(upload)
    if upload.limits is not None:
        low, high = upload.limits
        readings = readings.rstrip("\n") + "\n\n# ありえない値は欠測にする\n"
        readings += f"values[(values < {low}) | (values > {high})] = np.nan"
    blocks = [begin, _CLEAN, function, f"{_table(upload)}\n{readings}"]
    return "\n\n\n".join(block.strip("\n") for block in blocks if block)
