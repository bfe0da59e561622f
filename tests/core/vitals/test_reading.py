import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vitals import Refused, read
from core.vitals.clock import lay_grid
from core.vitals.columns import is_personal, kind_of, split_unit, to_number
from core.vitals.reading import MAX_BYTES


def table(rows: int = 20, header: str = "時刻,心拍数,SpO2", sep: str = ",") -> str:
    lines = [header] + [f"2024-05-01 07:{i:02d},{70 + i % 7},{95 + i % 4}" for i in range(rows)]
    return "\r\n".join(lines).replace(",", sep) + "\r\n"


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp932", "cp932"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_every_encoding_and_delimiter_gives_the_same_readings(encoding: str, said: str, sep: str) -> None:
    imported = read(table(sep=sep).encode(encoding))
    assert (imported.encoding, imported.delimiter, imported.header_line) == (said, sep, 1)
    assert [(s.source, s.unit) for s in imported.signals] == [("心拍数", "回/分"), ("SpO2", "%")]
    assert imported.signals[0].values.tolist() == [70 + i % 7 for i in range(20)]
    assert (imported.clock, imported.regular, imported.interval_s) == ("datetime", True, 60.0)
    assert (imported.rows_read, imported.rows_kept) == (20, 20)


def test_title_rows_a_blank_line_and_a_unit_row_are_found() -> None:
    body = table(header="日時,体温,血圧(上)").splitlines()
    text = "\n".join(["病棟一覧,,", ",,", body[0], ",(℃),(mmHg)", *body[1:]])
    imported = read(text.encode("utf-8-sig"))
    assert imported.header_line == 3
    assert [(s.label, s.unit) for s in imported.signals] == [("体温", "°C"), ("収縮期血圧(血圧(上))", "mmHg")]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("８０", 80.0),
        ("36．5", 36.5),
        ("95%", 95.0),
        ("1,013", 1013.0),
        ("↑132", 132.0),
        ("−3", -3.0),
        ("1e2", 100.0),
        ("", None),
        ("---", None),
        ("測定不能", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("128/76", None),
    ],
)
def test_cells(cell: str, value: float | None) -> None:
    got = to_number(cell)
    assert np.isnan(got) if value is None else got == value


