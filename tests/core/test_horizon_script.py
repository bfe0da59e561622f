"""The scripts of many horizons are run as a reader would, and their digits compared with the page's."""

import ast
import math
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.history import Paused
from core.horizon_run import HorizonRun
from core.horizon_scores import Judged
from core.horizon_script import UploadPanel, file_name, notebook, script, sections
from core.horizon_script_scores import LABELS
from core.horizon_specs import MODEL, HorizonSpec, StretchSpec
from core.horizon_training import train_horizons
from core.panel import ICU_SIGNALS, Panel, PanelSpec, panel_of
from core.specs import ModelSpec, OptimizerSpec, SpecError, TrainingSpec
from core.vitals import Choices, read
from core.vitals.export import cleaned_csv, cleaned_name
from tests.core.test_script import execute, run_file, tidy

ROOT = Path(__file__).parents[2]
CLAIM = "見立て(較正区間)"
SCORES = ("MAE", "RMSE", "MASE", "スキル", "予測区間の半分の幅", "入った割合")

Number = float | None
Run = dict[str, object]


def trained(specs: Sequence[HorizonSpec], upload: Panel | None = None) -> tuple[HorizonRun, ...]:
    runs = train_horizons(specs, upload)
    assert not isinstance(runs, Paused)
    return runs


def finite(value: float) -> Number:
    return value if math.isfinite(value) else None


def printed(output: str) -> list[Run]:
    """Read what a script prints: the losses, and every score of every model at every horizon, run by run."""
    runs: list[Run] = []
    for line in output.splitlines():
        if found := re.match(r"エポック +(\d+): 学習損失 (\S+), 検証損失 (\S+)$", line):
            if found[1] == "1":
                runs.append({"losses": []})
            runs[-1]["losses"] += [(finite(float(found[2])), finite(float(found[3])))]  # type: ignore[operator]
        elif found := re.match(r"テスト\((.+)\)$", line):
            target = found[1]
        elif found := re.match(r"  (\S+) (\d+) 点先: (.+)$", line):
            told = dict(part.split(" ") for part in found[3].split(", "))
            runs[-1][f"{target}/{found[1]}/{found[2]}"] = {n: finite(float(v)) for n, v in told.items()}
        elif found := re.match(r"  (\S+): 学習用の区間が短く", line):
            runs[-1][f"{target}/{found[1]}"] = "refused"
    return runs


def expected(run: HorizonRun, names: Sequence[str]) -> Run:
    """Write a run of the page in the same way; ``names`` are what the script calls the targets."""
    found: Run = {
        "losses": [(finite(e.train_loss), finite(e.validation_loss or math.nan)) for e in run.history]
    }
    for name, target in zip(names, run.targets, strict=True):
        models = {LABELS[key]: judged for key, judged in target.models.items()}
        models[CLAIM] = Judged(scores=target.claimed)
        for label, judged in models.items():
            if judged.refused:
                found[f"{name}/{label}"] = "refused"
            for h, scores in enumerate(judged.scores):
                values = [scores.mae.value, scores.rmse.value, scores.mase.value, scores.skill.value]
                if judged.bands:
                    values += [judged.bands[h].half_width, judged.coverage[h].measured]
                told = dict(zip(SCORES, values, strict=False))
                found[f"{name}/{label}/{h + 1}"] = told
    return found


def assert_same(output: str, specs: Sequence[HorizonSpec], upload: Panel | None = None) -> None:
    runs = trained(specs, upload)
    ours = printed(output)
    assert len(ours) == len(specs)
    for one, run, spec in zip(ours, runs, specs, strict=True):
        assert one == expected(run, spec.panel.targets)


# --- specs ---

SHORT = TrainingSpec(epochs=4, batch_size=32, patience=2)
PATIENT = HorizonSpec(
    panel=PanelSpec(inputs=("心拍数", "SpO2"), targets=("SpO2",), hours=5, artefacts=0.08),
    length=12,
    horizons=7,
    training=SHORT,
)
WAVE = HorizonSpec(
    panel=PanelSpec(source="article", inputs=("波",), targets=("波",)), length=15, horizons=9, training=SHORT
)
SIX = PanelSpec(inputs=ICU_SIGNALS, targets=("体温", "心拍数"), hours=4, seed=3, artefacts=0.1)

