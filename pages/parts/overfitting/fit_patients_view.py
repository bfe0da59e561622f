"""Charts and sentences of the experiment with real tables: what more patients are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import altair as alt
import numpy as np
import pyarrow as pa
import streamlit as st

from core.classification import Confusion, confusion, probabilities
from core.history import Row, TableRun
from core.scalers import Scaler
from core.specs import TableRunSpec
from pages.ui import charts, text
from pages.ui import side_by_side as parts
from pages.ui.side_by_side import Array

TRAIN, HELD, TEST, CONSTANT = "学習", "検証", "テスト", "いつも同じ答え"
COLOURS = (charts.COLOURS["学習"], charts.COLOURS["検証"], charts.COLOURS["テスト"], charts.COLOURS["実測値"])
FOUND, SPARED, EXPLAINED = "感度", "特異度", "R²"
SHARE_COLOURS = {FOUND: "#D55E00", SPARED: "#2D8BD0", EXPLAINED: "#009E73"}


@dataclass(frozen=True, kw_only=True)
class Study:
    """A table, in the reader's words. ``column`` is the input whose scaler is shown."""

    label: str
    name: str
    classes: bool
    patients: int
    train: int
    about: str
    unit: str
    column: int
    column_label: str
    sizes: tuple[int | None, ...] = (20, 40, 80, 160, None)

    @property
    def counts(self) -> tuple[int, ...]:
        """How many patients each network learns from."""
        return tuple(size or self.train for size in self.sizes)


STUDIES = {
    "breast_cancer": Study(
        label="乳腺腫瘍",
        name="breast_cancer",
        classes=True,
        patients=569,
        train=341,
        about="細胞核の特徴30項目から、悪性か良性かを見分けます(Wisconsin、569例)。",
        unit="損失(交差エントロピー)",
        column=0,
        column_label="核の半径の平均",
    ),
    "diabetes": Study(
        label="糖尿病",
        name="diabetes",
        classes=False,
        patients=442,
        train=266,
        about="年齢・BMI・血圧など10項目から、1年後の進行度(25〜346点)を予測します(442例)。",
        unit="誤差 RMSE(点)",
        column=2,
        column_label="BMI",
    ),
}


def errors(study: Study, losses: Array, scalers: Sequence[Scaler]) -> Array:
    """Turn losses (…, networks) into what is drawn: themselves, or the error in points of progression."""
    if study.classes:
        return losses
    scale = np.array([scaler.target_scale for scaler in scalers])
    rmse: Array = np.sqrt(losses) * scale
    return rmse


def constant_errors(study: Study, results: Sequence[TableRun], scalers: Sequence[Scaler]) -> Array:
    """Return what the training patients' mean, or shares of classes, would cost on the test patients."""
    if not study.classes:
        square = [float(np.mean(np.square(result.test_targets, dtype=np.float64))) for result in results]
        return errors(study, np.array(square), scalers)
    return np.array([result.reference_loss for result in results])


@lru_cache(maxsize=8)
def _sizes_spec(
    names: tuple[str, ...], colours: tuple[str, ...], title: str, share: bool, high: int
) -> charts.Spec:
    base = alt.Chart(alt.NamedData("rows"))
    x = alt.X(
        "patients:Q",
        title="学習に使った患者数(人、対数目盛)",
        scale=alt.Scale(type="log", domain=[17, high * 1.15], nice=False),
        axis=alt.Axis(values=[20, 40, 80, 160, high], format="d", grid=False),
    )
    scale = alt.Scale(zero=False) if share else alt.Scale(zero=True)
    axis = alt.Axis(format="%") if share and EXPLAINED not in names else alt.Axis()
    colour = alt.Color(
        "name:N",
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(orient="top", title=None, labelLimit=260, symbolOpacity=1),
    )
    hover = [
        alt.Tooltip("name:N", title="成績"),
        alt.Tooltip("patients:Q", title="患者数"),
        alt.Tooltip("middle:Q", title="中央値", format=".3f"),
        alt.Tooltip("low:Q", title="最小", format=".3f"),
        alt.Tooltip("high:Q", title="最大", format=".3f"),
    ]
    band = base.mark_area(opacity=0.18).encode(
        x=x, y=alt.Y("low:Q", title=title, scale=scale, axis=axis), y2="high:Q", color=colour
    )
    dash = alt.condition(f"datum.name == '{CONSTANT}'", alt.value([3, 3]), alt.value([1, 0]))
    line = base.mark_line(strokeWidth=2.5, point=alt.OverlayMarkDef(size=45)).encode(
        x=x,
        y=alt.Y("middle:Q", title=title, scale=scale, axis=axis),
        color=colour,
        strokeDash=dash,
        tooltip=hover,
    )
    return charts.finish(alt.layer(band, line), 290)


