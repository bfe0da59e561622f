"""The middle of a textbook script: network, loss, optimizer, training loop and test."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache

from core import script_parts as parts
from core.cohorts import COHORTS
from core.script_data import patients
from core.script_parts import Names, join
from core.script_source import module_source
from core.specs import AnySpec, AugmentSpec, ConvSpec, ForecastSpec, PenaltySpec, TableRunSpec

CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
CELL_LABELS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "tanh": "nn.Tanh()",
    "sigmoid": "nn.Sigmoid()",
    "leaky_relu": "nn.LeakyReLU()",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
    "linear": "nn.Identity()",
}


def watches(spec: AnySpec) -> bool:
    """Say whether the run has rows or windows for validation."""
    return isinstance(spec, TableRunSpec) or spec.split.validation > 0


def stops_early(listed: Sequence[AnySpec]) -> bool:
    """Say whether patience may end the training; runs that train together go to the end."""
    return len(listed) == 1 and listed[0].training.patience is not None


def varying(listed: Sequence[AnySpec]) -> set[str]:
    """Return which settings each run has its own of."""
    if len(listed) == 1:
        return set()
    tables = [spec for spec in listed if isinstance(spec, TableRunSpec)]
    # Numbers that a schedule, a rule or a loss does not use make no difference.
    values: dict[str, set[object]] = {
        "seed": {spec.training.seed for spec in listed},
        "lr": {spec.optimizer.lr for spec in listed},
        "optimizer": {parts.optimizer_call(spec.optimizer, "", "") for spec in listed},
        "schedule": {str(parts.schedule_call(spec.schedule, "")) for spec in tables},
        "loss": {loss_call(spec) for spec in tables},
        "model": {perceptron(spec) for spec in tables},
        "batch_size": {spec.training.batch_size for spec in listed},
        "shuffle": {spec.training.shuffle for spec in listed},
        "penalty": {spec.penalty for spec in tables},
        "data": {patients(spec) for spec in tables},
    }
    return {name for name, different in values.items() if len(different) > 1}


def forecaster(spec: ForecastSpec) -> str:
    """Write the class of a recurrent network."""
    model = spec.model
    layers = [f"num_layers={model.layers}"] if model.layers > 1 else []
    arguments = ", ".join(["1", str(model.hidden), *layers, "batch_first=True"])
    return f'''class Forecaster(nn.Module):
    """窓を先頭から順に読み、最後の状態から次の値を答える。"""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.{CELLS[model.name]}({arguments})
        self.head = nn.Linear({model.hidden}, 1)

    def forward(self, x):  # x: (件数, LENGTH, 1)
        states, _ = self.recurrent(x)  # (件数, LENGTH, {model.hidden})
        return self.head(states[:, -1])  # (件数, 1)'''


def augments(spec: AnySpec) -> bool:
    """Say whether pictures are changed while the network trains."""
    return isinstance(spec, TableRunSpec) and (
        isinstance(spec.model, ConvSpec) and spec.model.augment != AugmentSpec()
    )


def augmentation(spec: AugmentSpec) -> list[str]:
    """Write the arguments of an augmentation, those that do something."""
    return [f"{name}={value!r}" for name, value in asdict(spec).items() if value]


_KINDS = {
    "flip": "左右反転",
    "upside_down": "180°回転",
    "degrees": "回転",
    "translate": "移動",
    "scale": "拡大縮小",
    "shear": "せん断",
    "brightness": "明るさ",
    "contrast": "コントラスト",
    "noise": "雑音",
    "erase": "消去",
}


def augmentation_label(spec: AugmentSpec) -> str:
    """Say in Japanese what an augmentation does, its first four parts."""
    told = [f"{_KINDS[name]} {value:g}" for name, value in asdict(spec).items() if value]
    if len(told) > 4:
        told = [*told[:4], f"ほか {len(told) - 4} つ"]
    return "拡張: " + "・".join(told) if told else "拡張なし"


_AUGMENT = {
    "Augment": "学習中だけ、画像を1枚ずつ違うふうに変える。eval() では何もしない。",
    "around": "画像ごとに、middle から前後 reach の範囲の数を引く。",
    "move": "反転、回転、移動、拡大・縮小、せん断を、1回の描き直しで行う。",
    "shade": "明るさとコントラストを変える。",
    "grain": "雑音を足し、四角く消す。",
}


def own_layers(listed: Sequence[AnySpec]) -> str:
    """Write the class of augmentation, if a run uses it."""
    return _augment_class() if any(map(augments, listed)) else ""


@lru_cache(maxsize=1)
def _augment_class() -> str:
    return module_source("core.augment", _AUGMENT)


def perceptron(spec: TableRunSpec) -> str:
    """Write the expression that makes a perceptron, or a network for pictures."""
    cohort = COHORTS[spec.table.name]
    features = spec.table.inputs
    layers = []
    if isinstance(spec.model, ConvSpec):
        side, channels = math.isqrt(features), 1
        if augments(spec):
            layers.append(parts.call("Augment(", augmentation(spec.model.augment)))
        for filters in spec.model.channels:
            layers += [f"nn.Conv2d({channels}, {filters}, 3, padding=1)", "nn.MaxPool2d(2)"]
            layers.append(ACTIVATIONS[spec.model.activation])
            side, channels = side // 2, filters
        layers.append("nn.Flatten()")
        features = channels * side * side
    for units in spec.model.hidden:
        layers += [f"nn.Linear({features}, {units})", ACTIVATIONS[spec.model.activation]]
        if spec.model.dropout:
            layers.append(f"nn.Dropout({spec.model.dropout!r})")
        features = units
    layers.append(f"nn.Linear({features}, {cohort.outputs})")
    lines = textwrap.indent("".join(f"{layer},\n" for layer in layers), "    ")
    side_by_side = ".to(memory_format=torch.channels_last)" if isinstance(spec.model, ConvSpec) else ""
    return f"nn.Sequential(\n{lines}){side_by_side}"


def model(listed: Sequence[AnySpec], names: Names) -> str:
    """Write how the network is made, its initial weights drawn from the seed."""
    seed = f"torch.manual_seed({names.seed})  # 最初の重みは乱数の種で決まる"
    if "model" in varying(listed):
        return f'{seed}\nmodel = setting["model"]()'
    spec = listed[0]
    made = "Forecaster()" if isinstance(spec, ForecastSpec) else perceptron(spec)
    return f"{seed}\nmodel = {made}"


def classifies(spec: AnySpec) -> bool:
    """Say whether the targets are classes."""
    return isinstance(spec, TableRunSpec) and COHORTS[spec.table.name].classes > 0


LOSS_LABELS = {
    "mse": "平均二乗誤差(MSE)",
    "mae": "平均絶対誤差(MAE)",
    "huber": "Huber 損失",
    "cross_entropy": "交差エントロピー",
    "weighted": "重み付き交差エントロピー",
    "focal": "focal 損失",
}
FOCAL = '''class FocalLoss(nn.Module):
    """やさしい患者の損失を割り引き、難しい患者に集中する。"""

    def __init__(self, gamma):
        super().__init__()
        self.gamma = gamma

    def forward(self, outputs, targets):
        cross_entropy = nn.functional.cross_entropy(outputs, targets, reduction="none")
        return ((1 - torch.exp(-cross_entropy)) ** self.gamma * cross_entropy).mean()'''


def loss_name(spec: AnySpec) -> str:
    """Return the loss of a run by name."""
    return spec.loss_name if isinstance(spec, TableRunSpec) else "mse"


def loss_call(spec: AnySpec) -> str:
    """Write the expression that makes the loss."""
    if isinstance(spec, ForecastSpec):
        return "nn.MSELoss()"
    return {
        "mse": "nn.MSELoss()",
        "mae": "nn.L1Loss()",
        "huber": f"nn.HuberLoss(delta={spec.loss.delta!r})",
        "cross_entropy": "nn.CrossEntropyLoss()",
        "weighted": f"nn.CrossEntropyLoss(weight=torch.tensor([1.0, {spec.loss.positive_weight!r}]))",
        "focal": f"FocalLoss({spec.loss.gamma!r})",
    }[spec.loss_name]


def own_loss(listed: Sequence[AnySpec]) -> str:
    """Write the class of a loss that torch does not have, if a run uses one."""
    return FOCAL if any(loss_name(spec) == "focal" for spec in listed) else ""


def tools(listed: Sequence[AnySpec], names: Names) -> str:
    """Write loss, optimizer and schedule."""
    spec, differing = listed[0], varying(listed)
    loss = 'setting["loss"]' if "loss" in differing else loss_call(spec)
    made = parts.optimizer(spec.optimizer, "optimizer = ", "model.parameters()", names.lr)
    if "optimizer" in differing:
        made = f'optimizer = setting["optimizer"](model.parameters(), {names.lr})'
    code = f"loss_function = {loss}\n{made}"
    if "schedule" in differing:
        return code + '\nschedule = setting["schedule"](optimizer)'
    if parts.schedule_names(listed) and isinstance(spec, TableRunSpec):
        code += "\n" + parts.schedule(spec.schedule, "schedule = ", names.lr)
    return code


def penalizes(listed: Sequence[AnySpec]) -> bool:
    """Say whether large weights cost anything in any of the runs."""
    return any(isinstance(spec, TableRunSpec) and spec.penalty != PenaltySpec() for spec in listed)


def training(listed: Sequence[AnySpec], names: Names) -> str:
    """Write DataLoaders and loop."""
    spec = listed[0]
    min_delta = spec.training.min_delta if stops_early(listed) else None
    rests = any(isinstance(s, TableRunSpec) and (s.model.dropout or augments(s)) for s in listed)
    graded = isinstance(spec, TableRunSpec) and isinstance(spec.model, ConvSpec)
    shuffle = 'setting["shuffle"]' if "shuffle" in varying(listed) else spec.training.shuffle
    penalty = PenaltySpec()
    if isinstance(spec, TableRunSpec):
        penalty = spec.penalty
    strengths = (repr(penalty.l1), repr(penalty.l2))
    if "penalty" in varying(listed):
        strengths = ('setting["l1"]', 'setting["l2"]')
    return join(
        parts.loaders(shuffle, watches(spec), names, rests),
        parts.loop(
            watches(spec),
            parts.schedule_names(listed),
            min_delta,
            strengths if penalizes(listed) else None,
            graded,
            spec.training.clip is not None,
        ),
    )


_FORECAST_TEST = """
model.eval()
with torch.no_grad():
    forecast = OUTPUTS
