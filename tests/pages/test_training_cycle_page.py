import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from core.neuron import Edit, NeuronSpec, walk
from core.neuron_script import neuron_script
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.training_cycle import cycle_stepper
from pages.ui import runs, text
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]
REAL = {"tc_experiment": "本物で回す", "tc_run_epochs": "10"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def drawn(app: AppTest) -> dict[str, Any]:
    """Return what the drawing was sent."""
    assert not app.exception
    data = [
        json.loads(e.proto.json) for e in app.get("bidi_component") if "lab-cycle" in e.proto.html_content
    ]
    (found,) = data
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("query", "spec"),
    [
        ({}, NeuronSpec()),
        (
            {"tc_w1": "1.5", "tc_rate": "0.2", "tc_epochs": "2", "tc_forget": "true"},
            NeuronSpec(start=(1.5, 0.5, 0.0), lr=0.2, epochs=2, forget=True),
        ),
        ({"tc_edits": "8:-1.5:0.25:3"}, NeuronSpec(edits=(Edit(update=8, weights=(-1.5, 0.25, 3.0)),))),
    ],
    ids=["default", "forgotten", "edited"],
)
def test_the_drawing_holds_the_numbers_of_a_real_walk(
    open_page: Open, query: dict[str, str], spec: NeuronSpec
) -> None:
    data = drawn(open_page("training_cycle.py", **query))
    trace = walk(spec)
    assert [u["loss"] for u in data["updates"]] == [u.loss for u in trace.updates]
    assert [tuple(u["gradient"]) for u in data["updates"]] == [u.gradient for u in trace.updates]
    assert [tuple(u["after"]) for u in data["updates"]] == [u.after for u in trace.updates]
    assert [u["number"] for u in data["updates"] if u["edited"]] == [e.update for e in spec.edits]
    if spec.forget:
        beside = walk(spec.remembering)
        assert data["other"] == [beside.first_loss, *(u.mean_loss for u in beside.updates)]
    else:
        assert data["other"] is None


def test_the_prediction_is_scored_by_the_first_update(open_page: Open) -> None:
    app = open_page("training_cycle.py")
    app.radio[0].set_value("減る").run()
    seen = shown(press(app, "tc_answer"))
    trace = walk(NeuronSpec())
    first = trace.updates[0]
    assert "予想は「減る」、結果は「増える」でした" in seen
    assert f"から {first.after[0]:.3f} になりました" in seen
    assert f"{text.number(trace.first_loss)} から {text.number(trace.last.mean_loss)} に下がりました" in seen
    w, slope, after = (
        f"{v:.3f}".replace("-", "−") for v in (first.before[0], first.gradient[0], first.after[0])
    )
    assert f"({w}) − 0.05 × ({slope}) = {after}" in seen


def test_forgetting_zero_grad_is_scored_beside_the_same_walk_with_it(open_page: Open) -> None:
    app = press(open_page("training_cycle.py"), "tc_neuron/preset/1")
    assert app.toggle(key="tc_forget").value
    app.radio[0].set_value("高くなる").run()
    seen = shown(press(app, "tc_answer"))
    spec = NeuronSpec(forget=True)
    mine, theirs = walk(spec).last.mean_loss, walk(spec.remembering).last.mean_loss
    assert "予想どおりです" in seen
    assert (
        f"{text.number(mine)}、忘れないときは {text.number(theirs)} で、{text.number(mine / theirs)} 倍"
        in seen
    )
    assert "積もった勾配" in seen
    assert "なぜ" in seen


@pytest.mark.parametrize(
    ("preset", "told"), [(0, "下がりました"), (2, "発散"), (3, "ほとんど変わっていません")]
)
def test_presets_end_as_they_are_named(open_page: Open, preset: int, told: str) -> None:
    app = open_page("training_cycle.py", tc_edits="8:-1.5:0.25:3", tc_b="2.0")
    app = press(press(app, f"tc_neuron/preset/{preset}"), "tc_answer")
    assert told in shown(app)
    assert ("なぜ" in shown(app)) == (preset > 0)
    assert not any(update["edited"] for update in drawn(app)["updates"])


def test_other_settings_hide_the_answer(open_page: Open) -> None:
    app = press(open_page("training_cycle.py"), "tc_answer")
    assert "読み解き" in [s.value for s in app.header]
    app.slider(key="tc_w1").set_value(1.0).run()
    assert "読み解き" not in [s.value for s in app.header]


def test_a_rewritten_weight_is_told_and_can_be_taken_back(open_page: Open) -> None:
    app = press(open_page("training_cycle.py", tc_edits="8:-1.5:0.25:3"), "tc_answer")
    at = walk(NeuronSpec(edits=(Edit(update=8, weights=(-1.5, 0.25, 3.0)),))).updates[7]
    assert f"この回の損失は {text.number(at.loss)}" in shown(app)
    assert "(w₁, w₂, b) = (−1.5, 0.25, 3)" in shown(app)
    app = press(app, "tc_take_back")
    assert drawn(app)["updates"][7]["before"] == list(walk(NeuronSpec()).updates[7].before)
    assert "tc_edits" not in app.query_params


def test_the_script_on_the_page_is_that_of_the_walk(open_page: Open) -> None:
    app = press(open_page("training_cycle.py", tc_rate="0.1", tc_forget="true"), "tc_answer")
    assert app.code[0].value == neuron_script(NeuronSpec(lr=0.1, forget=True)).strip("\n")