def _band(study: Study, name: str, values: Array) -> pa.Table:
    """Make rows of (networks,) values, sizes in turn, each repeated for every group of patients."""
    grid = values.reshape(len(study.sizes), -1)
    return charts.rows(
        name,
        patients=np.array(study.counts),
        middle=np.median(grid, axis=1),
        low=grid.min(axis=1),
        high=grid.max(axis=1),
    )


def show_sizes(
    study: Study, row: Row | None, results: Sequence[TableRun] | None, scalers: Sequence[Scaler]
) -> None:
    """Draw the error against the number of patients: after the epoch ``row``, or of finished networks."""
    tables = []
    if row is not None:
        for name, losses in (
            (TRAIN, [epoch.train_loss for epoch in row]),
            (HELD, [epoch.validation_loss for epoch in row]),
        ):
            tables.append(_band(study, name, errors(study, np.array(losses, dtype=np.float64), scalers)))
    if results:
        test = errors(study, np.array([result.test_loss for result in results]), scalers)
        tables.append(_band(study, TEST, test))
        tables.append(_band(study, CONSTANT, constant_errors(study, results, scalers)))
    names = (TRAIN, HELD, TEST, CONSTANT)
    empty = charts.rows(TRAIN, patients=np.empty(0), middle=np.empty(0), low=np.empty(0), high=np.empty(0))
    told = f"{row[0].number} エポック目の、" if row else ""
    charts.draw(
        _sizes_spec(names, COLOURS, study.unit, False, study.train),
        pa.concat_tables(tables) if tables else empty,
        f"{told}患者数と成績の関係(学習曲線)。帯はくり返しの最小から最大。",
        key="of_sizes",
    )


def judged(result: TableRun) -> Confusion:
    """Count the answers for the test patients at a threshold of 0.5."""
    return confusion(probabilities(result.test_outputs), result.test_targets, 0.5)


def explained(result: TableRun) -> float:
    """Return R² on the test patients: 1 is perfect, 0 no better than their own mean."""
    truth = result.test_targets.astype(np.float64)
    return float(1 - np.sum((result.test_outputs[:, 0] - truth) ** 2) / np.sum((truth - truth.mean()) ** 2))


def clinical(study: Study, results: Sequence[TableRun]) -> dict[str, Array]:
    """Return what a clinician asks for: sensitivity and specificity, or R²; (networks,) each."""
    if not study.classes:
        return {EXPLAINED: np.array([explained(result) for result in results])}
    found = [judged(result) for result in results]
    return {
        FOUND: np.array([c.sensitivity for c in found]),
        SPARED: np.array([c.specificity for c in found]),
    }


def show_clinical(study: Study, results: Sequence[TableRun]) -> None:
    """Draw sensitivity and specificity, or R², against the number of patients."""
    shares = clinical(study, results)
    names = tuple(shares)
    charts.draw(
        _sizes_spec(names, tuple(SHARE_COLOURS[name] for name in names), "・".join(names), True, study.train),
        pa.concat_tables([_band(study, name, values) for name, values in shares.items()]),
        f"患者数と、テストの患者での{'・'.join(names)}。",
        key="of_clinical",
    )


def _told(study: Study, value: float) -> str:
    return text.number(value) if study.classes else f"{value:.1f} 点"


