import contextlib
import subprocess
import sys
import time
import traceback
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.importer_fuzz import fuzz
from core.vitals import ImportRefused, importer, read
from core.vitals.problems import Unexpected
from tests.core.vitals.tables import table

SECRET = "秘密の値4649"


def test_mutated_files_are_read_or_refused_quickly_and_in_words() -> None:
    outcome = fuzz(files=400, seed=1)
    assert outcome.read > 80
    assert outcome.refused > 80


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_bring_anything_but_a_refusal(data: bytes) -> None:
    for begin in (b"", b"time,hr\n1,2\n", "日時,脈拍\n2024/5/1 7:00,60\n".encode("cp932")):
        with contextlib.suppress(ImportRefused):
            read(begin + data)


@pytest.mark.parametrize(
    "text",
    [
        f'時刻,心拍数,メモ\n1,70,{SECRET}\n2,71,"{SECRET}',
        f"氏名,心拍数\n{SECRET},70\n",
        f"時刻,メモ\n1,{SECRET}\n2,{SECRET}\n",
        f"{SECRET}\n{SECRET}\n",
        f"subject_id,time,HR\n{SECRET},1,70\n{SECRET},2,70\nB,1,70\nB,2,70\n",
        f"時刻,心拍数\n{SECRET},\0\n",
    ],
)
def test_no_value_of_a_refused_file_hangs_on_the_refusal(text: str) -> None:
    def refused() -> ImportRefused:
        data = text.encode()
        try:
            read(data)
        except ImportRefused as refusal:
            return refusal
        raise AssertionError("was read")

    refusal = refused()
    assert refusal.__cause__ is None
    assert refusal.__context__ is None
    assert SECRET not in str(refusal) + repr(refusal) + "".join(traceback.format_exception(refusal))
    frames = [frame for frame, _ in traceback.walk_tb(refusal.__traceback__)]
    assert [frame.f_code.co_name for frame in frames] == ["refused", "read"]


def test_an_error_of_our_own_quotes_nothing_either(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError(SECRET)

    monkeypatch.setattr(importer, "find_clock", broken)
    with pytest.raises(Unexpected) as refusal:
        read(table().encode())
    assert SECRET not in "".join(traceback.format_exception(refusal.value)) + refusal.value.place
    assert refusal.value.place.startswith("KeyError")


def test_a_large_file_is_read_in_three_seconds() -> None:
    rows = (f"{i},{60 + i % 20},{95 + i % 4},{120 + i % 9},{70 + i % 9}" for i in range(100_000))
    data = "\n".join(["time[s],HR,SpO2,SBP,DBP", *rows]).encode()
    begin = time.process_time()
    imported = read(data)
    assert time.process_time() - begin < 3
    assert imported.report.rows.kept == 100_000


def test_a_million_columns_are_refused_at_once() -> None:
    data = b"a," * 1_000_000 + b"\n"
    begin = time.process_time()
    with pytest.raises(ImportRefused):
        read(data)
    assert time.process_time() - begin < 0.5


def test_the_importer_needs_neither_pandas_nor_torch() -> None:
    code = (
        "import sys; from core.vitals import read; from core.vitals.sample import sample_csv;"
        "read(sample_csv().encode()); print({'pandas', 'torch', 'streamlit'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"
