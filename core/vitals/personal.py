"""What in a file points to a person. It stops the import before anything is shown."""

from __future__ import annotations

import re

from core.vitals.cells import LONGEST, normalize
from core.vitals.problems import PersonalData

_KINDS = {
    "氏名": r"氏名|姓名|名前|フリガナ|ふりがな|^カナ$|お名前"
    r"|^(first|last|full|patient|user|family|given|sur)?[ _]?name$"
    r"|patient[ _]?name|(first|last|full|user|family|given)[ _]?name",
    "患者番号": r"患者|カルテ|診察券|入院番号|patient[ _]?(id|no|num|code)|^patient$|\bmrn\b"
    r"|medical[ _]?record"
    r"|chart[ _]?(no|num|id)|^kanja",
    "生年月日": r"生年月日|誕生日|birth|\bdob\b|date[ _]of[ _]birth",
    "住所": r"住所|郵便番号|\baddress\b|street|zip[ _]?code|postal",
    "電話番号": r"電話|携帯|\bphone\b|\btel\b|\bfax\b|telephone",
    "メールアドレス": r"メール|e-?mail",
    "保険・個人番号": r"保険|被保険者|マイナンバー|個人番号|\bssn\b|social[ _]security|passport|免許",
}
_PERSONAL = {kind: re.compile(words, re.IGNORECASE) for kind, words in _KINDS.items()}
_TITLE = re.compile(
    r"(患者)?氏名|患者(id|番号|名)|生年月日|住所|電話番号|カルテ番号|フリガナ|\b(patient[ _]?)?name\s*[:,]",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[\w.+-]{1,40}@[\w-]{1,40}\.[\w.]{2,20}")
_PHONE = re.compile(r"(?:\+81[- ]?|0)\d{1,4}[-( ]\d{1,4}[-) ]\d{3,4}")
# Headers of pseudonyms that research data bases use: they tell patients apart and name nobody.
_PSEUDONYM = re.compile(
    r"(patientunitstay|patienthealthsystemstay|subject|(icu|unit)?[ _]?stay|hadm|case|encounter|visit"
    r"|admission|record|participant|person|uniquepid|pid)[ _]?(id|no)?"
    r"|(症例|被験者|対象者|登録|匿名|研究)[ _]?(番号|id|no)?"
    r"|ベッド|病床|病室|部屋|床番号|bed([ _]?(no|id|label))?|room|id|no\.?id",
    re.IGNORECASE,
)


def personal_kind(name: str) -> str | None:
    """Return what about a person a header seems to hold, in our own words, or None."""
    name = normalize(name)
    if is_pseudonym(name):
        return None
    return next((kind for kind, words in _PERSONAL.items() if words.search(name)), None)


def is_personal(name: str) -> bool:
    """Say whether a header looks as if the column names or points to a person."""
    return personal_kind(name) is not None


def names_person(name: str) -> bool:
    """Say whether a header names a person rather than where to reach one, so that it tells patients apart."""
    return personal_kind(name) in ("氏名", "患者番号", "生年月日", "保険・個人番号")


def is_pseudonym(name: str) -> bool:
    """Say whether a header tells patients apart without naming them, such as ``patientunitstayid``."""
    return _PSEUDONYM.fullmatch(normalize(name)) is not None


def holds_contacts(cells: list[str]) -> bool:
    """Say whether a column of text holds a telephone number or a mail address, whatever its header says."""
    for cell in set(cells):
        if "@" not in cell and cell.isascii() and cell[:1] not in ("0", "+"):
            continue
        text = normalize(cell)
        if len(text) > 4 * LONGEST:
            continue
        if "@" in text and _MAIL.search(text):
            return True
        match = _PHONE.fullmatch(text)
        if match and sum(c.isdigit() for c in text) in (10, 11, 12):
            return True
    return False


def is_personal_title(row: list[str]) -> bool:
    """Say whether a row above or between the tables speaks of a person."""
    return any(_TITLE.search(normalize(cell) + ",") for cell in row)


def refuse_personal(columns: list[tuple[int, str]], title_lines: list[int]) -> PersonalData:
    """Return the refusal for ``columns`` (position from 1, kind) and titles on ``title_lines``."""
    places = [f"{position}列目({kind})" for position, kind in columns]
    places += [f"{line}行目の表題" for line in title_lines[:4]]
    return PersonalData(
        f"{'、'.join(places)}が、個人を特定できる項目に見えるため、読み込みを止めました"
        "(内容は表示も保存もしていません)。その項目を取り除いて読み込むか、消したCSVを選び直してください。",
        tuple(position for position, _ in columns),
    )
