"""How a forecasting run looks: the series, the falling loss, the forecast, the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import streamlit as st

from core.forecast import judge
from core.forecast_export import TimesKind
from core.history import ForecastRun
from core.script import UploadSource
from core.series import Series
from core.specs import ForecastSpec, SpecError, SplitSpec
from core.vitals import Imported, Signal
from core.windows import bounds, make_windows, require_enough
from pages.parts.vitals import downloads
from pages.ui import charts, code, compare, lesson, loss_view, run_reading, text
from pages.ui.runs import Watched

MAX_DRAWN = 1500


@dataclass(frozen=True, eq=False)
class Axis:
    """What the points of a series stand for: their times (points,), titles, and the unit of the values.

    ``name`` is the signal's, empty for the article's wave.
    """

    times: npt.NDArray[np.float64] | None = field(repr=False)
    temporal: bool
    x_title: str
    y_title: str
    unit: str
    source: UploadSource | None = field(default=None, repr=False)
    clock: TimesKind = "points"
    name: str = ""

    def x(self, index: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Return where points ``index`` lie on the time axis."""
        if self.times is None:
            return index.astype(np.float64)
        times = self.times[index]
        return (times * 1000).astype("datetime64[ms]") if self.temporal else times


def axis(imported: Imported | None, signal: Signal | None, file_name: str = "") -> Axis:
    """Describe the time axis of an upload, or of the article's wave."""
    if imported is None or signal is None:
        return Axis(None, False, "時刻(点)", "値", "")
    unit = f"({signal.unit})" if signal.unit else ""
    titles = {"datetime": "時刻", "elapsed": "経過時間(秒)", "rows": "行の順番"}
    return Axis(
        imported.clock.times,
        imported.clock.kind == "datetime",
        titles[imported.clock.kind],
        f"{signal.name}{unit}",
        signal.unit,
        UploadSource.of(imported, signal.source, file_name),
        imported.clock.kind,
        signal.name,
    )


