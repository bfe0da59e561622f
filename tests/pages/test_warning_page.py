from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.early_warning_specs import WarningSpec
from core.warning_rules import RuleSpec, combine, judge, level, predictive_value, smooth, sweep
from pages.parts.vitals import warning, warning_view, warning_words
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PAGE = "vitals.py"
HERE = {"vt_experiment": "早期警告"}
QUICK = {**HERE, "vw_ward": "4", "vw_cell": "rnn", "vw_hidden": "8"}


def start(app: AppTest) -> AppTest:
    app = app.button(key="vw_run/start").click().run()
    assert not app.exception
    return wait_until_done(app, "vw_run")


def charts(app: AppTest) -> list[str]:
    """Return the alternative texts of all charts."""
    return [chart.proto.alt for chart in app.main.get("vega_lite_chart")]


def look(app: AppTest, name: str) -> AppTest:
    app = app.button_group(key="vw_look").set_value(name).run()
    assert not app.exception
    return app


def seen(app: AppTest) -> str:
    """Return the running text, with names in tables as they read."""
    return shown(app).replace("\N{WORD JOINER}", "")


def statistic(app: AppTest, rule: RuleSpec) -> tuple[WarningSpec, np.ndarray[Any, Any]]:
    watched = app.session_state["vw_run"]
    spec: WarningSpec = watched.spec
    (run,) = watched.run.result
    lead = spec.cut.test.start - spec.cut.calibration.start
    return spec, combine(smooth(run.z, rule)[..., lead:, :], rule)


def test_the_label_stands_on_the_stage_before_and_after(open_page: Open) -> None:
    app = open_page(PAGE, **QUICK)
    assert not app.exception
    label = "**学習用の模擬データです。実際の警報・診断・監視には使えません。**"
    assert [w.value for w in app.warning] == [label]
    assert all(warning_view.LABEL in alt for alt in charts(app))
    assert "実際の患者さんのデータで、警報のように使われることを避けるため" in shown(app)
    assert not app.main.get("file_uploader")
    app = start(app)
    assert [w.value for w in app.warning] == [label, label]
    for name in ("この患者", "20人の成績", "当たる割合"):
        app = look(app, name)
        assert label in [w.value for w in app.warning]
        assert "アラーム" not in seen(app).replace("アラーム疲労", "")


def test_the_prediction_is_scored_by_the_readers_own_run(open_page: Open) -> None:
    app = open_page(PAGE, **QUICK, vw_look="20人の成績")
    app.radio[0].set_value("遅い").run()
    app = start(app)
    spec, found = statistic(app, RuleSpec())
    levelled = level(sweep(found[:, 1:], spec), 2.0)
    network, persistence, usual = levelled.outcome.median_delay.tolist()
    assert network + 0.5 < persistence
    told = seen(app)
    assert "予想は「遅い」、結果は「早い」でした。" in told
    delay = warning_words.delay
    assert f"ネットワークが **{delay(network)}**、直前の値が **{delay(persistence)}** でした" in told
    assert f"「ふだんの平均との差」は {delay(usual)}、ネットワークは {delay(network)}です" in told
    outcome = judge(found[0, 1:] > np.float32(3.0), spec)
    row = f"| ネットワーク | {outcome.sensitivity(2):.0%} | {delay(float(outcome.median_delay))} |"
    assert f"{row} {outcome.false_per_day:.2f} 回 |" in told
    levels = f"| ネットワーク | {levelled.thresholds[0]:.2f} | {levelled.outcome.false_per_day[0]:.2f} 回 |"
    assert levels in told


def test_threshold_and_prevalence_move_the_counts(open_page: Open) -> None:
    app = start(open_page(PAGE, **QUICK, vw_look="当たる割合"))
    for threshold, prevalence in ((3.0, 5.0), (3.5, 20.0)):
        app = app.slider(key="vw_threshold").set_value(threshold).run()
        app = app.select_slider(key="vw_prevalence").set_value(prevalence).run()
        assert not app.exception
        spec, found = statistic(app, RuleSpec())
        outcome = judge(found[0, 1:] > np.float32(threshold), spec)
        pair = float(outcome.sensitivity(2)), float(outcome.specificity)
        value = predictive_value(*pair, prevalence / 100)
        assert value is not None
        assert f"| ネットワーク | {pair[0]:.0%} | {pair[1]:.0%} | {value:.0%} |" in seen(app)
        flags = float(outcome.false_per_day) * 30 * (1 - prevalence / 100)
        assert f"1日に **{flags:.1f} 回**" in seen(app)
        assert any(f"text{{{value:.3f}}}" in block.value for block in app.latex)


def test_the_twin_and_a_signal_can_be_looked_at(open_page: Open) -> None:
    app = start(open_page(PAGE, **QUICK))
    assert any("悪化する患者の外れの大きさ" in alt for alt in charts(app))
    app = app.button_group(key="vw_case").set_value("悪化しない双子").run()
    assert any("悪化しない双子の外れの大きさ" in alt for alt in charts(app))
    app = app.button_group(key="vw_signal").set_value("SpO2").run()
    assert any("模擬患者のSpO2" in alt for alt in charts(app))
    flags = next(alt for alt in charts(app) if "目印が点いていた時間の割合" in alt)
    assert "ネットワーク(双子)" in flags


@pytest.mark.parametrize(
    ("preset", "why"),
    [
        (0, ""),
        (1, "しきい値が低すぎます"),
        (2, "センサーのずれも「外れ」に数えます"),
        (3, "悪化した値も「ふだん」として覚えました"),
        (4, "だけです"),
    ],
)
def test_presets_fail_for_their_reason(open_page: Open, preset: int, why: str) -> None:
    app = open_page(PAGE, **QUICK)
    app = app.button(key=f"vw_run/preset/{preset}").click().run()
    app = start(app)
    watched = app.session_state["vw_run"]
    values = warning.PRESETS[preset].values
    assert watched.spec.source == warning.SOURCES[values["vw_source"]]
    assert app.slider(key="vw_threshold").value == values["vw_threshold"]
    assert app.toggle(key="vw_clip").value == values["vw_clip"]
    reasons = [m.value for m in app.markdown if m.value.startswith("**なぜ**")]
    assert bool(reasons) == bool(why)
    assert all(any(why in reason for reason in reasons) for why in [why] if why)


def test_pins_keep_what_the_flags_were_worth(open_page: Open) -> None:
    app = start(open_page(PAGE, **QUICK))
    app = app.button(key="vitals_warning/pin").click().run()
    assert not app.exception
    (pin,) = app.session_state["pins/vitals_warning"]
    assert pin.settings["学習"] == "別の患者"
    assert pin.results["そろえた誤り(回/24時間)"] == 2.0


@pytest.mark.parametrize(
    "query",
    [
        {"vw_source": "<b>", "vw_ahead": "99", "vw_artefacts": "50", "vw_hours": "1"},
        {"vw_threshold": "nan", "vw_minutes": "7", "vw_combine": "?", "vw_clip": "maybe", "vw_look": "x"},
        {"vw_seed": "-1", "vw_ward": "1000", "vw_lr": "1e9", "vw_window": "0", "vw_within": "99"},
    ],
)
def test_hostile_addresses_fall_back(open_page: Open, query: dict[str, str]) -> None:
    app = open_page(PAGE, **{**QUICK, **query})
    assert not app.exception
    app = start(app)
    assert not app.exception
    assert "結果" in shown(app)
