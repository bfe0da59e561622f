import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.history import Frame
from core.playground import SETTINGS, setting
from core.run import Run
from core.specs import TableRunSpec
from pages.parts.playground import playground_presets, playground_stage
from pages.ui import text
from tests.pages.reading import shown, wait_until, wait_until_done

Open = Callable[..., AppTest]
HERE = {"ac_experiment": "プレイグラウンド"}
SHORT = {**HERE, "pg_epochs": "20", "pg_data": "内と外"}
SHORT_SPEC = setting("circle", epochs=20)


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def components(app: AppTest, name: str) -> list[Any]:
    assert not app.exception
    return [e.proto for e in app.get("bidi_component") if e.proto.component_name == name]


def drawn(app: AppTest) -> dict[str, Any]:
    """Return what the stage was sent."""
    (found,) = components(app, "lab_playground")
    data: dict[str, Any] = json.loads(found.json)
    return data


def unpacked(message: bytes) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    """Read a message of frames as the browser does: its head, and the arrays of each epoch."""
    (size,) = struct.unpack_from("<I", message)
    head = json.loads(message[4 : 4 + size])
    frames, at = {}, 0
    body = zlib.decompress(message[4 + size :]) if head["frames"] else b""
    shape = head["shape"]
    for frame in head["frames"]:

        def take(kind: Any, *sides: int) -> Any:
            nonlocal at
            count = int(np.prod(sides))
            values = np.frombuffer(body, kind, count, at).reshape(sides)
            at += values.nbytes
            return values

        maps = take(np.uint8, shape["map"], shape["map"])
        units = take(np.uint8, shape["units"], shape["unit"], shape["unit"])
        frames[frame["epoch"]] = {
            "map": np.cumsum(maps, axis=-1, dtype=np.uint8),
            "units": np.cumsum(units, axis=-1, dtype=np.uint8),
            "weights": take("<f2", shape["weights"]),
            "biases": take("<f2", shape["biases"]),
        }
    assert at == len(body)
    return head, frames


def film(app: AppTest) -> tuple[dict[str, Any], dict[int, dict[str, Any]]]:
    (found,) = components(app, "lab_playground_film")
    return unpacked(found.bytes)


def test_the_stage_shows_the_patients_and_columns_of_the_settings(open_page: Open) -> None:
    app = open_page("activations.py", **HERE)
    before = drawn(app)
    assert before["sizes"] == [16, 16]
    assert [column["label"] for column in before["columns"]] == ["A", "B"]
    assert not components(app, "lab_playground_film")
    app.button_group(key="pg_columns").set_value(["x1", "x2", "x1_squared"]).run()
    app.selectbox(key="pg_layers").set_value(1).run()
    app.number_input(key="pg_u1").set_value(5).run()
    app.toggle(key="pg_test").set_value(True).run()
    after = drawn(app)
    assert after["sizes"] == [5]
    assert [column["label"] for column in after["columns"]] == ["A", "B", "A²"]
    assert (before["test"], after["test"]) == (False, True)
    assert after["points"] == before["points"]
    app.slider(key="pg_noise").set_value(0.2).run()
    assert drawn(app)["points"] != before["points"]


def test_the_whole_film_of_a_run_reaches_the_browser_and_can_be_asked_for_again(open_page: Open) -> None:
    app = press(open_page("activations.py", **SHORT), "pg/start")
    app = wait_until_done(app, "playground")
    run = app.session_state["playground"].run
    again = playground_stage.Film(run)
    head, frames = unpacked(again.message())
    assert list(frames) == head["epochs"] == list(range(21))
    for frame in run.frames:
        for name, array in frame.arrays[0].items():
            assert np.array_equal(frames[frame.epoch][name], array), (frame.epoch, name)
    assert [f["train"] for f in head["frames"]] == [None, *(e.train_loss for e in run.history)]
    assert unpacked(again.message())[1] == {}  # nothing is sent twice
    again.resend([3, 7, "x", None])
    assert list(unpacked(again.message())[1]) == [3, 7]
    assert film(app)[0]["done"]
    assert drawn(app)["film"] == film(app)[0]["film"]


