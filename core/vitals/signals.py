"""Which vital sign a header means, in which unit, and how its numbers may be brought to the usual unit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.vitals.cells import normalize

_BRACKETS = re.compile(r"[\(\[]([^\)\]]*)[\)\]]")
_KEPT = re.compile(r"上|下|上/下|朝|昼|晩|夜|夕|起床.*|就寝.*|\d{1,2}")
SLOTS = r"朝|昼|夕|晩|夜|起床後?|起床時|就寝前|就寝時|morning|noon|evening|night|am|pm"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A vital sign. ``names`` are its headers in small letters without spaces, ``_``, ``-`` and ``.``.

    Readings outside ``hard`` cannot be; those outside ``soft`` are worth a look; a change of more than
    ``jump`` from one reading to the next as well. All in ``unit``.
    """

    key: str
    label: str
    unit: str
    names: frozenset[str]
    hard: tuple[float, float]
    soft: tuple[float, float]
    jump: float


def _kind(
    key: str,
    label: str,
    unit: str,
    names: str,
    hard: tuple[float, float],
    soft: tuple[float, float],
    jump: float,
) -> Kind:
    return Kind(
        key=key,
        label=label,
        unit=unit,
        names=frozenset([*names.split(), key.lower(), label]),
        hard=hard,
        soft=soft,
        jump=jump,
    )


_HR = "hr heartrate 心拍 心拍数 beatsperminute ecghr ekghr hrecg"
_PULSE = "pulse pulserate pr 脈拍 脈拍数 脈 plethhr spo2hr hrpleth"
_SBP = (
    "sbp 最高血圧 最大血圧 収縮期血圧 収縮期 血圧(上) 上の血圧 血圧上 sys systolic systolicbp "
    "systolicbloodpressure bloodpressuresystolic systemicsystolic noninvasivesystolic artsbp nibpsbp "
    "nbpsys nibpsys abpsys ibpsys artsys nibps abps nbps bpsystolic bpsys"
)
_DBP = (
    "dbp 最低血圧 最小血圧 拡張期血圧 拡張期 血圧(下) 下の血圧 血圧下 dia diastolic diastolicbp "
    "diastolicbloodpressure bloodpressurediastolic systemicdiastolic noninvasivediastolic artdbp "
    "nibpdbp nbpdia nibpdia abpdia ibpdia artdia nibpd abpd nbpd bpdiastolic bpdia"
)
_MAP = (
    "map mbp 平均血圧 平均動脈圧 systemicmean noninvasivemean artmbp nibpmbp nbpmean nibpmean abpmean "
    "artmean meanbloodpressure meanarterialpressure nibpm abpm nbpm"
)
_RR = "rr resp respiration respirationrate respiratoryrate 呼吸 呼吸数 呼吸回数 awrr rrco2 resprate"
_SPO2 = (
    "spo2 sao2 o2sat oxygensaturation bloodoxygen 酸素飽和度 経皮的酸素飽和度 経皮的動脈血酸素飽和度 "
    "動脈血酸素飽和度 血中酸素 血中酸素濃度 血中酸素飽和度 plethspo2 サチュレーション"
)
_TEMPERATURE = "temp bodytemp bodytemperature bt 体温 腋窩温 深部体温 直腸温 tblood tcore"
_GLUCOSE = "glucose bloodglucose 血糖 血糖値 グルコース グルコース値 センサーグルコース値 自己測定血糖値 bg"

KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        _kind("HR", "心拍数", "回/分", _HR, (0, 300), (0, 300), 50),
        _kind("pulse", "脈拍数", "回/分", _PULSE, (0, 300), (0, 300), 50),
        _kind("SBP", "収縮期血圧", "mmHg", _SBP, (0, 400), (0, 300), 60),
        _kind("DBP", "拡張期血圧", "mmHg", _DBP, (0, 300), (0, 200), 40),
        _kind("MAP", "平均血圧", "mmHg", _MAP, (0, 300), (0, 250), 50),
        _kind("RR", "呼吸数", "回/分", _RR, (0, 120), (0, 70), 30),
        _kind("SpO2", "SpO₂", "%", _SPO2, (0, 100), (50, 100), 15),
        _kind("temperature", "体温", "℃", _TEMPERATURE, (10, 50), (32, 42), 1.5),
        _kind("glucose", "血糖値", "mg/dL", _GLUCOSE, (0, 2000), (20, 1000), 200),
    )
}
_BY_NAME = {name: kind for kind in KINDS.values() for name in kind.names}
PRESSURES = frozenset(("血圧", "bp", "nibp", "abp", "nbp", "bloodpressure", "血圧(上/下)", "血圧値"))

_UNITS = {
    "回/分": (
        "bpm",
        "/min",
        "/分",
        "拍/分",
        "beats/min",
        "count/min",
        "breaths/min",
        "brpm",
        "rpm",
        "回",
        "拍",
    ),
    "mmHg": ("mmhg",),
    "%": ("percent", "パーセント"),
    "℃": ("°c", "degc", "c", "celsius", "度"),
    "℉": ("°f", "degf", "f", "fahrenheit"),
    "kPa": ("kpa",),
    "mg/dL": ("mg/dl", "mgdl"),
    "mmol/L": ("mmol/l",),
    "0-1": ("0-1", "0〜1", "割合", "ratio", "fraction"),
}
_UNIT_NAMES = {name: unit for unit, names in _UNITS.items() for name in (*names, unit.lower())}
# (signal, unit) -> factor and offset to the usual unit
CONVERSIONS: dict[tuple[str, str], tuple[float, float]] = {
    ("SpO2", "0-1"): (100.0, 0.0),
    ("temperature", "℉"): (5 / 9, -160 / 9),
    ("SBP", "kPa"): (7.50062, 0.0),
    ("DBP", "kPa"): (7.50062, 0.0),
    ("MAP", "kPa"): (7.50062, 0.0),
    ("glucose", "mmol/L"): (18.016, 0.0),
}


def split_unit(name: str) -> tuple[str, str]:
    """Split ``SpO2[%]`` into name and unit; 血圧(上) and HR(2) keep their brackets, which are no unit."""
    for match in _BRACKETS.finditer(name):
        if not _KEPT.fullmatch(match[1]) and not re.fullmatch(SLOTS, match[1], re.IGNORECASE):
            return (name[: match.start()] + name[match.end() :]).strip() or name, match[1].strip()
    return name, ""


def canonical_unit(unit: str) -> str:
    """Write a unit the usual way: ``bpm`` and ``/min`` are 回/分; an unknown unit stays as it is."""
    text = normalize(unit).strip("()[] ")
    return _UNIT_NAMES.get(text.lower().replace(" ", ""), text)


def key_name(name: str) -> str:
    """Fold a header without its unit to what ``Kind.names`` are written in."""
    text = normalize(name).rsplit("/", 1)[-1] if not name.endswith(")") else normalize(name)
    text = re.sub(r"\(\d+\)$|\.\d+$", "", text.strip())
    text = re.sub(r"^HK(Quantity|Category)TypeIdentifier", "", text)
    text = re.sub(r"[\s_.\-]", "", text.lower())
    return re.sub(r"(value|値)$", "", text) if re.sub(r"(value|値)$", "", text) in _BY_NAME else text


def kind_of(name: str) -> Kind | None:
    """Return the vital sign that a header (without its unit) stands for, if any."""
    return _BY_NAME.get(key_name(name))