CASES: dict[str, list[HorizonSpec]] = {
    "patient": [PATIENT],
    "wave, recursive": [replace(WAVE, strategy="recursive", differences=False)],
    "six signals, recursive": [
        replace(
            PATIENT, panel=SIX, strategy="recursive", model=ModelSpec(name="gru", hidden=5), length=4, carry=2
        )
    ],
    "six signals, nothing carried": [
        replace(
            PATIENT, panel=SIX, length=3, carry=0, differences=False, model=ModelSpec(name="rnn", hidden=6)
        )
    ],
    "two layers, clipped, in order": [
        replace(
            WAVE,
            model=ModelSpec(name="lstm", hidden=4, layers=2),
            training=replace(SHORT, clip=0.1, shuffle=False, patience=None),
            optimizer=OptimizerSpec(name="momentum", lr=0.05),
        )
    ],
    "leaks": [replace(PATIENT, leak=leak) for leak in ("none", "shuffle")],
    "shuffle alone": [replace(WAVE, leak="shuffle")],
    "scaler alone": [replace(PATIENT, leak="scaler", strategy="recursive")],
    "folds": [replace(PATIENT, fold=fold, folds=3, horizons=4) for fold in range(3)],
    "one fold of four": [
        replace(PATIENT, fold=1, folds=4, horizons=40)
    ],  # further than its stretches are long
    "refused, too few": [replace(WAVE, period=150, order=70, alpha=0.02)],
    "diverging": [
        replace(
            WAVE,
            optimizer=OptimizerSpec(name="sgd", lr=10.0),
            training=replace(SHORT, epochs=30, patience=20, min_delta=0.01),
            model=ModelSpec(name="rnn", hidden=9),
            differences=False,
        )
    ],
}


def test_the_scripts_give_the_pages_digits_in_a_process_that_knows_nothing_of_this(tmp_path: Path) -> None:
    for number, specs in enumerate(CASES.values()):
        text = script(specs)
        tidy(text)
        (tmp_path / f"case{number}.py").write_text(text, encoding="utf-8")
    driver = (
        "import runpy, sys\n"
        f"for number in range({len(CASES)}):\n"
        "    with open(f'case{number}.txt', 'w', encoding='utf-8') as sys.stdout:\n"
        "        runpy.run_path(f'case{number}.py')\n"
    )
    run_file(tmp_path, "all.py", driver)
    for number, specs in enumerate(CASES.values()):
        assert_same((tmp_path / f"case{number}.txt").read_text(encoding="utf-8"), specs)
        assert (tmp_path / file_name(specs, "png")).read_bytes().startswith(b"\x89PNG")
    runs = {name: trained(specs) for name, specs in CASES.items()}  # the cases are what they are called
    assert runs["diverging"][0].ending == "diverged"
    refused = runs["refused, too few"][0].targets[0].models
    assert refused["seasonal"].refused
    assert refused["autoregression"].refused
    assert refused[MODEL].bands[0].reason == "too_few"
    assert any(score.left_out for score in runs["one fold of four"][0].targets[0].models[MODEL].scores)


panels = st.one_of(
    st.just(WAVE.panel),
    st.builds(
        lambda inputs, **rest: PanelSpec(inputs=inputs, targets=inputs[-1:], **rest),
        st.lists(st.sampled_from(ICU_SIGNALS), min_size=1, max_size=3, unique=True).map(tuple),
        seed=st.integers(0, 9),
        hours=st.sampled_from([2.0, 4.0]),
        step_s=st.sampled_from([60, 77]),
        deterioration=st.booleans(),
        artefacts=st.sampled_from([0.0, 0.02, 0.3]),
    ),
)
horizon_specs = st.builds(
    HorizonSpec,
    panel=panels,
    length=st.integers(1, 20),
    horizons=st.integers(1, 20),
    strategy=st.sampled_from(["direct", "recursive"]),
    differences=st.booleans(),
    stretch=st.builds(
        StretchSpec,
        train=st.floats(0.4, 0.7),
        validation=st.sampled_from([0.02, 0.1]),
        calibration=st.sampled_from([0.03, 0.15]),
    ),
    alpha=st.sampled_from([0.05, 0.1, 0.5]),
    period=st.integers(1, 120),
    order=st.integers(1, 40),
    carry=st.sampled_from([0, 1, 5]),
    leak=st.sampled_from(["none", "none", "scaler", "shuffle"]),
    model=st.builds(
        ModelSpec,
        name=st.sampled_from(["rnn", "lstm", "gru"]),
        hidden=st.integers(1, 20),
        layers=st.integers(1, 2),
    ),
    optimizer=st.builds(
        OptimizerSpec, name=st.sampled_from(["adam", "sgd", "rmsprop"]), lr=st.sampled_from([1e-3, 0.1])
    ),
    training=st.builds(
        TrainingSpec,
        epochs=st.integers(1, 3),
        batch_size=st.sampled_from([16, 33, 4096]),
        shuffle=st.booleans(),
        seed=st.integers(0, 2**31 - 1),
        patience=st.none() | st.integers(1, 2),
        min_delta=st.sampled_from([0.0, 0.01]),
        clip=st.sampled_from([None, 0.1]),
    ),
)


@settings(max_examples=15, deadline=None)
@given(spec=horizon_specs)
def test_any_run_gives_the_pages_digits(spec: HorizonSpec) -> None:
    text = script([spec])
    tidy(text)
    try:
        trained([spec])
    except SpecError:
        assume(False)
    assert_same(execute([text]), [spec])


# --- a reader's own file ---


