"""A reader's own file on 「RNNとバイタルサイン」: understood, questioned, confirmed, re-read, refused."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.specs import SplitSpec
from core.vitals import Choices, read
from core.vitals.sample import SampleSpec, sample_csv
from pages.parts.vitals import forecast_view, upload_view
from pages.parts.vitals.taken import KEPT, Taken
from tests.pages.reading import shown

Open = Callable[..., AppTest]
SAMPLES = Path(__file__).parents[1] / "core" / "samples"
PERSONAL = "日時,氏名,心拍数\n" + "\n".join(f"2024/5/1 7:{i:02d},鈴木一郎,{70 + i % 7}" for i in range(40))


def upload(open_page: Open, data: str | bytes, name: str = "x.csv") -> AppTest:
    app = open_page("vitals.py", data="自分のCSV", epochs="10")
    content = data.encode() if isinstance(data, str) else data
    app.file_uploader[0].upload(name, content, "text/csv").run()
    assert not app.exception
    return app


def sample(open_page: Open, name: str) -> AppTest:
    return upload(open_page, (SAMPLES / name).read_bytes(), name)


def taken(app: AppTest) -> Taken:
    kept = app.session_state[KEPT]
    assert isinstance(kept, Taken)
    return kept


def press(app: AppTest, words: str) -> AppTest:
    (button,) = [b for b in app.button if words in b.label]
    app = button.click().run()
    assert not app.exception
    return app


def starts(app: AppTest) -> bool:
    return not app.button(key="start").disabled


def table(rows: int, cell: Callable[[int], str], header: str = "time [s],HR") -> str:
    return "\n".join([header, *(f"{i},{cell(i)}" for i in range(rows))])


def test_what_was_understood_is_said_before_anything_is_used(open_page: Open) -> None:
    app = sample(open_page, "02_excel_bom_zenkaku_unitrow.csv")
    (summary,) = [s.value for s in app.success]
    for words in (
        "72 行",
        "UTF-8(BOM付き)",
        "見出しは 4 行目",
        "20分ごと",
        "2024/05/01 07:00",
        "時差の記載なし",
        "欠測 27 個",
    ):
        assert words in summary
    assert not starts(app)
    app = press(app, "この内容で使う")
    assert starts(app)


def test_personal_columns_stop_everything_until_they_are_left_out(open_page: Open) -> None:
    app = upload(open_page, PERSONAL)
    assert any("2列目(氏名)" in e.value for e in app.error)
    assert "鈴木" not in shown(app)
    assert not app.success
    assert not any(b.key == "vitals_csv_use" for b in app.button)
    app = press(app, "これらの列を除いて読む")
    assert not app.error
    assert "鈴木" not in shown(app)
    imported = taken(app).imported
    assert imported is not None
    assert imported.choices.remove_personal
    assert [s.source for s in imported.signals] == ["心拍数"]


def test_one_of_several_patients_is_chosen_by_number_and_never_mixed(open_page: Open) -> None:
    app = sample(open_page, "10_eicu_two_patients_interleaved.csv")
    assert any("2 人分" in w.value for w in app.warning)
    (group,) = [g for g in app.button_group if g.label == "患者さんを選ぶ"]
    assert group.options == ["#1(120 行)", "#2(120 行)"]
    app = group.set_value("#2").run()
    assert not app.exception
    imported = taken(app).imported
    expected = read(
        (SAMPLES / "10_eicu_two_patients_interleaved.csv").read_bytes(), "", Choices(patient="#2")
    )
    assert imported is not None
    assert np.array_equal(imported.signals[0].values, expected.signals[0].values, equal_nan=True)
    assert "2 人のうち #2 の行だけ" in app.success[0].value


def test_a_sentinel_is_offered_with_its_count_and_can_be_taken_back(open_page: Open) -> None:
    app = upload(open_page, table(200, lambda i: "0" if i % 10 == 0 else str(70 + i % 5)))
    app = press(app, "20 件を欠測にする")
    imported = taken(app).imported
    assert imported is not None
    assert imported.signals[0].missing == 20
    app = press(app, "ひとつ前の読み方に戻す")
    imported = taken(app).imported
    assert imported is not None
    assert imported.signals[0].missing == 0


def test_fahrenheit_and_shares_are_converted_by_one_button(open_page: Open) -> None:
    rows = "\n".join(f"{i},{97 + i % 3},0.9{i % 9}" for i in range(60))
    app = press(upload(open_page, f"time [s],体温,SpO2\n{rows}"), "120 件を換算する")
    imported = taken(app).imported
    assert imported is not None
    assert [s.unit for s in imported.signals] == ["℃", "%"]
    assert imported.signals[0].values[0] == pytest.approx((97 - 32) * 5 / 9, abs=1e-5)


def test_home_readings_are_explained_and_learnt_from_as_mornings(open_page: Open) -> None:
    app = press(sample(open_page, "01_omron_connect_cp932.csv"), "この内容で使う")
    assert any("1日に数回の記録" in i.value for i in app.info)
    assert not starts(app)
    app = press(app, "朝の平均にする(30点)")
    assert starts(app)
    imported = taken(app).imported
    assert imported is not None
    assert (len(imported.signals[0].values), imported.clock.interval_s) == (30, 86400.0)


def test_too_few_mornings_are_declined_with_what_to_change(open_page: Open) -> None:
    rows = [f"2024/5/{d} {h}:{7 * d % 60:02d},{120 + d + h}" for d in range(1, 9) for h in (7, 21)]
    app = press(upload(open_page, "\n".join(["測定日,最高血圧", *rows])), "この内容で使う")
    app = press(app, "朝の平均にする(8点)")
    assert not starts(app)
    assert any("窓を短く" in w.value for w in app.warning)


def test_a_refused_choice_loses_nothing(open_page: Open) -> None:
    rows = "\n".join(f"2024/5/1 {7 + i // 60}:{i % 60:02d},{70 + i % 5}" for i in range(100))
    app = press(upload(open_page, f"日時,HR\n{rows}"), "この内容で使う")
    before = taken(app).imported
    app.session_state["vitals_csv_change"] = True
    app.run()
    (own,) = [t for t in app.text_input if t.label == "時刻の書き方(自分で書く)"]
    own.set_value("%Y年")
    app = press(app, "この読み方で読み直す")
    assert any("時刻を読めません" in e.value for e in app.error)
    assert taken(app).imported is before
    assert [t.value for t in app.text_input if t.label == own.label] == ["%Y年"]
    assert starts(app)


def test_columns_units_and_the_grid_are_set_in_the_form(open_page: Open) -> None:
    app = upload(open_page, table(100, lambda i: f"{70 + i % 5},{i % 3}", "time [s],HR,甲[x]"))
    app.session_state["vitals_csv_change"] = True
    app.run()

    def field(label: str) -> object:
        return next(s for s in app.selectbox if s.label.startswith(label))

    field("甲").set_value("ignore")  # type: ignore[attr-defined]
    field("HR").set_value("pulse")  # type: ignore[attr-defined]
    field("並べる間隔").set_value(5.0)  # type: ignore[attr-defined]
    app = press(app, "この読み方で読み直す")
    imported = taken(app).imported
    assert imported is not None
    assert [(s.source, s.key) for s in imported.signals] == [("HR", "pulse")]
    assert imported.clock.interval_s == 5.0
    assert not [name for name in app.query_params if "csv" in name or "HR" in name]


def test_the_sample_is_used_on_the_spot(open_page: Open) -> None:
    app = open_page("vitals.py", data="自分のCSV", sample_hours="6時間")
    app = press(app, "この見本をそのまま使う")
    imported = taken(app).imported
    expected = read(sample_csv(SampleSpec(hours=6)).encode("utf-8-sig"))
    assert imported is not None
    assert np.array_equal(imported.signals[0].values, expected.signals[0].values, equal_nan=True)
    assert any("見本を使っています" in i.value for i in app.info)
    app = press(app, "見本をやめる")
    assert KEPT not in app.session_state


def test_a_removed_file_is_dropped(open_page: Open) -> None:
    app = upload(open_page, table(50, str))
    assert KEPT in app.session_state
    app.file_uploader[0].clear().run()
    assert KEPT not in app.session_state


def test_a_file_over_the_limit_is_refused_by_the_server(open_page: Open) -> None:
    app = upload(open_page, b"HR\n" + b"70\n" * (2 * 2**20))
    assert any("5MB" in e.value for e in app.error)
    assert len(taken(app).data) == 5 * 2**20 + 1


def big(rows: int = 10_000) -> bytes:
    start = datetime(2024, 5, 1)
    lines = ["日時,心拍数,収縮期血圧,拡張期血圧,SpO2,体温"]
    for i in range(rows):
        stamp = f"{start + timedelta(minutes=i):%Y/%m/%d %H:%M}"
        lines.append(f"{stamp},{70 + i % 9},{120 + i % 7},{70 + i % 5},{96 + i % 3},{36.5 + i % 4 / 10}")
    return "\n".join(lines).encode()


def test_a_rerun_reads_nothing_again_and_is_cheap(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = press(upload(open_page, big()), "この内容で使う")

    def never(*_: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr("pages.parts.vitals.taken.read", never)
    costs = []
    for _ in range(5):
        begin = time.process_time()
        app.run()
        costs.append(time.process_time() - begin)
    assert not app.exception
    assert min(costs) < 0.04


def test_thinning_keeps_the_lowest_and_the_highest() -> None:
    values = np.sin(np.arange(20_000) / 50)
    values[12_345] = 9.0
    values[777] = -9.0
    kept = upload_view.thin(np.arange(20_000), values)
    assert len(kept) <= upload_view.MAX_DRAWN + 2
    assert {12_345, 777, 19_999} <= set(kept.tolist())
    assert np.all(np.diff(kept) > 0)


def test_the_chart_shows_gaps_filled_points_and_flags_where_they_are() -> None:
    rows = [f"{i},{250 if i == 20 else 70 + i % 5}" for i in range(100) if not 50 <= i < 60 and i != 30]
    imported = read("\n".join(["time [s],HR", *rows]).encode(), "", Choices(limit_s=3.0))
    signal = imported.signals[0]
    axis = forecast_view.axis(imported, signal, "x.csv")
    flagged = np.flatnonzero(imported.raw.flags["HR"])
    drawn = upload_view.reading_rows(imported, signal, SplitSpec(), axis, flagged).to_pylist()

    def of(mark: str) -> list[dict[str, float]]:
        return [row for row in drawn if row["mark"] == mark]

    assert [(row["x"], row["x2"]) for row in of("gap")] == [(49.0, 60.0)]
    assert [row["x"] for row in of("filled")] == [30.0]
    assert 20.0 in [row["x"] for row in of("flagged")]
    lines = {row["x"]: row["segment"] for row in of("line")}
    assert 55.0 not in lines
    assert lines[49.0] != lines[60.0]
    assert lines[29.0] == lines[31.0]


def test_no_title_of_a_file_stays_in_a_chart_kept_for_all() -> None:
    from pages.ui import charts

    spec = upload_view.reading_spec(True, ("学習", "テスト"))
    shown_spec = charts.titled(spec, "時刻", "秘密の列(回/分)")
    assert "秘密の列" in str(shown_spec)
    assert "秘密の列" not in str(upload_view.reading_spec(True, ("学習", "テスト")))


def test_a_file_stays_while_another_experiment_is_shown(open_page: Open) -> None:
    app = upload(open_page, table(50, str))
    app.button_group(key="vt_experiment").set_value("遠い記憶").run()
    app.button_group(key="vt_experiment").set_value("次の値を当てる").run()
    assert not app.exception
    assert KEPT in app.session_state
    app.button(key="vitals_csv_drop").click().run()
    assert KEPT not in app.session_state