EDITS = (Edit(update=3, weights=(1.0, -2.5, 0.125)), Edit(update=8, weights=(0.0, 0.0, 9.0)))


def test_edits_survive_an_address_and_nonsense_in_it_does_not() -> None:
    assert cycle_stepper.parse(cycle_stepper.write(EDITS), 3) == EDITS
    nonsense = "x;3;3:1:2;3:1:2:nan;99:1:2:3;4:1e9:0:0;:::;5:1:2:3:4;" + "9" * 5000 + ":1:2:3"
    assert cycle_stepper.parse(nonsense, 5) == ()
    assert cycle_stepper.parse("8:1:1:1;8:2:2:2", 2) == (Edit(update=8, weights=(2.0, 2.0, 2.0)),)
    assert cycle_stepper.parse("8:1:1:1", 1) == ()  # after the last update


@pytest.mark.parametrize(
    "sent",
    [
        None,
        {},
        {"update": 3},
        {"update": "x", "weights": [1, 2, 3]},
        {"update": 3, "weights": [1, 2]},
        {"update": 3, "weights": [1, None, 3]},
        {"update": 99, "weights": [1, 2, 3]},
        {"update": 3, "weights": 7},
    ],
)
def test_a_browser_that_sends_nonsense_changes_nothing(sent: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamlit, "session_state", {"stepper": {"edit": sent}})
    assert cycle_stepper.edit_of("stepper") is None


@pytest.mark.parametrize(
    "query",
    [
        {"tc_rate": "nan", "tc_epochs": "999", "tc_w1": "1e99", "tc_edits": "<script>", "tc_experiment": "?"},
        {"tc_edits": ";".join(f"{i}:1:1:1" for i in range(1, 31)), "tc_epochs": "5", "tc_forget": "perhaps"},
        {"tc_experiment": "本物で回す", "tc_run_rate": "inf", "tc_run_epochs": "-1", "tc_table": "../etc"},
        {"tc_experiment": "本物で回す", "tc_hidden": "9999", "tc_batch": "0", "tc_seed": "1e99"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("training_cycle.py", **query)
    assert not app.exception
    assert not app.error


def test_a_server_without_workers_asks_for_patience(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(runs.engine(), "quick", late)
    app = open_page("training_cycle.py", tc_w2="-2.9")
    assert not app.exception
    assert "計算の準備をしています" in shown(app)


@pytest.mark.parametrize("preset", range(4))
def test_real_presets_end_as_they_are_named_and_failing_ones_say_why(open_page: Open, preset: int) -> None:
    app = open_page("training_cycle.py", tc_experiment="本物で回す")
    app = wait_until_done(press(press(app, f"tc_run/preset/{preset}"), "tc_run/start"), "tc_run")
    assert not app.exception
    choice = ["10%未満", "50〜100%", "100%を超えるか、計算不能", "50〜100%"][preset]
    assert f"正解は「{choice}」" in shown(app)
    assert ("なぜ" in shown(app)) == (preset > 0)


def test_the_real_training_is_read_with_its_own_numbers(open_page: Open) -> None:
    app = open_page("training_cycle.py", tc_table="糖尿病", tc_hidden="なし", **REAL)
    app.radio[0].set_value("10〜50%").run()
    app = wait_until_done(press(app, "tc_run/start"), "tc_run")
    watched = app.session_state["tc_run"]
    assert watched.spec == TableRunSpec(
        table=TableSpec(name="diabetes"),
        model=MLPSpec(hidden=()),
        optimizer=OptimizerSpec(name="sgd", lr=0.1),
        training=TrainingSpec(epochs=10, batch_size=32),
    )
    (result,) = watched.run.result
    start, end = result.history[0].train_loss, result.history[-1].train_loss
    rounds = -(-result.rows[0] // 32) * 10
    seen = shown(app)
    assert f"{text.number(start)} → {text.number(end)} で、最初の {end / start:.1%}" in seen
    assert f"{rounds} 回くり返し、11 個のパラメータ" in seen
    assert rf"\times 10 = {rounds}\ " in "\n".join(latex.value for latex in app.latex)


def test_five_seeds_pins_and_epoch_by_epoch(open_page: Open) -> None:
    app = press(open_page("training_cycle.py", **REAL), "tc_run/step")
    app = wait_until(app, "tc_run", "paused")
    assert len(app.session_state["tc_run"].run.rows) == 1
    app = press(app, "tc_run/reset")
    assert "tc_run" not in app.session_state
    app.button_group(key="tc_seeds").set_value("5シード").run()
    app = wait_until_done(press(app, "tc_run/start"), "tc_run")
    specs = app.session_state["tc_run"].specs
    assert [replace(s, training=replace(s.training, seed=0)) for s in specs] == [specs[0]] * 5
    app = press(app, "training_cycle/pin")
    assert app.dataframe[0].value["オプティマイザ"].tolist() == ["SGD"]


def test_every_word_of_the_lesson_is_in_the_glossary_and_in_its_footer(open_page: Open) -> None:
    app = open_page("training_cycle.py")
    seen = re.findall(r"\*\*(.+?)\*\* — ", shown(app))
    for word in ("パラメータ", "重み", "バイアス", "順伝播", "損失", "逆伝播", "オプティマイザ", "エポック"):
        assert word in seen
        assert word in text.GLOSSARY
