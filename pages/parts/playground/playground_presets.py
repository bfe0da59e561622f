"""The named settings of the playground as the reader sees them: label, controls, and why one fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from core.playground import SETTINGS
from core.specs import TableRunSpec
from pages.ui import lesson

TRAIN_SHARES = [20, 30, 40, 50, 60, 70, 80, 90]
MOST_LAYERS, MOST_UNITS = 6, 16

LABELS = {
    "spiral": ("渦巻きを解く", ""),
    "squares": ("2乗を入力に足す", ""),
    "no_hidden_layer": (
        "隠れ層なし",
        "隠れ層がないと、検査値に重みを掛けて足すことしかできません。"
        "その決定境界は必ず1本の直線です。内と外は、直線では分けられません。"
        "隠れ層を足すか、A² と B² を入力に加えてみてください。",
    ),
    "linear": (
        "線形を4層",
        "足し算と掛け算だけの層は、何枚重ねても1枚の足し算と掛け算に等しくなります。"
        "活性化関数を tanh などに変えるだけで、同じ4層が曲がった境界を描けるようになります。",
    ),
    "too_small": (
        "小さすぎる",
        "渦は何度も向きを変えますが、3つのユニットが引ける折れ目は3本ほどです。"
        "時間をかけても、これより複雑な境界は表せません(未学習)。",
    ),
    "too_fast": (
        "大きすぎる学習率",
        "学習率 1 では、1回の修正が谷を飛び越えてしまいます。"
        "重みが大きくなりすぎて、2層目のユニットは誰に対しても同じ値しか出さなくなり、そこから戻れません。",
    ),
    "vanishing": (
        "シグモイドを6層",
        "シグモイドの傾きは最大でも 0.25 です。6層をさかのぼるあいだに勾配がほとんど消え、"
        "入力に近い層の重みが動きません(勾配消失)。SiLU や ReLU に変えて比べてみてください。",
    ),
    "memorised": (
        "雑音を覚え込む",
        "少ない患者と大きなネットワークの組み合わせでは、雑音まで1人ずつ覚え込めます。"
        "決定境界は学習した患者に合わせてゆがみ、検証損失は途中から上がります(過学習)。"
        "L2 やドロップアウトを強めるか、学習に使う割合を増やしてみてください。",
    ),
}


def controls(spec: TableRunSpec) -> dict[str, Any]:
    """Return the values of the controls that describe ``spec``."""
    table, model = spec.table, spec.model
    return {
        "pg_data": table.name,
        "pg_layers": len(model.hidden),
        **{f"pg_u{layer}": units for layer, units in enumerate(model.hidden, 1)},
        "pg_activation": model.activation,
        "pg_rate": spec.optimizer.lr,
        "pg_columns": list(table.columns),
        "pg_noise": table.noise,
        "pg_train": round(100 * (1 - table.validation - table.test)),
        "pg_batch": spec.training.batch_size,
        "pg_optimizer": spec.optimizer.name,
        "pg_epochs": spec.training.epochs,
        "pg_l1": spec.penalty.l1,
        "pg_l2": spec.penalty.l2,
        "pg_dropout": model.dropout,
    }


PRESETS = [lesson.Preset(label, controls(SETTINGS[name]), why) for name, (label, why) in LABELS.items()]


def why(spec: TableRunSpec) -> str:
    """Return why ``spec`` fails if it is, but for the seed, a preset that does; else nothing."""
    same = replace(spec, training=replace(spec.training, seed=0))
    return next((LABELS[name][1] for name, preset in SETTINGS.items() if preset == same), "")