def ward_file() -> bytes:
    """Six hours with gaps short and long; the importer fills some of the short ones in."""
    rng = np.random.default_rng(1)
    lines = ["日時,心拍数(回/分),SpO2(%),体温(℃)"]
    for minute in range(360):
        if 100 <= minute < 112 or minute in (31, 32, 150, 222, 223, 224):
            continue
        heart = "" if minute % 53 == 7 else f"{80 + 9 * math.sin(minute / 15) + rng.normal():.1f}"
        time = f"2024/05/01 {7 + minute // 60:02d}:{minute % 60:02d}"
        lines.append(f"{time},{heart},{97 + rng.normal():.0f},36.{minute % 7}")
    return "\r\n".join(lines).encode("cp932")


def test_a_run_on_an_own_file_gives_the_pages_digits(tmp_path: Path) -> None:
    imported = read(ward_file(), "病棟.csv", Choices(limit_s=300))
    assert sum(signal.filled for signal in imported.signals) > 3
    own = panel_of(imported)
    assert np.isnan(own.values).sum() == sum(signal.missing + signal.filled for signal in imported.signals)
    spec = replace(
        PATIENT,
        panel=PanelSpec(source="upload", inputs=own.names[:2], targets=own.names[1::-1]),
        length=6,
        carry=1,
    )
    upload = UploadPanel.of(imported, "三階/病棟.csv")
    assert upload.name == "病棟_整えた_測定値のみ.csv" == cleaned_name("病棟.csv", measured_only=True)
    text = script([spec], upload)
    (tmp_path / upload.name).write_bytes(cleaned_csv(imported, measured_only=True))
    output = run_file(tmp_path, "own.py", text)
    names = [upload.column(name) for name in spec.panel.targets]
    assert printed(output) == [expected(trained([spec], own)[0], names)]
    assert f"{len(own.values)} 点 × 2 信号" in output
    assert not re.search(r"\d\d\.\d\b(?!\")", text.split("# ----- 3")[1].split("# ----- 4")[0])
    with pytest.raises(SpecError, match="信号を選び直して"):
        script([replace(spec, panel=PanelSpec(source="upload", inputs=("脈",), targets=("脈",)))], upload)
    with pytest.raises(SpecError, match="もう一度ファイル"):
        script([spec])


def test_a_cleaned_file_of_measured_readings_leaves_out_what_was_filled_in_alone() -> None:
    imported = read(ward_file(), "病棟.csv", Choices(limit_s=300))
    everything, alone = (read(cleaned_csv(imported, measured_only=only)) for only in (False, True))
    for signal, whole, bare in zip(imported.signals, everything.signals, alone.signals, strict=True):
        assert np.array_equal(whole.values, signal.values, equal_nan=True)
        assert np.array_equal(np.isnan(bare.values), np.isnan(signal.values) | signal.made)
        assert np.array_equal(bare.values[~np.isnan(bare.values)], signal.values[~np.isnan(bare.values)])


hostile = st.text(min_size=1, max_size=200) | st.sampled_from(
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
        "#" * 300,
        "'" * 99,
    ]
)


@settings(max_examples=60, deadline=None)
@given(name=hostile, column=hostile)
def test_a_hostile_name_stays_a_string(name: str, column: str) -> None:
    spec = replace(PATIENT, panel=PanelSpec(source="upload", inputs=("a", "b"), targets=("b",)))
    text = script([spec], UploadPanel(file_name=name, headers={"a": column, "b": "心拍数"}))
    tidy(text)
    said = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id in ("FILE", "INPUTS", "TARGETS")
    }
    assert said["INPUTS"] == [column, "心拍数"]
    assert said["TARGETS"] == ["心拍数"]
    assert "/" not in said["FILE"]
    assert "\\" not in said["FILE"]


# --- as files ---


def test_a_notebook_gives_the_numbers_of_the_script() -> None:
    for name in ("wave, recursive", "leaks"):
        specs = CASES[name]
        book = nbformat.reads(notebook(specs), as_version=4)
        nbformat.validate(book)
        _, *cells = [cell.source for cell in book.cells if cell.cell_type == "code"]
        assert cells == [section.code for section in sections(specs)]
        assert execute(cells) == execute([script(specs)])
        assert notebook(specs) == notebook(specs)


def test_runs_that_differ_in_more_than_fold_or_leak_are_refused() -> None:
    with pytest.raises(SpecError, match="くり返しの回やリーク"):
        script([PATIENT, replace(PATIENT, length=11)])
    with pytest.raises(SpecError, match="設定がありません"):
        script([])


def test_file_names_are_ascii_and_tell_runs_apart() -> None:
    names = [file_name(specs, ".py") for specs in CASES.values()]
    assert all(re.fullmatch(r"[a-z0-9_]+\.py", name) for name in names)
    assert len(set(names)) == len(names)
    assert file_name([PATIENT], "../../ipynb").endswith(
        "steps_" + file_name([PATIENT], "py")[-11:-3] + ".ipynb"
    )


def test_a_script_is_short_enough_to_be_read() -> None:
    for specs in CASES.values():
        assert len([line for line in script(specs).splitlines() if line.strip()]) <= 350


def test_writing_a_script_needs_no_torch() -> None:
    code = (
        "import sys; from core.horizon_script import script, notebook;"
        "from core.horizon_specs import HorizonSpec;"
        "script([HorizonSpec()]); notebook([HorizonSpec()]);"
        "print([m for m in ('torch', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