@given(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)))
def test_any_number_survives_being_written_full_width(value: float) -> None:
    wide = f"{value:.3f}".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789.-"})
    assert to_number(wide) == value


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空です"),
        (b"\n\n", "空です"),
        (b"PK\x03\x04....", "CSV UTF-8"),
        (b"\x1f\x8b....", "gzip"),
        (b"a,b\n" * (MAX_BYTES // 4 + 1), "5MB"),
        (b"\x81\xff\xfe\x00bad", "文字コード"),
        ("時刻,心拍\n10,7\x000\n".encode(), "2行目"),
        (b"only one column\n1\n2\n", "区切り"),
        (b"1,2,3\n" * 20, "見出し"),
        (b"a,b\n" + b"x," * 70 + b"\n", "列が多すぎます"),
        (b"a,b\n" + b"1," + b"9" * 20000, "長すぎます"),
        (b"time,hr\n" + b"1,70\n" * 100_001, "100,000"),
        ("氏名,心拍数\n山田,70\n".encode(), "個人"),
        (table(header="時刻,患者ID,SpO2").encode(), "2列目"),
        (b'time,hr,note\n1,70,\n2,71,"open\n3,72,\n', "3行目の引用符"),
        (b"time,comment\n1,a\n2,b\n", "数値の列"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(data)
    assert words in str(refusal.value)
    assert "山田" not in str(refusal.value)


def test_rows_out_of_order_repeated_and_unreadable_are_reported_with_their_lines() -> None:
    lines = table(12).splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    lines.insert(6, lines[5])
    lines.append("2024-05-01,71,96")
    lines.append("2024-05-01 07:30,71")
    imported = read("\n".join(lines).encode())
    kinds = {(p.line, p.kind) for p in imported.problems}
    assert {(None, "order"), (7, "duplicate"), (15, "time"), (16, "width")} <= kinds
    assert (imported.rows_read, imported.rows_kept) == (15, 12)
    assert imported.signals[0].values.tolist() == [70 + i % 7 for i in range(12)]


def test_a_gap_stays_a_gap() -> None:
    lines = table(30).splitlines()
    del lines[11:16]
    imported = read("\n".join(lines).encode())
    assert np.flatnonzero(np.isnan(imported.signals[0].values)).tolist() == [10, 11, 12, 13, 14]
    assert any(p.kind == "gap" and "5 点" in p.message for p in imported.problems)


def test_elapsed_seconds_with_spaces_in_the_header_and_nan_stretches() -> None:
    rows = [f"{i},{60 + i % 5},{'NaN' if 8 <= i < 20 else 15},{98}" for i in range(40)]
    imported = read("\n".join(["Time [s], HR, RESP, SpO2", *rows]).encode())
    assert (imported.clock, imported.clock_column, imported.interval_s) == ("elapsed", "Time [s]", 1.0)
    assert [s.label for s in imported.signals] == ["心拍数(HR)", "呼吸数(RESP)", "SpO₂(SpO2)"]
    assert imported.signal("RESP").missing == 12
    assert any(p.column == "RESP" and "NaN 12件" in p.message for p in imported.problems)


def test_utc_times_are_shown_in_japans_time() -> None:
    lines = ["timestamp,beats per minute"] + [f"2026-09-12T14:55:{i:02d}Z,{70 + i}" for i in range(20)]
    imported = read("\n".join(lines).encode())
    assert str(np.datetime64(int(imported.times[0]), "s")) == "2026-09-12T23:55:00"


def test_a_bare_time_of_day_never_becomes_today() -> None:
    lines = ["時刻,心拍数"] + [f"10:{i:02d},{70 + i}" for i in range(20)]
    imported = read("\n".join(lines).encode())
    assert imported.clock == "rows"
    assert any(p.kind == "clock" for p in imported.problems)


def test_irregular_readings_are_called_irregular() -> None:
    times = np.cumsum([30000, 20000, 41000, 35000, 12345, 50000, 30100, 28000]).astype(float)
    assert not lay_grid(times).regular
    assert lay_grid(np.array([0.0, 60, 120, 300, 360])).position.tolist() == [0, 1, 2, 5, 6]


def test_repeated_headers_are_told_apart() -> None:
    rows = "\n".join(f"{i},{i},{i + 1}" for i in range(10))
    imported = read(f"time[s],HR,HR\n{rows}\n".encode())
    assert [s.source for s in imported.signals] == ["HR", "HR(2)"]


@pytest.mark.parametrize(
    ("name", "split"),
    [("SpO2[%]", ("SpO2", "%")), ("血圧(上)", ("血圧(上)", "")), ("最高血圧(mmHg)", ("最高血圧", "mmHg"))],
)
def test_units_in_headers(name: str, split: tuple[str, str]) -> None:
    assert split_unit(name) == split


def test_headers_that_mean_a_vital_sign_and_those_that_point_to_a_person() -> None:
    known = {
        n: k.label for n in ("HR", "Solar8000/HR", "sao2", "systemicsystolic", "体温") if (k := kind_of(n))
    }
    assert list(known.values()) == ["心拍数", "心拍数", "SpO₂", "収縮期血圧", "体温"]
    assert kind_of("chart") is None
    assert all(
        map(is_personal, ("氏名", "患者ID", "生年月日", "住所", "電話番号", "Patient ID", "name", "MRN"))
    )
    assert not any(map(is_personal, ("心拍数", "SpO2", "機種", "timestamp", "filename")))


@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_a_refusal(data: bytes) -> None:
    with contextlib.suppress(Refused):
        read(b"time,hr\n1,2\n" + data)
