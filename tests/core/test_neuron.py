"""The walk of one neuron against gradients worked out by hand, and against its own script."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.neuron import LACTATE, PATIENTS, Edit, NeuronSpec, Trace, standardized, walk
from core.neuron_script import neuron_script
from core.specs import SpecError

X = np.column_stack([np.array(standardized()), np.ones(PATIENTS)])  # (patients, 3), the last for the bias
Y = np.array(LACTATE)


def by_hand(spec: NeuronSpec) -> list[dict[str, object]]:
    """Walk in float64 with the closed form: L = (wx + b - y)², dL/dw = 2 (wx + b - y) x."""
    w, held = np.array(spec.start), np.zeros(3)
    edits = {edit.update: np.array(edit.weights) for edit in spec.edits}
    rows: list[dict[str, object]] = []
    for number in range(1, spec.epochs * PATIENTS + 1):
        i = (number - 1) % PATIENTS
        w = edits.get(number, w)
        before, off = w, X[i] @ w - Y[i]
        own = 2 * off * X[i]
        held = held + own if spec.forget else own
        w = w - spec.lr * held
        mean = float(np.mean((X @ w - Y) ** 2))
        rows.append(
            {
                "before": before,
                "output": X[i] @ before,
                "loss": off**2,
                "slope": 2 * off,
                "own": own,
                "gradient": held,
                "after": w,
                "mean_loss": mean,
            }
        )
    return rows


def check(trace: Trace, spec: NeuronSpec) -> None:
    for update, row in zip(trace.updates, by_hand(spec), strict=True):
        for name, value in row.items():
            assert getattr(update, name) == pytest.approx(value, rel=1e-3, abs=1e-4), (update.number, name)


EDITED = (Edit(update=1, weights=(2.0, 0.0, 1.0)), Edit(update=8, weights=(-1.5, 0.25, 3.0)))


@pytest.mark.parametrize(
    "spec",
    [
        NeuronSpec(),
        NeuronSpec(start=(1.0, -2.0, 4.0), lr=0.1, epochs=5),
        NeuronSpec(forget=True, epochs=5),
        NeuronSpec(edits=EDITED),
        NeuronSpec(edits=EDITED, forget=True, lr=0.02),
        NeuronSpec(lr=0.5),
    ],
    ids=["default", "five epochs", "forgotten", "edited", "edited and forgotten", "too large"],
)
def test_every_number_is_the_one_worked_out_by_hand(spec: NeuronSpec) -> None:
    check(walk(spec), spec)


def test_the_first_round_on_numbers_that_one_can_check_with_a_pencil() -> None:
    first = walk(NeuronSpec(start=(1.0, 1.0, 1.0), lr=0.1)).updates[0]
    # (118 - 90) / 20 = 1.4 and (100 - 120) / 20 = -1: 1.4 - 1 + 1 = 1.4, 3.3 below 4.7
    assert first.output == pytest.approx(1.4)
    assert first.loss == pytest.approx(3.3**2)
    assert first.slope == pytest.approx(-6.6)
    assert first.gradient == pytest.approx((-6.6 * 1.4, 6.6, -6.6))
    assert first.after == pytest.approx((1.924, 0.34, 1.66))


def test_inputs_have_mean_zero_and_standard_deviation_one() -> None:
    assert PATIENTS == 6  # as the sentences of the lesson say
    assert X[:, :2].mean(axis=0) == pytest.approx([0, 0])
    assert X[:, :2].std(axis=0) == pytest.approx([1, 1])


def test_forgotten_gradients_pile_up_to_the_running_sum() -> None:
    trace = walk(NeuronSpec(forget=True))
    own = np.array([update.own for update in trace.updates])
    piled = np.array([update.gradient for update in trace.updates])
    assert piled == pytest.approx(np.cumsum(own, axis=0), rel=1e-4, abs=1e-4)
    assert trace.updates[0].kept is None
    for update, following in zip(trace.updates, trace.updates[1:], strict=False):
        assert following.found == following.kept == update.gradient


def test_zero_grad_clears_what_the_round_before_left() -> None:
    trace = walk(NeuronSpec())
    for update, following in zip(trace.updates, trace.updates[1:], strict=False):
        assert following.found == update.gradient
        assert following.kept is None
        assert following.gradient == pytest.approx(following.own)


def test_forgetting_keeps_the_loss_from_settling() -> None:
    spec = NeuronSpec(forget=True)
    assert walk(spec.remembering).last.mean_loss < 0.2 < 2 < walk(spec).last.mean_loss


def test_an_edit_changes_nothing_before_it_and_everything_after() -> None:
    plain, edited = walk(NeuronSpec()), walk(NeuronSpec(edits=EDITED[1:]))
    assert edited.updates[:7] == plain.updates[:7]
    assert edited.updates[7].edited
    assert edited.updates[7].before == (-1.5, 0.25, 3.0)
    assert edited.updates[7].loss != plain.updates[7].loss
    assert walk(NeuronSpec(edits=(*EDITED[1:], replace(EDITED[1], weights=(0.0, 0.0, 0.0))))).updates[
        7
    ].before == (0.0, 0.0, 0.0)


def test_a_walk_that_diverges_ends_with_numbers_that_can_be_shown() -> None:
    trace = walk(NeuronSpec(lr=1.0, forget=True, epochs=5))
    assert trace.diverged_at == len(trace.updates) < 30
    assert max(map(abs, trace.last.after)) > 1e6
    assert np.isfinite([*trace.last.after, trace.last.loss, trace.last.mean_loss]).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"lr": 0.0},
        {"lr": float("nan")},
        {"epochs": 0},
        {"start": (11.0, 0.0, 0.0)},
        {"start": (0.0, 0.0)},
        {"edits": tuple(Edit(update=1, weights=(0.0, 0.0, 0.0)) for _ in range(9))},
    ],
)
def test_settings_that_cannot_be_walked_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        NeuronSpec(**wrong)  # type: ignore[arg-type]


def test_edits_that_cannot_be_made_are_refused() -> None:
    for update, weights in ((0, (0.0, 0.0, 0.0)), (31, (0.0, 0.0, 0.0)), (1, (float("inf"), 0.0, 0.0))):
        with pytest.raises(SpecError):
            Edit(update=update, weights=weights)


NUMBER = r"(-?[\d.]+(?:e[+-]\d+)?)"


@pytest.mark.parametrize(
    "spec",
    [NeuronSpec(), NeuronSpec(forget=True, edits=EDITED, start=(0.1, -0.7, 3.0), lr=0.03, epochs=2)],
    ids=["default", "forgotten and edited"],
)
def test_the_script_prints_the_numbers_of_the_trace(spec: NeuronSpec, tmp_path: Path) -> None:
    script = tmp_path / "neuron.py"
    script.write_text(neuron_script(spec), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    trace = walk(spec)
    rounds = re.findall(rf"修正 (\d+)\(患者 (\d)\): 予測 {NUMBER}、損失 {NUMBER}", done.stdout)
    assert rounds == [
        (str(u.number), str(u.patient + 1), f"{u.output:.6g}", f"{u.loss:.6g}") for u in trace.updates
    ]
    for word, pick in (("勾配", "gradient"), ("重み", "after")):
        printed = re.findall(rf"{word} w1 {NUMBER}、w2 {NUMBER}、b {NUMBER}", done.stdout)
        assert printed == [tuple(f"{number:.6g}" for number in getattr(u, pick)) for u in trace.updates]
    means = re.findall(rf"エポック \d: 6人の平均損失 {NUMBER}", done.stdout)
    assert means == [f"{u.mean_loss:.6g}" for u in trace.updates[PATIENTS - 1 :: PATIENTS]]
