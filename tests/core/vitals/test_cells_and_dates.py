import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vitals import Choices
from core.vitals.cells import parse_column, to_number, to_pair
from core.vitals.dates import read_datetimes, read_times_of_day
from core.vitals.signals import canonical_unit, kind_of, split_unit
from tests.core.vitals.tables import kinds, read_text, said, text_of


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("８０", 80.0),
        ("36．5", 36.5),
        ("95%", 95.0),
        ("1,013", 1013.0),
        ("↑132", 132.0),
        ("132↓", 132.0),
        ("H 132", 132.0),
        ("−3", -3.0),
        ("ー3", -3.0),
        ("1e2", 100.0),
        ("", None),
        ("---", None),
        ("測定不能", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("128/76", None),
        ("36,5", None),
        ("<50", None),
        ("9" * 70, None),
    ],
)
def test_cells(cell: str, value: float | None) -> None:
    got = to_number(cell)
    assert np.isnan(got) if value is None else got == value


@given(st.floats(-1e6, 1e6).map(lambda v: round(v, 3)))
def test_any_number_survives_being_written_full_width(value: float) -> None:
    wide = f"{value:.3f}".translate({ord(c): ord(c) + 0xFEE0 for c in "0123456789.-"})
    assert to_number(wide) == value


def test_a_comma_is_a_point_only_where_no_thousands_fit() -> None:
    assert parse_column(["36,5", "37,0"]).values.tolist() == [36.5, 37.0]
    assert parse_column(["1,013", "1,015"]).values.tolist() == [1013.0, 1015.0]
    mixed = parse_column(["36,5", "37.0"])
    assert np.isnan(mixed.values[0])
    assert mixed.gone == {"36,5": 1}


def test_pairs() -> None:
    assert [to_pair(cell) for cell in ("128/76", "１２８／７６", "128/76 (93)", "5/1", "a/b")] == [
        (128, 76),
        (128, 76),
        (128, 76),
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("cell", "time"),
    [
        ("2024-05-01 07:05", "2024-05-01T07:05"),
        ("2024/5/1 7:05:09", "2024-05-01T07:05:09"),
        ("2024年5月1日 7:05", "2024-05-01T07:05"),
        ("２０２４年５月１日　７時５分", "2024-05-01T07:05"),
        ("令和6年5月1日 7:05", "2024-05-01T07:05"),
        ("R6.5.1 7:05", "2024-05-01T07:05"),
        ("令和元年5月1日", "2019-05-01"),
        ("平成31年4月30日(火)午後7時5分", "2019-04-30T19:05"),
        ("S64.1.7 06:33", "1989-01-07T06:33"),
        ("2024.5.1 7:05", "2024-05-01T07:05"),
        ("20240501 0705", "2024-05-01T07:05"),
        ("5/13/2024 12:05 AM", "2024-05-13T00:05"),
        ("13.05.2024 07:05", "2024-05-13T07:05"),
        ("2024-05-01 07:05:00 +0900", "2024-05-01T07:05"),
        ("2026-09-12T14:55:10Z", "2026-09-12T23:55:10"),
        ("2026-09-12T14:55:10.5-05:00", "2026-09-13T04:55:10.5"),
    ],
)
def test_points_in_time(cell: str, time: str) -> None:
    dated = read_datetimes([cell] * 3)
    assert dated is not None
    assert dated.seconds[0] == (np.datetime64(time, "ms") - np.datetime64(0, "ms")) / np.timedelta64(1, "s")


@pytest.mark.parametrize("cell", ["10:00", "2024-02-30 07:00", "2024-05-01 25:00", "5/1 7:00", "令和", "72"])
def test_what_is_no_point_in_time(cell: str) -> None:
    assert read_datetimes([cell] * 3) is None


def test_a_date_that_can_be_read_two_ways_is_told() -> None:
    dated = read_datetimes(["05/06/2024 10:00", "05/07/2024 10:00"])
    assert dated is not None
    assert dated.note
    only = read_datetimes(["05/06/2024 10:00", "05/17/2024 10:00"])
    assert only is not None
    assert not only.note


def test_times_of_day() -> None:
    seconds = read_times_of_day(["7:30", "７時３０分", "00:12:05", ""])
    assert seconds is not None
    assert seconds[:3].tolist() == [27000, 27000, 725]
    assert read_times_of_day(["7:75", "8:80"]) is None


def test_utc_is_shown_in_japans_time_and_a_plain_time_claims_no_zone() -> None:
    rows = [f"2026-09-12T14:55:{i:02d}Z,{70 + i}" for i in range(20)]
    imported = read_text(text_of("timestamp,beats per minute", *rows))
    assert imported.report.clock is not None
    assert imported.report.clock.start == "2026-09-12T23:55:00+09:00"
    assert "Asia/Tokyo" in said(imported, "zone")
    plain = read_text(text_of("日時,脈拍", *(f"2024/5/1 7:{i:02d},{70 + i}" for i in range(9))))
    assert plain.report.clock is not None
    assert plain.report.clock.start == "2024-05-01T07:00:00"