def show_table(study: Study, results: Sequence[TableRun], scalers: Sequence[Scaler]) -> None:
    """List the medians for every number of patients."""
    test = errors(study, np.array([result.test_loss for result in results]), scalers)
    constant = constant_errors(study, results, scalers)
    shares = clinical(study, results)
    columns = {"テスト": test, CONSTANT: constant}
    rows = []
    for place, count in enumerate(study.counts):
        each = len(results) // len(study.sizes)
        part = slice(place * each, (place + 1) * each)
        cells = [_told(study, float(np.median(values[part]))) for values in columns.values()]
        cells += [
            f"{np.median(values[part]):.2f}" if name == EXPLAINED else f"{np.median(values[part]):.1%}"
            for name, values in shares.items()
        ]
        rows.append([f"{count} 人", *cells])
    unit = "損失" if study.classes else "RMSE"
    parts.table(["患者", f"テスト{unit}", CONSTANT, *shares], rows)


def sentences(
    study: Study, specs: Sequence[TableRunSpec], results: Sequence[TableRun], scalers: Sequence[Scaler]
) -> list[str]:
    """Say what more patients have given, in numbers."""
    each = len(results) // len(study.sizes)
    test = errors(study, np.array([result.test_loss for result in results]), scalers).reshape(-1, each)
    middle, spread = np.median(test, axis=1), np.ptp(test, axis=1)
    few, many = study.counts[0], study.counts[-1]
    told = [
        f"{few} 人から {many} 人に増やすと、テストの{'損失' if study.classes else '誤差'}(中央値)は "
        f"{_told(study, middle[0])} から {_told(study, middle[-1])} へ変わりました。"
        f"くり返しの幅(最大 − 最小)は {_told(study, spread[0])} から {_told(study, spread[-1])} です。"
    ]
    train = np.array([result.history[-1].train_loss for result in results])
    held = np.array([parts.validation_losses(result)[-1] for result in results])
    gap = np.median((errors(study, held, scalers) - errors(study, train, scalers)).reshape(-1, each), axis=1)
    told.append(
        f"学習と検証の差(汎化ギャップ)は、{few} 人で {_told(study, gap[0])}、"
        f"{many} 人で {_told(study, gap[-1])} です。"
        "差が大きいまま残るなら、患者を増やすか、容量を下げる余地があります。"
    )
    shares = clinical(study, results)
    if study.classes:
        last = [judged(result) for result in results[-each:]]
        missed = "、".join(f"{c.ill} 例中 {c.false_negative} 例" for c in last)
        told.append(
            f"{many} 人で学習したときの悪性の見逃しは、組ごとに {missed} でした。"
            f"感度の中央値は {np.median(shares[FOUND][-each:]):.1%} です。"
        )
    else:
        constant = constant_errors(study, results, scalers).reshape(-1, each)
        told.append(
            f"いつも平均を答えると {_told(study, float(np.median(constant[-1])))} の誤差です。"
            f"{many} 人で学習したネットワークは {_told(study, middle[-1])}、R² は "
            f"{np.median(shares[EXPLAINED][-each:]):.2f} でした。"
            "R² は、進行度の散らばり(分散)のうち、この10項目で説明できた割合です。"
        )
    steps = [-(-count // specs[0].training.batch_size) for count in (few, many)]
    told.append(
        f"1エポックの修正回数は、{few} 人で {steps[0]} 回、{many} 人で {steps[1]} 回"
        "なので、少人数の結果には「修正の回数が少ない」影響も混ざります。"
    )
    return [sentence.replace(" 点 ", " 点") for sentence in told]


def whys(study: Study, results: Sequence[TableRun], scalers: Sequence[Scaler]) -> list[str]:
    """Say why these settings fail, if they do."""
    each = len(results) // len(study.sizes)
    test = np.array([result.test_loss for result in results])
    error = np.median(errors(study, test, scalers).reshape(-1, each), axis=1)
    constant = np.median(constant_errors(study, results, scalers).reshape(-1, each), axis=1)
    train = np.median(
        np.array([r.history[-1].train_loss / r.reference_loss for r in results]).reshape(-1, each), axis=1
    )
    found = []
    late = [study.counts[i] for i in range(len(study.sizes)) if train[i] > 0.8]
    if late:
        found.append(
            f"学習に {'、'.join(map(str, late))} 人を使った場合、学習損失がまだ「{CONSTANT}」の8割より上です"
            f"({study.counts[0]} 人では {train[0]:.0%})。修正の回数が足りません(**学習不足**)。"
        )
    worse = [i for i in range(len(study.sizes)) if error[i] > constant[i] and train[i] < 0.8]
    if worse:
        i = worse[0]
        found.append(
            f"{study.counts[i]} 人では、学習損失は「{CONSTANT}」の {train[i]:.0%} まで下がったのに、"
            f"テストでは {_told(study, error[i])} と、"
            f"{CONSTANT}({_told(study, constant[i])})より悪くなりました。"
            "少ない患者の偶然を覚え込んだためです(**過学習**)。"
        )
    return found


def show_scalers(study: Study, specs: Sequence[TableRunSpec], scalers: Sequence[Scaler]) -> None:
    """Show from whom the scale of an input comes, beside what a leak would have used."""
    each = len(specs) // len(study.sizes)
    rows = []
    for place, count in enumerate(study.counts):
        scaler = scalers[place * each]
        rows.append([f"学習用の {count} 人", f"{scaler.centre:.2f}", f"{scaler.scale:.2f}"])
    everyone = scalers[0]
    rows.append(
        [
            f"全 {study.patients} 人(使いません)",
            f"{everyone.everyone_centre:.2f}",
            f"{everyone.everyone_scale:.2f}",
        ]
    )
    with st.expander("ものさし(標準化)は学習用の患者だけから作る"):
        st.markdown(
            "入力は、平均を引いて標準偏差で割ってからネットワークに渡します。この平均と標準偏差は、"
            f"**学習用の患者だけ**から求めています。例として「{study.column_label}」の値です(1組目)。"
        )
        parts.table([f"{study.column_label}を測った人", "平均", "標準偏差"], rows)
        st.markdown(
            "全員から求めると、まだ見ていないはずのテストの患者の情報が、ものさしを通して学習に漏れます"
            "(**情報の漏れ**、リーク)。実際に使う相手は、これから来る患者です。"
            "その人たちまで含めたものさしは、手に入りません。"
        )


def show_formula(study: Study, results: Sequence[TableRun], scalers: Sequence[Scaler]) -> None:
    """Show the yardsticks with the numbers of the first group, learnt from everyone."""
    each = len(results) // len(study.sizes)
    result, scaler = results[-each], scalers[-each]
    with st.expander(f"数式で見る(1組目、{study.train} 人で学習した数字)"):
        if study.classes:
            c = judged(result)
            st.latex(
                r"\text{感度} = \frac{TP}{TP + FN}"
                rf" = \frac{{{c.true_positive}}}{{{c.ill}}} = {c.sensitivity:.3f}"
            )
            st.latex(
                r"\text{特異度} = \frac{TN}{TN + FP}"
                rf" = \frac{{{c.true_negative}}}{{{c.healthy}}} = {c.specificity:.3f}"
            )
            return
        rmse = float(np.sqrt(result.test_loss)) * scaler.target_scale
        st.markdown("損失は標準化した進行度の MSE なので、平方根に標準偏差を掛けると、もとの点に戻ります。")
        st.latex(
            rf"RMSE = \sqrt{{L}} \times s = \sqrt{{{result.test_loss:.4f}}} \times {scaler.target_scale:.2f}"
            rf" = {rmse:.1f}\ \text{{点}}"
        )
        st.latex(
            r"R^2 = 1 - \frac{\sum_i (y_i - \hat y_i)^2}{\sum_i (y_i - \bar y)^2}"
            rf" = {explained(result):.3f}"
        )
