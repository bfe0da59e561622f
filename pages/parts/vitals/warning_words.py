"""Sentences of the experiment on early warning, with the numbers of the reader's own run."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.early_warning_specs import CARRY, ONSET, PATIENTS, PER_HOUR, SIGNALS, STEP_S, WarningSpec
from core.warning_rules import Levelled, Outcome, RuleSpec, blocks
from core.warning_run import WarningRun
from pages.parts.vitals.warning_view import NAMES, RANGE
from pages.ui import lesson, text

QUESTION = "誤った目印の数を同じにそろえると、ネットワークの残差は「直前の値」の残差より早く悪化に気づく?"
SOURCES = {"ward": "別の患者", "own": "この患者", "mixed": "悪化も混ぜる"}
CHOICES = ["早い", "ほぼ同時", "遅い"]
CLOSE_H = 0.5
BEDS = 30
NO_UPLOAD = (
    "この実験では、ご自分のCSVは使えません。"
    "実際の患者さんのデータで、警報のように使われることを避けるためです。"
)
MANY = 6.0
"""Half-hours of false flags a day from which artefacts are to blame."""
ALWAYS = 0.5
"""The share of a healthy twin's time from which a flag counts as being up all the time."""


def delay(hours: float) -> str:
    """Write a delay, in minutes below an hour."""
    if not math.isfinite(hours):
        return "気づかず"
    return f"{hours * 60:.0f} 分" if hours < 1 else f"{hours:.1f} 時間"


def whole(name: str) -> str:
    """Keep a name on one line, in a narrow table too."""
    return "\N{WORD JOINER}".join(name)


def answer(levelled: Levelled, allowed: float) -> lesson.Answer:
    """Say whether the network is told of the illness before persistence, with as many false flags."""
    network, persistence = levelled.outcome.median_delay[:2].tolist()
    numbers = (
        f"誤った目印を24時間に {allowed:g} 回以下にそろえると、"
        f"気づくまでの中央値はネットワークが **{delay(network)}**、直前の値が **{delay(persistence)}** でした"
        f"(模擬患者 {PATIENTS} 人)。"
    )
    if network == persistence or abs(network - persistence) < CLOSE_H:
        return lesson.Answer(CHOICES[1], numbers)
    return lesson.Answer(CHOICES[0] if network < persistence else CHOICES[2], numbers)


def simplest(levelled: Levelled) -> str:
    """Compare the network with the rule that only knows what is usual."""
    network, _, usual = levelled.outcome.median_delay.tolist()
    told = f"学習のいらない「ふだんの平均との差」は {delay(usual)}、ネットワークは {delay(network)}です。"
    if network == usual or abs(network - usual) < CLOSE_H:
        return f"{told}差は30分未満で、この模擬患者では、ネットワークでなくても足りることになります。"
    if network < usual:
        return (
            f"{told}ネットワークのほうが早く気づきました。"
            "一日のリズムのような、悪化ではない変化も見込めるためと考えられます。"
        )
    return (
        f"{told}**いちばん単純な規則に、ネットワークは勝てていません。** "
        "この模擬患者は全員の平均が同じで、「ふだん」が初めから分かっていることが有利に働きます。"
        "実際の患者さんでは違います。"
    )


def blind(run: WarningRun, levelled: Levelled) -> str:
    """Say why errors against the newest reading hardly show a slow change."""
    ratio = float(np.mean(run.errors[0] / run.errors[1]))
    told = (
        f"予測そのものの誤差(MAE)は、ネットワークが直前の値の {ratio:.2f} 倍です"
        "(悪化しない双子で、5つの信号の平均)。"
    )
    network, persistence, _ = levelled.outcome.median_delay.tolist()
    if persistence > CLOSE_H:
        told += (
            "直前の値は、悪化した値にもすぐに追いつきます。"
            "そのため、ゆっくりした悪化はいつも「少しの外れ」に見えます。"
        )
    if network < persistence - CLOSE_H:
        told += "ネットワークは、学んだ落ち着いた値に戻ると予測するので、戻らないことが残差に残ります。"
    return told


def first_flags(
    flags: Sequence[np.ndarray], leading: Sequence[np.ndarray], spec: WarningSpec
) -> list[list[str]]:
    """Write a table row for each rule: delay, leading signal, false half-hours of the reader's patient."""
    onset = spec.onset - spec.cut.test.start
    rows = []
    for name, each, led in zip((*NAMES, RANGE), flags, leading, strict=True):
        told = np.flatnonzero(each[0] & ~each[1])
        told = told[told >= onset]
        first = int(told[0]) if len(told) else None
        rows.append(
            [
                whole(name),
                "気づかず" if first is None else delay((first - onset) / PER_HOUR),
                "—" if first is None else SIGNALS[int(led[first])],
                f"{int(blocks(each[1]).sum())} 回",
            ]
        )
    return rows


def population(outcomes: Sequence[Outcome], within: int) -> list[list[str]]:
    """Write a table row for each rule, over all patients."""
    return [
        [
            whole(name),
            f"{float(each.sensitivity(within)):.0%}",
            delay(float(each.median_delay)),
            f"{float(each.false_per_day):.2f} 回",
        ]
        for name, each in zip((*NAMES, RANGE), outcomes, strict=True)
    ]


