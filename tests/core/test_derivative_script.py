"""The small scripts of the lesson on derivatives, run: they print what the page computes."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import torch

from core import backprop, chain, derivative_script, ecg, partials, score, slopes
from core.backprop import LineSpec
from core.chain import ChainSpec
from core.ecg import BeatSpec
from core.partials import AtDischarge
from core.perceptron import train_on_table
from core.score import PatientSpec
from core.slopes import SlopeSpec
from core.specs import MLPSpec, TableRunSpec, TableSpec, TrainingSpec


def printed(code: str) -> dict[str, float]:
    """Run a script here and return its numbers by the words before them."""
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(compile(code, "script", "exec"), {"__name__": "__main__"})
    finally:
        torch.set_default_dtype(torch.float32)
    return numbers(out.getvalue())


def numbers(text: str) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if re.search(r" [-\d.e+]+$", line)]
    return {name: float(value) for name, value in lines}


@pytest.mark.parametrize("curve", slopes.CURVES)
@pytest.mark.parametrize("power", [3, 15])
def test_slopes(curve: str, power: int) -> None:
    spec = SlopeSpec(curve=curve, x=-1.3)
    seen = printed(derivative_script.slope(spec, power))
    expected = slopes.quotients(spec, 10.0**-power)
    assert seen["自動微分"] == pytest.approx(slopes.autograd_slope(spec), rel=1e-15)
    for name, value in (
        ("前進差分", expected.forward),
        ("後退差分", expected.backward),
        ("中心差分", expected.central),
    ):
        # two libraries may round exp and sin by one unit in the last place
        assert seen[name] == pytest.approx(float(value), abs=1e-16 * 4 / 10.0**-power)


def test_heartbeat() -> None:
    spec = BeatSpec(delay=170, rate=250)
    beat = ecg.waves(170)
    at = ecg.upstroke(beat)
    seen = printed(derivative_script.heartbeat(spec))
    assert seen["自動微分 [mV/秒]"] == pytest.approx(at.slope, rel=1e-12)
    assert seen["中心差分(1マイクロ秒) [mV/秒]"] == pytest.approx(at.slope, rel=1e-7)
    assert seen["中心差分(250 Hz) [mV/秒]"] == pytest.approx(
        ecg.difference(beat, at.time, 1 / 250), rel=1e-12
    )


def test_gradient() -> None:
    spec = PatientSpec(sbp=95, lvef=25, age=80, bnp=800)
    seen = printed(derivative_script.gradient(spec, 0.3))
    gradient = score.autograd_gradient(spec)
    names = ("血圧", "LVEF", "年齢", "BNP")
    assert [seen[f"偏微分 {name}"] for name in names] == pytest.approx(list(gradient), rel=1e-12)
    assert seen["スコア [点]"] == pytest.approx(score.score(spec.units))
    assert seen["勾配の向きへ1歩"] == pytest.approx(score.score(spec.units + 0.3 * gradient))
    assert seen["勾配の逆へ1歩"] == pytest.approx(score.score(spec.units - 0.3 * gradient))


@pytest.mark.parametrize("shape", chain.SHAPES)
def test_links(shape: str) -> None:
    spec = ChainSpec(first=-3.5, second=0.4, dose=2.5, shape=shape)
    seen = printed(derivative_script.links(spec))
    links = chain.autograd(spec)
    assert seen["dy/dx [mmHg/mg]"] == links.first
    assert seen["dz/dy [%/mmHg]"] == links.second
    assert seen["dz/dx [%/mg]"] == links.whole
    assert seen["積 [%/mg]"] == pytest.approx(links.whole, rel=1e-14)


@pytest.mark.parametrize("activation", backprop.ACTIVATIONS)
def test_line(activation: str) -> None:
    spec = LineSpec(x=1.5, target=-1.0, weights=(0.5, 2.0, -1.5), activation=activation)
    seen = printed(derivative_script.line(spec))
    found = backprop.autograd(spec)
    assert [seen[f"損失の傾き w{i}"] for i in (1, 2, 3)] == pytest.approx(list(found.weights), rel=1e-14)
    places = [seen[f"損失の傾き {name}"] for name in ("a1", "a2", "予測")]
    assert places == pytest.approx(list(found.nodes[1:]), rel=1e-14)
    assert seen["損失"] == pytest.approx(backprop.walk(spec).loss, rel=1e-12)


def test_partials_of_a_network_trained_by_the_script(tmp_path: Path) -> None:
    spec = TableRunSpec(
        table=TableSpec(name="readmission"),
        model=MLPSpec(hidden=(8,), activation="tanh"),
        training=TrainingSpec(epochs=3, batch_size=32, seed=4),
    )
    patient = AtDischarge(age=66, pressure=101, ejection=31, bnp=800)
    trained = train_on_table([spec])
    assert isinstance(trained, tuple)
    (run,) = trained
    expected = partials.network_partials(spec, [run.weights], patient.values[None])
    file = tmp_path / "partials.py"
    file.write_text(derivative_script.partials(spec, patient), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, file.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "MPLBACKEND": "Agg"},
    )
    seen = numbers(done.stdout)
    assert seen["リスク"] == pytest.approx(expected.risks[0, 0], rel=1e-9)
    names = ("年齢", "収縮期血圧", "LVEF", "BNP")
    slopes_seen = [seen[f"偏微分 {name}"] for name in names]
    assert slopes_seen == pytest.approx(list(expected.gradients[0, 0]), rel=1e-9)


def test_the_notebook_holds_the_script() -> None:
    code = derivative_script.links(ChainSpec())
    book = nbformat.reads(derivative_script.notebook(code), as_version=4)
    assert [cell.source for cell in book.cells] == [code.rstrip()]
    nbformat.validate(book)
