"""中をのぞく: what is drawn and said of a network is what it computes, whoever trained it."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core import models
from core.forecaster import train_forecaster
from core.history import ForecastRun
from core.inside import network
from core.inside_look import Look, Unit, look, saturation
from core.series import article_series
from core.specs import ForecastSpec, ModelSpec, OptimizerSpec, TrainingSpec
from core.windows import Windows, make_windows
from pages.parts.vitals import inside, inside_report, inside_stepper, inside_view
from pages.parts.vitals import inside_reading as reading
from pages.parts.vitals.forecast_view import Axis
from pages.ui import text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
SLOT = inside.SLOT
AXIS = Axis(None, False, "時刻(点)", "値", "")


def opened(open_page: Open, **query: str) -> AppTest:
    return open_page("vitals.py", vt_experiment="中をのぞく", **query)


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def trained(app: AppTest, slot: str = SLOT) -> tuple[AppTest, ForecastRun]:
    app = wait_until_done(app, slot)
    assert not app.exception
    return app, app.session_state[slot].run.result[0]


def run(
    cell: str = "rnn", hidden: int = 4, layers: int = 1, epochs: int = 5
) -> tuple[ForecastSpec, ForecastRun]:
    spec = ForecastSpec(
        model=ModelSpec(name=cell, hidden=hidden, layers=layers),
        optimizer=OptimizerSpec(lr=1e-2),
        training=TrainingSpec(epochs=epochs),
    )
    return spec, train_forecaster(spec)


def stretch() -> Windows:
    return make_windows(article_series().values, 10).between(160, 200)


def looked(spec: ForecastSpec, result: ForecastRun) -> Look:
    return look(spec.model, result.weights, result.scale, stretch())


def test_a_run_is_scored_and_read_with_its_own_numbers(open_page: Open) -> None:
    app = opened(open_page)
    app.radio[0].set_value(reading.CHOICES[1]).run()
    app, result = trained(press(app, f"{SLOT}/start"))
    expected = train_forecaster(app.session_state[SLOT].spec)
    assert expected.model_scores == result.model_scores
    found = looked(app.session_state[SLOT].spec, result)
    seen = shown(app)
    right = reading.answer(found, "")
    assert right.choice == reading.CHOICES[0]
    assert f"予想は「{reading.CHOICES[1]}」、結果は「{right.choice}」でした" in seen
    for effect in (found.effects[0], found.effects[-1]):
        assert text.number(float(effect)) in seen
    assert f"テスト区間のMAEは {text.number(result.model_scores.mae)}。" in seen
    assert f"|h| > 0.99 の割合は {saturation(found)['h']:.1%}" in seen
    assert "**なぜ**" not in seen
    for unit in found.units[: inside_report.TOLD]:
        assert f"**ユニット{unit.number + 1}**" in seen
    assert "私たちが付けたものです" in seen


@pytest.mark.parametrize(("preset", "why"), [(1, ""), (2, ""), (3, "飽和"), (4, "学習不足")])
def test_presets_end_as_they_are_named(open_page: Open, preset: int, why: str) -> None:
    app = press(opened(open_page), f"{SLOT}/preset/{preset}")
    app, result = trained(press(app, f"{SLOT}/start"))
    seen = shown(app)
    assert ("**なぜ**" in seen) == bool(why)
    assert why in seen
    better = result.model_scores.mae < result.persistence_scores.mae
    assert better == (not why)
    if why == "飽和":
        share = saturation(looked(app.session_state[SLOT].spec, result))["h"]
        assert share > 0.8
        assert f"の割合は {share:.0%} です" in seen


def test_two_layers_of_any_cell_and_every_gate_are_drawn(open_page: Open) -> None:
    app = opened(
        open_page, vi_cell="GRU", vi_layers="2", vi_hidden="8", vi_epochs="10", vi_part="更新ゲート z"
    )
    app, _ = trained(press(app, f"{SLOT}/start"))
    assert app.button_group(key="vi_part").value == "z"
    assert "最後の層(層2)の値です" in shown(app)
    app = app.button_group(key="vi_part").set_value("n").run()
    assert not app.exception


def test_a_gate_that_the_next_network_lacks_gives_way(open_page: Open) -> None:
    app = press(opened(open_page, vi_epochs="10", vi_part="忘却ゲート f"), f"{SLOT}/preset/1")
    app, _ = trained(press(app, f"{SLOT}/start"))
    assert app.button_group(key="vi_part").value == "f"
    app, _ = trained(press(press(app, f"{SLOT}/preset/2"), f"{SLOT}/start"))
    assert app.button_group(key="vi_part").value == "h"


def test_the_window_is_chosen_and_its_arithmetic_follows(open_page: Open) -> None:
    app = opened(open_page, vi_epochs="10", vi_at="3")
    app, result = trained(press(app, f"{SLOT}/start"))
    assert app.slider(key="vi_at").value == 3
    net = network(app.session_state[SLOT].spec.model, result.weights, result.scale)
    for place in (3, 40):
        app = app.slider(key="vi_at").set_value(place).run()
        (latex,) = [element.value for element in app.latex if "sum_k" in element.value]
        assert f"{float(result.test.model[place - 1]):.3f}" in latex
        assert f"{net.b_y:.3f}" in latex
    (code,) = [element.value for element in app.code if "WINDOW = " in element.value]
    assert "WINDOW = 39" in code


def test_a_window_that_is_no_more_gives_way(open_page: Open) -> None:
    app = opened(open_page, vi_epochs="10", vi_at="9999")
    app, _ = trained(press(app, f"{SLOT}/start"))
    assert app.slider(key="vi_at").value in range(1, 41)


@pytest.mark.parametrize(
    "query",
    [
        {"vi_cell": "transformer", "vi_hidden": "1000", "vi_lr": "NaN", "vi_epochs": "-1"},
        {"vi_net": "taken", "vi_layers": "9", "vi_window": "9999", "vi_seed": "x", "vi_part": "q"},
    ],
)
def test_an_address_out_of_range_falls_back(open_page: Open, query: dict[str, str]) -> None:
    app = opened(open_page, **query)
    assert not app.exception
    assert app.button_group(key="vi_hidden").value == 4
    assert app.button_group(key="vi_cell").value == "rnn"


def forecasting(open_page: Open, **query: str) -> AppTest:
    return open_page("vitals.py", epochs="10", **query)


def enter(app: AppTest) -> AppTest:
    app = app.button_group(key="vt_experiment").set_value("中をのぞく").run()
    return app.button_group(key="vi_net").set_value(inside.TAKEN).run()


def test_the_network_of_the_first_experiment_is_looked_into(open_page: Open) -> None:
    app, result = trained(press(forecasting(open_page, cell="LSTM"), "start"), "vitals_run")
    app = enter(app)
    assert "**LSTM**、32 ユニット、窓 10 点" in shown(app)
    assert "1つの窓を、1点ずつ読む" not in [heading.value for heading in app.header]
    app = press(app, f"{SLOT}/look")
    assert not app.exception
    found = looked(app.session_state["vitals_run"].spec, result)
    assert reading.answer(found, "").because in shown(app)
    app = press(app, f"{SLOT}/preset/0")
    assert app.button_group(key="vi_net").value == inside.OWN


def test_a_readers_own_signal_is_looked_into_until_its_file_is_gone(open_page: Open) -> None:
    lines = [f"{i},{80 + 10 * np.sin(i / 4):.1f}" for i in range(120)]
    app = forecasting(open_page, data="自分のCSV", hidden="8")
    app.file_uploader[0].upload("x.csv", "\n".join(["time [s],HR", *lines]).encode(), "text/csv").run()
    (use,) = [b for b in app.button if "使う" in b.label and "見本" not in b.label]
    app = press(use.click().run(), "start")
    app, result = trained(app, "vitals_run")
    app = press(enter(app), f"{SLOT}/look")
    assert not app.exception
    seen = shown(app)
    assert "回/分 変わりました" in seen
    assert f"テスト区間のMAEは {text.number(result.model_scores.mae)}。" in seen
    assert any("標準化をもとに戻すと" in element.value for element in app.markdown)
    app.session_state["vitals/file"] = None
    assert "いま読み込まれているものと違います" in shown(app.run())


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_what_travels_to_the_browser_is_what_torch_computes(cell: str, layers: int) -> None:
    spec, result = run(cell, 5, layers)
    window = stretch().inputs[7]
    sent = inside_stepper.Shown(
        values=window, truth=0.1, torch=float(result.test.model[7]), label="", unit="", digits=2, first=0
    )
    net = network(spec.model, result.weights, result.scale)
    data = json.loads(inside_stepper.walk_json(net, sent))
    model = models.Forecaster(spec.model)
    model.load_state_dict({name: torch.tensor(array) for name, array in result.weights.items()})
    with torch.no_grad():
        states, _ = model.recurrent(torch.tensor(window)[None, :, None])
        assert data["forecast"] == pytest.approx(model(torch.tensor(window)[None, :, None]).item(), abs=1e-6)
    top = data["layers"][-1]
    drawn = np.frombuffer(base64.b64decode(top["states"]), "<f4").reshape(10, 5)
    assert np.abs(drawn - states[0].numpy()).max() < 1e-6
    packed = np.frombuffer(base64.b64decode(data["layers"][0]["w_hh"]), "<f4")
    assert packed.tobytes() == result.weights["recurrent.weight_hh_l0"].tobytes()
    assert abs(data["forecast"] - data["torch"]) < 1e-6
    assert inside_stepper.steps(net, 10) == 10 * layers * inside_stepper.PHASES[cell] + 1


def test_cells_of_the_heat_map_touch_and_carry_the_states() -> None:
    spec, result = run("lstm")
    found = looked(spec, result)
    rows = inside_view.state_rows(found, result.test, "f", AXIS).to_pandas()
    cells = rows[rows.name == "マス"]
    assert len(cells) == 40 * 4
    assert cells.value.to_numpy() == pytest.approx(found.parts["f"].ravel().astype(np.float32))
    first = cells[cells.unit == 1]
    assert first.x.to_list()[1:] == first.x2.to_list()[:-1]
    assert (first.x.iloc[0], first.x2.iloc[-1]) == (159.5, 199.5)
    lines = rows[rows.name == "予測(モデル)"]
    assert lines.y.to_numpy() == pytest.approx(result.test.model)
    encoded = json.dumps(inside_view.states(4, "f", 1.0, False))
    assert '"domain": [0, 1]' in encoded
    assert '"domain": [-1.0, 0, 1.0]' in json.dumps(inside_view.states(4, "h", 1.0, True))


def test_many_cells_are_thinned() -> None:
    spec, result = run("rnn", 32, epochs=1)
    found = looked(spec, result)
    many = replace(found, parts={"h": np.zeros((40, 3000))})
    cells = inside_view.state_rows(many, result.test, "h", AXIS).to_pandas()
    assert 0 < (cells.name == "マス").sum() <= inside_view.MOST_CELLS


def with_effects(first: float, last: float) -> Look:
    spec, result = run(epochs=1)
    found = looked(spec, result)
    return replace(found, effects=np.array([first, 0.0, last]))


@pytest.mark.parametrize(
    ("first", "last", "place"),
    [(0.1, 0.2, 0), (0.1, 0.19, 1), (0.19, 0.1, 1), (0.2, 0.1, 2), (0, 1, 0), (0, 0, 1)],
)
def test_the_answer_is_decided_by_the_ratio(first: float, last: float, place: int) -> None:
    assert reading.answer(with_effects(first, last), "mmHg").choice == reading.CHOICES[place]


def test_how_far_back_is_counted_from_the_newest() -> None:
    found = with_effects(0.1, 0.5)
    assert "いちばん効くのは 3 点目(最後から 1 点目)" in reading.reach(found)
    assert "新しいほうの 1 点です(3 点中)" in reading.reach(found)
    assert "新しいほうの 3 点です(3 点中)" in reading.reach(with_effects(0.5, 0.1))


@pytest.mark.parametrize(
    ("level", "slope", "spread", "said"),
    [
        (0.9, 0.1, 1.0, "「いま高いか低いか」の係、と私たちは読みました"),
        (0.1, -0.9, 1.0, "窓が上り坂なほど小さくなります(r = −0.90)"),
        (0.6, 0.1, 1.0, "連動はゆるめ"),
        (0.2, 0.1, 1.0, "ひと言では言えません"),
        (1.0, 0.0, 0.001, "ほとんど動かず"),
    ],
)
def test_a_units_name_follows_its_strongest_correlation(
    level: float, slope: float, spread: float, said: str
) -> None:
    unit = Unit(number=0, low=0, high=1, spread=spread, level=level, change=0, slope=slope, output=0)
    assert said in inside_report.meaning(unit, 1.0)


def test_decimals_follow_the_range() -> None:
    ranges = {0.02: 4, 2.4: 2, 30.0: 1, 300.0: 0}
    for span, digits in ranges.items():
        assert inside_stepper.decimals(np.array([0, span], dtype=np.float32)) == digits
    assert inside_stepper.decimals(np.array([5, 5, np.nan], dtype=np.float32)) == 2
