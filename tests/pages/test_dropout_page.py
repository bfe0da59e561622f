"""A reader of 正則化 / ドロップアウト: who rests, what comes through, and eval() forgotten."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.dropout import OnesSpec, jitter, ones_through
from core.dropout_rest import RestSpec, rest, silent_steps
from core.perceptron import train_on_table
from core.specs import MLPSpec, OptimizerSpec, TableRunSpec, TableSpec, TrainingSpec
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PAGE = {"rg_experiment": "ドロップアウト"}
ONES = {**PAGE, "rg_o_part": "train() と eval()"}
FORGET = {**PAGE, "rg_o_part": "eval() を忘れる"}


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


# --- who rests ---


@pytest.mark.parametrize(("preset", "p", "why"), [(0, 0.5, ""), (2, 0.9, "休みすぎ"), (3, 0.0, "なし")])
def test_the_selections_of_units_are_predicted_and_counted(
    open_page: Open, preset: int, p: float, why: str
) -> None:
    app = press(open_page("regularization.py", **PAGE), f"rg_o_rest/preset/{preset}")
    assert app.slider(key="rg_o_p").value == p
    app.radio[0].set_value("60種類(毎回ちがう)").run()
    app = press(app, "rg_o_rest_answer")
    found = rest(RestSpec(p=p))
    kinds = len({row.tobytes() for row in found.working})
    seen = shown(app)
    assert f"60 ステップで {kinds} 種類の顔ぶれ" in seen
    assert ("予想どおりです。" in seen) == (kinds == 60)
    assert ("なぜ" in seen) == bool(why)
    assert why in seen
    if p == 0.9:
        assert f"60 ステップのうち {silent_steps(found)} ステップで" in seen
    if p:
        assert "16,384" in seen
        assert "6.3×10⁵⁷" in seen
        assert f"平均 {(~found.working).mean():.1%}(p = {p:g})" in seen


def test_another_seed_asks_anew(open_page: Open) -> None:
    app = press(open_page("regularization.py", **PAGE), "rg_o_rest_answer")
    assert "読み解き" in [s.value for s in app.header]
    app.number_input(key="rg_o_seed").set_value(5).run()
    assert "読み解き" not in [s.value for s in app.header]


# --- train() and eval() ---


def test_ones_keep_their_mean_with_the_scale_and_lose_it_without(open_page: Open) -> None:
    app = open_page("regularization.py", **ONES)
    app.radio[0].set_value("10 前後(入れた合計のまま)").run()
    app = press(app, "rg_o_ones/go")
    found = ones_through(OnesSpec(draws=1000))
    seen = shown(app)
    assert "予想どおりです。" in seen
    assert "出てきた値は 0 と 2 だけです" in seen
    assert f"合計の平均は {found.trained.sum(axis=1).mean():.2f}" in seen
    assert "なぜ" not in seen
    app = press(press(app, "rg_o_ones/preset/2"), "rg_o_ones/go")
    bare = found.unscaled.sum(axis=1).mean()
    seen = shown(app)
    assert "正解は「10 よりはっきり小さい」" in seen
    assert f"平均 {bare:.2f}、判定では 10 です" in seen
    assert "割り増し忘れ" in seen


def test_a_single_draw_with_much_rest_is_mostly_noise(open_page: Open) -> None:
    app = press(press(open_page("regularization.py", **ONES), "rg_o_ones/preset/3"), "rg_o_ones/go")
    total = ones_through(OnesSpec(p=0.9, draws=1)).trained.sum()
    seen = shown(app)
    assert f"1 回の合計の平均は {total:.2f}" in seen
    assert "標準偏差は 3.00" in seen


# --- eval() forgotten ---


def run_spec(p: float, epochs: int = 50) -> TableRunSpec:
    return TableRunSpec(
        table=TableSpec(name="markers"),
        model=MLPSpec(hidden=(128, 64), dropout=p),
        optimizer=OptimizerSpec(name="adam", lr=1e-3, weight_decay=1e-4),
        training=TrainingSpec(epochs=epochs, batch_size=32),
    )


@lru_cache
def changed(spec: TableRunSpec) -> int:
    """Count the patients whose diagnosis ever changes, in a training of its own."""
    runs = train_on_table([spec])
    assert isinstance(runs, tuple)
    return int((jitter(spec, runs[0].weights).changed > 0).sum())


def test_the_jitter_is_measured_in_the_readers_own_run_and_eval_stills_it(open_page: Open) -> None:
    app = open_page("regularization.py", **FORGET)
    app.radio[0].set_value("101人以上").run()
    app = wait_until_done(press(app, "rg_o_forget/start"), "rg_o_forget")
    assert not app.exception
    spec = run_spec(0.5)
    assert app.session_state["rg_o_forget"].spec == spec
    count = changed(spec)
    assert count > 100
    seen = shown(app)
    assert f"200 人のうち {count} 人が" in seen
    assert "予想どおりです。" in seen
    assert "eval() の呼び忘れ" in seen
    assert "モンテカルロ・ドロップアウト" in seen
    accuracy = app.session_state["rg_o_forget"].run.result[0].test_accuracy
    assert f"eval() ならテスト正解率は {accuracy:.1%}" in seen
    app = press(app, "regularization_dropout/pin")
    assert app.dataframe[0].value["診断が変わった患者"].tolist() == [count]
    app = press(app, "rg_o_forget/preset/3")
    assert app.button_group(key="rg_o_eval").value == "呼ぶ"
    seen = shown(app)
    assert "正解は「0人」" in seen
    assert "呼び忘れ" not in seen


@pytest.mark.parametrize(("preset", "p", "why"), [(1, 0.1, False), (2, 0.9, True)])
def test_less_rest_jitters_less_and_too_much_learns_nothing(
    open_page: Open, preset: int, p: float, why: bool
) -> None:
    app = press(open_page("regularization.py", **FORGET), f"rg_o_forget/preset/{preset}")
    app = wait_until_done(press(app, "rg_o_forget/start"), "rg_o_forget")
    seen = shown(app)
    count = changed(run_spec(p))
    assert f"200 人のうち {count} 人が" in seen
    assert ("休みすぎ" in seen.replace("p = 0.9 は休みすぎ", "")) == why
    assert (count < changed(run_spec(0.5))) == (p < 0.5)


def test_without_dropout_nothing_jitters(open_page: Open) -> None:
    app = open_page("regularization.py", rg_o_rate="0.0", rg_o_epochs="10", **FORGET)
    app = wait_until_done(press(app, "rg_o_forget/start"), "rg_o_forget")
    seen = shown(app)
    assert "正解は「0人」" in seen
    assert "なぜ" not in seen


def test_a_prediction_follows_a_new_seed(open_page: Open) -> None:
    app = open_page(
        "regularization.py", rg_o_epochs="10", rg_o_eval="呼ぶ", rg_o_seeds="新しい乱数", **FORGET
    )
    app.radio[0].set_value("0人").run()
    app = wait_until_done(press(app, "rg_o_forget/start"), "rg_o_forget")
    assert "予想どおりです。" in shown(app)


@pytest.mark.parametrize(
    "query",
    [
        {"rg_o_p": "nan", "rg_o_seed": "1e99", "rg_o_part": "<b>"},
        {"rg_o_p": "0.55", "rg_o_seed": "-4"},
        {**ONES, "rg_o_ones_p": "1", "rg_o_draws": "1e9", "rg_o_scaling": "None", "rg_o_ones_seed": "x"},
        {**FORGET, "rg_o_rate": "inf", "rg_o_decay": "-1", "rg_o_epochs": "1e6", "rg_o_eval": "../"},
        {**FORGET, "rg_o_rate": "0.349", "rg_o_run_seed": "99999999"},
    ],
)
def test_hostile_addresses_fall_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("regularization.py", **{**PAGE, **query})
    assert not app.exception
    assert not app.error


def test_six_patients_from_surely_healthy_to_surely_ill_are_chosen() -> None:
    from core.dropout import Jitter
    from pages.parts.regularization.dropout_forget_view import chosen

    called = np.linspace(1, 0, 100, dtype=np.float32)[None].repeat(2, axis=0)
    found = Jitter(forgotten=called, called=called, targets=np.zeros(100, dtype=np.int64))
    risks = found.called[0, chosen(found)]
    assert (np.diff(risks) > 0).all()
    assert len(risks) == 6
