"""過学習と未学習: what is told is computed from the reader's own run, and presets end as they are named."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core import tables
from core.history import TableRun
from core.perceptron import train_on_table
from core.shift import LINKS, HospitalSpec, hospital_b
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from core.stopping import counts
from pages.parts.overfitting import fit_hospital_view, fit_patients_view
from pages.ui import charts, text
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]
PAGE = "overfitting.py"


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def run(app: AppTest, slot: str) -> tuple[AppTest, tuple[TableRun, ...]]:
    app = wait_until_done(press(app, f"{slot}/start"), slot)
    assert not app.exception
    results: tuple[TableRun, ...] = app.session_state[slot].run.result
    return app, results


def losses(result: TableRun) -> list[float]:
    return [epoch.validation_loss or 0.0 for epoch in result.history]


def test_three_capacities_end_in_three_verdicts_and_the_prediction_is_scored(open_page: Open) -> None:
    app = open_page(PAGE)
    app.radio[0].set_value("大").run()
    app, results = run(app, "of_capacity")
    seen = shown(app)
    small, middle, large = (losses(result)[-1] for result in results)
    assert "予想は「大」、結果は「中」でした" in seen
    assert f"小 {text.number(small)}、中 {text.number(middle)}、大 {text.number(large)}" in seen
    assert middle < min(small, large)
    for told in ("小は「未学習」", "中は「収束した」", "大は「過学習」"):
        assert told in seen
    assert [result.parameters for result in results] == [2, 8 * 2 + 8 * 9 + 9, 128 * 2 + 2 * 128 * 129 + 129]
    gap = losses(results[2])[-1] - results[2].history[-1].train_loss
    assert f"は {gap:+.3f} です" in seen
    frames = app.session_state["of_capacity"].run.frames
    assert [frame.epoch for frame in frames][:: len(frames) - 1] == [0, 600]


@pytest.mark.parametrize(("preset", "large"), [(0, "過学習"), (2, "過学習"), (3, "遅すぎる")])
def test_capacity_presets_end_as_they_are_named(open_page: Open, preset: int, large: str) -> None:
    app = press(open_page(PAGE), f"of_capacity/preset/{preset}")
    app, _ = run(app, "of_capacity")
    assert f"大は「{large}」" in shown(app)
    assert f"**大({large})**" in shown(app)


def test_more_patients_narrow_the_gap_of_the_large_network(open_page: Open) -> None:
    gaps, rises = [], []
    for preset in (0, 1):
        app = press(open_page(PAGE), f"of_capacity/preset/{preset}")
        app, results = run(app, "of_capacity")
        held = losses(results[2])
        gaps.append(held[-1] - results[2].history[-1].train_loss)
        rises.append(held[-1] / min(held))
    assert gaps[1] < gaps[0] / 2
    assert rises[1] < rises[0]


def test_five_seeds_are_judged_one_by_one(open_page: Open) -> None:
    app = open_page(PAGE, of_seeds="5シード", of_epochs="50", of_large="16×2層")
    app, results = run(app, "of_capacity")
    assert len(results) == 15
    ends = float(np.median([losses(result)[-1] for result in results[1::3]]))
    assert f"中 {text.number(ends)}" in shown(app)
    assert "「中」の5つの種の判定は" in shown(app)
    app = press(app, "overfitting_capacity/pin")
    assert app.dataframe[0].value["乱数"].tolist() == ["種 0〜4"]


def test_early_stopping_counts_stops_and_goes_back_to_the_best_epoch(open_page: Open) -> None:
    app, (result,) = run(open_page(PAGE, of_experiment="早期終了"), "of_stop")
    spec = TableRunSpec(
        table=TableSpec(name="markers", patients=1000, noise=0.15),
        model=MLPSpec(hidden=(64,)),
        optimizer=OptimizerSpec(lr=1e-3),
        training=TrainingSpec(epochs=100, batch_size=32, patience=7, min_delta=0.0),
    )
    assert app.session_state["of_stop"].spec == spec
    best = int(np.argmin(losses(result))) + 1
    assert (result.ending, result.weights_epoch, len(result.history)) == ("early", best, best + 7)
    seen = shown(app)
    assert "我慢カウンター 7/7** ●●●●●●●" in seen
    assert f"{best + 7} エポック({best} + 7)で止まりました" in seen
    assert f"最良({best} エポック)に戻す | {text.number(min(losses(result)))}" in seen
    assert text.number(result.last_test_loss) in seen
    app = press(app, "of_stop_full/start")
    app = wait_until_done(app, "of_stop_full").run()
    straight = train_on_table([replace(spec, training=replace(spec.training, patience=None))])
    assert isinstance(straight, tuple)
    assert straight[0].history[: best + 7] == result.history
    assert f"止めずに最後(100 エポック)まで | {text.number(losses(straight[0])[-1])}" in shown(app)
    assert f"{straight[0].test_loss / result.test_loss:.2f} 倍" in shown(app)


def test_the_counter_moves_epoch_by_epoch(open_page: Open) -> None:
    app = press(
        open_page(PAGE, of_experiment="早期終了", of_wrong="40", of_stop_hidden="256"), "of_stop/step"
    )
    for epochs in range(1, 6):
        app = wait_until(app, "of_stop", "paused")
        held = [epoch.validation_loss for epoch in app.session_state["of_stop"].run.history]
        assert len(held) == epochs
        assert f"我慢カウンター {counts(held)[-1].waited}/7**" in shown(app)
        app = press(app, "of_stop/one")
    assert max(count.waited for count in counts(held)) >= 3


@pytest.mark.parametrize(
    ("preset", "why"), [(0, ""), (1, "我慢が短すぎる"), (2, "改善幅が大きすぎる"), (3, "我慢が長すぎる")]
)
def test_stopping_presets_fail_for_the_reason_they_are_named_after(
    open_page: Open, preset: int, why: str
) -> None:
    app = press(open_page(PAGE, of_experiment="早期終了"), f"of_stop/preset/{preset}")
    app, _ = run(app, "of_stop")
    app = wait_until_done(press(app, "of_stop_full/start"), "of_stop_full").run()
    assert (f"**{why}**" in shown(app)) if why else ("**なぜ**" not in shown(app))


def test_random_labels_start_at_ln_2_and_are_told_beside_chance(open_page: Open) -> None:
    app = open_page(PAGE, of_experiment="でたらめなラベル")
    app.radio[0].set_value("学習損失だけ下がり、検証損失は上がる").run()
    app, (fake, real) = run(app, "of_random")
    held = losses(fake)
    assert held[0] == pytest.approx(np.log(2), abs=0.03)
    assert held[-1] > 1.2 * np.log(2) > np.log(2) > 2 * fake.history[-1].train_loss
    seen = shown(app)
    assert "予想どおりです" in seen
    assert f"との差は {held[0] - np.log(2):+.3f}" in seen
    right = int(np.sum(np.argmax(fake.test_outputs, axis=1) == fake.test_targets))
    assert f"正解は {right} 人" in seen
    assert "86〜114 人" in seen  # central 95 % of 200 coins
    assert f"正解率が {real.test_accuracy:.1%}" in seen


@pytest.mark.parametrize(("preset", "why"), [(1, "暗記"), (2, "暗記する余裕がない")])
def test_random_presets_are_explained(open_page: Open, preset: int, why: str) -> None:
    app = press(open_page(PAGE, of_experiment="でたらめなラベル"), f"of_random/preset/{preset}")
    app, _ = run(app, "of_random")
    assert f"**{why}**" in shown(app)


def test_breast_cancer_is_told_in_sensitivity_and_specificity(open_page: Open) -> None:
    from sklearn.metrics import recall_score

    app, results = run(open_page(PAGE, of_experiment="本物の臨床データ", of_real_epochs="30"), "of_real")
    assert [result.rows[0] for result in results[::3]] == [20, 40, 80, 160, 341]
    seen = shown(app)
    for place, count in enumerate((20, 40, 80, 160, 341)):
        group = results[3 * place : 3 * place + 3]
        answers = [(result.test_targets, result.test_outputs.argmax(axis=1)) for result in group]
        found = np.median([recall_score(truth, said) for truth, said in answers])
        spared = np.median([recall_score(truth, said, pos_label=0) for truth, said in answers])
        loss = np.median([result.test_loss for result in group])
        assert f"| {count} 人 | {text.number(loss)} |" in seen
        assert f"| {found:.1%} | {spared:.1%} |" in seen


def test_diabetes_is_told_in_points_beside_the_constant_answer(open_page: Open) -> None:
    from sklearn.datasets import load_diabetes
    from sklearn.metrics import r2_score

    app = open_page(PAGE, of_experiment="本物の臨床データ", of_table="糖尿病", of_real_epochs="30")
    app, results = run(app, "of_real")
    y = load_diabetes(scaled=False).target
    errors, constants, explained = [], [], []
    for group, result in enumerate(results[-3:]):
        order = np.random.RandomState(group).permutation(442)
        test, train = order[:88], order[176:]
        answers = result.test_outputs[:, 0] * y[train].std() + y[train].mean()
        errors.append(np.sqrt(np.mean((answers - y[test]) ** 2)))
        constants.append(np.sqrt(np.mean((y[train].mean() - y[test]) ** 2)))
        explained.append(r2_score(y[test], answers))
    points = f"{np.median(errors):.1f} 点 | {np.median(constants):.1f} 点"
    assert f"| 266 人 | {points} | {np.median(explained):.2f} |" in shown(app)


@pytest.mark.parametrize(("preset", "why"), [(2, "過学習"), (3, "学習不足")])
def test_real_presets_fail_for_the_reason_they_are_named_after(
    open_page: Open, preset: int, why: str
) -> None:
    app = press(open_page(PAGE, of_experiment="本物の臨床データ"), f"of_real/preset/{preset}")
    app, _ = run(app, "of_real")
    assert f"**{why}**" in shown(app)


def test_the_shortcut_of_hospital_a_fails_at_b(open_page: Open) -> None:
    app = open_page(PAGE, of_experiment="病院Aから病院Bへ")
    app.radio[0].set_value("25ポイント以上下がる").run()
    app, (plain, _) = run(app, "of_hospital")
    spec = app.session_state["of_hospital"].spec
    data = tables.load(spec.table)
    films, ill = hospital_b(HospitalSpec())
    model = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.ReLU(), torch.nn.Linear(16, 2))
    model.load_state_dict({name: torch.tensor(value) for name, value in plain.weights.items()})
    with torch.no_grad():
        said = model(torch.tensor((films - data.centre) / data.scale, dtype=torch.float32)).argmax(1).numpy()
    seen = shown(app)
    assert "予想どおりです" in seen
    assert f"病院Aで {plain.test_accuracy:.1%}、病院Bで {np.mean(said == ill):.1%}" in seen
    assert f"{np.sum(ill == 1)} 人の肺炎のうち {np.sum((said == 0) & (ill == 1))} 人を見逃し" in seen
    assert "最も頼っていたのは「明るさ」" in seen
    assert "**近道学習**" in seen


@pytest.mark.parametrize(
    ("preset", "why"), [(1, "近道学習"), (2, "対策が不十分"), (3, "")], ids=["reversed", "weak", "same"]
)
def test_hospital_presets_end_as_they_are_named(open_page: Open, preset: int, why: str) -> None:
    app = press(open_page(PAGE, of_experiment="病院Aから病院Bへ"), f"of_hospital/preset/{preset}")
    app, _ = run(app, "of_hospital")
    assert (f"**{why}**" in shown(app)) if why else ("**なぜ**" not in shown(app))
    app = press(app, "overfitting_hospital/pin")
    assert app.dataframe[0].value["病院Bの明るさ"].tolist() == [
        list(fit_hospital_view.LINKS)[[1, 1, 3][preset - 1]]
    ]


def test_every_link_of_hospital_b_can_be_chosen() -> None:
    assert sorted(fit_hospital_view.LINKS.values()) == sorted(LINKS)


def test_a_study_is_as_large_as_its_table() -> None:
    for study in fit_patients_view.STUDIES.values():
        table = tables.load(TableSpec(name=study.name))
        sizes = [len(part.inputs) for part in (table.train, table.validation, table.test)]
        assert sizes[0] == study.train
        assert sum(sizes) == study.patients
        assert bool(table.classes) == study.classes


def test_colours_are_told_apart() -> None:
    assert len(set(fit_patients_view.COLOURS)) == 4
    assert fit_patients_view.COLOURS[0] == charts.COLOURS["学習"]


@pytest.mark.parametrize(
    "query",
    [
        {"of_experiment": "../etc", "of_rows": "nan", "of_noise": "1e9", "of_large": "<b>"},
        {"of_rows": "21", "of_noise": "0.55", "of_ward": "-1", "of_seed": "1e99", "of_epochs": "7"},
        {"of_experiment": "早期終了", "of_patience": "0", "of_delta": "-1", "of_stop_epochs": "99999"},
        {"of_experiment": "早期終了", "of_stop_seeds": "5シード", "of_wrong": "101"},
        {"of_experiment": "でたらめなラベル", "of_people": "3", "of_units": "inf"},
        {"of_experiment": "本物の臨床データ", "of_table": "None", "of_groups": "100組"},
        {"of_experiment": "病院Aから病院Bへ", "of_link": "?", "of_shake": "2", "of_scatter": "0.31"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page(PAGE, **query)
    assert not app.exception
    assert not app.error
