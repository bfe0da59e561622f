import numpy as np
import pytest

from core.vitals import Choices, ImportRefused
from core.vitals.grid import fill, grid_of, lay, lay_grid
from core.vitals.slots import daily_slots
from tests.core.vitals.tables import kinds, read_text, said, table, text_of

HOME = text_of(
    "測定日,脈拍",
    *(f"2024/5/{d} {6 + d % 3}:{7 * d % 60:02d},{60 + d}" for d in range(1, 15)),
    *(f"2024/5/{d} {21 + d % 2}:{11 * d % 60:02d},{80 + d}" for d in range(1, 15)),
    "2024/5/3 6:55,90",
    "2024/5/9 1:10,70",
    "2024/5/9 13:00,99",
)


def test_irregular_readings_are_called_irregular() -> None:
    times = np.cumsum([30000, 20000, 41000, 35000, 12345, 50000, 30100, 28000]).astype(float)
    assert not lay_grid(times).regular
    assert lay_grid(np.array([0.0, 60, 120, 300, 360])).position.tolist() == [0, 1, 2, 5, 6]


def test_a_gap_stays_a_gap_and_splits_the_series() -> None:
    lines = table(30).splitlines()
    del lines[11:16]
    imported = read_text("\n".join(lines))
    assert np.flatnonzero(np.isnan(imported.signals[0].values)).tolist() == [10, 11, 12, 13, 14]
    assert imported.clock.segments == ((0, 10), (15, 30))
    assert "5 点" in said(imported, "gap")
    assert next(p.line for p in imported.problems if p.kind == "gap") == 12


def test_a_grid_point_is_the_mean_of_the_readings_nearest_to_it() -> None:
    seconds = np.array([0.0, 4, 11, 14, 16, 38])
    grid = grid_of(seconds, 10, 0)
    assert grid.times.tolist() == [0, 10, 20, 30, 40]
    laid = lay(np.array([1.0, 3, 5, 7, 9, 11]), grid)
    assert np.array_equal(laid, [2, 6, 9, np.nan, 11], equal_nan=True)


def test_nothing_is_filled_beyond_the_limit() -> None:
    laid = np.array([0, np.nan, 2, np.nan, np.nan, 5, 6, np.nan, np.nan, np.nan, 10, 11])
    filled, made = fill(laid, 10, 30)
    assert filled[:7].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert np.isnan(filled[7:10]).all()
    assert np.flatnonzero(made).tolist() == [1, 3, 4]
    assert not fill(laid, 10, 0)[1].any()


def test_a_cuff_reading_never_becomes_one_minute_truth() -> None:
    rows = [
        f"2024/5/1 {7 + i // 60}:{i % 60:02d},{80 + i % 7},{120 + i if i % 15 == 0 else ''}"
        for i in range(180)
    ]
    imported = read_text(text_of("日時,HR,SBP", *rows), Choices(grid_s=60, limit_s=3600))
    assert np.isfinite(imported.signal("SBP").values).sum() == 12
    assert imported.signal("SBP").filled == 0
    assert "not_filled" in kinds(imported)
    alone = read_text(
        text_of("日時,SBP", *(f"2024/5/1 {7 + i // 4}:{15 * (i % 4):02d},{120 + i}" for i in range(40))),
        Choices(grid_s=60, limit_s=3600),
    )
    assert np.isfinite(alone.signals[0].values).sum() == 40
    assert "fine_grid" in kinds(alone)


def test_dense_irregular_readings_are_laid_on_a_stated_grid_with_a_stated_limit() -> None:
    rng = np.random.default_rng(0)
    seconds = np.cumsum(rng.choice([2, 5, 5, 7, 10, 15], size=300))
    seconds[150:] += 5000
    imported = read_text(text_of("time[s],HR", *(f"{s},{70 + s % 9}" for s in seconds)))
    clock = imported.clock
    assert (clock.regular, clock.interval_s, clock.limit_s) == (True, 10.0, 30.0)
    assert len(clock.segments) >= 2
    values = imported.signals[0].values
    inside = (clock.times > seconds[149] + 30) & (clock.times < seconds[150] - 30)
    assert inside.sum() > 400
    assert np.isnan(values[inside]).all()
    assert {"irregular", "resample", "gap", "filled"} <= kinds(imported)
    assert imported.signals[0].filled > 0
    bare = read_text(text_of("time[s],HR", *(f"{s},70" for s in seconds)), Choices(limit_s=0))
    assert bare.signals[0].filled == 0


def test_a_chosen_grid_is_taken_and_told() -> None:
    imported = read_text(table(30), Choices(grid_s=300))
    assert (imported.clock.interval_s, len(imported.clock.times)) == (300.0, 7)
    first = [70 + i % 7 for i in range(3)]  # the readings up to 2.5 minutes after the first
    assert imported.signals[0].values[0] == np.float32(np.mean(first))
    assert "5分ごと" in said(imported, "resample")
    assert not imported.scriptable
    with pytest.raises(ImportRefused, match="時刻の列がない"):
        read_text(text_of("HR,SpO2", "70,98", "71,97"), Choices(grid_s=60))


def test_home_readings_are_irregular_with_a_reason_and_days_are_offered() -> None:
    imported = read_text(HOME)
    assert imported.report.clock is not None
    assert not imported.report.clock.regular
    assert "あまり向かない" in said(imported, "irregular")
    assert [p.accept.daily for p in imported.proposals] == ["朝", "晩", "1日"]


