import csv
import io
import math
import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from core.landscape import LANDSCAPES, PathSpec, descend, outcome
from core.perceptron import train_on_table
from core.range_test import range_test, suggest
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TrainingSpec
from pages.ui import compare, text, verdict
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]
NETWORK = {"experiment": "本物のネットワーク", "rate_epochs": "20"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_the_three_doses_are_told_with_the_numbers_of_their_paths(open_page: Open) -> None:
    app = open_page("learning_rate.py")
    app.radio[0].set_value("大").run()
    app = press(app, "doses/start")
    assert not app.exception
    seen = shown(app)
    rates = (0.0001, 0.01, 1.5)
    paths = descend([PathSpec(optimizer=OptimizerSpec(name="sgd", lr=lr)) for lr in rates])
    ends = [outcome(path, LANDSCAPES["two_valleys_1d"]) for path in paths]
    assert ends == ["moving", "global", "diverged"]
    for path in paths[:2]:
        assert f"損失 {text.number(float(path.losses[-1]))}" in seen
    assert f"{paths[2].diverged_at} 歩目で地形の外へ" in seen
    assert "予想は「大」、結果は「中」でした" in seen


def test_another_start_ends_in_the_shallow_valley(open_page: Open) -> None:
    app = press(open_page("learning_rate.py"), "doses/preset/1")
    assert app.slider(key="from").value == 3.5
    assert "局所最小" in shown(press(app, "doses/start"))


@pytest.mark.parametrize(
    ("preset", "verdict"),
    [(0, "収束した"), (1, "遅すぎる"), (2, "発散した"), (3, "過学習")],
)
def test_presets_end_as_they_are_named_and_failing_ones_say_why(
    open_page: Open, preset: int, verdict: str
) -> None:
    app = open_page("learning_rate.py", experiment="本物のネットワーク")
    app = press(press(app, f"rate_run/preset/{preset}"), "rate/start")
    app = wait_until_done(app, "rate_run")
    assert not app.exception
    assert f"判定は「{verdict}」" in shown(app)
    assert ("なぜ" in shown(app)) == (preset > 0)


def test_epoch_by_epoch_then_to_the_end_gives_the_digits_of_a_straight_run(open_page: Open) -> None:
    app = press(open_page("learning_rate.py", **NETWORK), "rate/step")
    for epochs in (1, 2, 3):
        app = wait_until(app, "rate_run", "paused")
        assert len(app.session_state["rate_run"].run.rows) == epochs
        assert f"エポック {epochs} / 20 で一時停止中" in app.main.get("progress")[0].text
        if epochs < 3:
            app = press(app, "rate_run/one")
    app = wait_until_done(press(app, "rate_run/resume"), "rate_run")
    spec = TableRunSpec(training=TrainingSpec(epochs=20, batch_size=32))
    straight = train_on_table([spec])
    assert isinstance(straight, tuple)
    assert app.session_state["rate_run"].run.result[0].history == straight[0].history


def test_reset_empties_the_stage(open_page: Open) -> None:
    app = wait_until_done(press(open_page("learning_rate.py", **NETWORK), "rate/start"), "rate_run")
    app = press(app, "rate_run/reset")
    assert "rate_run" not in app.session_state
    assert "読み解き" not in [s.value for s in app.header]


def test_a_new_seed_is_drawn_at_each_start_and_five_seeds_are_told_apart(open_page: Open) -> None:
    app = open_page("learning_rate.py", seeds="新しい乱数", **NETWORK)
    drawn = set()
    for _ in range(3):
        app = wait_until_done(press(app, "rate/start"), "rate_run")
        drawn.add(app.session_state["rate_run"].spec.training.seed)
    assert len(drawn) > 1
    app.button_group(key="seeds").set_value("5シード").run()
    app = wait_until_done(press(app, "rate/start"), "rate_run")
    assert len(app.session_state["rate_run"].run.result) == 5
    assert "(5シード)" in shown(app)


def test_pins_survive_a_change_of_page_and_come_out_as_a_csv(open_page: Open) -> None:
    app = wait_until_done(press(open_page("learning_rate.py", **NETWORK), "rate/start"), "rate_run")
    app = press(app, "learning_rate/pin")
    app = app.switch_page("vitals.py").run()
    app = app.switch_page("learning_rate.py").run()
    app.button_group(key="experiment").set_value("本物のネットワーク").run()
    table = app.dataframe[0].value
    assert table["オプティマイザ"].tolist() == ["Adam"]
    assert table["検証損失"][0] == app.session_state["rate_run"].run.history[-1].validation_loss
    assert press(app, "learning_rate/unpin").dataframe.len == 0


def test_csv_opens_in_a_japanese_excel_and_holds_no_formula() -> None:
    data = compare.to_csv([{"名前": "=1+1", "値": -1.5}, {"名前": "@x", "別": "ok"}])
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows == [["名前", "値", "別"], ["'=1+1", "-1.5", ""], ["'@x", "", "ok"]]


def test_the_range_test_suggests_the_steepest_fall_and_hands_it_over(open_page: Open) -> None:
    app = press(open_page("learning_rate.py", experiment="範囲テスト"), "range/go")
    found = range_test(TableRunSpec(training=TrainingSpec(batch_size=32)))
    assert found.suggested is not None
    assert f"**{found.suggested:.2g}**" in shown(app)
    app = press(app, "range/adopt")
    assert app.button_group(key="experiment").value == "本物のネットワーク"
    assert app.select_slider(key="rate").value == 0.01


def test_the_range_test_is_told_in_the_numbers_of_its_steps(open_page: Open) -> None:
    app = press(open_page("learning_rate.py", experiment="範囲テスト"), "range/go")
    written = "\n".join(latex.value.strip("$\n") for latex in app.latex)
    assert rf"{10 ** (6 / 119):.4f} \times \eta_k" in written  # six decades in 119 equal ratios
    found = range_test(TableRunSpec(training=TrainingSpec(batch_size=32)))
    assert found.suggested is not None
    assert written.endswith(f"= {found.suggested:.2g}")
    assert "最低の 4 倍を超えたか、計算不能になったため" in shown(app)


def test_suggest_finds_a_step_and_nothing_in_a_flat_line() -> None:
    lrs = [10 ** (-5 + i / 10) for i in range(60)]
    step = [1.0 if i < 30 else max(0.2, 1 - (i - 30) / 10) for i in range(60)]
    found = suggest(lrs, step)
    assert found is not None
    assert lrs[30] < found < lrs[40]
    assert suggest(lrs, [1.0] * 60) is None
    assert suggest([], []) is None


def test_seven_schedules_race_and_the_winner_is_computed(open_page: Open) -> None:
    app = press(open_page("learning_rate.py", experiment="スケジュール"), "sched/start")
    app = wait_until_done(app, "schedule_run")
    assert not app.exception
    results = app.session_state["schedule_run"].run.result
    ends = {
        label: result.history[-1].validation_loss
        for label, result in zip(text.SCHEDULE_LABELS.values(), results, strict=True)
    }
    best = min(ends, key=ends.__getitem__)
    assert f"「{best}」が {text.number(ends[best])}" in shown(app)
    lrs = [[epoch.lr for epoch in result.history] for result in results]
    assert len({tuple(curve) for curve in lrs}) == 7
    for label, loss in ends.items():
        assert re.search(rf"\| {text.unbroken(label)} \|.*\| {re.escape(text.number(loss))} \|", shown(app))


def test_each_schedule_is_written_as_the_formula_that_gave_its_rates(open_page: Open) -> None:
    app = press(open_page("learning_rate.py", experiment="スケジュール", sched_epochs="20"), "sched/start")
    app = wait_until_done(app, "schedule_run")
    assert not app.exception
    written = [latex.value.strip("$\n") for latex in app.latex]
    assert len(written) == 7
    by_hand = [  # η = 0.3 after 10 of 20 epochs, a step every 6
        (0, 0.3),
        (1, 0.3 * 0.5 ** (10 // 6)),
        (2, 0.3 * 0.95**10),
        (3, 0.3 / 2 * (1 + math.cos(math.pi / 2))),
        (5, 0.3),
    ]
    for place, rate in by_hand:
        assert rf"\eta_{{10}} = {rate:.3g}\end" in written[place]
    assert r"0.5^{\lfloor t / 6 \rfloor}" in written[1]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "nan", "small": "1e9", "experiment": "../etc"},
        {"experiment": "本物のネットワーク", "rate": "-1", "rate_epochs": "99999999", "optimizer": "<b>"},
        {"experiment": "スケジュール", "sched_seed": "1e99", "sched_rate": "inf"},
        {"experiment": "範囲テスト", "range_seed": "-3", "range_opt": "None"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("learning_rate.py", **query)
    assert not app.exception
    assert not app.error


def test_every_reason_of_a_verdict_has_its_sentence() -> None:
    from typing import get_args

    from core.reading import Reading, Reason, ReasonKind, Verdict

    for kind in get_args(ReasonKind):
        reading = Reading(
            verdict="converged",
            reasons=(Reason(kind=kind, value=0.5),),
            epochs=9,
            best_epoch=1,
            best_validation=None,
            final_train=None,
            final_validation=None,
            gap=None,
            relative_improvement_last_quarter=None,
            oscillation=None,
        )
        assert verdict.sentence(reading)
    assert set(get_args(Verdict)) == set(text.VERDICT_LABELS)


def test_the_network_of_the_page_is_the_one_in_its_spec(open_page: Open) -> None:
    app = open_page("learning_rate.py", rate_hidden="8", rate_batch="64", **NETWORK)
    app = wait_until_done(press(app, "rate/start"), "rate_run")
    assert app.session_state["rate_run"].spec == TableRunSpec(
        model=MLPSpec(hidden=(8,)), training=TrainingSpec(epochs=20, batch_size=64)
    )
