"""The weights are loaded as a reader would load them, and the script is run far from this project."""

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load

from core.forecast_weights import ABOUT, NOTE, bundle, loading_script, weights_file
from core.forecaster import train_forecaster
from core.models import Forecaster
from core.series import Series, article_series
from core.specs import ForecastSpec, ModelSpec, SeriesSpec, TrainingSpec

ROOT = Path(__file__).parents[2]
SPEC = ForecastSpec(model=ModelSpec(name="gru", hidden=8), length=7, training=TrainingSpec(epochs=4, seed=3))
OWN = ForecastSpec(
    series=SeriesSpec(source="upload", signal="HR"),
    standardize=True,
    model=ModelSpec(name="lstm", hidden=4),
    training=TrainingSpec(epochs=3),
)
READINGS = (article_series().values * 10 + 77.625).astype(np.float32)


def printed(folder: Path, packed: bytes) -> str:
    """Unpack and run the script where nothing of this project can be imported."""
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        files.extractall(folder)
    (script,) = folder.glob("*/*.py")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    run = subprocess.run(
        [sys.executable, "-X", "utf8", script.name],
        cwd=script.parent,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return run.stdout + run.stderr


def test_the_file_holds_the_weights_and_says_what_they_are() -> None:
    run = train_forecaster(SPEC)
    data = weights_file(SPEC, run, "回/分")
    tensors = load(data)
    model = Forecaster(SPEC.model)
    model.load_state_dict(tensors)
    for name, tensor in model.state_dict().items():
        assert np.array_equal(tensor.numpy(), run.weights[name])
    (length,) = np.frombuffer(data[:8], np.uint64)
    about = json.loads(json.loads(data[8 : 8 + int(length)])["__metadata__"][ABOUT])
    assert about["note"] == NOTE
    assert (about["cell"], about["hidden"], about["length"]) == ("gru", 8, 7)
    assert (about["mean"], about["sd"], about["unit"]) == (0.0, 1.0, "回/分")
    assert about["weights_epoch"] == 4
    assert about["torch"] == torch.__version__.split("+")[0]
    assert about["spec"] == json.loads(json.dumps(asdict(SPEC)))
    assert data == weights_file(SPEC, run, "回/分")


@pytest.mark.parametrize(("name", "standardize"), [("rnn", False), ("lstm", True), ("gru", False)])
def test_the_script_prints_the_pages_own_forecast(tmp_path: Path, name: str, standardize: bool) -> None:
    spec = ForecastSpec(model=ModelSpec(name=name), standardize=standardize, training=TrainingSpec(epochs=5))
    run = train_forecaster(spec)
    said = printed(tmp_path, bundle(spec, run, "lab_weights"))
    page = f"{run.test.model[-1]:.4f}"
    found = re.fullmatch(r"次の値の予測: (\S+)\n画面での予測: (\S+)\(違い (\S+)\)\n", said)
    assert found, said
    assert found[1] == found[2] == page
    assert float(found[3]) < 1e-6


def test_a_window_of_the_wrong_length_is_told_in_japanese(tmp_path: Path) -> None:
    run = train_forecaster(SPEC)
    (tmp_path / "w.safetensors").write_bytes(weights_file(SPEC, run))
    script = loading_script(SPEC, run, "w.safetensors")
    short = re.sub(r"WINDOW = \[.*?\]", "WINDOW = [1, 2]", script, flags=re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", short], cwd=tmp_path, capture_output=True, encoding="utf-8"
    )
    assert done.stderr.strip() == "WINDOW には 7 個の値を並べてください(いまは 2 個)。"
    assert done.returncode == 1


def test_the_script_for_a_readers_own_file_holds_none_of_its_numbers(tmp_path: Path) -> None:
    run = train_forecaster(OWN, Series(values=READINGS))
    script = loading_script(OWN, run, "w.safetensors")
    numbers = {float(number) for number in re.findall(r"\d+\.\d+", script)}
    assert not numbers
    assert "PAGE" not in script
    said = printed(tmp_path, bundle(OWN, run, "lstm_upload", "回/分"))
    mean, sd = run.scale
    model = Forecaster(OWN.model)
    model.load_state_dict({name: torch.tensor(array) for name, array in run.weights.items()})
    with torch.no_grad():  # a window of means is all zeros once standardized
        expected = model(torch.zeros(1, OWN.length, 1)).item() * sd + mean
    assert said == f"次の値の予測: {expected:.4f} 回/分\n"


def test_the_zip_is_one_folder_and_the_same_for_the_same_run(tmp_path: Path) -> None:
    run = train_forecaster(SPEC)
    packed = bundle(SPEC, run, "gru_article_0123abcd_weights")
    assert packed == bundle(SPEC, run, "gru_article_0123abcd_weights")
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        assert files.testzip() is None
        assert [Path(name).name for name in files.namelist()] == [
            "gru_article_0123abcd_weights.safetensors",
            "gru_article_0123abcd_weights_load.py",
        ]
        files.extractall(tmp_path)
    (weights,) = tmp_path.glob("*/*.safetensors")
    with safe_open(weights, framework="np") as file:
        assert set(file.keys()) == set(run.weights)


def test_packing_loads_no_torch() -> None:
    code = (
        "import sys, numpy as np, core.forecast_weights as w\n"
        "from safetensors.numpy import save\n"
        "save({'a': np.zeros(2, np.float32)})\n"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert result.stdout.strip() == "False"
