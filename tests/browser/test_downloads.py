"""A reader takes a forecast home: as a table, as a figure, and as the network itself."""

import csv
import io
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from safetensors.numpy import load

from core.forecaster import train_forecaster
from core.specs import ForecastSpec, ModelSpec, TrainingSpec
from tests.browser.reader import check, overflows, press, settle
from tests.server import Server

pytestmark = pytest.mark.browser
Visit = Callable[..., Page]
SECRET = "77.625"


def trained(page: Page) -> None:
    """Train, and open what is offered."""
    press(page, "学習開始")
    expect(page.get_by_role("heading", name="テスト区間の予測")).to_be_visible()
    page.get_by_text("結果を保存する").click()
    expect(page.get_by_role("button", name="予測CSV")).to_be_visible()
    settle(page)
    page.wait_for_timeout(500)  # a download asked for in the middle of a rerun is asked of the page before it


def saved(page: Page, button: str) -> tuple[str, bytes]:
    """Press a button that saves, and return the file's name and what is in it."""
    with page.expect_download() as download:
        press(page, button)
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_table_figure_and_network_of_one_run(visit: Visit) -> None:
    page = visit("/vitals?cell=LSTM&epochs=20")
    trained(page)
    name, table = saved(page, "予測CSV")
    assert name.startswith("lstm_article_")
    assert name.endswith("_forecast.csv")
    expected = train_forecaster(ForecastSpec(model=ModelSpec(name="lstm"), training=TrainingSpec(epochs=20)))
    body = list(csv.reader(io.StringIO(table.decode("utf-8-sig"))))[1:]
    assert np.array_equal(np.array([row[2] for row in body], np.float32), expected.test.model)
    name, drawn = saved(page, "図(PNG)")
    picture = Image.open(io.BytesIO(drawn))
    assert picture.width == 3000
    assert np.asarray(picture.convert("L")).std() > 10
    name, packed = saved(page, "重みとスクリプト(ZIP)")
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        weights, script = (files.read(entry) for entry in files.namelist())
    assert all(np.array_equal(load(weights)[key], array) for key, array in expected.weights.items())
    compile(script, name, "exec")


def test_other_kinds_of_figure_on_a_phone(visit: Visit) -> None:
    page = visit("/vitals?epochs=20", phone=True)
    trained(page)
    assert not overflows(page)
    for kind, begin in (("SVG", b"<?xml"), ("PDF", b"%PDF")):
        check(page.get_by_role("radio", name=kind))
        expect(page.get_by_role("button", name=f"図({kind})")).to_be_visible()
        settle(page)
        page.wait_for_timeout(500)
        name, drawn = saved(page, f"図({kind})")
        assert name.endswith(f"_forecast.{kind.lower()}")
        assert drawn.startswith(begin)
        if kind == "SVG":
            ElementTree.fromstring(drawn)
    assert not overflows(page)


def test_a_readers_own_values_are_in_their_files_and_in_no_log(
    visit: Visit, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    rows = [f"{i},{SECRET if i % 7 == 0 else 80 + i % 5}" for i in range(150)]
    path.write_text("\n".join(["time [s],HR", *rows]), encoding="utf-8")
    page = visit("/vitals?data=自分のCSV&epochs=20&vd_format=SVG")
    page.locator("input[type=file]").set_input_files(path)
    press(page, "この内容で使う")
    expect(page.get_by_role("button", name="学習開始")).to_be_enabled()
    trained(page)
    expect(page.get_by_text("人に渡す前に")).to_be_visible()
    name, table = saved(page, "予測CSV")
    assert "own" not in name
    text = table.decode("utf-8-sig")
    assert text.startswith("経過[s],心拍数の実測値[回/分],")
    assert SECRET in text
    _, drawn = saved(page, "図(SVG)")
    ElementTree.fromstring(drawn)
    _, packed = saved(page, "重みとスクリプト(ZIP)")
    with zipfile.ZipFile(io.BytesIO(packed)) as files:
        script = files.read(files.namelist()[1]).decode()
    assert SECRET not in script
    log = server.log.read_text(encoding="utf-8", errors="replace")
    assert SECRET not in log
    assert "Traceback" not in log
