"""Mutated files for the importer: ``python -m benchmarks.importer_fuzz [--files N] [--seed S] [--json]``.

Every file must be read or refused in the importer's own words, within a second and 200 MB over the baseline,
and no refusal may quote a cell. Prints what came of the files, and the slowest and the hungriest of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import statistics
import sys
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass

from core.vitals import Choices, ImportRefused, read
from core.vitals.problems import Unexpected
from core.vitals.sample import SampleSpec, sample_csv

SECONDS = 1.0
MEGABYTES = 200.0
CANARY = "カナリア7391"
_WORDS = (
    "---", "測定不能", "", "95%", "↑132", "128/76", "１２", "1,013", "36,5", "8388607", "-32768", "1e999",
    '"', "'", "\0", "\r", "\n", "\t", ";", ",", "=1+1", "2024-02-30 25:61", "令和6年5月1日", "H31.4.30",
    "NaN", "10:00", "９９９", "−5", "ー5", "\u202e", "\ufeff", "😀", "9" * 70, "x" * 3000, CANARY,
    "氏名", "患者ID", "a@b.jp",
    "090-1234-5678", "2024-05-01T07:00:00Z", "0001-01-01 00:00:00", "9999-12-31 23:59:59", "1e308", "inf",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of the mutated files; sizes in MB over the memory before the first."""

    files: int
    seed: int
    read: int
    refused: int
    median_ms: float
    slowest_ms: float
    growth_mb: float
    reasons: dict[str, int]


def plain_files() -> list[str]:
    """Return one file of each shape, to start from."""
    days = range(1, 29)
    wide = ["日付,測定時間(朝),最高血圧(朝),最低血圧(朝),測定時間(晩),最高血圧(晩),最低血圧(晩)"]
    wide += [f"2024/5/{d},7:{d:02d},{120 + d},{70 + d},21:{d:02d},{125 + d},{72 + d}" for d in days]
    long = ["type,sourceName,unit,startDate,value"]
    for d in days:
        long.append(f"HeartRate,{CANARY},count/min,2024-05-{d:02d} 07:00:00 +0900,{60 + d}")
        long.append(f"OxygenSaturation,Watch,%,2024-05-{d:02d} 07:00:00 +0900,0.9{d % 10}")
    stacked = ["Sport,Date,Duration,Notes", f"RUNNING,01-05-2024,00:01:00,{CANARY}"]
    stacked += ["Sample rate,Time,HR (bpm)"] + [f"1,00:00:{i:02d},{80 + i}" for i in range(60)]
    bedside = ["Date;HR;HR_STATE;SpO2;SpO2_STATE"]
    bedside += [f"2024-05-01 07:{i:02d}:00;{80 + i};0;97,5;0" for i in range(20)]
    bedside += ["", "Date;HR;HR_STATE;SpO2;SpO2_STATE;RR;RR_STATE"]
    bedside += [f"2024-05-01 07:{i:02d}:00;{8388607 if i == 30 else 80};0;97;0;{i};0" for i in range(20, 40)]
    eras = ["病棟一覧", "", "測定日,時刻,血圧,体温,備考", ",,(mmHg),(℃),"]
    eras += [f"令和6年5月{d}日,7:{d:02d},{120 + d}/{70 + d},３６．{d % 10},{CANARY}" for d in days]
    people = ["patientunitstayid,observationoffset,heartrate,sao2"]
    people += [f"{900001 + i % 2},{i * 5 - 20},{80 + i % 9},{95 + i % 4}" for i in range(80)]
    named = ["氏名,測定日時,脈拍"] + [f"{CANARY},2024/5/{d} 7:00,{60 + d}" for d in days]
    texts = ["\r\n".join(lines) for lines in (wide, long, stacked, bedside, eras, people, named)]
    texts += [
        sample_csv(SampleSpec(hours=2)),
        "Time [s], HR, RESP\n" + "".join(f"{i},66,15\n" for i in range(99)),
    ]
    return texts


