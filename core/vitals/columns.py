"""What a column is: a personal identifier, a known vital sign, or some other number."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.vitals.reading import is_number, normalize

_PERSONAL = re.compile(
    r"氏名|姓名|名前|患者|カルテ|生年月日|誕生日|住所|電話|メール|保険|マイナンバー"
    r"|^name$|(first|last|full|patient|user)[ _]?name|patient|birth|address|phone|e-?mail|\bmrn\b|\bssn\b",
    re.IGNORECASE,
)
_BRACKETS = re.compile(r"[\(\[]([^\)\]]*)[\)\]]")
_ARROW = re.compile(r"^[↑↓HL]\s*(?=\d)")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A vital sign: its Japanese name, its usual unit, and the headers that mean it."""

    label: str
    unit: str
    names: re.Pattern[str]


def _kind(label: str, unit: str, names: str) -> Kind:
    return Kind(label=label, unit=unit, names=re.compile(names, re.IGNORECASE))


KINDS: dict[str, Kind] = {
    "hr": _kind("心拍数", "回/分", r"^(hr|heart ?_?rate|心拍数?|.*/hr|beats per minute)$"),
    "pulse": _kind("脈拍数", "回/分", r"^(pulse( ?_?rate)?|pr|脈拍数?)$"),
    "sbp": _kind("収縮期血圧", "mmHg", r"^(sbp|最高血圧|収縮期血圧|血圧\(?上\)?|.*systolic.*|.*_sbp)$"),
    "dbp": _kind("拡張期血圧", "mmHg", r"^(dbp|最低血圧|拡張期血圧|血圧\(?下\)?|.*diastolic.*|.*_dbp)$"),
    "map": _kind("平均血圧", "mmHg", r"^(map|mbp|平均血圧|.*systemicmean|.*_mbp)$"),
    "rr": _kind("呼吸数", "回/分", r"^(rr|resp(iration|iratory ?_?rate)?|呼吸数?)$"),
    "spo2": _kind("SpO₂", "%", r"^(spo2|sao2|酸素飽和度|.*/spo2)$"),
    "temperature": _kind("体温", "℃", r"^(temp(erature)?|bt|体温)$"),
    "glucose": _kind("血糖値", "mg/dL", r"^(glucose|血糖値?|グルコース)$"),
}


def is_personal(name: str) -> bool:
    """Say whether a header looks as if the column names or points to a person."""
    return _PERSONAL.search(name) is not None


def split_unit(name: str) -> tuple[str, str]:
    """Split ``SpO2[%]`` into name and unit; 血圧(上) keeps its brackets, which are no unit."""
    match = _BRACKETS.search(name)
    if match is None or match.group(1) in ("上", "下", "朝", "晩", "夜"):
        return name, ""
    return (_BRACKETS.sub("", name, count=1).strip() or name), match.group(1).strip()


def kind_of(name: str) -> Kind | None:
    """Return the vital sign that a header (without its unit) stands for, if any."""
    return next((kind for kind in KINDS.values() if kind.names.match(name)), None)


def to_number(cell: str) -> float:
    """Read one cell: ``９５%`` → 95, ``1,013`` → 1013, ``↑132`` → 132, anything else → NaN."""
    text = _ARROW.sub("", normalize(cell)).removesuffix("%").rstrip()
    if not is_number(text):
        return math.nan
    value = float(text.replace(",", ""))
    return value if math.isfinite(value) else math.nan


def to_numbers(cells: list[str]) -> npt.NDArray[np.float64]:
    """Read a column; shape (rows,), NaN where a cell is no number."""
    known = {cell: to_number(cell) for cell in set(cells)}
    return np.array([known[cell] for cell in cells], dtype=np.float64)


def is_signal(cells: list[str], values: npt.NDArray[np.float64]) -> bool:
    """Say whether a column holds readings: at least half of its filled cells, and eight, are numbers."""
    filled = sum(bool(cell) for cell in cells)
    numbers = int(np.isfinite(values).sum())
    return numbers >= 8 and numbers * 2 >= filled


def markers(cells: list[str], values: npt.NDArray[np.float64]) -> Counter[str]:
    """Count what stands where a number is missing; an empty cell counts as 空欄."""
    missing = ~np.isfinite(values)
    return Counter(normalize(c) or "空欄" for c, gone in zip(cells, missing, strict=True) if gone)


def arrows(cells: list[str]) -> list[int]:
    """Return the rows whose number carries a high/low mark such as ↑."""
    return [i for i, cell in enumerate(cells) if _ARROW.match(normalize(cell))]