def _thin(count: int) -> slice:
    """Draw at most ``MAX_DRAWN`` of ``count`` points."""
    return slice(None, None, max(1, -(-count // MAX_DRAWN)))


def show_series(series: Series, split: SplitSpec, axis: Axis) -> None:
    """Draw the whole series, coloured by the part of time that the network learns from."""
    points = len(series.values)
    cut = bounds(points, split)
    index = np.arange(points)
    part = np.where(index < cut.train, "学習", np.where(index < cut.validation, "検証", "テスト"))
    some = _thin(points)
    rows = charts.rows(part[some].tolist(), x=axis.x(index)[some], y=series.values[some])
    names = ("学習", "検証", "テスト") if split.validation else ("学習", "テスト")
    charts.draw(
        charts.series(axis.x_title, axis.y_title, axis.temporal, names),
        rows,
        f"{points}点の系列。はじめの{cut.train}点を学習に、最後の{points - cut.validation}点をテストに使う。",
    )
    if points > MAX_DRAWN:
        st.caption(f"{points:,} 点のうち {len(rows):,} 点を間引いて描いています(学習には全点を使います)。")


def too_few(series: Series, length: int, split: SplitSpec) -> str:
    """Say why a series is too short, or too full of gaps, for windows of ``length``; empty if it is not."""
    cut = bounds(len(series.values), split)
    try:
        windows = make_windows(series.values, length)
        train, validation = windows.between(0, cut.train), windows.between(cut.train, cut.validation)
        require_enough(train, validation, windows.between(cut.validation, len(series.values)), split)
    except SpecError as error:
        return str(error)
    return ""


def show_losses(watched: Watched) -> None:
    """Draw the losses so far; those of standardized values are called so."""
    loss_view.show(watched, "損失(MSE、標準化した値)" if watched.spec.standardize else "損失(MSE)")


QUESTION = "このモデルは「直前の値をそのまま答える」予測に勝てるでしょうか?"
CHOICES = ["勝てる", "ほぼ互角", "勝てない"]
PRESETS = [
    lesson.Preset("例題どおり", {"cell": "rnn", "window": 10, "epochs": 200, "lr": 1e-3}),
    lesson.Preset(
        "学習不足",
        {"cell": "lstm", "window": 10, "epochs": 10, "lr": 1e-4},
        "学習率が小さく、エポック数も足りないため、波の形を覚える前に終わりました。",
    ),
    lesson.Preset(
        "学習率が大きすぎる",
        {"cell": "rnn", "window": 10, "epochs": 100, "lr": 1.0},
        "1回の修正が大きすぎて、隠れ状態が飽和し(tanh が ±1 に張り付き)、波に追随できなくなりました。",
    ),
]
_VERDICT_CHOICES = {
    "better": "勝てる",
    "even": "ほぼ互角",
    "worse": "勝てない",
    "perfect_baseline": "勝てない",
}


def show_result(slot: str, watched: Watched) -> None:
    """Show how the run ended, its forecast of unseen time beside the baseline, and the verdict."""
    if run_reading.left_nothing(watched):
        return
    run = watched.run
    results: tuple[ForecastRun, ...] = run.result
    result, axis = results[0], watched.context
    if result.ending == "diverged":
        st.error(
            f"{len(result.history)} エポック目で損失が数値として計算できなくなりました(発散)。"
            "学習率が大きすぎると、重みの修正が行き過ぎて戻れなくなります。学習率を下げて試してください。"
        )
        return
    st.header("テスト区間の予測")
    cell = text.CELL_LABELS[watched.spec.model.name]
    charts.draw(
        charts.titled(
            charts.forecasts(charts.X_TITLE, charts.Y_TITLE, axis.temporal), axis.x_title, axis.y_title
        ),
        _forecast_rows(result, axis),
        f"テスト区間{len(result.test.index)}点の実測値、{cell}の予測、直前の値をそのまま答えた予測。",
    )
    unit = text.plain(axis.unit)
    table, reading = st.columns(2, gap="large")
    with table:
        _score_table(result, cell, unit)
        _seeds(results, unit)
    with reading:
        lesson.score(slot, watched.specs, lambda: _answer(result, cell, unit))
        _reading(result, watched.epochs)
        why = next((p.why for p in PRESETS if p.why and _is_preset(p, watched.spec)), "")
        if why:
            st.markdown(f"**なぜ** — {why}")
        compare.pin_button(
            "vitals",
            f"{cell} 窓 {watched.spec.length}",
            _settings(watched.specs),
            {
                f"MAE{axis.unit and f'({axis.unit})'}": result.model_scores.mae,
                "直前の値のMAE": result.persistence_scores.mae,
                "MSE": result.model_scores.mse,
            },
            result.seconds,
            run.rows,
        )
    downloads.show(watched, result, axis)
    _formula(result, watched.spec, unit)
    code.show("vitals", watched.specs, axis.source)


def _formula(result: ForecastRun, spec: ForecastSpec, unit: str) -> None:
    """Show the recurrence and the scores with the numbers of the run."""
    n, scores = len(result.test.index), result.model_scores
    with st.expander("数式で見る(この学習の数字)"):
        if spec.model.name == "rnn":
            st.latex(r"h_t = \tanh(W_{hh} h_{t-1} + W_{xh} x_t + b_h),\qquad \hat y = W_{hy} h_T + b_y")
        st.markdown(
            f"隠れ状態 h は {spec.model.hidden} 個の数の並びで、{spec.length} 点の窓を順に読んで更新されます"
            f"(パラメータは全部で {result.parameters:,} 個)。"
        )
        st.latex(
            rf"\mathrm{{MSE}} = \frac{{1}}{{{n}}}\sum_{{i=1}}^{{{n}}}(y_i - \hat y_i)^2 = {scores.mse:.4g}"
        )
        st.latex(
            rf"\mathrm{{MAE}} = \frac{{1}}{{{n}}}\sum_{{i=1}}^{{{n}}}|y_i - \hat y_i| = {scores.mae:.4g}"
        )
        if unit:
            st.caption(f"y の単位は {unit} です。")


def _is_preset(preset: lesson.Preset, spec: ForecastSpec) -> bool:
    return preset.values == {
        "cell": spec.model.name,
        "window": spec.length,
        "epochs": spec.training.epochs,
        "lr": spec.optimizer.lr,
    }


def _settings(specs: tuple[ForecastSpec, ...]) -> dict[str, str]:
    spec = specs[0]
    seeds = f"種 {spec.training.seed}" + (f"〜{specs[-1].training.seed}" if len(specs) > 1 else "")
    return {
        "データ": spec.series.signal or "例題",
        "ネットワーク": text.CELL_LABELS[spec.model.name],
        "窓": f"窓 {spec.length}",
        "ユニット": f"{spec.model.hidden} ユニット",
        "学習率": f"η {spec.optimizer.lr:g}",
        "乱数": seeds,
    }


def _forecast_rows(result: ForecastRun, axis: Axis) -> pa.Table:
    test = result.test
    some = _thin(len(test.index))
    segment = np.cumsum(np.diff(test.index, prepend=test.index[:1]) > 1)  # a gap breaks the line
    lines = {"実測値": test.truth, "予測(モデル)": test.model, "直前の値": test.persistence}
    return pa.concat_tables(
        charts.rows(name, x=axis.x(test.index)[some], y=values[some], segment=segment[some])
        for name, values in lines.items()
    )


def _score_table(result: ForecastRun, cell: str, unit: str) -> None:
    model, baseline = result.model_scores, result.persistence_scores
    st.markdown(
        f"| 予測 | MAE | MSE |\n|:--|--:|--:|\n"
        f"| **{cell}** | {text.number(model.mae)} | {text.number(model.mse)} |\n"
        f"| 直前の値をそのまま | {text.number(baseline.mae)} | {text.number(baseline.mse)} |"
    )
    st.caption(
        f"学習 {result.train_windows:,} 窓、テスト {len(result.test.index):,} 窓。"
        f"パラメータ {result.parameters:,} 個、学習時間 {result.seconds:.1f} 秒、{result.device}。"
        f"MAEは誤差の絶対値の平均{unit and f'(単位 {unit})'}、"
        f"MSEは誤差の2乗の平均{unit and f'(単位 ({unit})²)'}です。"
    )


def _seeds(results: tuple[ForecastRun, ...], unit: str) -> None:
    """Say how far the seeds differ, so that luck is not read as skill."""
    if len(results) > 1:
        errors = [r.model_scores.mae for r in results]
        st.markdown(
            f"5つの種での MAE は {text.number(min(errors))} 〜 {text.number(max(errors))}"
            f"{unit and ' ' + unit} でした。上のグラフと表は1つ目の種のものです。"
        )


def _answer(result: ForecastRun, cell: str, unit: str) -> lesson.Answer:
    """Judge the run against persistence, with the numbers that decide."""
    verdict = judge(result.model_scores, result.persistence_scores)
    model, baseline = (
        f"{text.number(scores.mae)}{unit and ' ' + unit}"
        for scores in (result.model_scores, result.persistence_scores)
    )
    choice = _VERDICT_CHOICES.get(verdict.kind, "勝てない")
    if verdict.skill is None:
        return lesson.Answer(
            choice,
            "テスト区間の値が一定で、「直前の値をそのまま答える」予測の誤差が 0 です。"
            "これより良い予測はできません。",
        )
    if verdict.kind == "better":
        because = (
            f"{cell}は「直前の値をそのまま答える」予測に**勝っています**。"
            f"平均の外れ幅(MAE)が {baseline} から {model} へ、{verdict.skill:.0%} 小さくなりました。"
        )
    elif verdict.kind == "even":
        because = (
            f"{cell}(MAE {model})と「直前の値をそのまま答える」予測(MAE {baseline})は"
            f"**ほぼ互角**です(差は {abs(verdict.skill):.1%})。"
            "ネットワークを使う利点は、この結果からは言えません。"
        )
    else:
        because = (
            f"このモデルは「直前の値をそのまま答える」予測に**勝てていません**。"
            f"平均の外れ幅(MAE)は {model} で、直前の値({baseline})の {1 - verdict.skill:.2f} 倍でした。"
        )
    return lesson.Answer(choice, because)


def _reading(result: ForecastRun, planned: int) -> None:
    if not result.history:
        st.markdown("1エポックも終わらないうちに停止したため、学習前とほぼ同じ重みの予測です。")
        return
    first, last = result.history[0], result.history[-1]
    sentences = [
        f"学習損失は 1 エポック目の {text.number(first.train_loss)} から、"
        f"{last.number} エポック目の {text.number(last.train_loss)} になりました。"
    ]
    if result.ending == "early":
        sentences.append(
            "検証損失が良くならなくなったため早めに止め、"
            f"いちばん良かった {result.weights_epoch} エポック目の重みで予測しています。"
        )
    if result.ending == "stopped":
        sentences.append(f"予定の {planned} エポックの途中で停止し、その時点の重みで予測しています。")
    validated = [(e.validation_loss, e.number) for e in result.history if e.validation_loss is not None]
    if validated:
        lowest, at = min(validated)
        sentences.append(f"検証損失が最も低かったのは {at} エポック目の {text.number(lowest)} です。")
    st.markdown("".join(sentences))