def level_rows(levelled: Levelled) -> list[list[str]]:
    """Write a table row for each rule at its own threshold."""
    found = levelled.outcome
    return [
        [whole(name), f"{limit:.2f}", f"{per_day:.2f} 回", delay(late)]
        for name, limit, per_day, late in zip(
            NAMES,
            levelled.thresholds.tolist(),
            found.false_per_day.tolist(),
            found.median_delay.tolist(),
            strict=True,
        )
    ]


def values(pairs: Sequence[tuple[float, float]], found: Sequence[float | None]) -> list[list[str]]:
    """Write a table row for each rule: sensitivity, specificity, positive predictive value."""
    return [
        [whole(name), f"{pair[0]:.0%}", f"{pair[1]:.0%}", "—" if value is None else f"{value:.0%}"]
        for name, pair, value in zip((*NAMES, RANGE), pairs, found, strict=True)
    ]


def burden(outcome: Outcome, value: float | None, prevalence: float) -> str:
    """Say what the network's flags would mean for a ward of many beds."""
    day = float(outcome.false_per_day) * BEDS * (1 - prevalence)
    told = (
        f"{BEDS} 床で全員を見守り、そのうち {100 * prevalence:g}% が悪化するとします。"
        f"ネットワークの誤った目印は、30分の枠で数えて、1日に **{day:.1f} 回** です。"
    )
    if value is not None:
        told += f"目印が出た患者のうち、本当に悪化しているのは **{value:.0%}** です。"
        if value < 0.5:
            told += f"{10 - round(10 * value)}割ほどは、駆けつけても何も起きていません。"
    return told + (
        "空振りが続くと、目印が出ても人は急がなくなります。実際の監視装置でも知られ、アラーム疲労と呼ばれています。"
    )


def whys(
    spec: WarningSpec, rule: RuleSpec, outcomes: Sequence[Outcome], up: float, levelled: Levelled
) -> list[str]:
    """Say why these settings fail, if they do.

    ``up`` is the share of the twins' time in which the network's flag is up.
    """
    network, ranges = outcomes[0], outcomes[3]
    found = []
    if up > ALWAYS:
        found.append(
            f"しきい値が低すぎます。悪化しない双子でも、時間の {up:.0%} で目印が点いています。"
            "いつも点いている目印は、何も知らせません。"
        )
    if spec.artefacts >= 0.05 and up <= ALWAYS and float(network.false_per_day) > MANY:
        clipped = "1回の飛び値を頭打ちにせず、" if rule.clip is None else ""
        found.append(
            f"測定の乱れが {spec.artefacts:.0%} あります。"
            f"{clipped}{rule.minutes} 分しかならさないと、センサーのずれも「外れ」に数えます。"
            f"ネットワークの誤った目印は24時間に {float(network.false_per_day):.1f} 回でした。"
        )
    if spec.artefacts >= 0.05 and float(ranges.false_per_day) > MANY:
        found.append(
            f"「範囲の外」は1回の値だけで目印を出すので、乱れ {spec.artefacts:.0%} がそのまま誤りになります"
            f"(24時間に {float(ranges.false_per_day):.1f} 回)。"
        )
    if spec.source == "mixed":
        late = float(levelled.outcome.median_delay[0])
        found.append(
            "学習した患者の半分が悪化していたため、悪化した値も「ふだん」として覚えました。"
            f"悪化しても予測どおりになり、残差に表れません(気づくまでの中央値: {delay(late)})。"
        )
    if spec.source == "own":
        hours = spec.cut.train.stop / PER_HOUR
        found.append(
            f"学習したのは、この患者の {hours:.0f} 時間({len(range(spec.cut.train.stop))} 点)だけです。"
            "夜の値を見たことがなく、ものさし(較正)も数時間ぶんの値だけで決めています。"
        )
    return found


def settings(spec: WarningSpec, rule: RuleSpec) -> dict[str, str]:
    """Tell the settings for the table of pins."""
    return {
        "学習": SOURCES[spec.source],
        "先": f"{spec.horizon * STEP_S // 60} 分先",
        "乱れ": f"{spec.artefacts:.0%}",
        "ネットワーク": f"{text.CELL_LABELS[spec.model.name]} {spec.model.hidden}",
        "患者": f"種 {spec.seed}",
        "ならし": f"{rule.minutes} 分・{rule.combine}" + ("" if rule.clip is None else "・頭打ち"),
    }


HOW = (
    f"値は {STEP_S // 60} 分ごとで、欠測は {CARRY * STEP_S // 60} 分まで直前の値で補って入力します。"
    f"「悪化の始まり」は、模擬の悪化が全体の {ONSET:.0%} まで進んだ時刻です。"
    "双子にも同じ時刻に出ている目印は、悪化を知らせたとは数えません。"
    "誤った目印は、双子に目印が点いていた30分の枠を1回と数えます(点きっぱなしなら24時間に48回)。"
)