def test_daily_slots_are_means_of_the_mornings_and_of_the_evenings() -> None:
    slots = daily_slots(read_text(HOME), "脈拍")
    assert (slots.names, len(slots.days), slots.left_out) == (("朝", "晩"), 14, 1)
    assert str(slots.dates()[0]) == "2024-05-01"
    assert slots.values[0].tolist() == [61, 81]
    assert slots.values[2].tolist() == [(63 + 90) / 2, 83]
    assert slots.values[7].tolist() == [68, (88 + 70) / 2]  # after midnight: the evening of the day before
    assert slots.counts[7].tolist() == [1, 2]
    with pytest.raises(ImportRefused, match="日付がない"):
        daily_slots(read_text(text_of("time[s],HR", "0,60", "1,61")), "HR")


def test_one_point_a_day_can_be_chosen() -> None:
    imported = read_text(HOME, Choices(daily="朝"))
    slots = daily_slots(read_text(HOME), "脈拍")
    assert np.array_equal(imported.signals[0].values, slots.values[:, 0], equal_nan=True)
    assert (imported.clock.regular, imported.clock.interval_s) == (True, 86400.0)
    assert "other_slot" in kinds(imported)


def vital(header: str, values: list[object], step: str = "s") -> str:
    return text_of(f"time[{step}],{header}", *(f"{i},{value}" for i, value in enumerate(values)))


@pytest.mark.parametrize(
    ("header", "impossible", "unusual", "fine"),
    [
        ("HR", 301, None, 299),
        ("SBP", 401, 350, 250),
        ("DBP", 301, 250, 150),
        ("RR", 121, 100, 60),
        ("SpO2", 101, 45, 80),
        ("体温", 51, 43.5, 39.5),
        ("Temp(℉)", 130, 110, 100),
        ("SBP(kPa)", 60, 45, 20),
    ],
)
def test_limits(header: str, impossible: float, unusual: float | None, fine: float) -> None:
    usual = {"体温": 37, "Temp(℉)": 98, "SBP(kPa)": 16, "SpO2": 97, "RR": 15}.get(header, 100)
    values: list[object] = [usual] * 9
    values[3], values[5], values[7] = impossible, unusual if unusual else usual, fine
    imported = read_text(vital(header, values, "h"))
    (signal,), (column,) = imported.signals, imported.report.columns
    assert np.flatnonzero(np.isnan(signal.values)).tolist() == [3]
    assert [p.line for p in imported.problems if p.kind == "impossible"] == [5]
    assert [p.line for p in imported.problems if p.kind == "unusual"] == ([7] if unusual else [])
    assert (column.missing, column.flagged) == (1, 1 if unusual else 0)


def test_flags_change_no_value() -> None:
    values: list[object] = [70, 71, 150, 72, *([65] * 320), 80]
    imported = read_text(vital("HR", values))
    assert imported.signals[0].values.tolist() == [float(str(v)) for v in values]
    assert {"jump", "flat"} <= kinds(imported)
    assert imported.signals[0].flagged == 2 + 320
    assert not kinds(read_text(vital("HR", [70, 71] * 100))) & {"jump", "flat", "unusual"}


def test_pressures_upside_down_are_flagged_on_both() -> None:
    imported = read_text(text_of("time[s],SBP,DBP", "0,120,70", "1,60,80", "2,118,71"))
    assert [p.line for p in imported.problems if p.kind == "pressure"] == [3]
    assert [c.flagged for c in imported.report.columns] == [1, 1]


@pytest.mark.parametrize("sentinel", [0, 127, 255, -32768, 8388607])
def test_sentinels_are_proposed_as_missing_and_become_so_only_when_accepted(sentinel: int) -> None:
    rows = [f"{i},{sentinel if i in (4, 9) else 60 + i % 5},{sentinel if i == 7 else i}" for i in range(30)]
    imported = read_text(text_of("time[s],HR,何か", *rows))
    hard = sentinel in (-32768, 8388607)
    assert imported.report.columns[0].missing == (2 if hard else 0)
    asked = [p for p in imported.proposals if p.kind == "sentinel"]
    assert [p.column for p in asked] == (["何か"] if hard else ["HR"])
    accepted = read_text(text_of("time[s],HR,何か", *rows), asked[0].accept)
    assert "sentinel" in kinds(accepted)
    assert accepted.report.columns[1 if hard else 0].missing == (1 if hard else 2)


def test_a_heart_that_really_beats_127_is_no_sentinel() -> None:
    assert not read_text(vital("HR", [120 + i % 12 for i in range(60)])).proposals


def test_shares_of_one_are_asked_about() -> None:
    imported = read_text(vital("SpO2(%)", [0.97, 0.98, 0.96, 0.99]))
    assert imported.report.columns[0].unit == "0-1"
    assert imported.signals[0].values[0] == np.float32(0.97)
    accepted = read_text(vital("SpO2(%)", [0.97, 0.98, 0.96, 0.99]), imported.proposals[0].accept)
    assert (accepted.signals[0].unit, accepted.signals[0].values[0]) == ("%", 97)


def test_a_unit_can_be_corrected() -> None:
    text = vital("体温", [36.5, 36.6, 36.7])
    assert read_text(text, Choices(units={"体温": "degC"})).signals[0].unit == "℃"
    glucose = read_text(vital("血糖値", [5.5, 6.0]), Choices(units={"血糖値": "mmol/L"}, convert=True))
    assert glucose.signals[0].values[0] == pytest.approx(99.088, rel=1e-4)
