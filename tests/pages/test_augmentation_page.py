"""データ拡張: what is told is computed from the reader's own curves and runs; presets end as named."""

import contextlib
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import series_augment
from core.history import Epoch, TableRun
from core.series_augment import WaveSpec
from core.specs import AugmentSpec, ConvSpec, TableRunSpec
from pages.parts.augmentation import benefit_view, harm_view, harm_words, pairs, series_view, series_words
from pages.ui import player
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
PAGE = "augmentation.py"
WAVE = {"au_experiment": "波形の拡張"}
HARM = {"au_experiment": "してはいけない拡張", "au_h_rows": "60"}
BENEFIT = {"au_experiment": "効き目を測る", "au_b_epochs": "10", "au_b_rows": "40"}


def press(app: AppTest, key: str) -> AppTest:
    app = app.button(key=key).click().run()
    assert not app.exception
    return app


def run(app: AppTest, slot: str) -> tuple[AppTest, tuple[TableRun, ...]]:
    app = wait_until_done(press(app, f"{slot}/start"), slot)
    assert not app.exception
    results: tuple[TableRun, ...] = app.session_state[slot].run.result
    return app, results


def test_curves_are_drawn_before_they_are_measured(open_page: Open) -> None:
    app = open_page(PAGE, **WAVE)
    assert not app.exception
    assert "灰色がもとの波形で、" in shown(app)
    assert "読み解き" not in [s.value for s in app.header]


def test_the_prediction_is_scored_by_the_readers_own_curves(open_page: Open) -> None:
    app = open_page(PAGE, au_s_scale="0", au_s_noise="0.0", au_s_seed="6", **WAVE)
    spec = WaveSpec(noise=0.0, scale=0.0, warp=0.2, mask=0.0, seed=6)
    measured = series_augment.measure(spec)
    assert 1 <= measured.broken <= 8
    right = "1〜3 本" if measured.broken <= 3 else "4〜8 本"
    app.radio[0].set_value("0 本").run()
    app = press(app, "au_s/go")
    seen = shown(app)
    rates = measured.numbers["rate"]
    assert f"予想は「0 本」、結果は「{right}」でした" in seen
    assert f"{rates[1:].min():.1f} 〜 {rates[1:].max():.1f} 回/分(もとは 106.0 回/分)" in seen
    assert f"{(rates[1:] < 100).sum()} 本で、100 回/分を割った" in seen


@pytest.mark.parametrize("preset", range(7))
def test_presets_of_curves_break_the_label_that_they_are_named_after(open_page: Open, preset: int) -> None:
    app = press(press(open_page(PAGE, **WAVE), f"au_s/preset/{preset}"), "au_s/go")
    seen = shown(app)
    broken = re.findall(r"(\d+) 本で、", seen)
    if preset == 0:
        assert not broken
        assert "どの波形でも正しいままです" in seen
        assert "**なぜ**" not in seen
    else:
        assert int(broken[0]) >= 3
        assert "**なぜ**" in seen


def test_the_script_of_the_page_prints_the_numbers_of_its_table(open_page: Open) -> None:
    app = press(open_page(PAGE, **WAVE), "au_s/go")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(app.code[0].value, "script", "exec"), {"__name__": "__main__"})
    broken = int(re.findall(r"すべて: 12 本中 (\d+) 本", out.getvalue())[0])
    assert broken == series_augment.measure(WaveSpec(warp=0.2, mask=0.0)).broken
    assert (f"{broken} 本で、" in shown(app)) == (broken > 0)


def test_other_labels_are_counted_and_the_lots_are_drawn_anew(open_page: Open) -> None:
    app = press(open_page(PAGE, au_s_all="true", **WAVE), "au_s/go")
    assert "12 本中、その変換だけでラベルが変わった本数です" in shown(app)
    assert "| QT延長 |" in shown(app)
    before = app.number_input(key="au_s_seed").value
    seeds = {press(app, "au_s/reseed").number_input(key="au_s_seed").value for _ in range(3)}
    assert seeds != {before}


