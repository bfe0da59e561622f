"""正則化, 「5つを比べる」 and 「重み減衰」: what is told is computed from the reader's own run."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest
from torch import nn

from core import tables
from core.decay import DecaySpec, shrink
from core.history import TableRun
from core.perceptron import train_on_table
from core.specs import TableRunSpec, TableSpec
from core.weight_bins import SQUARES
from pages.parts.regularization import penalties_plan as plan
from pages.ui import text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PAGE = "regularization.py"
FIVE = ("なし", "L1", "L2", "ドロップアウト", "全部")
SHORT = {"rg_n_epochs": "50", "rg_n_hidden": "8×1層"}


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def run(app: AppTest, slot: str) -> tuple[AppTest, tuple[TableRun, ...]]:
    app = wait_until_done(press(app, f"{slot}/start"), slot)
    assert not app.exception
    results: tuple[TableRun, ...] = app.session_state[slot].run.result
    return app, results


def loss_of_everyone(spec: TableRunSpec, result: TableRun) -> float:
    """Return the training loss with every unit at work, by a network of one's own."""
    step = 3 if spec.model.dropout else 2
    x, last = tables.load(spec.table).train, len(spec.model.hidden) * step
    values = torch.tensor(x.inputs)
    for place in range(0, last + 1, step):
        weight, bias = (torch.tensor(result.weights[f"{place}.{kind}"]) for kind in ("weight", "bias"))
        values = nn.functional.linear(values, weight, bias)
        values = torch.tanh(values) if place < last else values
    return float(nn.functional.mse_loss(values[:, 0], torch.tensor(x.targets)))


def test_five_ways_are_raced_and_told_in_their_own_numbers(open_page: Open) -> None:
    app = open_page(PAGE)
    app.radio[0].set_value("なし").run()
    app, results = run(app, "rg_n")
    seen, specs = shown(app), app.session_state["rg_n"].specs
    tests = [result.test_loss for result in results]
    assert int(np.argmin(tests)) == 2
    assert min(tests) < 0.95 * sorted(tests)[1]
    assert "予想は「なし」、結果は「L2」でした" in seen
    assert "、".join(f"{name} {text.number(loss)}" for name, loss in zip(FIVE, tests, strict=True)) in seen
    for name, spec, result in zip(FIVE, specs, results, strict=True):
        train = loss_of_everyone(spec, result)
        held = result.history[-1].validation_loss or 0.0
        gap = f"{held - train:+.3f}".replace("-", "−")
        assert f"| {name} | {text.number(train)} | {text.number(held)} | {gap} |" in seen
        square = sum(float((w**2).sum()) for key, w in result.weights.items() if key.endswith("weight"))
        assert f"| {name} | {text.number(square)} |" in seen
    for why in ("**なし(過学習)**", "**重ねすぎ**"):
        assert why in seen
    frames = app.session_state["rg_n"].run.frames
    assert [frames[0].epoch, frames[-1].epoch] == [0, 400]
    assert set(frames[0].arrays[0]) == {"counts", "sums", "train", "curve"}


@pytest.mark.parametrize(
    ("preset", "why"),
    [(1, "λ が大きすぎる(未学習)"), (2, "ドロップアウトが効きすぎる(未学習)"), (3, "正則化しても変わらない")],
)
def test_presets_end_as_they_are_named(open_page: Open, preset: int, why: str) -> None:
    app, results = run(press(open_page(PAGE), f"rg_n/preset/{preset}"), "rg_n")
    assert f"**{why}**" in shown(app)
    if preset == 1:
        assert "「L1」「L2」" in shown(app)
        for result in results[1:3]:
            assert result.test_loss == pytest.approx(np.square(result.test_targets).mean(), rel=0.05)


def test_five_seeds_name_a_winner_only_where_it_won_them_all(open_page: Open) -> None:
    app, results = run(open_page(PAGE, rg_n_seeds="5シード", **SHORT), "rg_n")
    assert len(results) == 25
    tests = np.array([result.test_loss for result in results]).reshape(5, 5)
    first, second = np.argsort(np.median(tests, axis=0))[:2]
    won = int(np.sum(tests[:, first] < tests[:, second]))
    seen = shown(app)
    assert f"同じ種どうしで 5 回中 {won} 回です" in seen
    assert f"正解は「{FIVE[first] if won == 5 else 'はっきりした差はない'}」" in seen
    app = press(app, "regularization_five/pin")
    assert app.dataframe[0].value["乱数"].tolist() == ["種 0〜4"]
    assert app.dataframe[0].value["テスト損失"].tolist() == [round(float(np.median(tests[:, 2])), 4)]


