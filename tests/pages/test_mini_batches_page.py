import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import batch_walk
from core.batch_walk import WalkSpec, walk
from core.batches import PlanSpec, plan, training_rows
from core.history import Frame
from core.loading import LoadSpec, Measured, Report, Span
from core.perceptron import train_on_table
from core.specs import OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from pages.parts.mini_batches import (
    batch_loading_view,
    batch_order_result,
    batch_order_view,
    batch_path_view,
    batch_plan,
    batch_race_result,
)
from pages.parts.mini_batches.batch_script import load_script, plan_script, walk_script
from pages.ui import text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PAGE = "mini_batches.py"
RACE = {"mb_epochs": "5"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def formulas(app: AppTest) -> str:
    return "\n".join(element.value for element in app.latex)


def test_the_first_view_counts_the_updates_of_what_is_chosen(open_page: Open) -> None:
    app = open_page(PAGE)
    assert not app.exception
    assert "学習用の 341 人" in shown(app)
    assert r"\lceil 341 / 1 \rceil \times 20 = 6,820" in formulas(app).replace(r"\text{エポック} = ", "")
    app.selectbox(key="mb_race_table").set_value("心不全の再入院(模擬)").run()
    assert "学習用の 600 人" in shown(app)
    app.button_group(key="mb_who").set_value(["32"]).run()
    assert r"\lceil 600 / 32 \rceil \times 20 = 380" in formulas(app).replace(r"\text{エポック} = ", "")


def test_the_race_is_told_with_its_own_numbers(open_page: Open) -> None:
    app = open_page(PAGE, **RACE)
    app.radio[0].set_value("全データ(341)").run()
    app = wait_until_done(press(app, "mb_race/start"), "mb_race")
    assert not app.exception
    watched = app.session_state["mb_race"]
    sizes = [spec.training.batch_size for spec in watched.specs]
    assert sizes == [341, 128, 64, 32, 1]
    ends = {
        size: run.history[-1].validation_loss for size, run in zip(sizes, watched.run.result, strict=True)
    }
    best = min(ends, key=ends.__getitem__)
    seen = shown(app)
    assert f"最後の検証損失は B = {batch_race_result.label(best, 341)} が {text.number(ends[best])}" in seen
    assert "予想は「全データ(341)」" in seen
    assert "| 32 | 11 | 21 | 10 | 55 |" in seen  # 5 epochs of ⌈341 / 32⌉ updates
    assert "| 6.3 |" in seen  # KiB held by 32 patients: 200 · 32 + 4 bytes
    assert r"200 \times 341 + 4 = 68,204" in formulas(app)
    assert r"\text{実測 } 68,204" in formulas(app)


def test_a_curve_of_the_race_can_be_pinned_and_of_the_other_experiment_too(open_page: Open) -> None:
    app = wait_until_done(press(open_page(PAGE, **RACE), "mb_race/start"), "mb_race")
    app.selectbox(key="mb_race/pinned").set_value("32").run()
    app = press(app, "mini_batches/pin")
    end = app.session_state["mb_race"].run.rows[-1][3].validation_loss
    table = app.dataframe[0].value
    assert table["検証損失"].tolist() == [pytest.approx(end)]
    assert table["更新回数"].tolist() == ["55 回"]


def test_rates_that_go_with_the_batch_size_are_those_of_the_specs(open_page: Open) -> None:
    app = open_page(PAGE, mb_scaling="B に比例", mb_rate="0.1", mb_epochs="5", mb_seeds="5シード")
    app = wait_until_done(press(app, "mb_race/start"), "mb_race")
    specs = app.session_state["mb_race"].specs
    assert len(specs) == 25
    for spec in specs:
        assert spec.optimizer.lr == pytest.approx(0.1 * spec.training.batch_size / 32)
    assert "5シードの中央値" in shown(app)


@pytest.mark.parametrize(
    ("preset", "told"),
    [
        (0, "正解は「32」"),
        (1, "はっきりした差はない"),
        (2, "10エポックで10回"),
        (3, "発散した)もの: B = 1(オンライン) は"),
    ],
)
def test_presets_of_the_race_end_as_they_are_named(open_page: Open, preset: int, told: str) -> None:
    app = press(open_page(PAGE), f"mb_race/preset/{preset}")
    app = wait_until_done(press(app, "mb_race/start"), "mb_race")
    assert not app.exception
    assert told in shown(app)
    assert ("なぜ" in shown(app)) == (preset > 1)


def standing(label: str, *losses: float) -> batch_race_result.Standing:
    return batch_race_result.Standing(
        size=int(label), label=label, lr=0.1, places=(0,), rows=100, epochs=2, updates=4, losses=losses,
        seconds=1.0, accuracy=0.9, course=losses[:1], clock=(0.4, 1.0), rises=0, diverged=0,
    )  # fmt: skip


def test_a_winner_needs_every_seed_or_a_lead() -> None:
    clear = [standing("32", 0.1, 0.2, 0.3), standing("64", 0.2, 0.3, 0.4)]
    assert batch_race_result.answer(clear).choice == "32"
    mixed = [standing("32", 0.1, 0.2, 0.5), standing("64", 0.2, 0.3, 0.4)]
    assert batch_race_result.answer(mixed).choice == batch_race_result.EVEN
    assert (
        batch_race_result.answer([standing("32", 0.1), standing("64", 0.104)]).choice
        == batch_race_result.EVEN
    )
    assert batch_race_result.answer([standing("32", 0.1), standing("64", 0.106)]).choice == "32"
    assert standing("32", 0.1).per_epoch == pytest.approx(0.5)


def test_three_walks_are_told_with_the_numbers_of_their_paths(open_page: Open) -> None:
    app = open_page(PAGE, mb_experiment="道すじのゆれ")
    app.radio[0].set_value("1人ずつ(B = 1)").run()
    app = press(app, "mb_path/go")
    assert not app.exception
    specs = [WalkSpec(batch_size=size) for size in (90, 32, 1)]
    seen = shown(app)
    for path in walk(specs):
        assert f"{text.number(float(path.losses[-1]))} になりました" in seen
        assert f"坂を登ってしまった修正は {int(np.sum(np.diff(path.losses) > 1e-12))} 回" in seen
    assert "結果は「全データ(90 人)」でした" in seen
    (start,) = batch_walk.spread([specs[0].start])
    share = start.measured[5] / start.measured[0]
    assert f"| 32 | {start.measured[5]:.2f} | {start.theory()[5]:.2f} | {share:.3f} | 0.177 |" in seen
    app.button_group(key="mb_path_mode").set_value("同じエポック数").run()
    app = press(app, "mb_path/go")
    assert "正解は「1人ずつ(B = 1)」" in shown(app)
    assert "270 回の修正" in shown(app)  # 3 epochs of 90 patients, one by one


def test_a_rate_too_large_for_one_patient_is_explained_with_its_curvature(open_page: Open) -> None:
    app = press(open_page(PAGE, mb_experiment="道すじのゆれ"), "mb_path/preset/2")
    app = press(app, "mb_path/go")
    assert "(**発散**)" in shown(app)
    assert "なぜ" in shown(app)
    age, _ = batch_walk.patients()
    assert f"1人では {2 * (1 + float(np.max(age**2))):.2f}" in shown(app)


def test_wander_and_names_worked_by_hand() -> None:
    b, w = batch_walk.bottom()
    (path,) = walk([WalkSpec(updates=10)])
    there = replace(path, positions=np.array([[9.0, 9], [9, 9], [9, 9], [b + 3, w + 4]]))
    assert batch_path_view.wander(there) == pytest.approx(5.0)
    assert [batch_path_view.name(size) for size in (90, 32, 1)] == [
        "全データ(90 人)",
        "ミニバッチ(B = 32)",
        "1人ずつ(B = 1)",
    ]


@pytest.mark.parametrize(
    ("preset", "told"),
    [
        (0, "正解は「シャッフルあり」"),
        (1, "正解は「シャッフルあり」"),
        (2, "正解は「ほとんど同じ"),
        (3, "順番は結果に響きません"),
    ],
)
def test_presets_of_the_order_end_as_they_are_named(open_page: Open, preset: int, told: str) -> None:
    app = press(open_page(PAGE, mb_experiment="シャッフル"), f"mb_order/preset/{preset}")
    app = wait_until_done(press(app, "mb_order/start"), "mb_order")
    assert not app.exception
    seen = shown(app)
    assert told in seen
    assert "なぜ" in seen
    results = app.session_state["mb_order"].run.result
    for arm in (results[:5], results[5:]):
        assert text.number(float(np.median([run.test_loss for run in arm]))) in seen


def test_the_order_is_told_with_sensitivity_and_composition_of_batches(open_page: Open) -> None:
    app = press(open_page(PAGE, mb_experiment="シャッフル"), "mb_order/preset/1")
    app = wait_until_done(press(app, "mb_order/start"), "mb_order")
    results = app.session_state["mb_order"].run.result
    sensitivity = [
        np.median([(r.test_outputs.argmax(1) == 1)[r.test_targets == 1].mean() for r in arm])
        for arm in (results[:5], results[5:])
    ]
    assert f"なし {sensitivity[0]:.1%}、あり {sensitivity[1]:.1%}" in shown(app)
    assert sensitivity[1] - sensitivity[0] > 0.2  # the lesson's point, on this very run
    assert "19 個のバッチのうち 18 個" in shown(app)
    assert r"p = 1.000\ (\text{最初のバッチ})" in formulas(app)
    for stretch in batch_order_view.STRETCHES:
        app.button_group(key="mb_order_window").set_value(stretch).run()
        assert not app.exception
    app = press(app, "mini_batches/pin")
    assert app.dataframe[0].value["シャッフル"].tolist() == ["なし"]


def test_neighbours_are_averaged_when_there_are_too_many_updates() -> None:
    values, each = batch_order_view.thinned(np.arange(1000.0))
    assert each == 3
    assert values.tolist()[:2] == [1.0, 4.0]
    assert len(values) == 333
    assert batch_order_view.thinned(np.arange(4.0))[0].tolist() == [0, 1, 2, 3]


def test_the_swing_within_an_epoch_worked_by_hand() -> None:
    frames = [
        Frame(epoch=1, arrays=({"positive": np.array([0.1, 0.9, 0.5])},)),
        Frame(epoch=2, arrays=({"positive": np.array([0.2, 0.6])},)),
        Frame(epoch=3, arrays=({"positive": np.array([])},)),
    ]
    assert batch_order_result._swing(frames, 0, "positive") == pytest.approx(0.6)


def test_a_dealt_out_plan_is_told_and_scored(open_page: Open) -> None:
    app = press(open_page(PAGE, mb_experiment="DataLoaderの配り方"), "mb_plan/preset/2")
    app.radio[0].set_value("1人もいない").run()
    app = press(app, "mb_plan/go")
    assert not app.exception
    seen = shown(app)
    assert "結果は「1人以上いる」でした" in seen
    assert "患者 19、20 が、一度も使われませんでした(2 人)" in seen
    assert "なぜ" in seen
    assert r"\lfloor 20 / 6 \rfloor = 3" in formulas(app)
    assert r"3 \times 3 = 9" in formulas(app)


def test_who_is_dropped_is_who_the_dataloader_left_out(open_page: Open) -> None:
    app = open_page(PAGE, mb_experiment="DataLoaderの配り方", mb_plan_drop="true", mb_plan_seed="4")
    app = press(app, "mb_plan/go")
    spec = PlanSpec(drop_last=True, seed=4)
    dealt = plan(spec)
    for epoch in range(3):
        left = "、".join(map(str, dealt.dropped(epoch, 20)))
        assert f"{epoch + 1} エポック目は患者 {left}" in shown(app)
    assert batch_plan.reading(replace(spec, drop_last=False), plan(replace(spec, drop_last=False)))[
        0
    ].startswith("最後のバッチは 2 人だけ")


def test_a_batch_larger_than_the_table_makes_no_update_and_no_error(open_page: Open) -> None:
    app = press(open_page(PAGE, mb_experiment="DataLoaderの配り方"), "mb_plan/preset/3")
    app = press(app, "mb_plan/go")
    assert not app.exception
    assert "更新は 0 回" in shown(app)
    assert r"0 \times 3 = 0" in formulas(app)


def test_loading_is_measured_shared_and_told(open_page: Open) -> None:
    app = open_page(PAGE, mb_experiment="先読み", mb_load_net="軽い")
    app = wait_until_done(press(app, "mb_load/go"), "mb_load")
    assert not app.exception
    (report,) = app.session_state["mb_load"].run.result
    seen = shown(app)
    for run in report.runs:
        assert f"| {run.workers}人 | {run.start * 1e3:,.1f} | {run.epoch * 1e3:,.1f} |" in seen
    other = press(open_page(PAGE, mb_experiment="先読み", mb_load_net="軽い"), "mb_load/go")
    assert other.session_state["mb_load"].run is app.session_state["mb_load"].run  # measured once for all
    app = press(app, "mb_load/go")
    assert app.session_state["mb_load"].spec == LoadSpec(width=256, take=1)  # asked again: measured again
    assert app.session_state["mb_load"].run is not other.session_state["mb_load"].run
    wait_until_done(app, "mb_load")


def report(*epochs: float, load: float = 0.02, step: float = 0.01) -> Report:
    def run(workers: int, epoch: float) -> Measured:
        return Measured(
            workers=workers,
            start=0.1 * workers,
            seconds=(epoch + 1, epoch),
            loading=(Span(batch=0, who=int(workers > 0), begin=0, end=load),),
            training=(Span(batch=0, who=0, begin=load, end=load + step),),
        )

    return Report(cores=2, start="fork", runs=tuple(run(w, e) for w, e in enumerate(epochs)))


@pytest.mark.parametrize(("two", "choice"), [(0.66, 0), (0.7, 1), (0.95, 2), (1.1, 2), (1.2, 3)])
def test_the_answer_about_two_workers(two: float, choice: int) -> None:
    assert batch_loading_view.answer(report(1.0, 0.9, two)).choice == batch_loading_view.CHOICES[choice]


def test_who_waits_for_whom() -> None:
    assert not batch_loading_view.training_is_slower(report(1.0, 0.9, 0.8))
    assert batch_loading_view.training_is_slower(report(1.0, 0.9, 0.8, load=0.004))


def test_when_workers_have_paid_for_their_start_is_worked_out() -> None:
    said = "\n".join(batch_loading_view.reading(LoadSpec(), report(1.0, 0.8, 1.5)))
    assert "200 ms 短くなりました" in said
    assert "0.5 エポックで取り戻せます" in said  # 100 ms of starting, 200 ms saved each epoch
    assert "500 ms 延びました" in said


@pytest.mark.parametrize(
    "query",
    [
        {"mb_experiment": "<b>", "mb_rate": "nan", "mb_epochs": "1e9", "mb_who": "none"},
        {"mb_experiment": "道すじのゆれ", "mb_path_x": "99", "mb_path_rate": "-1", "mb_path_b": "3"},
        {"mb_experiment": "道すじのゆれ", "mb_path_mode": "同じエポック数", "mb_path_epochs": "nan"},
        {"mb_experiment": "シャッフル", "mb_order_b": "0", "mb_order_seed": "1e99", "mb_order_table": "x"},
        {"mb_experiment": "DataLoaderの配り方", "mb_plan_n": "-5", "mb_plan_b": "inf", "mb_plan_drop": "?"},
        {"mb_experiment": "先読み", "mb_load_ms": "1e9", "mb_load_cost": "rm -rf", "mb_load_start": "x"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page(PAGE, **query)
    assert not app.exception
    assert not app.error


def run_script(text: str, folder: Path) -> str:
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout


def test_the_script_of_the_walks_ends_where_the_page_does(tmp_path: Path) -> None:
    specs = tuple(WalkSpec(batch_size=size, updates=40, seed=2, lr=0.2) for size in (90, 16, 1))
    told = re.findall(
        r"b = ([-\d.]+), w = ([-\d.]+), 損失 ([\d.]+)", run_script(walk_script(specs), tmp_path)
    )
    for (b, w, loss), path in zip(told, walk(specs), strict=True):
        np.testing.assert_allclose([float(b), float(w)], path.positions[-1], atol=2e-5)
        assert float(loss) == pytest.approx(float(path.losses[-1]), abs=1e-5)


def test_the_scripts_of_the_dataloader_run_and_deal_out_the_same(tmp_path: Path) -> None:
    spec = PlanSpec(drop_last=True, seed=7)
    told = re.findall(r"バッチ \d+: \[([\d, ]+)\]", run_script(plan_script(spec), tmp_path))
    dealt = [", ".join(map(str, batch)) for epoch in plan(spec).epochs for batch in epoch]
    assert told == dealt
    for cost in ("wait", "compute", "none"):
        compile(load_script(LoadSpec(cost=cost), 64), "script", "exec")


def test_the_preset_why_is_told_only_for_the_presets_own_settings(open_page: Open) -> None:
    app = press(open_page(PAGE), "mb_race/preset/3")
    app.slider(key="mb_epochs").set_value(5).run()
    app = wait_until_done(press(app, "mb_race/start"), "mb_race")
    assert "なぜ" not in shown(app)


def test_a_standing_reads_a_run_that_was_trained_alone() -> None:
    spec = TableRunSpec(
        table=TableSpec(name="readmission"),
        optimizer=OptimizerSpec(name="sgd", lr=0.1),
        training=TrainingSpec(epochs=3, batch_size=64),
    )
    (run,) = train_on_table([spec])  # type: ignore[misc]
    (found,) = batch_race_result.rank([spec], [run])
    assert (found.rows, found.updates, found.epochs) == (training_rows(spec.table), 10, 3)
    losses = [epoch.validation_loss or 0.0 for epoch in run.history]
    assert found.course == tuple(losses)
    assert found.rises == sum(b > a for a, b in pairwise(losses))
