import math

import altair as alt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.ui import charts


@given(st.lists(st.tuples(st.floats(allow_nan=False), st.sampled_from(["学習", "検証", "テスト"]))))
def test_rows_are_what_was_given(given_rows: list[tuple[float, str]]) -> None:
    table = charts.rows([name for _, name in given_rows], y=np.array([y for y, _ in given_rows]))
    assert table.num_rows == len(given_rows)
    assert list(zip(table["y"].to_pylist(), table["name"].to_pylist(), strict=True)) == given_rows


def test_rows_take_times_integers_and_missing_numbers() -> None:
    times = np.array(["2024-05-01T07:00", "2024-05-01T07:01"], "datetime64[ms]")
    table = charts.rows("学習", x=times, epoch=[1, 2], loss=[0.5, math.nan])
    assert str(table["x"][1].as_py()) == "2024-05-01 07:01:00"
    assert table["epoch"].to_pylist() == [1, 2]
    assert math.isnan(table["loss"][1].as_py())
    assert table["name"].to_pylist() == ["学習", "学習"]


@pytest.mark.parametrize(
    "spec",
    [
        charts.series("a.b[%]", "x:y\\'\"", False, ("学習", "テスト")),
        charts.losses(200, ("学習", "検証")),
        charts.forecasts("時刻", "SpO2[%]", True),
    ],
)
def test_a_spec_holds_no_data_fills_its_column_and_titles_every_axis(spec: charts.Spec) -> None:
    assert "data" not in spec
    assert "datasets" not in spec
    assert spec["width"] == "container"
    assert spec["encoding"]["x"]["title"]
    assert spec["encoding"]["y"]["title"]
    assert spec["encoding"]["x"]["field"] in ("x", "epoch")
    assert set(spec["encoding"]["color"]["scale"]["range"]) <= set(charts.COLOURS.values())


def test_lines_drawn_with_a_level_take_the_rows_of_their_chart() -> None:
    line = alt.Chart(alt.NamedData("rows")).mark_line().encode(y="loss:Q")
    spec = charts.finish(alt.layer(line, *charts.level(0.69, "ln 2")), 200)
    assert "data" not in spec
    assert len(spec["layer"]) == 3
    assert not any("data" in layer for layer in spec["layer"])


def test_the_loss_axis_spans_the_run_from_the_first_epoch() -> None:
    assert charts.losses(200, ("学習",))["encoding"]["x"]["scale"]["domain"] == [0, 200]


def test_names_have_one_colour_each_and_those_drawn_together_differ() -> None:
    for together in (("学習", "検証", "テスト"), ("実測値", "予測(モデル)", "直前の値")):
        assert len({charts.COLOURS[name] for name in together}) == len(together)
