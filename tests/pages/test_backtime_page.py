"""The experiments 「さかのぼる勾配」 and 「遠い記憶」 as a reader meets them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import backtime_clip, backtime_train, recall_train
from core.backtime import CELLS, BackSpec, fresh
from core.backtime_clip import ClipSpec, pair
from core.recall import RecallSpec, together
from core.specs import ForecastSpec, TrainingSpec, with_cells
from pages.parts.vitals.backtime_cells import size
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]


@pytest.fixture
def back(open_page: Open) -> Callable[..., AppTest]:
    return lambda **query: open_page("vitals.py", vt_experiment="さかのぼる勾配", **query)


@pytest.fixture
def recall(open_page: Open) -> Callable[..., AppTest]:
    return lambda **query: open_page("vitals.py", vt_experiment="遠い記憶", **query)


def carried_out(found: Any) -> Any:
    assert isinstance(found, tuple)
    return found


def guess(app: AppTest, slot: str, choice: str) -> AppTest:
    (question,) = [radio for radio in app.radio if str(radio.key).startswith(f"{slot}/guess")]
    return question.set_value(choice).run()


def test_the_gradients_of_new_networks_are_read_out(back: Open) -> None:
    app = back(vb_length="20", vb_seed="2")
    backs = fresh(BackSpec(length=20, seed=2), (20,))[20]
    best = max(range(3), key=lambda place: backs[place].left)
    guess(app, "vb_fresh", ("SimpleRNN", "LSTM", "GRU")[best])
    app = app.button(key="vb_fresh/go").click().run()
    assert not app.exception
    seen = shown(app)
    assert "予想どおりです。" in seen
    for back_ in backs:
        assert f"| {size(back_.left)} | {back_.factor:.3f} |" in seen
    assert any("0.6" in latex.value for latex in app.latex)
    assert "勾配消失" in seen


def test_presets_open_gates_and_make_gradients_explode(back: Open) -> None:
    app = back()
    app = app.button(key="vb_fresh/preset/3").click().run()
    assert app.select_slider(key="vb_scale").value == 4.0
    app = app.button(key="vb_fresh/go").click().run()
    assert "勾配爆発(SimpleRNN" in shown(app)
    app = app.button(key="vb_fresh/preset/1").click().run()
    app = app.button(key="vb_fresh/go").click().run()
    assert "バイアスに 5 を足したので" in shown(app)


def test_gradients_are_followed_while_networks_learn(back: Open) -> None:
    app = back(vb_part="学習しながら測る", vb_t_length="10", vb_t_epochs="10")
    guess(app, "vb_trained", "遠くまで届くようになる")
    app = wait_until_done(app.button(key="vb_trained/start").click().run(), "vb_trained")
    assert not app.exception
    spec = ForecastSpec(length=10, training=TrainingSpec(epochs=10))
    found = carried_out(backtime_train.train(with_cells(spec, CELLS)))
    seen = shown(app)
    for run in found:
        assert f"{size(run.before.left)} → {size(run.after.left)}" in seen
    assert "予想" in seen
    app = app.button(key="vitals_backtime/pin").click().run()
    assert not app.exception
    assert any("比較" in heading.value for heading in app.header)


def test_clipping_saves_a_training_that_explodes(back: Open) -> None:
    app = back(vb_part="爆発を止める", vb_c_epochs="20")
    guess(app, "vb_clip", "爆発して壊れる")
    app = wait_until_done(app.button(key="vb_clip/start").click().run(), "vb_clip")
    assert not app.exception
    _, clipped = carried_out(backtime_clip.train(pair(ClipSpec(training=TrainingSpec(epochs=20)), 1.0)))
    seen = shown(app)
    assert "予想どおりです。" in seen
    assert "勾配爆発" in seen
    assert f"{len(clipped.norms)} 回中 {clipped.clipped(1.0):.0%}" in seen
    assert size(clipped.history[-1].train_loss) in seen


@pytest.mark.parametrize(("preset", "why"), [(1, "爆発しませんでした"), (2, "小さすぎる"), (3, "大きすぎる")])
def test_other_clipping_presets_say_why(back: Open, preset: int, why: str) -> None:
    app = back(vb_part="爆発を止める")
    app = app.button(key=f"vb_clip/preset/{preset}").click().run()
    app = wait_until_done(app.button(key="vb_clip/start").click().run(), "vb_clip")
    assert not app.exception
    assert why in shown(app)


def test_a_near_memory_is_recalled(recall: Open) -> None:
    app = recall(vr_length="5", vr_epochs="15")
    assert "入室時に聞いた" in shown(app)
    guess(app, "vr_recall", "思い出せる")
    app = wait_until_done(app.button(key="vr_recall/start").click().run(), "vr_recall")
    assert not app.exception
    found = carried_out(
        recall_train.train(
            together(RecallSpec(length=5, training=TrainingSpec(epochs=15, batch_size=32, clip=1.0)))
        )
    )
    seen = shown(app)
    assert "予想どおりです。" in seen
    for run in found:
        assert f"| {run.accuracy:.1%} | {run.flipped:.0%} | {size(run.before[0])} |" in seen
    assert "なぜ" not in seen


def test_a_recall_stopped_halfway_is_read_as_it_stands(recall: Open) -> None:
    app = recall(vr_length="50", vr_epochs="60")
    app = app.button(key="vr_recall/start").click().run()
    run = app.session_state["vr_recall"].run
    limit = time.monotonic() + 30
    while len(run.rows) < 2:
        assert time.monotonic() < limit
        time.sleep(0.02)
    app = app.run()
    app = app.button(key="vr_recall/pause").click().run()
    app = wait_until(app, "vr_recall", "paused")
    app = app.button(key="vr_recall/stop").click().run()
    app = wait_until_done(app, "vr_recall")
    assert not app.exception
    assert "エポックで停止しました" in shown(app)


@pytest.mark.parametrize(
    "query",
    [
        {"vr_length": "1000000", "vr_gate": "<script>", "vr_lr": "nan", "vr_noise": "-3"},
        {"vr_epochs": "-1", "vr_hidden": "9e9", "vr_seed": "x", "vr_count": "0", "vr_clip": "inf"},
    ],
)
def test_hostile_addresses_of_the_recall_fall_back(recall: Open, query: dict[str, str]) -> None:
    app = recall(**query)
    assert not app.exception
    assert not app.error
    assert app.select_slider(key="vr_length").value == 100
    assert app.select_slider(key="vr_noise").value == 0.5


@pytest.mark.parametrize("part", ["学習前に測る", "学習しながら測る", "爆発を止める", "???"])
def test_hostile_addresses_of_the_gradients_fall_back(back: Open, part: str) -> None:
    wrong = {"vb_length": "-7", "vb_scale": "1e99", "vb_t_length": "0", "vb_c_limit": "nan", "vb_seed": "-1"}
    app = back(vb_part=part, **wrong)
    assert not app.exception
    assert not app.error
