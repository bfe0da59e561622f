"""A table written in any dialect is read as what was written, up to what the report says."""

import csv
import io
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.script_upload import UploadSource
from core.vitals import Choices, Imported, read
from core.vitals.export import cleaned_csv
from core.vitals.sample import SampleSpec, sample_csv, simulate
from tests.core.test_script import values_of
from tests.core.vitals.tables import kinds

START = datetime(2024, 4, 29, 22, 50)
WIDE = {ord(c): ord(c) + 0xFEE0 for c in "0123456789.-"}
MARKERS = ["", "---", "-", "測定不能", "NaN", "―"]
COLUMNS = {
    "HR": ("心拍数", "回/分"),
    "SBP": ("最高血圧", "mmHg"),
    "SpO2": ("SpO2", "%"),
    "RR": ("呼吸数", "/分"),
}
CLOCKS: dict[str, Callable[[datetime], str]] = {
    "iso": lambda t: t.strftime("%Y-%m-%d %H:%M"),
    "slash": lambda t: f"{t.year}/{t.month}/{t.day} {t.hour}:{t.minute:02d}",
    "kanji": lambda t: f"{t.year}年{t.month}月{t.day}日 {t.hour}:{t.minute:02d}",
    "era": lambda t: f"令和{t.year - 2018}年{t.month}月{t.day}日 {t.hour}:{t.minute:02d}",
    "short era": lambda t: f"R{t.year - 2018}.{t.month}.{t.day} {t.hour}:{t.minute:02d}",
    "half day": lambda t: (
        f"{t.year}/{t.month}/{t.day} {'午前' if t.hour < 12 else '午後'}{t.hour % 12}時{t.minute}分"
    ),
    "utc": lambda t: (t - timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:00Z"),
    "elapsed": lambda t: str((t - START) // timedelta(minutes=1)),
}


def write(
    rng: random.Random, columns: dict[str, list[float | None]], minutes: list[int], clock: str
) -> bytes:
    """Write a table in a dialect of ``rng``."""
    wide, share, units = rng.random() < 0.4, rng.random() < 0.4, rng.random() < 0.5

    def cell(key: str, value: float | None) -> str:
        if value is None:
            return rng.choice(MARKERS)
        text = f"{value:.1f}" if value % 1 or rng.random() < 0.5 else f"{value:.0f}"
        text = text.translate(WIDE) if wide and rng.random() < 0.5 else text
        if key == "SpO2" and share:
            text += "%"
        return "↑" + text if rng.random() < 0.05 else text

    header = ["経過時間[min]" if clock == "elapsed" else "測定日時"]
    header += [name if units else f"{name}({unit})" for name, unit in (COLUMNS[key] for key in columns)]
    if wide:
        header = [name.translate(WIDE) for name in header]
    rows = [
        [
            CLOCKS[clock](START + timedelta(minutes=minute)),
            *(cell(key, own[i]) for key, own in columns.items()),
        ]
        for i, minute in enumerate(minutes)
    ]
    if rng.random() < 0.5:
        rng.shuffle(rows)
    begin = [["病棟の記録"], []] if rng.random() < 0.3 else []
    second = [["", *(f"({COLUMNS[key][1]})" for key in columns)]] if units else []
    file = io.StringIO(newline="")
    ending = rng.choice(["\r\n", "\n"])
    dialect = csv.excel() if rng.random() < 0.5 else csv.unix_dialect()  # the second quotes every cell
    writer = csv.writer(file, dialect, delimiter=rng.choice(",;\t"), lineterminator=ending)
    writer.writerows([*begin, header, *second, *rows])
    return file.getvalue().encode(rng.choice(["utf-8", "utf-8-sig", "cp932", "utf-16"]))


readings = st.none() | st.integers(600, 990).map(lambda tenths: tenths / 10)


@settings(max_examples=120, deadline=None)
@given(
    data=st.data(),
    rng=st.randoms(use_true_random=True),
    keys=st.lists(st.sampled_from(list(COLUMNS)), min_size=1, unique=True),
    minutes=st.lists(st.integers(0, 200), min_size=4, max_size=60, unique=True).map(sorted),
    clock=st.sampled_from(list(CLOCKS)),
)
def test_what_was_written_is_read(
    data: st.DataObject, rng: random.Random, keys: list[str], minutes: list[int], clock: str
) -> None:
    count = len(minutes)
    columns: dict[str, list[float | None]] = {
        key: data.draw(st.lists(readings, min_size=count, max_size=count)) for key in keys
    }
    for own in columns.values():
        own[0], own[-1] = 70.0, 71.5  # a column without any number is none
    imported = read(write(rng, columns, minutes, clock))
    assert [s.key for s in imported.signals] == keys
    zero = 0.0 if clock == "elapsed" else (START - datetime(1970, 1, 1)).total_seconds()
    assert (imported.raw.seconds - zero).tolist() == [60.0 * minute for minute in minutes]
    for signal, own in zip(imported.signals, columns.values(), strict=True):
        wanted = np.array([np.nan if value is None else value for value in own])
        assert np.array_equal(imported.raw.values[signal.source], wanted, equal_nan=True)
        assert imported.report.columns[imported.signals.index(signal)].missing == own.count(None)
    rows = imported.report.rows
    assert (rows.read, rows.kept, rows.dropped) == (count, count, 0)
    assert ("missing" in kinds(imported)) == any(None in own for own in columns.values())
    assert not kinds(imported) & {"time", "duplicate", "width", "impossible"}
    the_script_and_the_cleaned_file_say_the_same(imported)


def the_script_and_the_cleaned_file_say_the_same(imported: Imported) -> None:
    cleaned = cleaned_csv(imported)
    again = read(cleaned, "cleaned.csv", Choices(limit_s=0))
    for before, after in zip(imported.signals, again.signals, strict=True):
        assert (before.key, before.unit) == (after.key, after.unit)
        if imported.clock.regular == again.clock.regular:
            assert np.array_equal(before.values, after.values, equal_nan=True)
        if not imported.scriptable:
            upload = UploadSource.of(imported, before.source, "記録.csv")
            assert upload.file_name == "記録_整えた.csv"
            assert np.array_equal(values_of(upload, cleaned), before.values, equal_nan=True)


def test_the_cleaned_file_opens_in_excel_and_starts_no_formula() -> None:
    rows = "\n".join(f"{i},{60 + i},{i}" for i in range(9))
    imported = read(f"time[s],HR,=cmd|calc\n{rows}\n".encode())
    cleaned = cleaned_csv(imported)
    assert cleaned.startswith(b"\xef\xbb\xbf")
    header = cleaned.decode("utf-8-sig").splitlines()[0].split(",")
    assert header == ["経過[s]", "HR[回/分]", "'=cmd|calc"]


def test_impossible_values_are_missing_in_the_script_too() -> None:
    data = "\n".join(["time[s],HR", *(f"{i},{400 if i == 5 else 60 + i}" for i in range(20))]).encode()
    imported = read(data)
    assert imported.scriptable
    values: Any = values_of(UploadSource.of(imported, "HR", "a.csv"), data)
    assert np.isnan(values[5])
    assert np.array_equal(values, imported.signals[0].values, equal_nan=True)


def test_the_sample_is_read_back_as_it_was_simulated() -> None:
    spec = SampleSpec(seed=3, hours=12)
    assert sample_csv(spec) == sample_csv(spec)
    assert sample_csv(spec) != sample_csv(SampleSpec(seed=4, hours=12))
    imported = read(sample_csv(spec).encode("utf-8-sig"))
    assert [s.key for s in imported.signals] == ["HR", "SBP", "DBP", "RR", "SpO2", "temperature"]
    values = np.column_stack([s.values for s in imported.signals])
    assert np.array_equal(values, simulate(spec).astype(np.float32), equal_nan=True)
    assert imported.clock.regular
    assert np.isnan(values).any()
    early, late = np.nanmean(values[:120], axis=0), np.nanmean(values[-120:], axis=0)
    assert late[0] > early[0] + 20  # tachycardia
    assert late[1] < early[1] - 15
    calm = simulate(SampleSpec(seed=3, hours=12, deterioration=False))
    assert abs(np.nanmean(calm[-120:, 0]) - np.nanmean(calm[:120, 0])) < 15
