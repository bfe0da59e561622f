import pytest

from core.vitals import Choices, ImportRefused, read
from core.vitals.guards import MAX_BYTES
from tests.core.vitals.tables import kinds, read_text, said, table, text_of


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("cp932", "cp932"), ("utf-16", "utf-16")],
)
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_every_encoding_and_delimiter_gives_the_same_readings(encoding: str, name: str, sep: str) -> None:
    imported = read(table(sep=sep).encode(encoding))
    report = imported.report
    assert (report.encoding, report.delimiter, report.header_line) == (name, sep, 1)
    assert [(s.source, s.key, s.unit) for s in imported.signals] == [
        ("心拍数", "HR", "回/分"),
        ("SpO2", "SpO2", "%"),
    ]
    assert imported.signals[0].values.tolist() == [70 + i % 7 for i in range(20)]
    clock = imported.clock
    assert (clock.kind, clock.regular, clock.interval_s) == ("datetime", True, 60.0)
    assert (report.rows.read, report.rows.kept, report.rows.dropped) == (20, 20, 0)


def test_decimal_commas_between_semicolons_are_no_columns() -> None:
    rows = [f"2024-05-01 07:{i:02d}:00;36,{i % 10};7{i % 10},5" for i in range(20)]
    imported = read_text(text_of("Date;体温;HR", *rows))
    assert imported.report.delimiter == ";"
    assert imported.signals[0].values[3] == pytest.approx(36.3)
    assert "decimal_comma" in kinds(imported)
    assert not imported.scriptable


def test_title_rows_a_blank_line_and_a_unit_row_are_found_and_told() -> None:
    body = table(header="日時,体温,血圧(上)").splitlines()
    text = "\n".join(["病棟一覧,,", ",,", body[0], ",(℃),(mmHg)", *body[1:]])
    imported = read(text.encode("utf-8-sig"))
    assert imported.report.header_line == 3
    assert [(s.label, s.unit) for s in imported.signals] == [("体温", "℃"), ("収縮期血圧(血圧(上))", "mmHg")]
    lines = {p.kind: p.line for p in imported.problems}
    assert (lines["title"], lines["unit_row"]) == (1, 4)


