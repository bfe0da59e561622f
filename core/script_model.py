"""The middle of a textbook script: network, loss, optimizer, training loop and test."""

from __future__ import annotations

from collections.abc import Sequence

from core import script_data
from core import script_parts as parts
from core.script_parts import Names, join
from core.specs import AnySpec, ForecastSpec, TableRunSpec

CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
CELL_LABELS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
ACTIVATIONS = {"relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}


def watches(spec: AnySpec) -> bool:
    """Say whether the run has rows or windows for validation."""
    return isinstance(spec, TableRunSpec) or spec.split.validation > 0


def stops_early(listed: Sequence[AnySpec]) -> bool:
    """Say whether patience may end the training; runs that train together go to the end."""
    return len(listed) == 1 and listed[0].training.patience is not None


def varying(listed: Sequence[AnySpec]) -> set[str]:
    """Return which of seed, learning rate and schedule each run has its own of."""
    if len(listed) == 1:
        return set()
    found = set()
    if len({s.training.seed for s in listed}) > 1:
        found.add("seed")
    if len({s.optimizer.lr for s in listed}) > 1:
        found.add("lr")
    # Numbers that a schedule does not use make no difference.
    if len({str(parts.schedule_call(s.schedule, "")) for s in listed if isinstance(s, TableRunSpec)}) > 1:
        found.add("schedule")
    return found


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


def _perceptron(spec: TableRunSpec) -> str:
    _, features, outputs = script_data.TABLES[spec.table.name]
    layers = []
    for units in spec.model.hidden:
        layers += [f"nn.Linear({features}, {units})", ACTIVATIONS[spec.model.activation]]
        features = units
    lines = "".join(f"    {layer},\n" for layer in [*layers, f"nn.Linear({features}, {outputs})"])
    return f"model = nn.Sequential(\n{lines})"


def model(spec: AnySpec, names: Names) -> str:
    """Write how the network is made, its initial weights drawn from the seed."""
    seed = f"torch.manual_seed({names.seed})  # 最初の重みは乱数の種で決まる"
    made = "model = Forecaster()" if isinstance(spec, ForecastSpec) else _perceptron(spec)
    return f"{seed}\n{made}"


def classifies(spec: AnySpec) -> bool:
    """Say whether the targets are classes."""
    return isinstance(spec, TableRunSpec) and script_data.TABLES[spec.table.name][2] > 1


def tools(listed: Sequence[AnySpec], names: Names) -> str:
    """Write loss, optimizer and schedule."""
    spec = listed[0]
    loss = "CrossEntropyLoss" if classifies(spec) else "MSELoss"
    code = f"loss_function = nn.{loss}()\n{parts.optimizer(spec.optimizer.name, names.lr)}"
    if "schedule" in varying(listed):
        return code + '\nschedule = setting["schedule"](optimizer)'
    if parts.schedule_names(listed) and isinstance(spec, TableRunSpec):
        code += "\n" + parts.schedule(spec.schedule, "schedule = ", names.lr)
    return code


def training(listed: Sequence[AnySpec], names: Names) -> str:
    """Write DataLoaders and loop."""
    spec = listed[0]
    min_delta = spec.training.min_delta if stops_early(listed) else None
    return join(
        parts.loaders(spec.training.shuffle, watches(spec), names),
        parts.loop(watches(spec), parts.schedule_names(listed), min_delta),
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
