"""The files are read again by the importer, and by Python's own csv module."""

import csv
import io

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.forecast_export import Times, TimesKind, forecasts_csv, horizons_csv
from core.vitals import read

DAY = 1714521600.0  # 2024-05-01 00:00:00


def rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def noise(count: int, seed: int = 0) -> np.ndarray:
    return (80 + 10 * np.random.RandomState(seed).normal(size=count)).astype(np.float32)


def test_one_row_a_forecast_as_excel_opens_it() -> None:
    data = forecasts_csv(
        Times(kind="datetime", values=np.array([DAY, DAY + 600, DAY + 86399])),
        {
            "心拍数の実測値": np.array([72, np.nan, 0.1], np.float32),
            "誤差": np.array([-1.5, np.inf, 1e-7], np.float32),
        },
        "回/分",
    )
    assert data == (
        b"\xef\xbb\xbf"
        + (
            "日時,心拍数の実測値[回/分],誤差[回/分]\r\n"
            "2024-05-01 00:00:00,72.0,-1.5\r\n"
            "2024-05-01 00:10:00,,\r\n"
            "2024-05-01 23:59:59,0.1,1e-07\r\n"
        ).encode()
    )


@pytest.mark.parametrize(
    ("kind", "values", "clock", "header"),
    [
        ("datetime", DAY + 60.0 * np.arange(50), "datetime", "日時"),
        ("datetime", DAY + 0.25 * np.arange(50), "datetime", "日時"),
        ("elapsed", 1200 + 0.5 * np.arange(50), "elapsed", "経過[s]"),
        ("rows", np.arange(160.0, 210), "rows", "行番号"),
        ("points", np.arange(160.0, 210), "elapsed", "時刻[点]"),
    ],
)
def test_the_importer_gives_back_the_same_times_and_numbers(
    kind: TimesKind, values: np.ndarray, clock: str, header: str
) -> None:
    columns = {
        name: noise(50, i) for i, name in enumerate(["SpO₂の実測値", "SpO₂の予測 LSTM", "SpO₂の直前の値"])
    }
    columns["SpO₂の誤差 予測−実測"] = columns["SpO₂の予測 LSTM"] - columns["SpO₂の実測値"]
    data = forecasts_csv(Times(kind=kind, values=values), columns, "%")
    assert rows(data)[0][0] == header
    again = read(data, "forecast.csv")
    assert again.clock.kind == clock
    if clock != "rows":
        assert np.array_equal(again.clock.times, values)
    assert [s.unit for s in again.signals] == ["%"] * 4
    for signal, written in zip(again.signals, columns.values(), strict=True):
        assert np.array_equal(signal.values, written)


def test_a_gap_in_time_comes_back_as_missing_readings() -> None:
    places = np.array([*range(20), *range(23, 50)])
    written = noise(47)
    times = Times(kind="elapsed", values=10.0 * places)
    (signal, *_) = read(forecasts_csv(times, {"実測値": written, "直前の値": written}), "x.csv").signals
    assert np.array_equal(np.flatnonzero(np.isnan(signal.values)), [20, 21, 22])
    assert np.array_equal(signal.values[places], written)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(0.1)
@example(16777216.0)
def test_a_number_is_the_shortest_that_gives_its_float32_back(value: float) -> None:
    times = Times(kind="points", values=np.zeros(1))
    cell = rows(forecasts_csv(times, {"a": np.array([value], np.float32)}))[1][1]
    assert np.float32(cell) == np.float32(value)
    digits = len(cell.lower().split("e")[0].lstrip("-").replace(".", "").strip("0"))
    if digits > 1:
        assert np.float32(f"{value:.{digits - 2}e}") != np.float32(value)


@pytest.mark.parametrize("name", ["=1+2", "+HR", "-HR", "@HR", "\t=HR", "=cmd|'/c calc'!A1", " =HR"])
def test_no_header_becomes_a_formula(name: str) -> None:
    times = Times(kind="points", values=np.zeros(2))
    one = forecasts_csv(times, {f"{name}の実測値": np.zeros(2)})
    many = horizons_csv(times, np.array([0]), np.zeros((1, 1)), {name: np.zeros((1, 1))})
    for header in (*rows(one)[0], *rows(many)[0]):
        assert header[0] not in "=+-@\t\r "


def test_a_header_with_a_line_break_and_quotes_stays_one_cell() -> None:
    data = forecasts_csv(Times(kind="points", values=np.zeros(1)), {'a"\n,=b': np.zeros(1)})
    assert rows(data) == [["時刻[点]", 'a" ,=b'], ["0", "0.0"]]


def test_columns_that_are_not_as_long_as_the_times_are_refused() -> None:
    times = Times(kind="points", values=np.zeros(2))
    with pytest.raises(ValueError, match="2 rows"):
        forecasts_csv(times, {"a": np.zeros(3)})
    assert "0.0" not in repr(times)


def test_many_horizons_are_written_a_row_for_each_origin_and_horizon() -> None:
    times = Times(kind="elapsed", values=np.array([0, 5, 10, 15, 20.0]))
    truth = np.array([[1, 2], [2, np.nan]], np.float32)
    model = np.array([[1.5, 2.5], [3.5, 4.5]])
    data = horizons_csv(
        times,
        np.array([1, 2]),
        truth,
        {"予測 LSTM": model, "直前の値": truth - 1},
        {"予測 LSTM 90%": (model - 1, model + 1)},
        "mmHg",
    )
    assert rows(data) == [
        [
            "起点の時刻[s]",
            "何点先",
            "予測対象の時刻[s]",
            "実測値[mmHg]",
            "予測 LSTM[mmHg]",
            "直前の値[mmHg]",
            "予測 LSTM 90% 下限[mmHg]",
            "予測 LSTM 90% 上限[mmHg]",
        ],
        ["5", "1", "10", "1.0", "1.5", "0.0", "0.5", "2.5"],
        ["5", "2", "15", "2.0", "2.5", "1.0", "1.5", "3.5"],
        ["10", "1", "15", "2.0", "3.5", "1.0", "2.5", "4.5"],
        ["10", "2", "20", "", "4.5", "", "3.5", "5.5"],
    ]


def test_horizons_may_be_a_choice_of_steps_but_not_beyond_the_times() -> None:
    times = Times(kind="datetime", values=DAY + 60 * np.arange(10.0))
    one = np.zeros((1, 2))
    data = horizons_csv(times, np.array([3]), one, {"a": one}, horizons=[1, 6])
    assert [row[:3] for row in rows(data)[1:]] == [
        ["2024-05-01 00:03:00", "1", "2024-05-01 00:04:00"],
        ["2024-05-01 00:03:00", "6", "2024-05-01 00:09:00"],
    ]
    assert rows(data)[0][:3] == ["起点の時刻", "何点先", "予測対象の時刻"]
    with pytest.raises(ValueError, match="outside"):
        horizons_csv(times, np.array([4]), one, {"a": one}, horizons=[1, 6])
    with pytest.raises(ValueError, match="shape"):
        horizons_csv(times, np.array([3]), one, {"a": one.T}, horizons=[1, 6])