def test_bad_values_in_the_address_fall_back(open_page: Open) -> None:
    app = open_page(
        PAGE, au_s_label="?", au_s_view="x", au_s_noise="99", au_s_warp="-4", au_s_seed="y", **WAVE
    )
    assert not app.exception
    for query in ({**HARM, "au_h_kind": "x", "au_h_chance": "900"}, {**BENEFIT, "au_b_strength": "77"}):
        assert not open_page(PAGE, **query).exception


def test_numbers_are_written_as_a_doctor_reads_them() -> None:
    assert series_words.told("onset", 6 + 2 / 60) == "6時間02分"
    assert series_words.told("rate", 104.25) == "104.2 回/分"
    assert series_words.told("p", 10.0) == "10 倍以上"
    assert series_words.reach("qtc", np.array([450.0, np.nan, 470.4])) == "450 〜 470 ms(1 本は測れません)"
    assert series_words.reach("onset", np.array([5.5, 6.25])) == "5時間30分 〜 6時間15分"


def test_charts_of_curves_hold_every_variant_and_its_status() -> None:
    spec = WaveSpec(warp=0.4, variants=6, seed=6)
    drawn: list[tuple[Any, list[dict[str, Any]]]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(player, "play", lambda s, rows, **_: drawn.append((s, rows.to_pylist())))
        measured = series_augment.measure(spec)
        series_view.show_curves(spec, series_augment.augment(spec), measured)
    (_, rows) = drawn[0]
    names = {row["number"]: row["name"] for row in rows}
    expected = [series_view.KEPT if kept else series_view.BROKEN for kept in measured.kept]
    assert [names[n] for n in range(1, 7)] == expected
    assert names[0] == series_view.ORIGINAL
    said = {row["number"]: row["v"] for row in rows if row["number"] > 100}
    assert [said[100 + n] for n in range(1, 7)] == pytest.approx(measured.numbers["rate"][1:])


def test_flipped_hearts_leave_the_classifier_at_chance(open_page: Open) -> None:
    app = open_page(PAGE, **HARM)
    app.radio[0].set_value("上がる(2ポイント以上)").run()
    app, results = run(app, "au_h")
    plain, flipped = results
    assert plain.test_accuracy is not None
    assert flipped.test_accuracy is not None
    assert plain.test_accuracy > 0.95
    assert flipped.test_accuracy < 0.75
    seen = shown(app)
    assert f"拡張なし {plain.test_accuracy:.1%}、拡張あり {flipped.test_accuracy:.1%}" in seen
    assert "予想は「上がる(2ポイント以上)」、結果は「30ポイント以上下がる」でした" in seen
    assert "内臓逆位の画像そのもの" in seen
    specs: tuple[TableRunSpec, ...] = app.session_state["au_h"].specs
    assert [spec.model for spec in specs] == [
        ConvSpec(channels=(8, 16)),
        ConvSpec(channels=(8, 16), augment=AugmentSpec(flip=0.5)),
    ]
    assert specs[0].table == specs[1].table
    assert specs[0].training == specs[1].training
    app = press(app, "augmentation_harm/pin")
    assert app.dataframe[0].value["正解率(拡張あり)"].tolist() == [round(flipped.test_accuracy, 4)]


def test_digits_turned_round_are_taken_for_one_another(open_page: Open) -> None:
    app = press(open_page(PAGE, **HARM), "au_h/preset/2")
    app, (plain, turned) = run(app, "au_h")
    answers = turned.test_outputs.argmax(axis=1)
    sixes = turned.test_targets == 6
    as_nine = int((answers[sixes] == 9).sum())
    assert as_nine > sixes.sum() / 2
    before = int((plain.test_outputs.argmax(axis=1)[sixes] == 9).sum())
    assert before < 3
    assert f"{sixes.sum()} 枚中 {before} 枚から {as_nine} 枚へ" in shown(app)
    assert "6を180°回すと9" in shown(app)


def test_a_small_turn_does_no_harm(open_page: Open) -> None:
    app = press(open_page(PAGE, **HARM), "au_h/preset/4")
    app, (plain, turned) = run(app, "au_h")
    assert (plain.test_accuracy or 0) - (turned.test_accuracy or 0) < harm_words.HARM
    assert "**なぜ**" not in shown(app)


def test_a_verdict_needs_every_pair(open_page: Open) -> None:
    app, results = run(open_page(PAGE, **BENEFIT), "au_b")
    assert len(results) == 10
    gain = np.array([b.test_accuracy or 0 for b in results[1::2]]) - [a.test_accuracy for a in results[::2]]
    seen = shown(app)
    assert f"(差 {pairs.points(float(gain.mean()))})" in seen
    decided = bool((gain > 0).all() or (gain < 0).all())
    assert ("**差があるとみます**" in seen) == decided
    assert ("**はっきりした差はありません**" in seen) == (not decided)
    assert "6.25%" in seen
    specs = app.session_state["au_b"].specs
    assert [spec.training.seed for spec in specs] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    for without, changed in zip(specs[::2], specs[1::2], strict=True):
        assert (without.table, without.training) == (changed.table, changed.training)


def made(accuracies: list[float], train: float = 0.1) -> tuple[TableRun, ...]:
    """Make results with the given test accuracies, without and with in turn."""
    epoch = Epoch(number=1, train_loss=train, validation_loss=0.5, lr=0.1, seconds=1.0)
    return tuple(
        TableRun(
            history=(epoch,),
            ending="finished",
            device="CPU",
            parameters=1,
            rows=(100, 10, 50),
            reference_loss=2.3,
            test_loss=0.5,
            test_accuracy=accuracy,
            test_outputs=np.zeros((1, 10), dtype=np.float32),
            test_targets=np.zeros(1, dtype=np.int64),
            weights={},
            weights_epoch=1,
            last_test_loss=0.5,
        )
        for accuracy in accuracies
    )


def test_luck_is_not_read_as_skill() -> None:
    always = made([0.8, 0.81] * 5)
    once_not = made([0.8, 0.95] * 4 + [0.8, 0.79])
    tie = made([0.8, 0.95] * 4 + [0.8, 0.8])
    never = made([0.8, 0.7] * 5)
    assert "**差があるとみます**。" in benefit_view.verdict(always)
    assert "4 勝 1 敗で、**はっきりした差はありません**" in benefit_view.verdict(once_not)
    assert "4 勝 0 敗、引き分け 1 回で、**はっきりした差はありません**" in benefit_view.verdict(tie)
    assert "拡張が害になりました" in benefit_view.verdict(never)


@pytest.mark.parametrize(
    ("augment", "epochs", "rows", "accuracies", "train", "why"),
    [
        (AugmentSpec(flip=0.5), 80, 100, [0.8, 0.7] * 5, 0.1, "答えを変える拡張"),
        (AugmentSpec(degrees=32, noise=0.6), 80, 100, [0.8, 0.6] * 5, 1.9, "拡張が強すぎる"),
        (AugmentSpec(degrees=16, noise=0.3), 10, 100, [0.8, 0.6] * 5, 1.3, "学習が短すぎる"),
        (AugmentSpec(degrees=8), 80, 1000, [0.98, 0.985] * 5, 0.1, "画像が十分"),
        (AugmentSpec(degrees=8), 80, 40, [0.8, 0.84, 0.8, 0.79] * 2 + [0.8, 0.9], 0.1, "ばらつきに埋もれる"),
    ],
)
def test_each_failure_has_its_reason(
    augment: AugmentSpec, epochs: int, rows: int, accuracies: list[float], train: float, why: str
) -> None:
    specs = pairs.pair_specs("digits", augment, rows, epochs, 5, 0.02, range(5))
    (found,) = benefit_view.whys(specs, made(accuracies, train))
    assert f"**{why}**" in found


def test_answers_are_counted_by_truth() -> None:
    (result,) = made([0.5])
    outputs = np.eye(10, dtype=np.float32)[[9, 9, 6, 3]]
    result = TableRun(
        **{
            **{name: getattr(result, name) for name in TableRun.__dataclass_fields__},
            "test_outputs": outputs,
            "test_targets": np.array([6, 6, 6, 3]),
        }
    )
    table = pairs.counts([result], 10)
    assert (table[6, 9], table[6, 6], table[3, 3], table.sum()) == (2, 1, 1, 4)
    found = harm_view.Findings(answers=tuple("0123456789"), without=np.eye(10), changed=table)
    assert found.shares[1][6] == pytest.approx(1 / 3)
    assert found.lost == pytest.approx(0.5)
