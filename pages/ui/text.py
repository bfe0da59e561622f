"""Words that several pages use: labels of choices, formats of numbers, and safe text."""

from __future__ import annotations

import math
import re

CELL_LABELS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}

EDUCATIONAL = "教育用のアプリです。診断・治療には使えません。"

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|$:~])")


def plain(text: str) -> str:
    """Escape text of the reader's own, so that it shows as written and never as markup."""
    return _MARKDOWN.sub(r"\\\1", text)


def number(value: float, digits: int = 3) -> str:
    """Write a number with ``digits`` significant digits, without exponent where one can read it so."""
    if not math.isfinite(value):
        return "計算不能"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}"
    if abs(value) >= 10**digits:
        return f"{value:,.0f}"
    return f"{value:#.{digits}g}".removesuffix(".")


def duration(seconds: float) -> str:
    """Write a sampling interval in the unit that a reader would use."""
    for unit, size in (("日", 86400), ("時間", 3600), ("分", 60)):
        if seconds >= size:
            return f"{seconds / size:g}{unit}" if seconds % size == 0 else f"約{seconds / size:.1f}{unit}"
    return f"{seconds:g}秒"


OPTIMIZER_LABELS = {"sgd": "SGD", "momentum": "SGD+モメンタム", "adam": "Adam"}
SCHEDULE_LABELS = {
    "constant": "一定",
    "step": "ステップ",
    "exponential": "指数減衰",
    "cosine": "コサイン",
    "one_cycle": "1サイクル",
    "warm_up": "ウォームアップ",
    "plateau": "プラトーで減衰",
}
VERDICT_LABELS = {
    "converged": "収束した",
    "too_slow": "遅すぎる",
    "oscillating": "振動している",
    "diverged": "発散した",
    "overfitting": "過学習",
    "underfitting": "未学習",
    "too_short": "短すぎて判定できない",
}
GLOSSARY = {
    "学習率": "1回の修正で重みをどれだけ動かすかを決める数です。記号は η(イータ)で表します。",
    "損失": "予測の外れ具合を1つの数にしたものです。小さいほど良い予測です。",
    "勾配": "重みを少し増やしたときの、損失の増え方(傾き)です。学習では、この逆向きに重みを動かします。",
    "エポック": "学習用のデータ全体をひと通り使うことです。10エポックなら、同じデータを10回使います。",
    "ミニバッチ": "1回の修正に使う、学習データの小さなまとまりです。",
    "発散": "修正が行き過ぎるたびに損失が大きくなり、ついには数として表せなくなることです。",
    "局所最小": "周りよりは低いものの、いちばん低い場所ではない谷底です。",
    "オプティマイザ": "勾配から重みの修正量を決める手順です。SGDやAdamなどがあります。",
    "スケジュール": "学習の進み具合に応じて学習率を変えていく計画です。",
    "検証損失": "学習に使っていないデータで計算した損失です。初めて見るデータへの強さを表します。",
    "過学習": "学習データばかりに強くなり、初めて見るデータでは成績が落ちることです。",
    "RNN": "前の時刻の状態を受け取りながら、値の並びを順に読む、回帰型のネットワークです。",
    "窓": "予測のために一度に見る、直近の値のひと続きです。",
    "MAE": "誤差の絶対値の平均です。単位はもとの信号と同じです。",
}


def spreadsheet_safe(cell: str) -> str:
    """Put ``'`` before text that a spreadsheet would carry out as a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
