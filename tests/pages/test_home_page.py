import json
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from streamlit.testing.v1 import AppTest

from core import models, tables
from core.engine import Engine
from core.plane import MAP_SIDE, Patients
from pages.parts.home import course, miniature, miniature_film
from pages.ui import runs
from tests.pages.reading import shown

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def fresh_miniature() -> Iterator[None]:
    """Let every test begin with a miniature that nobody has asked for."""
    miniature.house_run.clear()
    yield
    miniature.house_run.clear()


@pytest.fixture
def open_early(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a page while the engine has not come up."""
    monkeypatch.setattr(runs, "_engine", Engine())
    return open_page


def stage(app: AppTest) -> tuple[dict[str, Any], Any]:
    """Read what the miniature was sent as the browser does: its head, and its maps."""
    assert not app.exception
    (found,) = [e.proto for e in app.get("bidi_component") if e.proto.component_name == "lab_miniature"]
    (size,) = struct.unpack_from("<I", found.bytes)
    head = json.loads(found.bytes[4 : 4 + size])
    changes = np.frombuffer(zlib.decompress(found.bytes[4 + size :]), np.uint8)
    maps = changes.reshape(head["frames"], MAP_SIDE, MAP_SIDE)
    return head, np.cumsum(maps, axis=0, dtype=np.uint8)


def labels(app: AppTest) -> list[str]:
    """Return the labels of all links to pages."""
    return [e.proto.label for e in app.get("page_link")]


def test_the_page_is_whole_before_there_are_workers(open_early: Open) -> None:
    app = open_early("home.py")
    head, maps = stage(app)
    assert not head["done"]
    assert len(maps) == 0
    assert head["at"]
    assert head["said"] == miniature_film.WAITING
    assert len(labels(app)) == 12
    assert app.button(key="hm_begin").label == "レッスン1を始める"
    assert app.button(key="hm_csv").label == "自分のCSVを試す"


def test_the_film_is_the_run_and_its_sentence_has_the_runs_numbers(open_page: Open) -> None:
    app = open_page("home.py")
    run = miniature.house_run()
    (result,) = run.wait(60)
    head, maps = stage(app.run())
    epochs = miniature.SPEC.training.epochs
    assert head["done"]
    assert [frame.epoch for frame in run.frames] == list(range(epochs + 1))
    seen = np.array([frame.arrays[0]["map"] for frame in run.frames]).astype(int)
    assert seen.shape == maps.shape
    assert np.abs(seen - maps).max() <= 3  # of 255 shades
    assert head["losses"] == [round(epoch.train_loss, 5) for epoch in result.history]
    assert head["right"][-1] == pytest.approx(result.test_accuracy, abs=0.02)
    assert head["right"][0] == pytest.approx(untrained_accuracy(), abs=0.04)
    said = head["said"]
    assert f"学習前の {head['right'][0]:.0%} から {head['right'][-1]:.0%} へ" in said
    assert f"患者 {result.rows[2]} 人" in said
    assert f"({len(result.history)} エポック)" in said


def untrained_accuracy() -> float:
    """Return how many test patients the network of the miniature gets right before it has learnt."""
    spec, table = miniature.SPEC, tables.load(miniature.SPEC.table)
    model = models.build_mlp(spec.model, spec.table.inputs, 2, spec.training.seed)
    with torch.no_grad():
        answers = model(torch.tensor(table.test.inputs, dtype=torch.float32)).argmax(1).numpy()
    return float((answers == table.test.targets).mean())


def test_patients_are_right_where_the_map_has_their_colour() -> None:
    top = np.zeros((1, MAP_SIDE, MAP_SIDE), dtype=np.uint8)
    top[:, : MAP_SIDE // 2] = 255  # ill above, where B is high
    points = np.array([[0.0, 5.0], [5.9, 0.5], [-5.9, -0.5], [0.0, -6.0]])
    for classes, share in (([1, 1, 0, 0], 1.0), ([1, 0, 0, 0], 0.75), ([0, 0, 1, 1], 0.0)):
        patients = Patients(points=points, classes=np.array(classes, dtype=np.int64))
        assert miniature_film.agreement(top, patients) == [share]


def test_it_is_trained_once_for_all_and_takes_no_readers_place(open_page: Open, engine: Engine) -> None:
    before = engine.counts()["started"]
    first, second = open_page("home.py"), open_page("home.py")
    run = miniature.house_run()
    assert run.watchers() == [miniature.HOUSE]
    run.wait(60)
    messages = [stage(app.run())[0] for app in (first, second)]
    assert messages[0] == messages[1]
    assert engine.counts()["started"] == before + 1


def test_looking_ends_and_a_run_that_failed_is_asked_for_anew_by_the_next_reader(
    open_early: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(miniature, "MOST_LOOKS", 0)
        app = open_early("home.py")
        assert stage(app)[0]["said"] == miniature_film.BUSY
    failed = miniature.house_run()
    failed.finish("failed", problem="out of memory")
    head, _ = stage(app.run())
    assert miniature.house_run() is not failed
    assert head["said"] == miniature_film.WAITING
    assert "out of memory" not in shown(app)


def test_every_lesson_is_on_the_map_and_opening_it_is_marked(open_page: Open) -> None:
    app = open_page("home.py")
    assert "開いた 0/12・答え合わせ 0/12" in shown(app)
    assert course.OPENED not in shown(app)
    for stop in course.STOPS:
        app.switch_page(stop.page).run()
        assert not app.exception
    assert set(app.session_state["lessons/opened"]) == {stop.title or stop.name for stop in course.STOPS}
    app.switch_page("home.py").run()
    assert "開いた 12/12・答え合わせ 0/12" in shown(app)
    assert shown(app).count(course.OPENED) == 12
    assert "開いた 0/12" in shown(open_page("home.py"))  # somebody else


def test_an_answer_that_was_checked_is_marked(open_page: Open) -> None:
    app = open_page("derivatives.py")
    app.radio[0].set_value(app.radio[0].options[0]).run()
    app.button(key="dv_slope/go").click().run()
    app.switch_page("home.py").run()
    assert "開いた 1/12・答え合わせ 1/12" in shown(app)
    (marked,) = [caption.value for caption in app.caption if course.CHECKED in caption.value]
    (stop,) = [stop for stop in course.STOPS if stop.page == "derivatives.py"]
    assert stop.idea in marked
    assert course.OPENED not in shown(app)