def test_a_header_whose_cells_all_carry_units_is_no_unit_row() -> None:
    imported = read_text(text_of("時間(秒),心拍数(回/分),SpO2(%)", "0,70,97", "1,71,98", "2,72,99"))
    assert [s.unit for s in imported.signals] == ["回/分", "%"]
    assert imported.clock.kind == "elapsed"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "空です"),
        (b"\n\n", "空です"),
        (b"PK\x03\x04....", "CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0....", ".xls"),
        (b"\x1f\x8b....", "gzip"),
        (b"a,b\n" * (MAX_BYTES // 4 + 1), "5MB"),
        (b"\x81\xff\xfe\x00bad", "文字コード"),
        ("時刻,心拍\n10,7\x000\n".encode(), "2行目"),
        ("時刻,心拍数\n1,70\n".encode("utf-16-le"), "utf-16-le"),
        (b"only one column\n1\n2\n", "区切り"),
        (b"1,2,3\n" * 20, "見出し"),
        (b"a,b\n" + b"x," * 70 + b"\n", "2行目の列が多すぎます"),
        (b"a,b\n" + b"1," + b"9" * 20000, "2行目が長すぎます"),
        (b"time,hr\n" + b"1,70\n" * 100_001, "100,000"),
        (b"time,hr\n" + b"\n" * 200_000, "100,000"),
        (b'time,hr,note\n1,70,\n2,71,"open\n3,72,\n', "3行目の引用符"),
        (b'time,hr,note\n1,7\x000,\n2,71,"open\n3,72,\n', "3行目の引用符"),
        (b"time,comment\n1,a\n2,b\n", "数値の列"),
        (b"time,hr\n", "見出し"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(data: bytes, words: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(data)
    assert words in str(refusal.value)


def test_a_workbook_is_refused_by_its_name() -> None:
    with pytest.raises(ImportRefused, match="xlsx"):
        read(table().encode(), "記録.XLSX")


def test_rows_out_of_order_repeated_and_unreadable_are_reported_with_their_lines() -> None:
    lines = table(12).splitlines()
    lines[3], lines[4] = lines[4], lines[3]
    lines.insert(6, lines[5])
    lines.append("2024-05-01,71,96")
    lines.append("2024-05-01 07:30,71")
    imported = read("\n".join(lines).encode())
    found = {(p.line, p.kind) for p in imported.problems}
    assert {(5, "order"), (7, "duplicate"), (15, "time"), (16, "width")} <= found
    assert (imported.report.rows.read, imported.report.rows.kept, imported.report.rows.dropped) == (15, 12, 3)
    assert imported.signals[0].values.tolist() == [70 + i % 7 for i in range(12)]


def test_many_lines_of_one_kind_become_one_problem_that_counts_them() -> None:
    lines = table(30).splitlines()
    lines += [line + ",extra" for line in lines[1:11]]
    (problem,) = [p for p in read("\n".join(lines).encode()).problems if p.kind == "width"]
    assert problem.line == 32
    assert "全10件:32、33、34、35、36、37、38、39… 行目" in problem.message


@pytest.mark.parametrize(
    ("keep", "value", "kept"), [("first", 60.0, 3), ("last", 80.0, 3), ("mean", 70.0, 4)]
)
def test_repeated_times_follow_the_stated_rule(keep: str, value: float, kept: int) -> None:
    text = text_of("time[s],HR", "0,50", "1,60", "1,80", "2,90")
    imported = read_text(text, Choices(duplicates=keep))  # type: ignore[arg-type]
    assert imported.signals[0].values.tolist() == [50, value, 90]
    assert imported.report.rows.kept == kept
    assert "duplicate" in kinds(imported)


def test_repeated_headers_are_told_apart() -> None:
    rows = [f"{i},{i},{i + 1}" for i in range(10)]
    imported = read_text(text_of("time[s],HR,HR", *rows))
    assert [(s.source, s.key) for s in imported.signals] == [("HR", "HR"), ("HR(2)", "HR")]


def test_columns_that_are_not_used_are_named() -> None:
    imported = read_text(text_of("time[s],HR,機種,空き", *(f"{i},{60 + i},HEM-1," for i in range(9))))
    assert "機種" in said(imported, "unused")
    assert "空き" in said(imported, "empty")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"encoding": "utf-8"}, "文字コード utf-8"),
        ({"header_line": 99}, "99行目"),
        ({"mapping": {"ない列": "HR"}}, "指定した列"),
        ({"mapping": {"心拍数": "血圧"}}, "列の意味"),
        ({"patient": "#2"}, "患者を選べません"),
        ({"source": "#2"}, "機器を選べません"),
        ({"clock_format": "%d.%m.%y"}, "時刻を読めません"),
        ({"grid_s": 1e-9}, "並べる間隔を広く"),
    ],
)
def test_choices_that_do_not_fit_the_file_say_so(choices: dict[str, object], words: str) -> None:
    with pytest.raises(ImportRefused) as refusal:
        read(table().encode("cp932"), "a.csv", Choices(**choices))  # type: ignore[arg-type]
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "choices",
    [
        {"encoding": "utf-7"},
        {"delimiter": "|"},
        {"header_line": -1},
        {"grid_s": 0},
        {"limit_s": float("nan")},
    ],
)
def test_choices_that_fit_no_file_are_refused_at_once(choices: dict[str, object]) -> None:
    with pytest.raises(ImportRefused):
        Choices(**choices)  # type: ignore[arg-type]


def test_the_reader_can_override_what_was_found() -> None:
    text = "病棟,東\n注,釈\n" + table(header="いつ,なに,SpO2")
    choices = Choices(
        header_line=3,
        mapping={"なに": "RR", "SpO2": "ignore", "いつ": "clock"},
        clock_format="%Y-%m-%d %H:%M",
        missing={"なに": (70.0,)},
    )
    imported = read_text(text, choices)
    assert [(s.source, s.key, s.unit) for s in imported.signals] == [("なに", "RR", "回/分")]
    assert imported.report.columns[0].missing == 3
    assert {"ignored", "sentinel"} <= kinds(imported)


def test_a_file_without_a_header_can_be_read_when_told() -> None:
    imported = read_text("0,70\n1,71\n2,72\n", Choices(header_line=0, mapping={"列1": "clock", "列2": "HR"}))
    assert imported.clock.kind == "elapsed"
    assert imported.signals[0].values.tolist() == [70, 71, 72]
