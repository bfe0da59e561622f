"""The scripts are run as a reader would run them, and their digits compared with the page's."""

import ast
import contextlib
import io
import math
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from core import models, schedules, script_model, script_parts, script_upload
from core.cohorts import COHORTS, COLUMNS
from core.forecaster import train_forecasters
from core.history import ForecastRun, Paused, TableRun
from core.perceptron import train_on_table
from core.script import Specs, UploadSource, file_name, notebook, script
from core.series import Series
from core.specs import (
    ACTIVATIONS,
    LOSSES_OF_CLASSES,
    LOSSES_OF_NUMBERS,
    AnySpec,
    AugmentSpec,
    ConvSpec,
    ForecastSpec,
    LossSpec,
    MLPSpec,
    ModelSpec,
    OptimizerSpec,
    PenaltySpec,
    ScheduleSpec,
    SeriesSpec,
    SpecError,
    SplitSpec,
    TableRunSpec,
    TableSpec,
    TrainingSpec,
    with_seeds,
)
from core.update_rules import RULES
from core.vitals import clock, read

EVERYTHING = AugmentSpec(
    flip=0.5,
    upside_down=0.2,
    degrees=15,
    translate=0.1,
    scale=0.1,
    shear=5,
    brightness=0.2,
    contrast=0.2,
    noise=0.05,
    erase=0.3,
)
START = datetime(2024, 5, 1, 23)
ROOT = Path(__file__).parents[2]
SCHEDULES = [ScheduleSpec(name=name, every=2, warm_up=3, patience=1) for name in schedules.SCHEDULES]
UPLOAD = ForecastSpec(
    series=SeriesSpec(source="upload"),
    standardize=True,
    length=4,
    split=SplitSpec(train=0.6, validation=0.2),
    training=TrainingSpec(epochs=3),
)
SOURCE = UploadSource(
    file_name="a.csv",
    encoding="utf-8",
    delimiter=",",
    header_line=1,
    column="HR",
    clock="datetime",
    clock_column="time",
)


# --- running scripts, and reading what they print ---


