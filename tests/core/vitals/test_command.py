import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.vitals.__main__ import main
from tests.core.vitals.tables import table

SAMPLES = Path(__file__).parent.parent / "samples"
KEYS = ["encoding", "delimiter", "header_line", "columns", "clock", "rows", "problems", "refused"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main([*arguments, "--json"])
    report = json.loads(capsys.readouterr().out)
    assert list(report) == KEYS
    return code, report


def kinds(report: dict[str, Any]) -> set[str]:
    return {problem["kind"] for problem in report["problems"]}


def test_a_blood_pressure_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run(capsys, str(SAMPLES / "01_omron_connect_cp932.csv"))
    assert (code, report["encoding"], report["delimiter"], report["header_line"]) == (0, "cp932", ",", 1)
    assert [(c["signal"], c["unit"], c["rows"]) for c in report["columns"]] == [
        ("SBP", "mmHg", 77),
        ("DBP", "mmHg", 77),
        ("pulse", "回/分", 77),
    ]
    clock = report["clock"]
    assert (clock["kind"], clock["regular"]) == ("datetime", False)
    assert clock["interval_s"] == pytest.approx(8 * 3600, rel=0.1)
    assert clock["start"] < clock["end"]
    assert report["rows"] == {"read": 77, "kept": 77, "dropped": 0}
    assert {"order", "irregular", "unused"} <= kinds(report)


def test_a_ward_table_from_excel(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run(capsys, str(SAMPLES / "02_excel_bom_zenkaku_unitrow.csv"))
    assert (code, report["encoding"], report["header_line"]) == (0, "utf-8-sig", 4)
    columns = {c["signal"]: (c["unit"], c["missing"], c["flagged"]) for c in report["columns"]}
    assert columns == {
        "HR": ("回/分", 4, 0),
        "SpO2": ("%", 7, 0),
        "SBP": ("mmHg", 6, 3),
        "DBP": ("mmHg", 6, 0),
        "temperature": ("℃", 4, 0),
    }
    assert report["clock"]["start"] == "2024-05-01T07:00:00"
    assert report["clock"]["interval_s"] == 1200
    marks = [p["line"] for p in report["problems"] if p["kind"] == "mark"]
    assert marks == [14, 43, 72]
    assert any("測定不能 7件" in p["message"] for p in report["problems"])


def test_a_watch_in_utc(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run(capsys, str(SAMPLES / "09_fitbit_utc_dups_gap.csv"))
    assert code == 0
    assert report["rows"] == {"read": 410, "kept": 400, "dropped": 10}
    assert report["clock"]["start"].startswith("2026-09-12T23:55:10")
    assert report["clock"]["end"].startswith("2026-09-13T")
    assert {"zone", "duplicate", "order", "gap", "irregular", "resample", "filled"} <= kinds(report)


def test_two_patients(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(SAMPLES / "10_eicu_two_patients_interleaved.csv")
    code, report = run(capsys, path)
    assert code == 2
    assert "2 人分" in report["refused"]
    assert "90000" not in report["refused"]
    code, report = run(capsys, path, "--patient", "900001")
    assert (code, report["clock"]["kind"], report["clock"]["interval_s"]) == (0, "elapsed", 300)
    assert report["clock"]["start"] < 0
    assert {c["signal"] for c in report["columns"]} == {"HR", "SpO2", "RR"}


def test_a_broken_file(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = run(capsys, str(SAMPLES / "12_truncated_unclosed_quote_nul.csv"))
    assert code == 2
    assert "21行目の引用符" in report["refused"]
    assert "51行目" in report["refused"]
    assert report["columns"] == []


def test_every_choice_is_an_option(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(table(30, header="いつ,値,他", sep=";").encode("cp932"))
    options = ["--encoding", "cp932", "--delimiter", ";", "--header-line", "1", "--map", "値=temperature"]
    options += ["--unit", "値=degF", "--map", "いつ=clock", "--clock-format", "%Y-%m-%d %H:%M"]
    options += ["--map", "他=ignore", "--missing", "値=70,71", "--grid", "120", "--limit", "600"]
    options += ["--duplicates", "mean", "--convert", "--remove-personal"]
    code, report = run(capsys, str(path), *options)
    assert code == 0
    assert [(c["signal"], c["unit"], c["rows"]) for c in report["columns"]] == [("temperature", "℃", 30)]
    assert (report["clock"]["interval_s"], report["clock"]["regular"]) == (120, True)
    code, report = run(capsys, str(path), "--daily", "朝")
    assert (code, report["clock"]["interval_s"]) == (0, 86400)


@pytest.mark.parametrize(
    "arguments",
    [
        ["nowhere.csv"],
        ["."],
        [],
        ["a\0b"],
        ["x.csv", "--grid", "x"],
        ["x.csv", "--map", "HR"],
        ["x.csv", "--wrong"],
        ["x.csv", "--missing", "HR=a"],
        ["x.csv", "--duplicates", "some"],
    ],
)
def test_wrong_calls_are_refused_in_japanese(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    code, report = run(capsys, *arguments)
    assert code == 2
    assert "ください" in report["refused"]


def test_the_command_speaks_japanese_wherever_it_runs() -> None:
    command = [sys.executable, "-m", "core.vitals", str(SAMPLES / "02_excel_bom_zenkaku_unitrow.csv")]
    root = Path(__file__).parents[3]
    plain = {"PYTHONIOENCODING": "ascii", "PATH": ""}
    done = subprocess.run(command, capture_output=True, cwd=root, env=plain, check=True)
    assert "見出し: 4 行目" in done.stdout.decode()
    broken = [*command[:3], str(SAMPLES / "12_truncated_unclosed_quote_nul.csv")]
    refused = subprocess.run(broken, capture_output=True, cwd=root, env=plain, check=False)
    assert refused.returncode == 2
    assert "21行目" in refused.stderr.decode()
    assert "Traceback" not in refused.stderr.decode()


def test_a_reader_that_closes_the_pipe_gets_no_traceback() -> None:
    command = (
        f"{sys.executable} -m core.vitals {SAMPLES / '02_excel_bom_zenkaku_unitrow.csv'} --json | head -c 1"
    )
    ended = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=SAMPLES.parents[2], check=False
    )
    assert (ended.stdout, ended.stderr) == ("{", "")
