"""What a forecasting run of the page gives to take home: the very numbers of the run."""

import csv
import io
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.engine import Engine
from core.figure import Chart
from core.forecast_weights import bundle
from core.forecaster import train_forecaster
from core.history import ForecastRun
from core.specs import ForecastSpec, ModelSpec, TrainingSpec
from core.vitals import read
from pages.parts.vitals import downloads
from pages.ui import runs, text
from pages.ui.runs import Watched
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
SLOT = "vitals_run"
LABELS = ["予測CSV", "図(PNG)", "重みとスクリプト(ZIP)"]


def done(app: AppTest) -> Watched:
    watched = app.session_state[SLOT]
    assert isinstance(watched, Watched)
    return watched


def result(watched: Watched) -> ForecastRun:
    run: ForecastRun = watched.run.result[0]
    return run


def offered(app: AppTest) -> list[str]:
    return [button.proto.label for button in app.get("download_button") if "vd_" in button.proto.id]


@pytest.fixture
def article(open_page: Open) -> AppTest:
    app = open_page("vitals.py", epochs="10", cell="GRU")
    assert not offered(app)
    return wait_until_done(app.button(key="start").click().run(), SLOT)


def own(open_page: Open, header: str = "日時,心拍数[回/分]") -> AppTest:
    """Train on a heart rate every ten minutes with a gap in the test stretch."""
    rows = [f"2024/05/01 {i // 6 % 24:02d}:{i % 6}0,{80 + 10 * np.sin(i / 4):.1f}" for i in range(140)]
    rows = [row if i != 130 else row.rsplit(",", 1)[0] + "," for i, row in enumerate(rows)]
    app = open_page("vitals.py", data="自分のCSV", epochs="10", window="4")
    app.file_uploader[0].upload("山田.csv", "\n".join([header, *rows]).encode(), "text/csv").run()
    app = app.button(key="vitals_csv_use").click().run()
    return wait_until_done(app.button(key="start").click().run(), SLOT)


def test_a_result_is_offered_and_nothing_is_made_before_it_is_asked_for(
    article: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not article.exception
    assert offered(article) == LABELS
    monkeypatch.setattr(downloads, "forecast_csv", lambda *_: pytest.fail("made too early"))
    monkeypatch.setattr(downloads, "forecast_chart", lambda *_: pytest.fail("made too early"))
    monkeypatch.setattr(downloads, "bundle", lambda *_: pytest.fail("made too early"))
    app = article.button_group(key="vd_format").set_value("pdf").run()
    assert not app.exception
    assert offered(app) == [LABELS[0], "図(PDF)", LABELS[2]]


def test_the_csv_holds_the_forecasts_of_the_run(article: AppTest) -> None:
    watched = done(article)
    data = downloads.forecast_csv(watched.spec, result(watched), watched.context)
    expected = train_forecaster(ForecastSpec(model=ModelSpec(name="gru"), training=TrainingSpec(epochs=10)))
    head, *body = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert head == ["時刻[点]", "実測値", "予測 GRU", "直前の値", "誤差 予測-実測"]
    columns = np.array(body, dtype=np.float32).T
    assert np.array_equal(columns[0], np.arange(160, 200))
    assert np.array_equal(columns[1], expected.test.truth)
    assert np.array_equal(columns[2], expected.test.model)
    assert np.array_equal(columns[3], expected.test.persistence)
    assert np.abs(columns[4]).mean() == pytest.approx(expected.model_scores.mae, rel=1e-5)


def test_the_figure_says_what_it_shows(article: AppTest) -> None:
    watched = done(article)
    chart = downloads.forecast_chart(watched.spec, result(watched), watched.context)
    names = " ".join(line.name for line in chart.lines)
    assert text.number(result(watched).model_scores.mae) in names
    assert text.number(result(watched).persistence_scores.mae) in names
    for words in ("例題の波形", "窓 10 点", "32 ユニット", "学習率 0.001", "10 エポック", "乱数の種 0"):
        assert words in chart.settings
    assert "GRU" in chart.title


def test_files_are_named_in_ascii_after_the_run(article: AppTest) -> None:
    name = downloads.stem(done(article))
    assert name.startswith("gru_article_")
    assert name.isascii()


def test_a_readers_own_run_keeps_its_clock_its_unit_and_its_gap(open_page: Open) -> None:
    app = own(open_page)
    assert not app.exception
    assert offered(app) == LABELS
    assert downloads.OWN in shown(app)
    watched = done(app)
    run = result(watched)
    data = downloads.forecast_csv(watched.spec, run, watched.context)
    again = read(data, "x.csv")
    assert again.clock.kind == "datetime"
    assert again.signals[0].source == "心拍数の実測値[回/分]"
    known = np.isfinite(again.signals[0].values)
    assert np.array_equal(again.signals[0].values[known], run.test.truth)
    assert np.array_equal(again.signals[1].values[known], run.test.model)
    assert 0 < np.count_nonzero(~known) < len(known)
    chart = downloads.forecast_chart(watched.spec, run, watched.context)
    assert chart.y_title == "心拍数(回/分)"
    assert any(np.isnan(chart.lines[0].y))
    assert "山田" not in chart.title + chart.settings + chart.x_title
    assert downloads.stem(watched).isascii()
    packed = bundle(watched.spec, run, "a", watched.context.unit)
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        script = files.read("a/a_load.py").decode()
    assert "山田" not in script
    assert not any(str(value) in script for value in run.test.truth)


def test_a_header_that_is_a_formula_is_disarmed(open_page: Open) -> None:
    watched = done(own(open_page, "日時,=HYPERLINK(1)"))
    data = downloads.forecast_csv(watched.spec, result(watched), watched.context)
    head = next(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert all(header[0] not in "=+-@" for header in head)
    assert any("HYPERLINK" in header for header in head)


class Owner:
    """What stands for the run of a reader's own file."""


def test_a_figure_of_a_readers_own_goes_with_its_run_and_is_in_no_shared_cache(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_engine", engine)
    files: list[Callable[[], bytes]] = []
    monkeypatch.setattr(downloads, "_button", lambda _, file, *__: files.append(file))
    state: dict[str, object] = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(st, "segmented_control", lambda *_, **__: "svg")
    chart = Chart(lines=(), x_title="x", y_title="y", title="own")
    owner = Owner()
    downloads.figure_button("vd", lambda: chart, "a", owner)
    monkeypatch.setattr(downloads, "_shared", lambda *_: pytest.fail("shared"))
    drawn = files[0]()
    assert drawn.startswith(b"<?xml")
    assert files[0]() is drawn  # and not drawn again
    kept = state[downloads.DRAWN]
    assert len(kept) == 1  # type: ignore[arg-type]
    del owner
    files.clear()
    assert len(kept) == 0  # type: ignore[arg-type]
