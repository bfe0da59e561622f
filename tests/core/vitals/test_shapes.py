import numpy as np
import pytest

from core.vitals import Choices, ImportRefused, PatientNeeded, PersonalData
from core.vitals.personal import is_personal
from core.vitals.shapes import slot_of
from tests.core.vitals.tables import kinds, read_text, said, text_of

WIDE = text_of(
    "日付,測定時間(朝),最高血圧(朝),最低血圧(朝),測定時間(晩),最高血圧(晩),最低血圧(晩)",
    *(f"2024/5/{d},7:{d:02d},{120 + d},70,21:30,{130 + d},80" for d in range(1, 10)),
    "2024/5/10,7:10,130,70,,,",
)
LONG = text_of(
    "type,sourceName,unit,startDate,value",
    *(
        f"{kind},{device},{unit},2024-05-01 07:{i:02d}:00 +0900,{value}"
        for i in range(20)
        for kind, device, unit, value in (
            ("HeartRate", "Watch", "count/min", 60 + i),
            ("OxygenSaturation", "Phone" if i % 2 else "Watch", "%", 0.97),
            ("BodyTemperature", "Watch", "degF", 98.6),
        )
    ),
)
BEDSIDE = text_of(
    "Date;HR;HR_STATE;SpO2;SpO2_STATE",
    *(f"2024-05-01 07:{i:02d}:00;{80 + i};0;97;0" for i in range(20)),
    "",
    "Date;HR;HR_STATE;SpO2;SpO2_STATE;RR;RR_STATE",
    *(f"2024-05-01 07:{i:02d}:00;{8388607 if i == 30 else 80};0;97;0;{i};0" for i in range(20, 40)),
)
STACKED = text_of(
    "Name,Sport,Date,Duration",
    "山田カナリア,RUNNING,01-05-2024,00:01:00",
    "Sample rate,Time,HR (bpm)",
    *(f"{'1' if i == 0 else ''},00:00:{i:02d},{80 + i}" for i in range(60)),
)


def test_morning_and_evening_columns_become_rows() -> None:
    imported = read_text(WIDE)
    assert imported.shape == "wide"
    assert [(s.source, s.key) for s in imported.signals] == [("最高血圧", "SBP"), ("最低血圧", "DBP")]
    assert imported.raw.values["最高血圧"][:4].tolist() == [121, 131, 122, 132]
    assert (imported.report.rows.read, imported.report.rows.kept) == (10, 10)
    assert len(imported.raw.seconds) == 19
    assert not imported.clock.regular
    assert not imported.scriptable


def test_slots_without_times_get_stated_ones() -> None:
    text = text_of("日付,朝 最高血圧,晩 最高血圧", *(f"2024/5/{d},{120 + d},{130 + d}" for d in range(1, 9)))
    imported = read_text(text)
    assert "朝は 7:00、晩は 21:00" in said(imported, "wide")
    assert np.unique(imported.raw.seconds % 86400 / 3600).tolist() == [7, 21]


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("最高血圧(朝)", ("最高血圧", "朝")),
        ("最高血圧(夜)", ("最高血圧", "晩")),
        ("朝の脈拍", ("脈拍", "朝")),
        ("Morning_SBP", ("SBP", "朝")),
        ("SBP_pm", ("SBP", "晩")),
        ("amplitude", None),
        ("日付", None),
        ("spam", None),
    ],
)
def test_slots_in_headers(name: str, split: tuple[str, str] | None) -> None:
    assert slot_of(name) == split


def test_one_reading_a_row_becomes_one_column_a_kind() -> None:
    imported = read_text(LONG)
    assert imported.shape == "long"
    assert [(s.key, s.unit) for s in imported.signals] == [
        ("HR", "回/分"),
        ("SpO2", "0-1"),
        ("temperature", "℉"),
    ]
    assert imported.signals[0].values.tolist() == [60 + i for i in range(20)]
    assert [c.rows for c in imported.report.columns] == [20, 20, 20]
    assert [p.kind for p in imported.proposals] == ["convert", "convert"]


def test_units_are_converted_only_after_asking() -> None:
    asked = read_text(LONG)
    assert asked.signals[1].values[0] == np.float32(0.97)
    accepted = read_text(LONG, asked.proposals[0].accept)
    assert [(s.unit, float(s.values[0])) for s in accepted.signals[1:]] == [("%", 97.0), ("℃", 37.0)]
    assert "convert" in kinds(accepted)


def test_several_devices_are_told_and_one_can_be_chosen() -> None:
    everything = read_text(LONG)
    assert "2 種類の機器" in said(everything, "source")
    assert [(o.value, o.rows) for o in everything.sources] == [("Watch", 50), ("Phone", 10)]
    watch = read_text(LONG, Choices(source="Watch"))
    assert watch.report.columns[1].rows == 10
    assert watch.report.rows.dropped == 10
    assert read_text(LONG, Choices(source="#1")).report == watch.report


