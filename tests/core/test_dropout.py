"""Dropout against masks drawn by hand from the same seed, and against its own scripts."""

import contextlib
import io
import itertools
import math
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch.nn import functional as fn

from core import dropout_script, tables
from core.dropout import Jitter, OnesSpec, jitter, ones_through
from core.dropout_rest import LAYERS, LR, STEPS, RestSpec, rest, rest_patients, silent_share, silent_steps
from core.history import TableRun
from core.perceptron import train_on_table
from core.specs import MLPSpec, OptimizerSpec, SpecError, TableRunSpec, TableSpec, TrainingSpec


def mask(shape: tuple[int, ...], p: float) -> torch.Tensor:
    """Draw who works as a coin each, and scale by hand."""
    return torch.empty(shape).bernoulli_(1 - p) / (1 - p)


def executed(code: str) -> str:
    """Run a script in this process and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "script.py", "exec"), {"__name__": "__main__"})
    return printed.getvalue()


# --- ten ones ---


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_ones_are_0_or_scaled_in_train_and_stay_ones_in_eval(p: float) -> None:
    found = ones_through(OnesSpec(p=p, draws=7, seed=3))
    torch.manual_seed(3)
    by_hand = torch.stack([mask((10,), p) for _ in range(7)]).numpy()
    assert np.array_equal(found.trained, by_hand)
    assert set(np.unique(ones_through(OnesSpec(p=0.5)).trained)) == {0, 2}
    assert found.called.tolist() == [1] * 10
    assert set(np.unique(found.unscaled)) <= {0, 1}


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9])
def test_scaling_keeps_the_mean_and_leaving_it_out_shrinks_it(p: float) -> None:
    found = ones_through(OnesSpec(p=p, draws=1000, seed=1))
    spread = math.sqrt(p / (1 - p) / found.trained.size)
    assert abs(found.trained.mean(dtype=np.float64) - 1) <= 4 * spread + 1e-6
    assert found.unscaled.mean() == pytest.approx(1 - p, abs=4 * spread + 1e-6)


def test_drawing_leaves_the_global_random_numbers_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ones_through(OnesSpec())
    rest(RestSpec())
    assert torch.equal(torch.rand(3), expected)


def test_the_script_of_ones_prints_every_draw() -> None:
    spec = OnesSpec(p=0.3, draws=4, seed=9)
    printed = executed(dropout_script.ones(spec))
    found = ones_through(spec)
    rows = re.findall(r"回目: \[(.*?)\] 合計 (\S+)", printed)
    assert [[float(value) for value in row.split(",")] for row, _ in rows] == found.trained.tolist()
    assert [float(total) for _, total in rows] == pytest.approx(found.trained.sum(axis=1).tolist())
    bare = re.search(r"割り増しなし\) (\S+)", printed)
    assert bare
    assert float(bare[1]) == pytest.approx(found.unscaled.mean(dtype=np.float64))


# --- a small network ---


def by_hand(spec: RestSpec) -> tuple[list[float], list[list[bool]], list[float]]:
    """Train the small network with products and masks written out; risks, who works, losses."""
    clinical, classes = rest_patients()
    x = torch.tensor((clinical - clinical.mean(0)) / clinical.std(0), dtype=torch.float32)
    torch.manual_seed(spec.seed)
    sizes = [4, *LAYERS, 2]
    layers = [torch.nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
    optimizer = torch.optim.Adam([p for layer in layers for p in layer.parameters()], lr=LR)
    risks, working, losses = [], [], []
    for step in range(STEPS):
        h, who = x[step], []
        for layer in layers[:-1]:
            drawn = mask((layer.out_features,), spec.p)
            h = torch.tanh(layer.weight @ h + layer.bias) * drawn
            who += (drawn != 0).tolist()
        z = layers[-1].weight @ h + layers[-1].bias
        risks.append(torch.sigmoid(z[1] - z[0]).item())
        working.append(who)
        loss = torch.logsumexp(z, 0) - z[int(classes[step])]
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return risks, working, losses


@pytest.mark.parametrize(("p", "seed"), [(0.5, 0), (0.2, 4), (0.9, 1)])
def test_who_rests_and_what_is_predicted_is_as_worked_out_by_hand(p: float, seed: int) -> None:
    spec = RestSpec(p=p, seed=seed)
    found = rest(spec)
    risks, working, losses = by_hand(spec)
    assert found.working.tolist() == working
    assert found.risks == pytest.approx(risks, abs=1e-4)
    assert found.losses == pytest.approx(losses, abs=1e-3)


def test_a_unit_at_work_passes_on_its_value_in_eval_times_the_scale() -> None:
    found = rest(RestSpec(p=0.2))
    works = found.passed[0] != 0
    assert found.passed[0] == pytest.approx(found.called[0] * works / 0.8, rel=1e-5)
    assert (found.called[0] != 0).all()
    assert (found.called[1] != 0).all()


def test_without_dropout_train_and_eval_agree() -> None:
    found = rest(RestSpec(p=0.0))
    assert found.working.all()
    assert found.risks == pytest.approx(found.called_risks, abs=1e-6)


def test_steps_in_which_a_whole_layer_rests_are_counted() -> None:
    found = rest(RestSpec(p=0.9))
    first, second = found.passed
    silent = sum(1 for a, b in zip(first, second, strict=True) if not any(a) or not any(b))
    assert silent_steps(found) == silent > STEPS // 2
    assert silent_share(0.5) == pytest.approx(1 - (1 - 1 / 256) * (1 - 1 / 64))
    assert silent_share(0.0) == 0


def test_the_script_of_the_small_network_prints_who_rests() -> None:
    spec = RestSpec(p=0.4, seed=2)
    printed = executed(dropout_script.rest(spec))
    found = rest(spec)
    rows = re.findall(r"休み \[(.*?)\], train\(\) の予測 (\S+), eval\(\) の予測 (\S+)", printed)
    assert len(rows) == STEPS
    for step, (names, risk, called) in enumerate(rows):
        assert [int(n) for n in names.split(",") if n] == (np.flatnonzero(~found.working[step]) + 1).tolist()
        assert float(risk) == pytest.approx(float(found.risks[step]), rel=1e-5)
        assert float(called) == pytest.approx(float(found.called_risks[step]), rel=1e-5)
    assert f"現れた顔ぶれ {len(np.unique(found.working, axis=0))} 種類" in printed


# --- eval() forgotten ---


def run_spec(p: float) -> TableRunSpec:
    return TableRunSpec(
        table=TableSpec(name="markers", patients=200),
        model=MLPSpec(hidden=(128, 64), dropout=p),
        optimizer=OptimizerSpec(name="adam", lr=1e-3, weight_decay=1e-4),
        training=TrainingSpec(epochs=4, batch_size=32, seed=6),
    )


def trained(spec: TableRunSpec) -> TableRun:
    runs = train_on_table([spec])
    assert isinstance(runs, tuple)
    return runs[0]


def test_forgetting_eval_makes_predictions_jitter_and_calling_it_does_not() -> None:
    spec = run_spec(0.5)
    weights = trained(spec).weights
    found = jitter(spec, weights, repeats=20)
    assert found.forgotten.shape == found.called.shape == (20, 40)
    assert np.ptp(found.called, axis=0).max() == 0
    assert found.forgotten.std(axis=0).min() > 0
    x = torch.tensor(tables.load(spec.table).test.inputs)
    w = {name: torch.tensor(value) for name, value in weights.items()}
    torch.manual_seed(spec.training.seed)
    for round_ in range(3):
        h = fn.relu(x @ w["0.weight"].T + w["0.bias"]) * mask((40, 128), 0.5)
        h = fn.relu(h @ w["3.weight"].T + w["3.bias"]) * mask((40, 64), 0.5)
        risks = fn.softmax(h @ w["6.weight"].T + w["6.bias"], dim=1)[:, 1]
        assert found.forgotten[round_] == pytest.approx(risks.numpy(), abs=1e-5)
    h = fn.relu(x @ w["0.weight"].T + w["0.bias"])
    h = fn.relu(h @ w["3.weight"].T + w["3.bias"])
    sure = fn.softmax(h @ w["6.weight"].T + w["6.bias"], dim=1)[:, 1]
    assert found.called[0] == pytest.approx(sure.numpy(), abs=1e-5)


def test_without_dropout_forgetting_eval_does_no_harm() -> None:
    spec = run_spec(0.0)
    found = jitter(spec, trained(spec).weights, repeats=3)
    assert np.array_equal(found.forgotten, found.called)
    assert not found.changed.any()


def test_changed_diagnoses_and_accuracies_are_counted() -> None:
    found = Jitter(
        forgotten=np.array([[0.6, 0.4, 0.9], [0.4, 0.4, 0.8], [0.7, 0.6, 0.1]], dtype=np.float32),
        called=np.array([[0.55, 0.2, 0.9]] * 3, dtype=np.float32),
        targets=np.array([1, 1, 1]),
    )
    assert found.changed.tolist() == [1, 1, 1]
    assert found.differing(found.called).tolist() == [0, 0, 0]
    assert found.accuracies(found.forgotten) == pytest.approx([2 / 3, 1 / 3, 2 / 3])


def test_the_script_of_the_run_prints_its_jitter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mpl.use("Agg")
    spec = run_spec(0.5)
    result = trained(spec)
    found = jitter(spec, result.weights)
    printed = executed(dropout_script.jitter(spec))
    assert f"テスト正解率 {result.test_accuracy!r}" in printed
    assert f"食い違った患者 {(found.changed > 0).sum()} 人 / 40 人" in printed
    assert f"食い違いが最も多い患者 {found.changed.max()} 回" in printed
    told = re.findall(r"中央値 (\S+), 正解率 (\S+) から (\S+)", printed)
    expected: list[Any] = [found.forgotten, found.called]
    for numbers, risks in zip(told, expected, strict=True):
        accuracies = found.accuracies(risks)
        wanted = [np.median(found.spreads(risks)), accuracies.min(), accuracies.max()]
        assert [float(number) for number in numbers] == pytest.approx(wanted, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    "wrong", [{"p": 0.95}, {"p": -0.1}, {"p": math.nan}, {"seed": -1}, {"draws": 0}, {"draws": 5000}]
)
def test_what_cannot_be_drawn_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        OnesSpec(**wrong)
    if "draws" not in wrong:
        with pytest.raises(SpecError):
            RestSpec(**wrong)