@pytest.mark.parametrize("table", ["血清K", "マーカー", "乳腺"])
def test_every_table_can_be_raced(open_page: Open, table: str) -> None:
    app, results = run(open_page(PAGE, rg_n_table=table, **SHORT), "rg_n")
    assert ("折れ曲がり" in shown(app)) == (table == "血清K")
    assert all(result.ending == "finished" for result in results)


@pytest.mark.parametrize("name", ["wave", "u_shape"])
def test_the_true_curve_is_that_of_the_simulated_patients(name: str) -> None:
    table = tables.load(TableSpec(name=name, noise=0.0, patients=200))
    x = table.train.inputs[:, 0] * table.scale[0] + table.centre[0]
    y = table.train.targets * table.target_scale + table.target_centre
    truth = plan.BY_NAME[name].truth
    assert truth is not None
    assert truth(x) == pytest.approx(y, rel=1e-4)
    assert plan.bends(np.array([0.0, 1.0, 0.0, 2.0])) == 2 + 3


def test_under_sgd_both_ways_are_the_same_and_under_adam_they_part(open_page: Open) -> None:
    app = press(open_page(PAGE, rg_experiment="重み減衰"), "rg_d_two/preset/0")
    app.radio[0].set_value("同じ").run()
    app = press(app, "rg_d_two/start")
    seen = shown(app)
    assert "予想どおりです" in seen
    assert "計算の丸めしかありません" in seen
    app = press(app, "rg_d_two/preset/1")
    assert "読み解き" not in [heading.value for heading in app.header]
    app = press(app, "rg_d_two/start")
    paths = shrink(DecaySpec()).paths
    seen = shown(app)
    assert "正解は「直接縮める(重み減衰)」" in seen
    assert f"「損失に足す(L2)」で {text.number(paths['penalty'][-1, 0], 4)}" in seen
    assert "| A(±3) | 3.001 | 0.033 % | 0.100 % |" in seen
    app = press(press(app, "rg_d_two/preset/3"), "rg_d_two/start")
    assert "**減衰が強すぎる**" in shown(app)
    assert "1 − 2λη = −2.00 倍" in shown(app)


def test_adam_with_l2_leaves_smaller_weights_than_adamw(open_page: Open) -> None:
    app = open_page(PAGE, rg_experiment="重み減衰", rg_d_part="ネットワークで競わせる")
    app.radio[0].set_value("AdamW").run()
    app, results = run(app, "rg_d_race")
    assert len(results) == 15
    squares = [
        sum(float((w**2).sum()) for key, w in result.weights.items() if key.endswith("weight"))
        for result in results
    ]
    added, taken = (float(np.median(squares[place::3])) for place in (1, 2))
    assert added < taken / 5
    seen = shown(app)
    assert "予想は「AdamW」、結果は「Adam + L2」でした" in seen
    assert f"Adam + L2 が {text.number(added)}、AdamW が {text.number(taken)}" in seen
    last = app.session_state["rg_d_race"].run.frames[-1].arrays
    assert [float(arrays["sums"][SQUARES]) for arrays in last] == pytest.approx(squares, rel=1e-4)
    spec = app.session_state["rg_d_race"].specs[1]
    (alone,) = train_on_table([spec])  # type: ignore[misc]
    assert alone.history[9].validation_loss == pytest.approx(results[1].history[9].validation_loss, rel=1e-3)


@pytest.mark.parametrize(
    ("preset", "seen"), [(2, "**減衰が強すぎる(Adam + L2、未学習)**"), (3, "3つは同じ学習です")]
)
def test_decay_presets_end_as_they_are_named(open_page: Open, preset: int, seen: str) -> None:
    app = open_page(PAGE, rg_experiment="重み減衰", rg_d_part="ネットワークで競わせる")
    app, _ = run(press(app, f"rg_d_race/preset/{preset}"), "rg_d_race")
    assert seen in shown(app)


@pytest.mark.parametrize(
    "query",
    [
        {"rg_n_rows": "nan", "rg_n_l1": "1e9", "rg_n_p": "0.95", "rg_n_table": "../etc"},
        {"rg_n_hidden": "<b>", "rg_n_epochs": "7", "rg_n_ward": "-1", "rg_n_seed": "1e99"},
        {"rg_experiment": "重み減衰", "rg_d_rule": "Lion", "rg_d_strength": "inf", "rg_d_large": "0"},
        {
            "rg_experiment": "重み減衰",
            "rg_d_part": "ネットワークで競わせる",
            "rg_d_decay": "-1",
            "rg_d_net_lr": "2",
            "rg_d_seed": "x",
        },
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page(PAGE, **query)
    assert not app.exception
    assert not app.error