def test_a_column_of_zones_moves_each_row() -> None:
    rows = ["2024/01/01 00:00,America/New_York,60", "2024/01/01 14:01,Asia/Tokyo,61"]
    imported = read_text(text_of("測定日,タイムゾーン,脈拍", *rows))
    assert np.diff(imported.clock.times).tolist() == [60.0]  # midnight in New York is 14:00 in Tokyo


def test_a_bare_time_of_day_never_becomes_today() -> None:
    imported = read_text(text_of("時刻,心拍数", *(f"10:{i:02d},{70 + i}" for i in range(20))))
    assert (imported.clock.kind, imported.clock.times[0], imported.clock.interval_s) == ("elapsed", 36000, 60)
    assert "日付は補いません" in said(imported, "clock")
    muddled = read_text(text_of("時刻,心拍数", "10:00,70", "09:00,71", "11:00,72"))
    assert muddled.clock.kind == "rows"


def test_time_of_day_passes_midnight_once() -> None:
    imported = read_text(text_of("時刻,心拍数", "22:00,70", "23:00,71", "00:00,72", "01:00,73"))
    assert (imported.clock.times / 3600).tolist() == [22, 23, 24, 25]


def test_date_and_time_in_two_columns_are_one_clock() -> None:
    imported = read_text(text_of("日付,時刻,脈拍", *(f"2024/5/1,{7 + i}:30,{60 + i}" for i in range(9))))
    assert (imported.clock.kind, imported.clock.interval_s) == ("datetime", 3600.0)
    assert imported.report.clock is not None
    assert imported.report.clock.start == "2024-05-01T07:30:00"


@pytest.mark.parametrize(
    ("header", "step"),
    [
        ("Time [s]", 1.0),
        ("time_min", 60.0),
        ("経過(分)", 60.0),
        ("observationoffset", 60.0),
        ("t(ms)", 0.001),
    ],
)
def test_elapsed_time_is_a_clock_of_its_own(header: str, step: float) -> None:
    imported = read_text(text_of(f"{header},HR", *(f"{i - 5},{60 + i}" for i in range(20))))
    clock = imported.clock
    assert clock.kind == "elapsed"
    assert clock.interval_s == pytest.approx(step)
    assert clock.times[0] == pytest.approx(-5 * step)


def test_the_clocks_format_can_be_chosen() -> None:
    text = text_of("time,HR", *(f"{i},{60 + i}" for i in range(9)))
    assert read_text(text, Choices(clock_format="h")).clock.interval_s == 3600
    assert read_text(text, Choices(clock_format="rows")).clock.kind == "rows"
    day_first = text_of("time,HR", *(f"0{i}/05/2024 10:00,{60 + i}" for i in range(1, 9)))
    assert read_text(day_first, Choices(clock_format="%d/%m/%Y %H:%M")).clock.interval_s == 86400


def test_seconds_since_1970_are_points_in_time() -> None:
    imported = read_text(text_of("timestamp,HR", *(f"{1714546800 + 60 * i},{60 + i}" for i in range(9))))
    assert imported.report.clock is not None
    assert imported.report.clock.start == "2024-05-01T16:00:00+09:00"


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("SpO2[%]", ("SpO2", "%")),
        ("血圧(上)", ("血圧(上)", "")),
        ("血圧(上)[mmHg]", ("血圧(上)", "mmHg")),
        ("最高血圧(mmHg)", ("最高血圧", "mmHg")),
        ("HR(2)", ("HR(2)", "")),
    ],
)
def test_units_in_headers(name: str, split: tuple[str, str]) -> None:
    assert split_unit(name) == split


def test_units_written_differently_are_one() -> None:
    assert {canonical_unit(u) for u in ("bpm", "/分", "(回/分)", "count/min", "ｂｐｍ")} == {"回/分"}
    assert [canonical_unit(u) for u in ("°C", "degF", "％", "foo")] == ["℃", "℉", "%", "foo"]


def test_headers_that_mean_a_vital_sign() -> None:
    names = {
        "HR": "HR",
        "Solar8000/HR": "HR",
        "HR.1": "HR",
        "Heart Rate": "HR",
        "脈拍": "pulse",
        "最高血圧": "SBP",
        "血圧(下)": "DBP",
        "systemicsystolic": "SBP",
        "Solar8000/NIBP_MBP": "MAP",
        "RESP": "RR",
        "sao2": "SpO2",
        "ＳｐＯ２": "SpO2",
        "HKQuantityTypeIdentifierOxygenSaturation": "SpO2",
        "体温": "temperature",
        "センサーグルコース値": "glucose",
    }
    assert {name: kind.key for name in names if (kind := kind_of(name))} == names
    assert [kind_of(n) for n in ("chart", "pasystolic", "室温", "mapped", "Average heart rate")] == [None] * 5


def test_units_in_cells_are_taken_off_and_told() -> None:
    imported = read_text(text_of("time[s],脈拍,体温", *(f"{i},{60 + i}回/分,36.{i}℃" for i in range(9))))
    assert [s.unit for s in imported.signals] == ["回/分", "℃"]
    assert imported.signals[1].values[4] == np.float32(36.4)
    assert "cell_unit" in kinds(imported)
