"""The experiment 「正直に評価する」 as a reader uses it."""

import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.history import Paused
from core.horizon_pool import standings
from core.horizon_run import HorizonRun
from core.horizon_specs import HorizonSpec
from core.horizon_training import train_horizons
from core.panel import PanelSpec, load, panel_of
from core.vitals import Choices, read
from pages.parts.vitals import evaluate_save
from pages.parts.vitals.evaluate import SLOT
from pages.parts.vitals.evaluate_data import Source
from pages.ui import text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
SHORT = {"ve_hours": "12時間", "ve_horizons": "6", "ve_length": "10", "ve_epochs": "5"}


def opened(open_page: Open, **query: str) -> AppTest:
    return open_page("vitals.py", vt_experiment="正直に評価する", **{**SHORT, **query})


def run(app: AppTest) -> AppTest:
    return wait_until_done(app.button(key=f"{SLOT}/start").click().run(), SLOT)


def trained(specs: Sequence[HorizonSpec]) -> tuple[HorizonRun, ...]:
    finished = train_horizons(specs)
    assert not isinstance(finished, Paused)
    return finished


def specs_of(app: AppTest) -> tuple[HorizonSpec, ...]:
    specs: tuple[HorizonSpec, ...] = app.session_state[SLOT].specs
    return specs


def test_the_page_shows_the_numbers_of_the_run_beside_the_baselines(open_page: Open) -> None:
    app = run(opened(open_page))
    assert not app.exception
    expected = trained(specs_of(app))
    seen = shown(app)
    for horizon in (1, 6):
        for standing in standings(expected, 0, horizon).values():
            assert standing.mae.value is not None
            assert standing.mase.value is not None
            row = rf"{text.number(standing.mae.value)} \| [^|]+ \| {text.number(standing.mase.value)} "
            assert re.search(re.escape(text.number(standing.mae.value)), seen)
            assert re.search(row, seen)
    assert re.search(r"勝っています|勝てていません|引き分け", seen)


def test_a_prediction_is_scored_by_the_run(open_page: Open) -> None:
    app = opened(open_page)
    app.radio[0].set_value("学習区間の平均").run()
    app = run(app)
    told = [*app.success, *app.info]
    assert any("予想" in element.value for element in told)


def test_several_folds_have_a_table_of_their_own(open_page: Open) -> None:
    app = run(opened(open_page, ve_folds="3"))
    assert not app.exception
    assert len(specs_of(app)) == 3
    seen = shown(app)
    assert "起点をずらした 3 回の評価" in seen
    assert len(re.findall(r"^\| [123] \| [\d,]+ \|", seen, re.MULTILINE)) == 3


@pytest.mark.parametrize("leak", ["標準化に未来を混ぜる", "窓を混ぜてから分ける"])
def test_a_leak_is_set_beside_the_honest_run(open_page: Open, leak: str) -> None:
    app = run(opened(open_page, ve_leak=leak))
    assert not app.exception
    honest, broken = trained(specs_of(app))
    seen = shown(app)
    for result in (honest, broken):
        claim = result.targets[0].claimed[5].mae.value
        future = result.targets[0].models["network"].scores[5].mae.value
        assert claim is not None
        assert future is not None
        assert f"| {text.number(claim)} | {text.number(future)} | {future / claim:.2f} 倍 |" in seen


def test_several_signals_go_in_and_come_out(open_page: Open) -> None:
    app = opened(open_page)
    app.button_group(key="ve_inputs").set_value(["心拍数", "SpO2"]).run()
    app.button_group(key="ve_targets").set_value(["SpO2", "体温"]).run()
    app = run(app)
    assert not app.exception
    spec = specs_of(app)[0]
    assert spec.panel.inputs == ("心拍数", "SpO2", "体温")  # what is forecast is read as well
    assert spec.panel.targets == ("SpO2", "体温")
    assert "予測する信号は、入力にも加えました" in shown(app)
    app.button_group(key="ve_seen").set_value("体温").run()
    assert not app.exception


@pytest.mark.parametrize(
    "query",
    [
        {"ve_horizons": "100000", "ve_length": "-3", "ve_folds": "nan"},
        {"ve_inputs": "血糖", "ve_targets": "なし", "ve_leak": "x", "ve_data": "?"},
        {"ve_hours": "1000時間", "ve_patient": "-1", "ve_clip": "9", "ve_carry": "1e9"},
    ],
)
def test_a_broken_address_opens_the_page_all_the_same(open_page: Open, query: dict[str, str]) -> None:
    app = opened(open_page, **query)
    assert not app.exception
    assert app.button(key=f"{SLOT}/start")


def test_a_series_too_short_for_the_settings_is_said_in_words(open_page: Open) -> None:
    app = opened(open_page, ve_data="例題の波形", ve_length="120", ve_horizons="60")
    app = run(app)
    assert not app.exception
    assert any("窓" in element.value for element in [*app.error, *app.warning])


def test_a_reading_made_of_its_neighbours_is_a_gap_for_a_forecast() -> None:
    lines = [f"{i},{'' if i == 7 else 80 + i % 3}" for i in range(40)]
    imported = read("\n".join(["time [s],HR", *lines]).encode(), "", Choices(limit_s=5.0))
    assert np.isfinite(imported.signals[0].values[7])  # the importer bridges it
    panel = panel_of(imported)
    assert np.isnan(panel.values[7, 0])
    assert np.isfinite(np.delete(panel.values[:, 0], 7)).all()


def test_the_table_to_take_home_holds_every_forecast_of_the_test() -> None:
    spec = HorizonSpec(
        panel=PanelSpec(hours=6.0, deterioration=False),
        horizons=4,
        length=8,
    )
    (result,) = trained([spec])
    panel = load(spec.panel)
    source = Source(spec=spec.panel, panel=panel, labels={"心拍数": "心拍数"}, units={"心拍数": "回/分"})
    lines = evaluate_save.forecast_csv(spec, result, 0, source).decode("utf-8-sig").split("\r\n")
    assert lines[0].startswith("起点の時刻[s],何点先,予測対象の時刻[s],実測値[回/分]")
    rows = np.flatnonzero(result.origins >= result.stretches.test.start - 1)
    assert len(lines) == 1 + 4 * len(rows) + 1
    cells = lines[1 + 2].split(",")
    origin = int(result.origins[rows[0]])
    assert (float(cells[0]), cells[1], float(cells[2])) == (origin * 60, "3", (origin + 3) * 60)
    assert np.float32(cells[4]) == result.forecast[rows[0], 2, 0]
    assert float(cells[5]) == panel.values[origin, 0]  # persistence
