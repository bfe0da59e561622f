"""What is said of a network that was looked into: all numbers come from the look."""

from __future__ import annotations

import numpy as np

from core.forecast import judge
from core.history import ForecastRun
from core.inside import SATURATED, Network
from core.inside_look import Look, saturation
from core.specs import ForecastSpec
from pages.ui import lesson, text

QUESTION = "窓の1点を0(平均)に書きかえるとき、予測がより大きく変わるのは?"
CHOICES = ["最後の1点を消したとき", "ほぼ同じ(2倍未満の差)", "最初の1点を消したとき"]
_UNMOVED = 1e-9


def answer(found: Look, unit: str) -> lesson.Answer:
    """Say which of the two readings the forecasts rest on more."""
    first, last = float(found.effects[0]), float(found.effects[-1])
    unit = unit and f" {unit}"
    measured = (
        f"テストの窓 {found.erased} 個の平均で、予測は、最後の1点を消すと {text.number(last)}{unit}、"
        f"最初の1点を消すと {text.number(first)}{unit} 変わりました"
    )
    if max(first, last) < _UNMOVED:
        return lesson.Answer(CHOICES[1], measured + "。何を見ても同じ答えを返しています。")
    if min(first, last) < _UNMOVED:
        return lesson.Answer(CHOICES[0 if last > first else 2], measured + "。")
    ratio = last / first
    place = 0 if ratio >= 2 else 2 if ratio <= 0.5 else 1
    told = (
        f"(最後が最初の {text.number(ratio)} 倍)"
        if ratio >= 1
        else f"(最初が最後の {text.number(1 / ratio)} 倍)"
    )
    return lesson.Answer(CHOICES[place], measured + told + "。")


def reach(found: Look) -> str:
    """Say how far back the forecasts look."""
    effects, length = found.effects, len(found.effects)
    total = float(effects.sum())
    if total < _UNMOVED:
        return "どの1点を消しても、予測は変わりませんでした。"
    shares = np.cumsum(effects[::-1]) / total
    count = int(np.searchsorted(shares, 0.8 - 1e-12)) + 1
    largest = int(effects.argmax())
    return (
        f"いちばん効くのは {largest + 1} 点目(最後から {length - largest} 点目)で、"
        f"予測が平均 {text.number(float(effects[largest]))} 変わります。"
        f"変化の合計の 80% を占めるのは、新しいほうの {count} 点です({length} 点中)。"
    )


def whys(spec: ForecastSpec, result: ForecastRun, found: Look) -> list[str]:
    """Say why this network is poor, if it is, by what was measured."""
    shares = saturation(found)
    name, share = max(shares.items(), key=lambda item: item[1])
    verdict = judge(result.model_scores, result.persistence_scores)
    if verdict.kind not in ("worse", "even"):
        return []
    if share >= 0.5:
        near = 1 - SATURATED
        what = f"|{name}| > {SATURATED}" if name in "hgn" else f"{name} が 0 か 1 から {near:.2g} 以内"
        return [
            f"学習率 {spec.optimizer.lr:g} では1回の修正が大きすぎ、tanh や σ の平らなところまで"
            f"振り切れました(**飽和**)。テスト区間で {what} の割合は {share:.0%} です。"
            "平らなところでは傾きがほぼ 0 なので、値の細かい違いが伝わらず、学び直すこともできません。"
        ]
    first, last = result.history[0].train_loss, result.history[-1].train_loss
    if last > 0.5 * first:
        return [
            f"学習損失が {text.number(first)} から {text.number(last)} までしか下がりません(**学習不足**)。"
            f"学習率 {spec.optimizer.lr:g} で {len(result.history)} エポックでは、重みの修正が足りません。"
        ]
    return []


def sentences(result: ForecastRun, found: Look, net: Network) -> list[str]:
    """Tell how well the network forecasts, how far back it looks, and how full its units are."""
    model, same = result.model_scores.mae, result.persistence_scores.mae
    beats = "小さく" if model < same else "大きく"
    told = [
        f"**成績**: テスト区間のMAEは {text.number(model)}。"
        f"「直前の値をそのまま答える」予測({text.number(same)})より{beats}なりました。",
        f"**どこまで昔を見ているか**: {reach(found)}",
    ]
    shares = saturation(found)
    full = f"|h| > {SATURATED} の割合は {shares.pop('h'):.1%}"
    if shares:
        listed = "、".join(f"{name} {share:.1%}" for name, share in shares.items())
        full += f"、ゲートと候補では {listed}"
    told.append(f"**飽和**: {full} です(テスト区間の窓 {len(found.places)} 個、{net.hidden} ユニット)。")
    return told
