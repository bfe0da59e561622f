import base64
import io
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import altair as alt
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.ui import charts, player
from pages.ui.share import LONGEST_QR, address, qr

LONGEST = "https://example.jp/vitals?".ljust(LONGEST_QR, "a")
NASTY = '"><img src=x onerror=alert(1)>'


def sent(app: AppTest) -> list[Any]:
    """Return what each component on the page was sent."""
    assert not app.exception
    return [element.proto for element in app.get("bidi_component")]


def two_players(name: str) -> None:
    import altair

    from pages.ui import charts, player

    marks = altair.Chart(altair.NamedData("rows")).mark_point().encode(x="x:Q")
    spec = marks.add_params(player.step_param(3)).to_dict()
    rows = charts.rows("学習", step=[0, 1, 2, 3], x=[0.0, 1.0, 2.0, 3.0])
    player.play(spec, rows, steps=3, key="道のり/a b", alt_text="道のり", label=name)
    player.play(spec, rows, steps=3, key="b", alt_text="曲線", speed=30)


def shared(opened: bool) -> None:
    import streamlit

    from pages.ui import share

    streamlit.session_state["share/popover"] = opened
    share.share("share")


def test_the_step_parameter_is_a_range_from_zero_that_a_spec_keeps() -> None:
    param = player.step_param(200, "エポック")
    chart = alt.Chart(alt.NamedData("rows")).mark_point().transform_filter(alt.datum.step == param)
    spec: charts.Spec = chart.add_params(param).to_dict()
    (found,) = spec["params"]
    assert (found["name"], found["value"]) == ("step", 0)
    assert found["bind"] == {"input": "range", "min": 0, "max": 200, "step": 1, "name": "エポック "}
    assert spec["transform"] == [{"filter": "(datum.step === step)"}]


def test_there_must_be_a_step_to_play() -> None:
    with pytest.raises(ValueError, match="1 つ以上"):
        player.step_param(0)


def test_players_on_one_page_know_their_own_charts() -> None:
    app = AppTest.from_function(two_players, args=("ステップ",)).run()
    data = [json.loads(proto.json) for proto in sent(app)]
    assert data == [
        {"steps": 3, "speed": 10, "label": "ステップ", "block": "st-key-----a-b-player"},
        {"steps": 3, "speed": 30, "label": "ステップ", "block": "st-key-b-player"},
    ]


def test_a_label_travels_as_data_and_never_as_markup() -> None:
    first, second = sent(AppTest.from_function(two_players, args=(NASTY,)).run())
    assert json.loads(first.json)["label"] == NASTY
    assert first.html_content == second.html_content
    assert "onerror" not in first.html_content
    assert "innerHTML" not in first.js_content


def test_every_control_has_a_japanese_name() -> None:
    html = sent(AppTest.from_function(two_players, args=("ステップ",)).run())[0].html_content
    for name in ("最初に戻る", "1つ戻る", "再生", "1つ進む", "再生の速さ", "再生の操作"):
        assert f'aria-label="{name}"' in html


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.dictionaries(names, st.lists(names, min_size=1, max_size=3), max_size=4))
def test_an_address_is_ascii_and_says_what_the_query_says(query: dict[str, list[str]]) -> None:
    whole = address("https://example.jp/学習/vitals", query)
    assert whole.isascii()
    assert " " not in whole
    assert parse_qs(urlsplit(whole).query, keep_blank_values=True) == query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8501", "http://127.0.0.1:8501/?lr=0.1"),
        ("https://example.jp/lab/vitals", "https://example.jp/lab/vitals?lr=0.1"),
        ("https://example.jp/%E5%AD%A6", "https://example.jp/%E5%AD%A6?lr=0.1"),
    ],
)
def test_an_address_begins_with_where_the_page_is(url: str, expected: str) -> None:
    assert address(url, {"lr": ["0.1"]}) == expected


def picture(text: str) -> Image.Image:
    uri = qr(text)
    assert uri
    return Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/png;base64,"))))


@pytest.mark.parametrize("text", ["http://127.0.0.1:8501/?data=%E8%87%AA&lr=0.001", LONGEST])
def test_a_reader_of_qr_codes_reads_the_address(text: str) -> None:
    zxingcpp = pytest.importorskip("zxingcpp")
    codes = zxingcpp.read_barcodes(picture(text).convert("L"), formats=zxingcpp.BarcodeFormat.QRCode)
    assert [code.text for code in codes] == [text]


def test_a_qr_code_is_black_on_white_with_a_quiet_zone_of_four_modules() -> None:
    image = picture("https://example.jp/vitals?cell=LSTM").convert("L")
    modules = segno.make_qr("https://example.jp/vitals?cell=LSTM").symbol_size(border=0)[0]
    assert image.size == ((modules + 8) * 8, (modules + 8) * 8)
    inside = Image.eval(image, lambda level: 255 - level).getbbox()
    assert inside == (32, 32, image.width - 32, image.height - 32)
    assert image.getpixel((0, 0)) == 255


def test_an_address_too_long_to_scan_has_no_qr_code() -> None:
    assert qr(LONGEST)
    assert qr(LONGEST + "a") is None
    assert qr("") is None


def test_nothing_is_made_before_the_popover_is_opened() -> None:
    assert sent(AppTest.from_function(shared, args=(False,)).run()) == []
    app = AppTest.from_function(shared, args=(True,))
    app.query_params["data"] = "自分のCSV"
    (panel,) = sent(app.run())
    assert parse_qs(urlsplit(json.loads(panel.json)["address"]).query) == {"data": ["自分のCSV"]}
    assert any("ファイルの中身は、このアドレスに含まれません" in caption.value for caption in app.caption)


def test_a_long_address_is_explained_instead() -> None:
    app = AppTest.from_function(shared, args=(True,))
    app.query_params["note"] = "肺" * 100
    (panel,) = sent(app.run())
    assert json.loads(panel.json)["qr"] is None
    assert any("アドレスが長く" in caption.value for caption in app.caption)
