"""The middle of a script of many horizons: network, loss, training, and how it forecasts."""

from __future__ import annotations

from core import script_parts as parts
from core.horizon_specs import HorizonSpec
from core.script_model import CELLS
from core.script_parts import Names, join

_MODEL = '''
class Forecaster(nn.Module):
    """窓を先頭から順に読み、最後の状態から AHEAD 点先までを一度に答える。"""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.CELL(len(INPUTS), HIDDEN, batch_first=True)
        self.head = nn.Linear(HIDDEN, AHEAD * len(ANSWERS))

    def forward(self, x):  # x: (件数, LENGTH, 信号の数)
        states, _ = self.recurrent(x)  # (件数, LENGTH, HIDDEN)
        return self.head(states[:, -1])  # (件数, AHEAD × 答える信号の数)


def known_mse(outputs, targets):
    """答えのある所だけの平均二乗誤差(MSE)。"""
    known = torch.isfinite(targets)
    errors = torch.where(known, outputs - targets, 0.0)
    return (errors**2).sum(dim=1).sum() / known.sum()
'''
_FORECAST = '''
@torch.no_grad()
def forecast(model, values, mean, sd, origins):
    """起点のそれぞれから HORIZONS 点先までを予測する。(起点, HORIZONS, 予測する信号)、もとの単位。"""
    model.eval()
    answers = []
    for start in range(0, len(origins), 1024):
        window = torch.tensor(look_back(values, origins[start : start + 1024]))
BODY
    scaled = torch.cat(answers).numpy().astype(np.float64)
    return (scaled * sd[PLACES] + mean[PLACES]).astype(np.float32).astype(np.float64)
'''
_DIRECT = """
        answer = model(window).unflatten(1, (HORIZONS, len(TARGETS)))
        answers.append(answer)
"""
_RECURSIVE = """
        path = []
        for _ in range(HORIZONS):
            path.append(model(window))
            window = torch.cat([window[:, 1:], path[-1].unsqueeze(1)], dim=1)  # 答えを窓に加える
        answers.append(torch.stack(path, dim=1)[:, :, PLACES])
"""


def model(spec: HorizonSpec) -> str:
    """Write the class of the network, and its loss."""
    text = _MODEL.strip().replace("CELL", CELLS[spec.model.name])
    if spec.model.layers > 1:
        text = text.replace("HIDDEN, batch", f"HIDDEN, num_layers={spec.model.layers}, batch")
    return text.replace("HIDDEN", str(spec.model.hidden))


def forecasting(spec: HorizonSpec) -> str:
    """Write the function that forecasts every horizon."""
    body = _RECURSIVE if spec.strategy == "recursive" else _DIRECT
    if spec.differences:
        body = body.replace("path.append(model(window))", "path.append(model(window) + window[:, -1])")
        body = body.replace(
            "append(answer)", "append(answer + window[:, -1:, PLACES])  # 最後の値に変化を足す"
        )
    return _FORECAST.strip().replace("BODY", body.strip("\n"))


def network(spec: HorizonSpec) -> str:
    """Write how the network and its tools are made."""
    return (
        "torch.manual_seed(SEED)  # 最初の重みは乱数の種で決まる\n"
        "model = Forecaster()\n"
        "loss_function = known_mse\n"
        + parts.optimizer(spec.optimizer, "optimizer = ", "model.parameters()", "LEARNING_RATE")
    )


def training(spec: HorizonSpec) -> str:
    """Write DataLoaders and loop."""
    given = spec.training
    return join(
        parts.loaders(given.shuffle, True, Names()),
        parts.loop(
            validation=True,
            schedules=set(),
            min_delta=given.min_delta if given.patience is not None else None,
            clips=given.clip is not None,
        ),
    )
