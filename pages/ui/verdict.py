"""What a run's curves say about how it went, in words."""

from __future__ import annotations

from core.history import TableRun
from core.reading import Reading, read
from pages.ui import text


def read_run(result: TableRun) -> Reading:
    """Judge a run by its curves."""
    train = [e.train_loss for e in result.history]
    validation = [e.validation_loss for e in result.history if e.validation_loss is not None]
    return read(train, validation, result.reference_loss)


def sentence(reading: Reading) -> str:
    """Say what decided a verdict, with its number."""
    reason = reading.reasons[0] if reading.reasons else None
    value = reason.value if reason else 0.0
    kind = reason.kind if reason else ""
    sentences = {
        "not_finite": f"{value:.0f} エポック目で、損失が数値として計算できなくなりました。",
        "blew_up": f"学習損失が一時、最初の {text.number(value)} 倍にまで跳ね上がりました。",
        "ended_above_start": f"終わりの学習損失が、最初の {text.number(value)} 倍に増えています。",
        "few_epochs": f"{value:.0f} エポックでは短すぎて、傾向を判定できません。",
        "swings": f"後半の損失の揺れ幅が、損失全体の変化の {value:.0%} に達しています。",
        "validation_rose": f"検証損失が、最も低かったときより {value:.0%} 高くなって終わりました。",
        "memorised": f"学習損失が、検証損失の {value:.0%} まで下がっています。",
        "still_falling": (
            f"全体の下がり幅の {value:.0%} が最後の4分の1のエポックで起きていて、まだ下がる途中です。"
        ),
        "hardly_moved": f"終わりの学習損失は最初の {value:.0%} で、ほとんど動いていません。",
        "high_for_reference": (
            f"学習損失は、いつも同じ答えを返す場合の {value:.0%} までしか下がっていません。"
        ),
        "settled": f"最後の4分の1のエポックで下がったのは、全体の下がり幅の {max(value, 0):.0%} だけです。",
        "no_trend": "後半の曲線に、下がり続ける傾向は見られません。",
        "flat": f"最後の4分の1のエポックで、損失は {abs(value):.1%} しか変わっていません。",
    }
    return sentences.get(kind, "")