@contextlib.contextmanager
def in_folder(files: dict[str, bytes]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, content in files.items():
            Path(name).write_bytes(content)
        yield Path(folder)


def execute(cells: Sequence[str], files: dict[str, bytes] | None = None) -> str:
    """Run ``cells`` in order in this process; pictures are laid out, but not written."""
    mpl.use("Agg")
    printed = io.StringIO()
    namespace: dict[str, Any] = {"__name__": "__main__"}
    no_file = mock.patch("matplotlib.figure.Figure.savefig", lambda self, *_, **__: self.clear())
    with in_folder(files or {}), contextlib.redirect_stdout(printed), no_file, np.errstate(all="ignore"):
        for cell in cells:
            exec(compile(cell, "script.py", "exec"), namespace)
    plt.close("all")
    return printed.getvalue()


def run_file(folder: Path, name: str, text: str) -> str:
    """Run the script in a process of its own that knows nothing of this project."""
    (folder / name).write_text(text, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= {"MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(
        [sys.executable, name],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


Losses = list[tuple[float, float | None]]


def printed_losses(output: str) -> list[Losses]:
    """Return the losses of each run in ``output``."""
    runs: list[Losses] = []
    for number, train, validation in re.findall(
        r"^エポック +(\d+): 学習損失 (\S+?)(?:, 検証損失 (\S+))?$", output, re.MULTILINE
    ):
        if number == "1":
            runs.append([])
        runs[-1].append((float(train), float(validation) if validation else None))
    return runs


def numbers(output: str, pattern: str) -> list[float]:
    found = re.search(pattern, output)
    assert found, output
    return [float(n) for n in found.groups()]


def history(run: ForecastRun | TableRun) -> Losses:
    return [(epoch.train_loss, epoch.validation_loss) for epoch in run.history]


def forecasters(specs: Sequence[ForecastSpec], series: Series | None = None) -> tuple[ForecastRun, ...]:
    runs = train_forecasters(specs, series)
    assert not isinstance(runs, Paused)
    return runs


def perceptrons(specs: Sequence[TableRunSpec]) -> tuple[TableRun, ...]:
    runs = train_on_table(specs)
    assert not isinstance(runs, Paused)
    return runs


def assert_same_forecast(output: str, run: ForecastRun) -> None:
    assert repr(printed_losses(output)) == repr([history(run)])  # repr, so that NaN equals NaN
    model = numbers(output, r"テスト\(モデル\): MSE (\S+), MAE (\S+)")
    naive = numbers(output, r"テスト\(直前の値をそのまま答える\): MSE (\S+), MAE (\S+)")
    assert repr(model) == repr([run.model_scores.mse, run.model_scores.mae])
    assert naive == [run.persistence_scores.mse, run.persistence_scores.mae]


def assert_same_table(output: str, run: TableRun) -> None:
    assert repr(printed_losses(output)) == repr([history(run)])
    assert repr(numbers(output, r"テスト損失 (\S+)")) == repr([run.test_loss])
    if run.test_accuracy is None:
        assert "正解率" not in output
    else:
        assert numbers(output, r"テスト正解率 (\S+)") == [run.test_accuracy]


def tidy(text: str) -> None:
    compile(text, "script.py", "exec")
    assert max(map(len, text.splitlines())) <= 110
    assert not re.search(r"^\s*(from|import) (core|pages)\b", text, re.MULTILINE)
    assert "\n\n\n\n" not in text


# --- any spec ---

rates = st.sampled_from([1e-7, 1e-4, 1e-3, 0.0123, 0.1])
optimizer_specs = st.builds(
    OptimizerSpec,
    name=st.sampled_from(list(RULES)),
    lr=rates,
    momentum=st.sampled_from([0.9, 0.5]),
    weight_decay=st.none() | st.sampled_from([0.0, 1e-3]),
)
schedule_specs = st.builds(
    ScheduleSpec,
    name=st.sampled_from(list(schedules.SCHEDULES)),
    gamma=st.floats(0.01, 0.99),
    every=st.integers(1, 4),
    warm_up=st.integers(1, 6),
    patience=st.integers(1, 3),
)
training_specs = st.builds(
    TrainingSpec,
    epochs=st.integers(1, 6),
    batch_size=st.integers(8, 200),
    shuffle=st.booleans(),
    seed=st.integers(0, 2**31 - 1),
    patience=st.none() | st.integers(1, 3),
    min_delta=st.sampled_from([0.0, 0.01]),
    clip=st.sampled_from([None, None, 0.05, 1.0]),
)


@st.composite
def networks(draw: st.DrawFn, pictures: bool) -> MLPSpec:
    hidden = tuple(draw(st.lists(st.integers(1, 24), max_size=3)))
    activation = draw(st.sampled_from(list(models.ACTIVATIONS)))
    dropout = draw(st.sampled_from([0.0, 0.0, 0.3]))
    if not pictures:
        return MLPSpec(hidden=hidden, activation=activation, dropout=dropout)
    return ConvSpec(
        hidden=hidden[:1],
        activation=activation,
        dropout=dropout,
        channels=draw(st.sampled_from([(4,), (3, 5), (2, 3, 4)])),
        augment=draw(st.sampled_from([AugmentSpec(), EVERYTHING, AugmentSpec(noise=0.1)])),
    )


@st.composite
def table_specs(draw: st.DrawFn) -> TableRunSpec:
    name = draw(st.sampled_from(list(COHORTS)))
    losses: tuple[str, ...] = LOSSES_OF_CLASSES if COHORTS[name].classes else LOSSES_OF_NUMBERS
    if COHORTS[name].classes > 2:
        losses = ("cross_entropy", "focal")
    return TableRunSpec(
        table=TableSpec(
            name=name,
            validation=draw(st.floats(0.05, 0.4)),
            test=draw(st.floats(0.05, 0.4)),
            seed=draw(st.integers(0, 2**31 - 1)),
            patients=draw(st.sampled_from([200, 311])),
            positive_share=draw(st.sampled_from([0.1, 0.31])),
            mistyped=draw(st.integers(0, 3)),
            noise=draw(st.sampled_from([0.0, 0.2])),
            columns=draw(st.sampled_from([("x1", "x2"), tuple(COLUMNS), ("x1_x2",)])),
            train_rows=draw(st.none() | st.integers(20, 60)),
            sorted_labels=draw(st.booleans()),
        ),
        model=draw(networks(bool(COHORTS[name].side))),
        penalty=PenaltySpec(
            l1=draw(st.sampled_from([0.0, 0.0, 1e-3])), l2=draw(st.sampled_from([0.0, 0.0, 1e-2]))
        ),
        loss=LossSpec(
            name=draw(st.sampled_from(["auto", *losses])),
            delta=draw(st.sampled_from([0.5, 1.0])),
            positive_weight=draw(st.sampled_from([3.0, 0.3])),
            gamma=draw(st.sampled_from([2.0, 0.5])),
        ),
        optimizer=draw(optimizer_specs),
        schedule=draw(schedule_specs),
        training=draw(training_specs),
    )


@st.composite
def forecast_specs(draw: st.DrawFn) -> ForecastSpec:
    training = draw(training_specs)
    validation = draw(st.sampled_from([0.0, 0.1, 0.25]))
    return ForecastSpec(
        length=draw(st.integers(1, 30)),
        standardize=draw(st.booleans()),
        split=SplitSpec(train=draw(st.floats(0.3, 0.7)), validation=validation),
        model=ModelSpec(
            name=draw(st.sampled_from(list(models.CELLS))),
            hidden=draw(st.integers(1, 20)),
            layers=draw(st.integers(1, 3)),
        ),
        optimizer=draw(optimizer_specs),
        training=training if validation else replace(training, patience=None),
    )


@settings(max_examples=20, deadline=None)
@given(spec=forecast_specs())
@example(spec=ForecastSpec(training=TrainingSpec(epochs=2)))
def test_any_forecaster_gives_the_pages_digits(spec: ForecastSpec) -> None:
    text = script(spec)
    tidy(text)
    assert_same_forecast(execute([text]), forecasters([spec])[0])


@settings(max_examples=20, deadline=None)
@given(spec=table_specs())
@example(spec=TableRunSpec(training=TrainingSpec(epochs=2)))
@example(
    spec=TableRunSpec(
        table=TableSpec(name="diabetes"),
        optimizer=OptimizerSpec(name="momentum", lr=10.0),
        training=TrainingSpec(epochs=60, patience=50),
    )
)
def test_any_perceptron_gives_the_pages_digits(spec: TableRunSpec) -> None:
    text = script(spec)
    tidy(text)
    assert_same_table(execute([text]), perceptrons([spec])[0])


def test_a_diverging_run_says_so_and_ends_where_the_page_ends() -> None:
    spec = TableRunSpec(
        table=TableSpec(name="diabetes"),
        optimizer=OptimizerSpec(name="sgd", lr=10.0),
        training=TrainingSpec(epochs=60),
    )
    run = perceptrons([spec])[0]
    assert run.ending == "diverged"
    output = execute([script(spec)])
    assert "発散" in output
    assert_same_table(output, run)


def test_an_early_stop_ends_and_restores_as_on_the_page() -> None:
    spec = ForecastSpec(
        split=SplitSpec(train=0.6, validation=0.2),
        optimizer=OptimizerSpec(lr=0.02),
        training=TrainingSpec(epochs=100, patience=5),
    )
    run = forecasters([spec])[0]
    assert run.ending == "early"
    output = execute([script(spec)])
    assert f"エポック {run.weights_epoch} の重みに戻しました" in output
    assert_same_forecast(output, run)


# --- several runs ---


@settings(max_examples=10, deadline=None)
@given(
    spec=table_specs(),
    lrs=st.lists(st.sampled_from([1e-4, 1e-3, 3e-3]), min_size=2, max_size=4),
    shapes=st.lists(schedule_specs, min_size=4, max_size=4),
    seeds=st.booleans(),
)
def test_several_perceptrons_agree_with_the_pages_stack(
    spec: TableRunSpec, lrs: list[float], shapes: list[ScheduleSpec], seeds: bool
) -> None:
    specs = [
        replace(
            spec,
            optimizer=replace(spec.optimizer, lr=lr),
            schedule=shape,
            training=replace(spec.training, seed=7 * i * seeds),
        )
        for i, (lr, shape) in enumerate(zip(lrs, shapes, strict=False))
    ]
    text = script(specs)
    tidy(text)
    assert_close(printed_losses(execute([text])), [history(run) for run in perceptrons(specs)])


@settings(max_examples=8, deadline=None)
@given(spec=forecast_specs(), count=st.integers(2, 4))
def test_several_forecasters_agree_with_the_pages_stack(spec: ForecastSpec, count: int) -> None:
    spec = replace(
        spec,
        optimizer=replace(spec.optimizer, lr=1e-3),
        training=replace(spec.training, seed=spec.training.seed % 1000),
    )
    specs = with_seeds(spec, count)
    text = script(specs)
    tidy(text)
    assert_close(printed_losses(execute([text])), [history(run) for run in forecasters(specs)])


def assert_close(ours: list[Losses], pages: list[Losses]) -> None:
    assert [len(run) for run in ours] == [len(run) for run in pages]
    for one, other in zip(ours, pages, strict=True):
        mine, theirs = (np.array(run, dtype=np.float64) for run in (one, other))
        assert mine == pytest.approx(theirs, rel=1e-5, nan_ok=True)


def test_runs_that_differ_in_much_are_written_as_one_list() -> None:
    base = TableRunSpec(
        table=TableSpec(name="sepsis", patients=300, positive_share=0.2), training=TrainingSpec(epochs=4)
    )
    specs = [
        base,
        replace(base, loss=LossSpec(name="focal"), optimizer=OptimizerSpec(name="nesterov", lr=0.02)),
        replace(base, model=MLPSpec(hidden=(5, 3), activation="tanh"), loss=LossSpec(name="weighted")),
        replace(base, training=TrainingSpec(epochs=4, batch_size=100, seed=3)),
    ]
    text = script(specs)
    tidy(text)
    assert_close(printed_losses(execute([text])), [history(run) for run in perceptrons(specs)])
    different = [
        base,
        replace(base, table=TableSpec(name="spiral", patients=200, columns=("x1", "x2", "sin_x1"))),
        replace(base, table=TableSpec(name="breast_cancer", train_rows=40, sorted_labels=True)),
        replace(base, training=TrainingSpec(epochs=4, shuffle=False)),
        replace(base, model=MLPSpec(dropout=0.5), penalty=PenaltySpec(l1=0.01)),
        replace(base, penalty=PenaltySpec(l2=0.01)),
    ]
    text = script(different)
    tidy(text)
    assert_close(printed_losses(execute([text])), [history(run) for run in perceptrons(different)])
    with pytest.raises(SpecError, match="分類"):
        script([base, replace(base, table=TableSpec(name="diabetes"))])


def test_a_race_names_its_settings() -> None:
    race = [TableRunSpec(schedule=s, training=TrainingSpec(epochs=4)) for s in SCHEDULES]
    text = script(race)
    for label in ("一定", "コサイン", "ワンサイクル", "ウォームアップ 3 エポック"):
        assert f'"label": "{label}"' in text
    assert "乱数の種 0" not in text
    assert text.count("nn.Sequential(") == 1


def test_only_what_a_schedule_uses_makes_a_setting() -> None:
    constant = [TableRunSpec(schedule=ScheduleSpec(gamma=gamma)) for gamma in (0.1, 0.2)]
    assert "schedule" not in script(constant)
    close = [
        replace(constant[0], schedule=ScheduleSpec(name="step", gamma=g)) for g in (0.1234567, 0.1234568)
    ]
    assert "gamma=0.1234567" in script(close)
    assert "gamma=0.1234568" in script(close)


@pytest.mark.parametrize("count", [0, 2])
def test_runs_that_cannot_be_compared_are_refused(count: int) -> None:
    specs: list[AnySpec] = [TableRunSpec(), ForecastSpec()]
    with pytest.raises(SpecError):
        script(specs[:count])


# --- a reader's own file ---


MARKED = ["７２", "80", "", "---", "測定不能", "↑132", "95%", "1,013", "36.5", "64"]
TIMES = ["%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y-%m-%dT%H:%M:%SZ", "elapsed", "rows"]


def messy_file(
    rng: random.Random, times: str, encoding: str, delimiter: str, names: list[str], disorder: bool
) -> bytes:
    """Write a file with the marks of the wild: titles, units, gaps, repeats, disorder, wide characters."""
    minutes = rng.choices(range(80), k=60) if disorder else sorted(rng.sample(range(80), k=60))
    rows = [
        [
            str(minute * 5) if times == "elapsed" else (START + timedelta(minutes=minute)).strftime(times),
            rng.choice(MARKED),
            str(rng.randint(60, 99)),
        ]
        for minute in minutes
    ]
    lines = [["経過[s]" if times == "elapsed" else "測定日時", *names]]
    lines += rng.choice([[], [["", "回/分", "(%)"]]]) + rows
    lines.insert(20, ["列の多い行", "1", "2", "3"])
    lines.insert(30, [])
    if times == "rows":
        lines = [line[1:] for line in lines]
    lines = rng.choice([[], [["病棟一覧"], []]]) + lines
    text = "\r\n".join(delimiter.join(f'"{c}"' if "," in c else c for c in line) for line in lines)
    return text.encode(encoding)


def values_of(upload: UploadSource, data: bytes) -> Any:
    """Run the part of the script that reads the file, and return the series it makes."""
    head = "import csv, math, re, unicodedata\nimport numpy as np\nfrom datetime import datetime\n"
    namespace: dict[str, Any] = {}
    with in_folder({upload.name: data}):
        exec(head + script_upload.own_file(upload), namespace)
    return namespace["values"]


@settings(max_examples=60, deadline=None)
@given(
    rng=st.randoms(use_true_random=False),
    times=st.sampled_from(TIMES),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp932", "utf-16"]),
    delimiter=st.sampled_from([",", ";", "\t"]),
    names=st.sampled_from([["心拍数", "SpO2"], ["HR", "HR"], ["ＨＲ[bpm]", ""]]),
    disorder=st.booleans(),
)
def test_a_script_reads_a_file_as_the_importer_does(
    rng: random.Random, times: str, encoding: str, delimiter: str, names: list[str], disorder: bool
) -> None:
    assume(times != "rows" or "" not in names)  # a header of one word is none
    data = messy_file(rng, times, encoding, delimiter, names, disorder)
    imported = read(data)
    for signal in imported.signals:
        upload = UploadSource.of(imported, signal.source, "記録.csv")
        tidy(script(UPLOAD, upload))
        values = values_of(upload, data)
        assert values.dtype == np.float32
        assert np.array_equal(values, signal.values, equal_nan=True)


@pytest.mark.parametrize("shape", ["%Y/%m/%d %H:%M", "ISO8601"])
def test_a_known_way_of_writing_times_needs_no_guess(shape: str) -> None:
    times = [
        f"2024-05-01T{h:02d}:00:00+09:00" if shape == "ISO8601" else f"2024/5/1 {h}:00" for h in range(20)
    ]
    data = "\n".join(["time,HR", *(f"{t},{60 + i}" for i, t in enumerate(times))]).encode()
    imported = read(data)
    upload = replace(UploadSource.of(imported, "HR", "a.csv"), time_format=shape)
    assert "FORMATS" not in script(UPLOAD, upload)
    assert values_of(upload, data).tolist() == imported.signals[0].values.tolist()


def ward_file() -> bytes:
    rng = np.random.default_rng(0)
    rows = []
    for minute in range(300):
        if minute in (40, 41, 200):
            continue
        value = "測定不能" if minute % 67 == 5 else f"{75 + 8 * math.sin(minute / 9) + rng.normal():.1f}"
        rows.append(f"2024/05/01 {7 + minute // 60}:{minute % 60:02d},{value}")
    rows[10], rows[11] = rows[11], rows[10]
    rows.insert(30, rows[29].split(",")[0] + ",999")
    return "\r\n".join(["第三病棟,", "日時,心拍数", *rows]).encode("cp932")


def test_a_run_on_an_own_file_gives_the_pages_digits(tmp_path: Path) -> None:
    data = ward_file()
    imported = read(data)
    assert (imported.report.encoding, imported.clock.regular, imported.report.header_line) == (
        "cp932",
        True,
        2,
    )
    signal = imported.signals[0]
    assert signal.missing > 3
    name = "7階 東'\"; import os #.csv"
    text = script(UPLOAD, UploadSource.of(imported, signal.source, name))
    (tmp_path / name).write_bytes(data)
    run = forecasters([UPLOAD], Series(values=signal.values))[0]
    assert_same_forecast(run_file(tmp_path, file_name(UPLOAD, "py"), text), run)
    assert "測定不能" not in text
    assert "999" not in text


def test_many_windows_are_tested_as_the_page_tests_them() -> None:
    lines = [f"{i},{80 + math.sin(i / 7):.3f}" for i in range(4000)]
    data = "\n".join(["Time [s],HR", *lines]).encode()
    spec = replace(UPLOAD, split=SplitSpec(train=0.3, validation=0.3), training=TrainingSpec(epochs=1))
    imported = read(data)
    run = forecasters([spec], Series(values=imported.signals[0].values))[0]
    text = script(spec, UploadSource.of(imported, "HR", "a.csv"))
    assert_same_forecast(execute([text], {"a.csv": data}), run)


hostile = st.text(min_size=1, max_size=300) | st.sampled_from(
    [
        "'\"",
        '"""',
        "\\",
        "\\'\n",
        "x\nimport os",
        "\u202etxt.csv",
        "{os}",
        "%s",
        "\ud800",
        "#" * 400,
        "'" * 99,
    ]
)


@settings(max_examples=100, deadline=None)
@given(name=hostile, column=hostile, clock_column=hostile)
def test_a_hostile_name_stays_a_string(name: str, column: str, clock_column: str) -> None:
    upload = replace(SOURCE, file_name=name, column=column, clock_column=clock_column)
    text = script(UPLOAD, upload)
    tidy(text)
    said = {
        node.targets[0].id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert (said["COLUMN"], said["TIME_COLUMN"]) == (column, clock_column)
    assert said["FILE"] == upload.name
    assert not {"/", "\\"} & set(upload.name)
    blank = re.compile(r"^(FILE|COLUMN|TIME_COLUMN) = (\(\n(    .*\n)*\)|.*)$", re.MULTILINE)
    benign = script(UPLOAD, replace(SOURCE, column="A(2)", clock_column="列1"))
    lines = [set(blank.sub("", t).splitlines()) for t in (text, benign)]
    assert lines[0] <= lines[1] | {"header = [clean(cell) for cell in rows[0]]"}
    nbformat.validate(nbformat.reads(notebook(UPLOAD, upload), as_version=4))


def test_an_upload_that_nobody_describes_is_asked_for_again() -> None:
    with pytest.raises(SpecError, match="もう一度"):
        script(UPLOAD)


# --- as files ---


def test_the_script_of_five_seeds_runs_on_its_own(tmp_path: Path) -> None:
    specs = with_seeds(TableRunSpec(training=TrainingSpec(epochs=8, batch_size=32)), 5)
    output = run_file(tmp_path, "a.py", script(specs))
    assert_close(printed_losses(output), [history(run) for run in perceptrons(specs)])
    assert (tmp_path / file_name(specs, "png")).read_bytes().startswith(b"\x89PNG")


def test_without_the_font_package_a_picture_is_still_drawn() -> None:
    spec = TableRunSpec(training=TrainingSpec(epochs=1))
    with mpl.rc_context(), mock.patch.dict(sys.modules, {"japanize_matplotlib": None}):
        execute([script(spec)])
        assert mpl.rcParams["font.family"][-1] == "sans-serif"


def one_of_each() -> list[tuple[Specs, UploadSource | None]]:
    tables = [
        TableRunSpec(
            table=TableSpec(name=table),
            model=ConvSpec(augment=EVERYTHING) if COHORTS[table].side else MLPSpec(),
            optimizer=OptimizerSpec(name=rule, lr=1.2345678901234567e-05),
            schedule=schedule,
            training=TrainingSpec(patience=patience, min_delta=delta, shuffle=patience is None),
        )
        for table in COHORTS
        for rule in RULES
        for schedule in SCHEDULES
        for patience, delta in ((None, 0.0), (7, 0.0), (7, 1e-4))
    ]
    race = [replace(tables[0], schedule=s, optimizer=OptimizerSpec(lr=1 / 3)) for s in SCHEDULES]
    waves = [
        ForecastSpec(model=ModelSpec(name=name, layers=layers), standardize=scaled, split=split)
        for name in script_model.CELLS
        for layers in (1, 2)
        for scaled in (False, True)
        for split in (SplitSpec(), SplitSpec(train=0.6, validation=0.2))
    ]
    own = [
        replace(SOURCE, clock=kind, regular=regular, time_format=form, column=column)
        for kind in ("datetime", "elapsed", "rows")
        for regular in (True, False)
        for form in ("", "ISO8601", "%Y-%m-%d")
        for column in ("HR", "列3", "HR(2)")
    ]
    several: list[Specs] = [race, race[:2], with_seeds(waves[1], 5)]
    cases: list[tuple[Specs, UploadSource | None]] = [(spec, None) for spec in (*tables, *waves, *several)]
    return cases + [
        (replace(UPLOAD, standardize=scaled), source) for source in own for scaled in (False, True)
    ]


def test_scripts_are_tidy(tmp_path: Path) -> None:
    for number, (spec, upload) in enumerate(one_of_each()):
        text = script(spec, upload)
        tidy(text)
        (tmp_path / f"script{number}.py").write_text(text, encoding="utf-8")
    check = "-m ruff check --isolated --no-cache --select E9,F ."
    checked = subprocess.run(
        [sys.executable, *check.split()], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    "specs",
    [
        ForecastSpec(standardize=True, training=TrainingSpec(epochs=3)),
        TableRunSpec(schedule=SCHEDULES[-1], training=TrainingSpec(epochs=3, patience=2)),
        with_seeds(TableRunSpec(training=TrainingSpec(epochs=2)), 2),
    ],
    ids=["forecast", "table", "seeds"],
)
def test_a_notebook_gives_the_numbers_of_the_script(specs: Any) -> None:
    book = nbformat.reads(notebook(specs), as_version=4)
    nbformat.validate(book)
    assert (book.nbformat, book.metadata.kernelspec.name) == (4, "python3")
    install, *cells = [cell.source for cell in book.cells if cell.cell_type == "code"]
    assert install.endswith("\n    %pip install -q japanize-matplotlib")
    compile(install.replace("%pip", "pass  #"), "cell", "exec")
    text = script(specs)
    for cell in cells:
        assert cell in text
    kinds = [cell.cell_type for cell in book.cells]
    assert kinds == ["markdown", "code"] * (len(cells) + 1)
    assert execute(cells) == execute([text])
    assert notebook(specs) == notebook(specs)


def test_file_names_are_ascii_and_tell_runs_apart() -> None:
    specs = [spec for spec, upload in one_of_each() if upload is None]
    names = [file_name(spec, ".py") for spec in specs]
    assert all(re.fullmatch(r"[a-z0-9_]+\.py", name) for name in names)
    assert len(set(names)) == len(names)
    assert file_name(ForecastSpec(), "../../ipynb").endswith(".ipynb")
    assert file_name(ForecastSpec(), "py") == file_name([ForecastSpec()], "py")
    named = replace(UPLOAD, series=SeriesSpec(source="upload", signal="心拍/../x"))
    assert re.fullmatch(r"rnn_upload_[0-9a-f]{8}\.py", file_name(named, "py"))


# --- what must not drift ---


def test_every_choice_can_be_written() -> None:
    assert set(script_model.LOSS_LABELS) == {*LOSSES_OF_NUMBERS, *LOSSES_OF_CLASSES}
    assert set(script_model.CELLS) == set(script_model.CELL_LABELS) == set(models.CELLS)
    assert set(script_model.ACTIVATIONS) == set(models.ACTIVATIONS) == set(ACTIVATIONS)
    for name in schedules.SCHEDULES:
        assert script_parts.schedule_call(ScheduleSpec(name=name), "1.0")
    written = script(UPLOAD, replace(SOURCE, time_format=""))
    assert all(pattern in written for pattern in clock.FORMATS)


def test_writing_a_script_needs_no_torch() -> None:
    code = (
        "import sys; from core.script import script, notebook; from core.specs import TableRunSpec;"
        "script(TableRunSpec()); notebook(TableRunSpec());"
        "print([m for m in ('torch', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
