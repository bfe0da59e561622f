import re
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.forecaster import train_forecaster
from core.series import Series
from core.specs import ForecastSpec, SeriesSpec, TrainingSpec
from pages.ui import text
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]


def press_start(app: AppTest) -> AppTest:
    return app.button(key="start").click().run()


def wait_for_result(app: AppTest) -> AppTest:
    return wait_until_done(app, "vitals_run")


def csv(rows: int = 120, header: str = "time [s],HR,SpO2[%]") -> bytes:
    lines = [f"{i},{80 + 10 * np.sin(i / 4):.1f},{96 + i % 3}" for i in range(rows)]
    return "\n".join([header, *lines]).encode("cp932")


def test_home_opens(open_page: Open) -> None:
    app = open_page("home.py")
    assert not app.exception
    assert "AI研修医ラボ" in shown(app)


def test_start_gives_the_numbers_of_the_run_beside_persistence(open_page: Open) -> None:
    app = open_page("vitals.py", epochs="20")
    app = wait_for_result(press_start(app))
    assert not app.exception
    expected = train_forecaster(ForecastSpec(training=TrainingSpec(epochs=20)))
    seen = shown(app)
    for scores in (expected.model_scores, expected.persistence_scores):
        assert f"| {text.number(scores.mae)} | {text.number(scores.mse)} |" in seen
    assert text.number(expected.history[-1].train_loss) in seen
    assert re.search(r"勝っています|勝てていません|ほぼ互角", seen)


def test_the_address_restores_the_settings(open_page: Open) -> None:
    app = open_page("vitals.py", cell="LSTM", window="24", epochs="50", lr="0.01", seed="7", validation="20%")
    assert app.button_group(key="cell").value == "lstm"
    assert (app.slider(key="window").value, app.slider(key="epochs").value) == (24, 50)
    assert app.select_slider(key="lr").value == 0.01
    assert app.number_input(key="seed").value == 7
    assert app.button_group(key="validation").value == 20


@pytest.mark.parametrize(
    "query",
    [
        {"cell": "transformer", "window": "100000", "epochs": "-5"},
        {"window": "nan", "lr": "1e99", "seed": "-1", "batch": "0"},
        {"data": "' OR 1=1", "hidden": "<script>", "validation": "99"},
    ],
)
def test_hostile_addresses_fall_back_to_defaults(open_page: Open, query: dict[str, str]) -> None:
    app = open_page("vitals.py", **query)
    assert not app.exception
    assert not app.error
    assert app.slider(key="window").value == 10
    assert app.select_slider(key="lr").value == 1e-3
    assert app.number_input(key="seed").value == 0


def test_an_upload_is_explained_trained_on_and_judged_in_its_unit(open_page: Open) -> None:
    app = open_page("vitals.py", epochs="20", data="自分のCSV")
    app.file_uploader[0].upload("バイタル.csv", csv(), "text/csv").run()
    assert not app.exception
    assert any("120 行を読み込みました(UTF-8" in s.value for s in app.success)
    assert next(b for b in app.button if b.label == "学習開始").disabled  # until the reader has looked at it
    app = app.button(key="vitals_csv_use").click().run()
    (signals,) = [group for group in app.button_group if group.label == "信号"]
    assert signals.options == ["心拍数\\(HR\\)", "SpO₂\\(SpO2\\)"]
    app = wait_for_result(press_start(app))
    (run,) = app.session_state["vitals_run"].run.result
    values = np.array([float(f"{80 + 10 * np.sin(i / 4):.1f}") for i in range(120)], np.float32)
    spec = ForecastSpec(
        series=SeriesSpec(source="upload", signal="HR"), standardize=True, training=TrainingSpec(epochs=20)
    )
    expected = train_forecaster(spec, Series(values=values, unit="回/分"))
    assert run.history == expected.history
    seen = shown(app)
    assert "回/分" in seen
    assert text.number(expected.model_scores.mae) in seen


def test_a_refused_upload_says_why_and_shows_nothing_of_it(open_page: Open) -> None:
    app = open_page("vitals.py", data="自分のCSV")
    app.file_uploader[0].upload("x.csv", "氏名,心拍数\n鈴木,70\n".encode(), "text/csv").run()
    assert not app.exception
    assert any("個人" in e.value for e in app.error)
    assert "鈴木" not in shown(app)
    assert next(b for b in app.button if b.label == "学習開始").disabled