class _Run:
    """A run under way, with frames as large as the playground allows."""

    def __init__(self, frames: int) -> None:
        rng = np.random.default_rng(0)
        arrays: dict[str, Any] = {
            "map": rng.integers(0, 255, (48, 48), dtype=np.uint8),
            "units": rng.integers(0, 255, (96, 20, 20), dtype=np.uint8),
            "weights": rng.normal(size=7 * 16 + 5 * 256 + 32).astype(np.float16),
            "biases": rng.normal(size=98).astype(np.float16),
        }
        self.frames = [Frame(epoch=epoch, arrays=(arrays,)) for epoch in range(frames)]
        self.rows: list[Any] = []
        self.restarts, self.busy = 0, True


def test_a_refresh_stays_small_while_it_trains_and_the_newest_frame_comes_first() -> None:
    run: Any = _Run(3)  # noise, which nothing can compress
    reel = playground_stage.Film(run)
    for epoch in (2, 1, 0):
        message = reel.message()
        assert list(unpacked(message)[1]) == [epoch]
        assert len(message) <= 60_000
    assert reel.message() == message  # once more, should the browser have skipped it
    run.frames += _Run(5).frames[3:]
    assert list(unpacked(reel.message())[1]) == [4]
    run.busy = False
    assert list(unpacked(reel.message())[1]) == [3]


def test_a_frame_for_those_who_watch_now_is_dropped_when_the_next_comes() -> None:
    run = Run("key", print, (), None)  # type: ignore[arg-type]

    def frame(epoch: int, fleeting: bool = False) -> Frame:
        return Frame(epoch=epoch, arrays=(), fleeting=fleeting)

    run.on_rows("worker", [], [frame(0)])
    run.on_rows("worker", [], [frame(1, True), frame(2, True)])
    assert [f.epoch for f in run.frames] == [0, 2]
    run.on_rows("worker", [], [frame(3)])
    run.on_rows("worker", [], [])
    assert [f.epoch for f in run.frames] == [0, 3]


@pytest.mark.parametrize("number", range(len(playground_presets.PRESETS)))
def test_presets_end_as_they_are_named_and_failing_ones_say_why(open_page: Open, number: int) -> None:
    app = press(open_page("activations.py", **HERE), f"playground/preset/{number}")
    app = wait_until_done(press(app, "pg/start"), "playground")
    name = list(playground_presets.LABELS)[number]
    assert app.session_state["playground"].spec == SETTINGS[name]
    seen = shown(app)
    why = playground_presets.LABELS[name][1]
    assert ("**なぜ**" in seen) == bool(why)
    assert why in seen
    assert f"正解は「{'届かない' if why else '届く'}」" in seen


def test_the_controls_of_a_preset_describe_it() -> None:
    for name, preset in zip(SETTINGS, playground_presets.PRESETS, strict=True):
        values = preset.values
        hidden = tuple(values[f"pg_u{layer}"] for layer in range(1, values["pg_layers"] + 1))
        assert SETTINGS[name] == setting(
            values["pg_data"],
            noise=values["pg_noise"],
            train_share=values["pg_train"] / 100,
            columns=tuple(values["pg_columns"]),
            hidden=hidden,
            activation=values["pg_activation"],
            lr=values["pg_rate"],
            optimizer=values["pg_optimizer"],
            epochs=values["pg_epochs"],
            batch_size=values["pg_batch"],
        )


def test_the_prediction_is_scored_and_the_reading_has_the_runs_numbers(open_page: Open) -> None:
    app = open_page("activations.py", **SHORT)
    app.radio[0].set_value("届かない").run()
    app = wait_until_done(press(app, "pg/start"), "playground")
    watched = app.session_state["playground"]
    assert watched.spec == SHORT_SPEC
    (result,) = watched.run.result
    right = int((result.test_outputs.argmax(1) == result.test_targets).sum())
    seen = shown(app)
    assert f"テスト患者 150 人のうち {right} 人、{right / 150:.1%} が正解" in seen
    reached = right >= 0.95 * 150
    assert ("予想は「届かない」、結果は「届く」" in seen) == reached
    assert f"テスト損失は {text.number(result.test_loss)}" in seen
    weights = np.concatenate([w.ravel() for name, w in result.weights.items() if "weight" in name])
    assert f"重み {len(weights)} 個" in seen
    assert f"{np.mean(np.abs(weights) < 0.01):.1%}" in seen
    latex = "\n".join(one.value for one in app.latex)
    first = result.weights["0.weight"][0]
    assert f"{abs(first[0]):.2f}\\,\\text{{A}}" in latex
    assert rf"\lceil 300 / 16 \rceil \times 20 = {19 * 20}" in latex
    assert "nn.SiLU()" in app.code[0].value