def mutate(rng: random.Random, text: str) -> bytes:
    """Damage a file in a few ways: its text, and now and then its bytes."""
    for _ in range(rng.randint(1, 5)):
        at, size = rng.randrange(len(text) + 1), rng.randint(1, 40)
        kind = rng.randrange(9)
        if kind == 0:
            text = text[:at] + rng.choice(_WORDS) + text[at:]
        elif kind == 1:
            text = text[:at] + rng.choice(_WORDS) + text[at + size :]
        elif kind == 2:
            text = text[:at] if rng.random() < 0.3 else text[:at] + text[at + size :]
        elif kind == 3:
            text = text[:at] + text[at : at + size] * rng.randint(2, 60) + text[at + size :]
        elif kind == 4:
            old, new = rng.choice((",", ";", "\n", "\r\n", ":", "/")), rng.choice((",", ";", "\t", "", "-"))
            text = text.replace(old, new)
        elif kind == 5:
            text = text.replace(str(rng.randint(0, 99)), rng.choice(_WORDS))
        else:
            lines = text.split("\n")
            if kind == 6:
                rng.shuffle(lines)
            elif kind == 7:
                lines.insert(rng.randrange(len(lines)), rng.choice(lines))
            else:
                lines[:0] = lines[: rng.randint(1, 9)]
            text = "\n".join(lines)
        text = text[:200_000]
    data = text.encode(rng.choice(("utf-8", "utf-8", "utf-8-sig", "cp932", "utf-16")), "replace")
    if rng.random() < 0.15:
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at + rng.randint(0, 9) :]
    return data


def some_choices(rng: random.Random) -> Choices:
    """Choose as a reader might, mostly nothing."""
    if rng.random() < 0.5:
        return Choices(remove_personal=rng.random() < 0.5)
    clocks = ("s", "min", "rows", "iso", "h:m:s", "%Y/%m/%d %H:%M", "unix_s")
    return Choices(
        encoding=rng.choice((*[None] * 12, "cp932", "utf-8", "utf-16-le")),
        delimiter=rng.choice((*[None] * 9, ",", ";", "\t")),
        header_line=rng.choice((*[None] * 9, 0, 1, 3)),
        missing={"*": (0.0, 127.0)} if rng.random() < 0.3 else {},
        patient=rng.choice((None, None, None, "#1", "#1", "#2")),
        clock_format=rng.choice((*[None] * 25, *clocks)),
        grid_s=rng.choice((*[None] * 6, 1.0, 60.0, 1e-3, 86400.0)),
        limit_s=rng.choice((None, 0.0, 120.0)),
        daily=rng.choice((*[""] * 9, "朝", "晩", "1日")),  # type: ignore[arg-type]
        duplicates=rng.choice(("first", "last", "mean")),
        convert=rng.random() < 0.5,
        remove_personal=rng.random() < 0.7,
    )


def check(data: bytes, choices: Choices) -> tuple[float, str]:
    """Read one file; return the seconds it took and how the refusal begins ("" if it was read).

    Raises:
        AssertionError: the importer broke one of its promises.
    """
    refusal: ImportRefused | None = None
    begin = time.process_time()
    try:
        imported = read(data, "x.csv", choices)
    except ImportRefused as refused:
        refusal = refused
    took = time.process_time() - begin
    if refusal is not None:
        assert not isinstance(refusal, Unexpected), refusal.place
        assert CANARY not in "".join(traceback.format_exception(refusal))
        return took, str(refusal)[-24:]
    report = imported.report
    assert report.rows.read == report.rows.kept + report.rows.dropped >= report.rows.kept > 0
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.to_text()
    for signal in imported.signals:
        assert len(signal.values) == len(imported.clock.times)
    return took, ""


def fuzz(files: int, seed: int) -> Outcome:
    """Read ``files`` mutated files.

    Raises:
        AssertionError: a promise was broken; the message names the file by its number.
    """
    rng = random.Random(seed)
    plain = plain_files()
    for text in plain:
        check(text.encode(), Choices(remove_personal=True))
    gc.collect()
    before = _megabytes()
    times: list[float] = []
    reasons: Counter[str] = Counter()
    for number in range(files):
        data, choices = mutate(rng, rng.choice(plain)), some_choices(rng)
        try:
            took, reason = check(data, choices)
            assert took <= SECONDS, f"{took:.2f} s"
        except Exception as error:
            raise AssertionError(f"file {number} of seed {seed}: {error!r}") from error
        times.append(took * 1000)
        reasons[reason] += 1
    growth = _megabytes() - before
    assert growth <= MEGABYTES, f"{growth:.0f} MB"
    return Outcome(
        files=files,
        seed=seed,
        read=reasons.pop("", 0),
        refused=sum(reasons.values()),
        median_ms=round(statistics.median(times), 2),
        slowest_ms=round(max(times), 1),
        growth_mb=round(growth, 1),
        reasons=dict(reasons.most_common(12)),
    )


def _megabytes() -> float:
    """Return the most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Fuzz and print the outcome."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    outcome = fuzz(options.files, options.seed)
    if options.json:
        print(json.dumps(asdict(outcome), ensure_ascii=False, indent=2))
        return
    for name, value in asdict(outcome).items():
        print(f"{name}: {value}")


if __name__ == "__main__":
    main()