truth, last = test_windows[:, -1], test_windows[:, -2]  # 正解と、その直前の値
for name, answer in [("モデル", forecast), ("直前の値をそのまま答える", last)]:
    error = answer.astype(np.float64) - truth
    mse, mae = float(np.mean(error**2)), float(np.mean(np.abs(error)))
    print(f"テスト({name}): MSE {mse!r}, MAE {mae!r}")
"""
_TABLE_TEST = """
model.eval()
with torch.no_grad():
    outputs = model(test_x)
print(f"テスト損失 {loss_function(outputs, test_y).item()!r}")
"""
_ACCURACY = """
accuracy = (outputs.argmax(1) == test_y).float().mean().item()
print(f"テスト正解率 {accuracy!r}")
"""


def testing(spec: AnySpec) -> str:
    """Write how the network is judged on what it has not seen."""
    if isinstance(spec, TableRunSpec):
        return _TABLE_TEST.strip() + (_ACCURACY.rstrip() if classifies(spec) else "")
    outputs = "model(test_x).squeeze(-1).numpy()"
    if spec.series.source == "upload":
        outputs = "torch.cat([model(x) for x in test_x.split(1024)]).squeeze(-1).numpy()"
    code = _FORECAST_TEST.strip().replace("OUTPUTS", outputs)
    if spec.standardize:
        code = code.replace("\ntruth,", "\nforecast = forecast * sd + mean  # もとの単位に戻す\ntruth,")
    return code
