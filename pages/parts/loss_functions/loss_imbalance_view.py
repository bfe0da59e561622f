"""What the experiment with a rare disease shows of its networks: the threshold, sentences, formulas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import classification
from core.classification import Confusion, Roc
from core.history import TableRun
from core.specs import TableRunSpec
from pages.parts.loss_functions import loss_parts as parts
from pages.parts.loss_functions.loss_screening_charts import NAMES, show_matrices, show_roc
from pages.ui import runs

NOBODY = "全員を陰性と答える"


def judged(result: TableRun, threshold: float) -> Confusion:
    """Count the answers of a network for the test patients."""
    return classification.confusion(
        classification.probabilities(result.test_outputs), result.test_targets, threshold
    )


def curve(result: TableRun) -> Roc:
    """Return the ROC curve of a network on the test patients."""
    return classification.roc(classification.probabilities(result.test_outputs), result.test_targets)


def show_nobody(truth: classification.Truth) -> None:
    """Show, before any training, how accurate it is to call nobody ill."""
    found = classification.confusion(np.zeros(len(truth)), truth, 0.5)
    show_matrices({NOBODY: found}, 0.5)
    st.info(
        f"テストの患者 {len(truth)} 人のうち、敗血症は {found.ill} 人です。"
        f"何も学ばず「全員陰性」と答えるだけで、正解率は **{found.accuracy:.1%}** になります。"
        "しかし感度は 0% です。"
        "乳酸値・呼吸数・血圧・体温から敗血症を見つけるネットワークを、3つの損失で同時に学習します。",
        icon=":material/monitor_heart:",
    )


@st.fragment
def show_threshold(watched: runs.Watched, below: DeltaGenerator) -> None:
    """Let the reader move the threshold; the networks stay as they are. ``below`` takes the numbers."""
    threshold = st.slider(
        "陽性と判定するしきい値(学習し直さずに動かせます)",
        0.0,
        1.0,
        0.5,
        step=0.01,
        key="lf_threshold",
        bind="query-params",
    )
    results = dict(zip(NAMES, watched.run.result, strict=False))
    found = {name: judged(result, threshold) for name, result in results.items()}
    curves = {name: curve(result) for name, result in results.items()}
    show_matrices(found, threshold)
    show_roc(curves, found)
    some = found[NAMES[0]]
    nobody = Confusion(true_positive=0, false_negative=some.ill, true_negative=some.healthy, false_positive=0)
    with below:
        _show_shares(threshold, {**found, "全員陰性": nobody})
        _say(threshold, found, curves)


def _show_shares(threshold: float, found: dict[str, Confusion]) -> None:
    kinds = {
        "感度": [c.sensitivity for c in found.values()],
        "特異度": [c.specificity for c in found.values()],
        "PPV": [c.positive_value for c in found.values()],
        "NPV": [c.negative_value for c in found.values()],
        "正解率": [c.accuracy for c in found.values()],
    }
    parts.table(
        [f"しきい値 {threshold:.2f}", *found],
        [[kind, *(parts.percent(share) for share in shares)] for kind, shares in kinds.items()],
    )


def _say(threshold: float, found: dict[str, Confusion], curves: dict[str, Roc]) -> None:
    best = {name: float(roc.threshold[roc.best()]) for name, roc in curves.items()}
    some = next(iter(found.values()))
    alarms = {name: c.true_positive + c.false_positive for name, c in found.items()}
    lines = [
        f"しきい値 {threshold:.2f} では、敗血症 {some.ill} 人のうち見逃しは、"
        + "、".join(f"{name} {c.false_negative} 人" for name, c in found.items())
        + "。陽性と判定した人数は、"
        + "、".join(f"{name} {alarms[name]} 人" for name in found)
        + " です。",
        "感度+特異度−1(Youden 指数)がいちばん高くなるしきい値は、"
        + "、".join(f"{name} {value:.2f}" for name, value in best.items())
        + " です(テストの患者で選ぶと成績が甘く出るので、本来は検証データで選びます)。",
    ]
    parts.points(lines)


def whys(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> list[str]:
    """Say why these settings fail at the usual threshold, if they do."""
    plain, weighted = (judged(result, 0.5) for result in results[:2])
    areas = [curve(result).area for result in results[: len(NAMES)]]
    why = []
    if max(areas) < 0.9 or min(areas) < 0.8:
        why.append(
            f"AUC が {min(areas):.2f}〜{max(areas):.2f} と低く、"
            "まだ敗血症の患者とほかの患者を見分けられていません"
            "(**学習不足**)。しきい値や重みを変える前に、もっと学習させます。"
        )
    if specs[1].loss.positive_weight == 1:
        why.append(
            "陽性の重み 1 は、重みなしと同じです。少数派の陽性が損失全体に占める割合は小さく、"
            "見逃しても損失はあまり増えません"
            f"(交差エントロピーの見逃し {plain.false_negative}/{plain.ill} 人)。"
        )
    if weighted.positive_value < 0.2 and weighted.sensitivity > 0.9:
        why.append(
            "重み付きは見逃しを極端に嫌います。"
            f"陽性と判定した {weighted.true_positive + weighted.false_positive} 人のうち、"
            f"本当の敗血症は {weighted.true_positive} 人(PPV {weighted.positive_value:.0%})だけです。"
            "鳴りすぎるアラームは、やがて誰も見なくなります(**アラーム疲労**)。"
        )
    return why


def reading(results: Sequence[TableRun]) -> list[str]:
    """Say what the losses change and what not, in numbers."""
    first = dict(zip(NAMES, results, strict=False))
    judgements = {name: judged(result, 0.5) for name, result in first.items()}
    some = judgements[NAMES[0]]
    ill = some.ill / (some.ill + some.healthy)
    means = {
        name: float(classification.probabilities(result.test_outputs).mean())
        for name, result in first.items()
    }
    high = [name for name, mean in means.items() if mean > 1.5 * ill]
    areas = {name: curve(result).area for name, result in first.items()}
    own = "、".join(f"{name} {parts.number(result.test_loss)}" for name, result in first.items())
    common = "、".join(
        f"{name} {parts.number(classification.cross_entropy(result.test_outputs, result.test_targets))}"
        for name, result in first.items()
    )
    lines = [
        f"**正解率の落とし穴**: 全員を陰性と答えるだけで正解率は {1 - ill:.1%} です。交差エントロピーの"
        f"正解率 {some.accuracy:.1%} は高く見えますが、しきい値 0.5 での感度は {some.sensitivity:.1%} です。",
        f"AUC は、{'、'.join(f'{name} {area:.3f}' for name, area in areas.items())}。"
        + (
            "見分ける力(識別能)に大きな差はないので、損失を替えた効果の多くは、しきい値を動かしても得られます。"
            if max(areas.values()) - min(areas.values()) < 0.03
            else "見分ける力(識別能)そのものに差があり、この差はしきい値を動かしても埋まりません。"
        ),
        f"**確率の目盛り**: 本当の有病率 {ill:.1%} に対し、予測確率の平均は、"
        f"{'、'.join(f'{name} {mean:.1%}' for name, mean in means.items())} です。"
        + (
            f"{'や'.join(high)}の出力は高すぎて、そのまま「病気の確率」とは読めません(較正が必要です)。"
            if high
            else "どれも有病率に近く、平均で見るかぎり目盛りは合っています。"
        ),
        f"テスト損失は、{own}。損失ごとに物差しが違うので、交差エントロピーで測り直すと、{common} です。",
    ]
    if len(results) > len(NAMES):
        ranges = []
        for place, name in enumerate(NAMES):
            found = [judged(result, 0.5).sensitivity for result in results[place :: len(NAMES)]]
            ranges.append(f"{name} {min(found):.0%}〜{max(found):.0%}")
        lines.append(f"5つの種での感度(しきい値 0.5)は、{'、'.join(ranges)} でした。図は最初の種のものです。")
    return lines


def show_formula(specs: Sequence[TableRunSpec], results: Sequence[TableRun]) -> None:
    """Show sensitivity, specificity and the losses of one patient with the run's numbers."""
    weighted, loss = judged(results[1], 0.5), specs[1].loss
    with st.expander("数式で見る(この学習の数字)"):
        st.markdown("「重み付き」のしきい値 0.5 での成績です。")
        st.latex(
            rf"\text{{感度}} = \frac{{TP}}{{TP + FN}} = \frac{{{weighted.true_positive}}}{{{weighted.ill}}}"
            rf" = {weighted.sensitivity:.3f}"
        )
        st.latex(
            r"\text{特異度} = \frac{TN}{TN + FP}"
            rf" = \frac{{{weighted.true_negative}}}{{{weighted.healthy}}} = {weighted.specificity:.3f}"
        )
        st.latex(
            rf"L_\text{{重み付き}} = \frac{{\sum_i w_i\,(-\log p_i)}}{{\sum_i w_i}}, \qquad"
            rf"w_i = {loss.positive_weight:g}\ (\text{{陽性}}),\ 1\ (\text{{陰性}})"
        )
        st.latex(rf"L_\text{{focal}} = \frac1N\sum_i (1 - p_i)^{{{loss.gamma:g}}} (-\log p_i)")