def test_every_control_reaches_the_spec(open_page: Open) -> None:
    app = open_page(
        "activations.py",
        **HERE,
        pg_data="組み合わせ",
        pg_layers="1 層",
        pg_u1="3",
        pg_activation="ReLU",
        pg_rate="0.03",
        pg_noise="0.1",
        pg_train="50 %",
        pg_batch="32",
        pg_epochs="10",
        pg_optimizer="RMSprop",
        pg_l1="0.001",
        pg_l2="0.01",
        pg_dropout="0.2",
        pg_seed="7",
    )
    app = wait_until_done(press(app, "pg/start"), "playground")
    assert app.session_state["playground"].spec == setting(
        "exclusive_or",
        noise=0.1,
        train_share=0.5,
        hidden=(3,),
        activation="relu",
        dropout=0.2,
        l1=0.001,
        l2=0.01,
        optimizer="rmsprop",
        lr=0.03,
        epochs=10,
        batch_size=32,
        seed=7,
    )
    assert r"\lambda_1" in "\n".join(one.value for one in app.latex)


def test_no_input_is_a_friendly_word(open_page: Open) -> None:
    app = open_page("activations.py", **HERE)
    app.button_group(key="pg_columns").set_value([]).run()
    assert not app.exception
    assert "入力を1つ以上選んでください。" in shown(app)


def test_other_settings_show_their_own_patients_and_the_old_film_comes_back(open_page: Open) -> None:
    app = wait_until_done(press(open_page("activations.py", **SHORT), "pg/start"), "playground")
    film_id = drawn(app)["film"]
    app.selectbox(key="pg_layers").set_value(3).run()
    assert drawn(app)["film"] is None
    assert drawn(app)["sizes"] == [16, 16, 16]
    assert "変更前の設定" in shown(app)
    app.selectbox(key="pg_layers").set_value(2).run()
    assert drawn(app)["film"] == film_id


def test_epoch_by_epoch_pins_and_reset(open_page: Open) -> None:
    app = press(open_page("activations.py", **SHORT), "pg/step")
    app = wait_until(app, "playground", "paused")
    assert [frame.epoch for frame in app.session_state["playground"].run.frames] == [0, 1]
    app = wait_until_done(press(app, "playground/resume"), "playground")
    app = press(app, "playground/pin")
    assert app.dataframe[0].value["データ"].tolist() == ["内と外(雑音 0)"]
    app = press(app, "playground/reset")
    assert "playground" not in app.session_state
    assert drawn(app)["film"] is None


def test_five_seeds_train_together(open_page: Open) -> None:
    app = open_page("activations.py", **SHORT, pg_seeds="5シード")
    app = wait_until_done(press(app, "pg/start"), "playground")
    specs: tuple[TableRunSpec, ...] = app.session_state["playground"].specs
    assert [spec.training.seed for spec in specs] == [0, 1, 2, 3, 4]
    assert {replace(s, training=SHORT_SPEC.training) for s in specs} == {SHORT_SPEC}
    assert "5つの種の判定は" in shown(app)


@pytest.mark.parametrize(
    "query",
    [
        {"pg_data": "../etc", "pg_layers": "99", "pg_u1": "-3", "pg_u2": "1e99", "pg_rate": "nan"},
        {"pg_columns": "<b>", "pg_noise": "inf", "pg_train": "100 %", "pg_batch": "0", "pg_seed": "x"},
        {"pg_l1": "-1", "pg_l2": "1e9", "pg_dropout": "2", "pg_optimizer": "None", "pg_epochs": "0"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("activations.py", **HERE, **query)
    assert not app.exception
    assert not app.error
    assert drawn(app)["sizes"]


def test_a_diverged_run_is_told(open_page: Open) -> None:
    app = open_page("activations.py", **SHORT, pg_optimizer="SGD+モメンタム", pg_rate="10")
    app = wait_until_done(press(app, "pg/start"), "playground")
    assert not app.exception
    assert "正解は「届かない」" in shown(app)