def test_a_wider_header_in_the_middle_goes_on_with_the_same_table() -> None:
    imported = read_text(BEDSIDE)
    assert [s.key for s in imported.signals] == ["HR", "SpO2", "RR"]
    assert (imported.report.rows.read, imported.report.rows.kept) == (40, 40)
    assert np.isnan(imported.signals[0].values[30])
    assert np.isnan(imported.signals[2].values[:20]).all()
    found = {p.kind: p.line for p in imported.problems}
    assert (found["header_again"], found["impossible"]) == (23, 34)
    assert "HR_STATE" in said(imported, "unused")


def test_of_stacked_tables_the_one_with_readings_is_read() -> None:
    imported = read_text(STACKED, Choices(remove_personal=True))
    assert imported.report.header_line == 3
    assert [s.source for s in imported.signals] == ["HR (bpm)"]
    assert imported.clock.interval_s == 1
    assert (imported.report.rows.read, imported.report.rows.dropped) == (61, 1)
    assert "別の表" in said(imported, "table")


def test_a_person_anywhere_stops_the_import_before_anything_is_shown() -> None:
    for text in (
        STACKED,
        text_of("氏名,時刻,心拍数", "山田カナリア,1,70", "山田カナリア,2,71"),
        text_of("患者氏名:山田カナリア,", "時刻[s],心拍数", "1,70", "2,71"),
        text_of("時刻[s],連絡,心拍数", "1,kanaria@example.jp,70", "2,,71"),
        text_of("時刻[s],連絡,心拍数", "1,090-1234-5678,70", "2,,71"),
    ):
        with pytest.raises(PersonalData) as refusal:
            read_text(text)
        assert "カナリア" not in str(refusal.value)
        imported = read_text(text, Choices(remove_personal=True))
        assert "カナリア" not in imported.report.to_text() + repr(imported.report)


def test_headers_that_point_to_a_person() -> None:
    named = (
        "氏名",
        "患者ID",
        "生年月日",
        "住所",
        "電話番号",
        "Patient ID",
        "name",
        "MRN",
        "フリガナ",
        "E-mail",
    )
    assert all(map(is_personal, named))
    assert not any(map(is_personal, ("心拍数", "SpO2", "機種", "timestamp", "filename", "patientunitstayid")))


PATIENTS = [f"{900001 + i % 2},{i // 2 * 5 - 20},{80 + 40 * (i % 2) + i % 5}" for i in range(80)]


@pytest.mark.parametrize("header", ["patientunitstayid", "subject_id", "症例番号", "ベッド"])
def test_several_patients_are_never_run_together(header: str) -> None:
    text = text_of(f"{header},observationoffset,heartrate", *PATIENTS)
    with pytest.raises(PatientNeeded) as question:
        read_text(text)
    assert [(o.value, o.rows) for o in question.value.options] == [("#1", 40), ("#2", 40)]
    assert "90000" not in str(question.value)
    one = read_text(text, Choices(patient="#2"))
    assert one.signals[0].values.min() >= 120
    assert read_text(text, Choices(patient="900002")).report == one.report
    assert (one.report.rows.kept, one.report.rows.dropped) == (40, 40)
    assert one.clock.times[0] == -1200
    with pytest.raises(PatientNeeded, match="見つかりません"):
        read_text(text, Choices(patient="#3"))


def test_patients_stay_apart_when_the_column_that_names_them_is_removed() -> None:
    text = text_of("患者ID,時間[分],heartrate", *PATIENTS)
    with pytest.raises(PersonalData):
        read_text(text)
    with pytest.raises(PatientNeeded):
        read_text(text, Choices(remove_personal=True))
    imported = read_text(text, Choices(remove_personal=True, patient="#1"))
    assert imported.signals[0].values.max() < 120


def test_where_to_reach_a_person_tells_no_patients_apart() -> None:
    rows = [f"{i},0{i % 3 + 7}0-1234-567{i},{60 + i}" for i in range(9)]
    imported = read_text(text_of("time[s],電話,HR", *rows), Choices(remove_personal=True))
    assert imported.report.rows.kept == 9


def test_a_pair_of_pressures_is_split() -> None:
    imported = read_text(text_of("time[s],血圧,脈拍", *(f"{i},{120 + i}/{70 + i},60" for i in range(9))))
    assert [(s.source, s.key) for s in imported.signals] == [
        ("血圧(上)", "SBP"),
        ("血圧(下)", "DBP"),
        ("脈拍", "pulse"),
    ]
    assert imported.signals[1].values.tolist() == [70 + i for i in range(9)]


def test_a_refusal_is_the_only_thing_that_comes_out_of_a_wide_table_without_readings() -> None:
    with pytest.raises(ImportRefused):
        read_text(text_of("日付,最高血圧(朝),最高血圧(晩)", "2024/5/1,,", "2024/5/2,,"))