def test_a_name_from_a_file_is_never_markup(open_page: Open) -> None:
    app = open_page("vitals.py", data="自分のCSV", epochs="10")
    header = "time [s],HR<img src=x>[**a**$x$]"
    rows = "\n".join(f"{i},{80 + i % 9}" for i in range(80))
    app.file_uploader[0].upload("x.csv", f"{header}\n{rows}\n".encode(), "text/csv").run()
    app = app.button(key="vitals_csv_use").click().run()
    app = wait_for_result(press_start(app))
    assert not app.exception
    seen = shown(app)
    assert r"\*\*a\*\*\$x\$" in seen
    assert "**a**" not in seen
    assert "<img" not in seen.replace(r"\<img", "")


def test_a_prediction_is_scored_against_the_readers_own_run(open_page: Open) -> None:
    app = open_page("vitals.py", epochs="30")
    app.radio[0].set_value("勝てない").run()
    app = wait_for_result(press_start(app))
    run = app.session_state["vitals_run"].run.result[0]
    won = run.model_scores.mae < 0.95 * run.persistence_scores.mae
    assert won
    assert "予想は「勝てない」、結果は「勝てる」でした" in shown(app)
    app.slider(key="window").set_value(20).run()
    assert app.radio[0].value is None  # other settings ask again


def test_five_seeds_are_five_networks_in_one_run(open_page: Open) -> None:
    app = open_page("vitals.py", epochs="10", random="5シード")
    app = wait_for_result(press_start(app))
    results = app.session_state["vitals_run"].run.result
    assert len(results) == 5
    errors = [text.number(r.model_scores.mae) for r in results]
    assert f"{min(errors)} 〜 {max(errors)}" in shown(app)


def test_two_readers_of_one_spec_train_once(open_page: Open) -> None:
    first, second = (press_start(open_page("vitals.py", epochs="500", seed="11")) for _ in range(2))
    assert first.session_state["vitals_run"].run is second.session_state["vitals_run"].run
    wait_for_result(first)


@pytest.mark.parametrize(
    ("raw", "escaped"),
    [("a*b_c", r"a\*b\_c"), ("SpO2[%]", r"SpO2\[%\]"), ("<b>", r"\<b\>"), ("心拍数", "心拍数")],
)
def test_plain(raw: str, escaped: str) -> None:
    assert text.plain(raw) == escaped


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0511048, "0.0511"),
        (400.0, "400"),
        (1234.5, "1,234"),
        (0.094, "0.0940"),
        (float("nan"), "計算不能"),
        (1e-9, "1.00e-09"),
        (0, "0"),
    ],
)
def test_number(value: float, written: str) -> None:
    assert text.number(value) == written


def test_duration() -> None:
    assert [text.duration(s) for s in (1, 60, 90, 3600, 28980, 86400)] == [
        "1秒",
        "1分",
        "約1.5分",
        "1時間",
        "約8.1時間",
        "1日",
    ]


def test_patience_and_clipping_belong_to_the_run(open_page: Open) -> None:
    app = open_page("vitals.py", epochs="60", patience="5", clip="0.1", validation="20%", lr="0.01")
    app = wait_for_result(press_start(app))
    assert not app.exception
    training = app.session_state["vitals_run"].spec.training
    assert (training.patience, training.clip) == (5, 0.1)
    result = app.session_state["vitals_run"].run.result[0]
    if result.ending == "early":
        assert f"いちばん良かった {result.weights_epoch} エポック目" in shown(app)
    without = open_page("vitals.py", epochs="60", patience="5")  # nothing to watch: the run goes to its end
    without = wait_for_result(press_start(without))
    assert without.session_state["vitals_run"].spec.training.patience is None


def test_a_run_that_would_cost_too_much_is_not_begun(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.cost.MOST", 1e6)
    app = press_start(open_page("vitals.py", epochs="200"))
    assert not app.exception
    assert "vitals_run" not in app.session_state
    assert any("上限の約" in warning.value for warning in app.warning)
