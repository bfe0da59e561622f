"""The early-warning experiment as one PyTorch script: simulation, training, residuals, flags, the numbers."""

from __future__ import annotations

from functools import lru_cache

from core import update_rules
from core.early_warning_specs import (
    CARRY,
    OTHERS_FROM,
    PATIENTS,
    PER_HOUR,
    RESOLUTION,
    SIGNALS,
    STEP_S,
    WARD_FROM,
    WARD_HOURS,
    WarningSpec,
)
from core.horizon_windows import stretches
from core.panel import ICU_SIGNALS
from core.script_source import module_source
from core.vitals.sample import DECIMALS, START
from core.warning_rules import BLOCK, RANGES, THRESHOLDS, RuleSpec

_CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
_SAID = {
    "simulate": "模擬患者を1人つくる。(点の数, 6 つの信号)。欠測は NaN。",
    "newest": "それぞれの時刻までで、いちばん新しい値のある番号。",
    "carried": "短い欠測を直前の値で補う。",
    "smooth": "残差を指数移動平均でならし、偶然なら残る大きさで割る。",
    "combine": "信号ごとの外れを1つの数にまとめる。",
    "outside": "値が範囲の外にあるか。",
    "blocks": "30分の枠ごとに、目印が点いていたか。",
}
_SCRIPT = '''\
# 早期警告: 予測の残差で、模擬患者の悪化に目印をつける
# AI研修医ラボの画面と同じ模擬患者・学習・残差・目印を、最初からやり直します。
# 必要なもの: pip install torch numpy
# 学習用の模擬データです。実際の警報・診断・監視には使えません。

import copy
import math
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)  # 画面と同じ順番で計算する
HOURS = {hours}  # 観察する時間
STEP_S = {step_s}  # 測定の間隔(秒)
PER_HOUR = {per_hour}
ARTEFACTS = {artefacts!r}  # 測定の乱れの割合
LENGTH, AHEAD = {length}, {ahead}  # 窓の長さと、何点先を予測するか
SEED, EPOCHS, BATCH_SIZE, PATIENCE, LEARNING_RATE = {seed}, {epochs}, {batch}, {patience}, {lr!r}
SIGNALS = {signals}
COLUMNS = {columns}  # 6 つの信号のうち、使うもの
RESOLUTION = {resolution}
RULE = SimpleNamespace(weight={weight!r}, clip={clip!r}, combine={combine!r})  # ならし方
THRESHOLD = {threshold!r}  # 目印を出すしきい値
inf = math.inf
RANGES = {{"range": {ranges}}}
TIMES, WITHIN, ALLOWED = {times}, {within}, {allowed!r}
BLOCK = {block}
WATCH, ONSET, START_AT = {watch}, {onset}, {start}  # 見守りの始まり、悪化の始まり、較正の始まり
START, DECIMALS = SimpleNamespace(hour={hour}), {decimals}


# ----- 1. 模擬患者 -----
{simulate}


def patient(seed, worse, hours=HOURS):
    spec = SimpleNamespace(
        seed=seed, hours=float(hours), step_s=STEP_S, deterioration=worse, artefacts=ARTEFACTS
    )
    return simulate(spec).astype(np.float32)[:, COLUMNS]


def string(patients):
    """患者どうしの間に欠測をはさんで、1本につなぐ。"""
    pause = np.full(({gap}, len(SIGNALS)), np.nan, dtype=np.float32)
    return np.concatenate([part for each in patients for part in (each, pause)])


{carried}


# ----- 2. 学習 -----
learnt = {learnt}
filled = carried(learnt, {carry})
TRAIN, VALIDATION, CALIBRATION = {cuts}
seen = learnt[slice(*TRAIN)].astype(np.float64)
mean, sd = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)  # 学習の区間だけから求める
values = torch.tensor(((filled - mean) / sd).astype(np.float32))
readings = torch.tensor(((learnt - mean) / sd).astype(np.float32))


def origins_of(filled, first, stop):
    """値がそろった窓の、最後の点の番号。"""
    total = np.concatenate([[0], np.cumsum(np.isfinite(filled).all(axis=1))])
    found = np.arange(max(first, LENGTH - 1), stop)
    return found[total[found + 1] - total[found + 1 - LENGTH] == LENGTH]


def samples(first, stop):
    """窓と、その後 1〜AHEAD 点の「いまの値からの変化」。区間の外と欠測は NaN。"""
    origins = torch.tensor(origins_of(filled, first - AHEAD, stop - 1))
    place = origins[:, None] + torch.arange(1, AHEAD + 1)
    windows = values[origins[:, None] + torch.arange(1 - LENGTH, 1)]
    inside = (place >= first) & (place < stop)
    came = readings[place.clamp(max=len(readings) - 1)]
    targets = torch.where(inside[..., None], came, torch.nan) - windows[:, -1:]
    known = torch.isfinite(targets).flatten(1).any(dim=1)
    return windows[known], targets[known].flatten(1)


class Forecaster(nn.Module):
    """窓を先頭から順に読み、最後の状態から、先の値の変化を答える。"""

    def __init__(self):
        super().__init__()
        self.recurrent = nn.{cell}(len(SIGNALS), {hidden}, 1, batch_first=True)
        self.head = nn.Linear({hidden}, AHEAD * len(SIGNALS))

    def forward(self, x):
        states, _ = self.recurrent(x)
        return self.head(states[:, -1])


def loss_function(outputs, targets):
    """欠測をのぞいた平均二乗誤差。"""
    known = torch.isfinite(targets)
    return (torch.where(known, outputs - targets, 0.0) ** 2).sum(dim=1).sum() / known.sum()


torch.manual_seed(SEED)
model = Forecaster()
optimizer = torch.optim.{optimizer}
train_x, train_y = samples(*TRAIN)
validation_x, validation_y = samples(*VALIDATION)
loader = DataLoader(
    TensorDataset(train_x, train_y),
    batch_size=BATCH_SIZE,
    shuffle=True,
    generator=torch.Generator().manual_seed(SEED),
)
best_loss, best_weights, waited = math.inf, copy.deepcopy(model.state_dict()), 0
for epoch in range(1, EPOCHS + 1):
    model.train()
    total = 0.0
    for x, y in loader:
        loss = loss_function(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(x)
    train_loss, total = total / len(train_x), 0.0
    model.eval()
    with torch.no_grad():
        for x, y in zip(validation_x.split(1024), validation_y.split(1024)):
            total += loss_function(model(x), y).item() * len(x)
    validation_loss = total / len(validation_x)
    print(f"エポック {{epoch:3d}}: 学習損失 {{train_loss!r}}, 検証損失 {{validation_loss!r}}")
    if validation_loss < best_loss:
        best_loss, best_weights, waited = validation_loss, copy.deepcopy(model.state_dict()), 0
    else:
        waited += 1
        if waited == PATIENCE:
            break
model.load_state_dict(best_weights)
model.eval()


# ----- 3. 残差 -----
def residuals(readings):
    """値 − 予測。予測は順に、ネットワーク、直前の値、ふだんの平均。(3, 点, 信号)"""
    filled = carried(readings, {carry})
    origins = origins_of(filled, 0, len(readings) - AHEAD)
    scaled = torch.tensor(((filled - mean) / sd).astype(np.float32))
    answers = []
    with torch.no_grad():
        for some in torch.tensor(origins).split(1024):
            windows = scaled[some[:, None] + torch.arange(1 - LENGTH, 1)]
            answer = model(windows).unflatten(-1, (AHEAD, len(SIGNALS))) + windows[:, -1:]
            answers.append(answer[:, -1])
    forecast = torch.cat(answers).numpy().astype(np.float64) * sd + mean
    found = np.full((3, *readings.shape), np.nan)
    found[0, origins + AHEAD] = readings[origins + AHEAD] - forecast
    found[1, origins + AHEAD] = readings[origins + AHEAD].astype(np.float64) - filled[origins]
    found[2] = readings - mean
    return found


# 物差し: 較正の区間で、残差の絶対値の9割が収まる幅(標準偏差に直したもの)
calm = residuals(learnt)[:, slice(*CALIBRATION)]
scale = np.empty((3, len(SIGNALS)))
for rule in range(3):
    for signal, resolution in enumerate(RESOLUTION):
        errors = np.abs(calm[rule, :, signal])
        errors = np.sort(errors[np.isfinite(errors)])
        width = errors[math.ceil((len(errors) + 1) * 9 / 10) - 1]
        scale[rule, signal] = max(width, resolution / 2) / NormalDist().inv_cdf(0.95)

seeds = [{patient}, *range({others}, {others} + {patients})]
watched = [patient(seed, worse) for seed in seeds for worse in (True, False)]  # 悪化する患者と、その双子
found = residuals(string(watched)).reshape(3, len(seeds), 2, -1, len(SIGNALS))[..., START_AT:{points}, :]
z = (found / scale[:, None, None, None]).astype(np.float32)
readings = np.stack(watched).reshape(len(seeds), 2, -1, len(SIGNALS))


# ----- 4. 目印 -----
{rules}


def judge(flags):
    """悪化の始まりから気づくまでの時間と、双子に目印が点いていた30分の枠の数(24時間あたり)。"""
    told = flags[:, 0, ONSET - WATCH :] & ~flags[:, 1, ONSET - WATCH :]  # 双子にも出ている目印は数えない
    delays = np.where(told.any(axis=-1), told.argmax(axis=-1) / PER_HOUR, math.inf)
    false = blocks(flags[:, 1]).sum(axis=-1)
    return delays, false.mean() * 24 * PER_HOUR / flags.shape[-1]


def median(delays):
    return np.sort(delays)[(len(delays) - 1) // 2]


statistic = combine(smooth(z, RULE)[..., WATCH - START_AT :, :], RULE)
outer = outside(readings[:, :, WATCH:], "range", TIMES).any(axis=-1)
print(f"しきい値 {{THRESHOLD:g}} では(この患者 / 別の {patients} 人)")
names = ["ネットワーク", "直前の値", "ふだんの平均", "範囲の外"]
for name, flags in zip(names, [*(statistic > np.float32(THRESHOLD)), outer]):
    own, _ = judge(flags[:1])
    delays, false = judge(flags[1:])
    print(
        f"{{name}}: この患者 {{own[0]:.2f}} 時間 / {{WITHIN}}時間以内 {{(delays <= WITHIN).mean():.0%}}、"
        f"中央値 {{median(delays):.2f}} 時間、誤り {{false:.2f}} 回/日"
    )
print(f"誤りを {{ALLOWED:g}} 回/日以下にそろえると")
for name, line in zip(names, statistic[:, 1:]):
    for threshold in np.geomspace({lowest}, {highest}, {steps}):
        delays, false = judge(line > np.float32(threshold))
        if false <= ALLOWED:
            break
    found = f"誤り {{false:.2f}} 回/日、中央値 {{median(delays):.2f}} 時間"
    print(f"{{name}}: しきい値 {{threshold:.2f}}、{{found}}")
'''


@lru_cache(maxsize=8)
def _source(module: str, *names: str) -> str:
    return module_source(module, _SAID, names)


def _learnt(spec: WarningSpec) -> tuple[str, int]:
    """Write how the readings to learn from are made, and return how many there are."""
    if spec.source == "own":
        return f"patient({spec.seed}, True)", spec.points
    count = len(spec.learnt)
    worse = "i % 2 == 1" if spec.source == "mixed" else "False"
    points = count * (int(WARD_HOURS) * PER_HOUR + spec.gap)
    made = f"patient({WARD_FROM} + i, {worse}, {WARD_HOURS:g})"
    return f"string([{made} for i in range({count})])", points


def script(
    spec: WarningSpec,
    rule: RuleSpec,
    *,
    threshold: float,
    limits: str,
    times: int,
    within: int,
    allowed: float,
) -> str:
    """Write the script that prints the losses of a run and what its flags led to."""
    learnt, points = _learnt(spec)
    where = stretches(points, spec.forecaster.stretch)
    cuts = (where.train, where.validation, where.calibration)
    given = update_rules.arguments(spec.optimizer.name, spec.optimizer.momentum, spec.optimizer.weight_decay)
    extra = [f"{name}={value!r}" for name, value in given.items()]
    arguments = ", ".join(["model.parameters()", "lr=LEARNING_RATE", *extra])
    return _SCRIPT.format(
        hours=spec.hours,
        step_s=STEP_S,
        per_hour=PER_HOUR,
        artefacts=spec.artefacts,
        length=spec.length,
        ahead=spec.horizon,
        seed=spec.training.seed,
        epochs=spec.training.epochs,
        batch=spec.training.batch_size,
        patience=spec.training.patience,
        lr=spec.optimizer.lr,
        signals=list(SIGNALS),
        columns=[ICU_SIGNALS.index(name) for name in SIGNALS],
        resolution=list(RESOLUTION),
        weight=rule.weight,
        clip=rule.clip,
        combine=rule.combine,
        threshold=threshold,
        ranges=list(RANGES[limits]),
        times=times,
        within=within,
        allowed=allowed,
        block=BLOCK,
        watch=spec.cut.test.start,
        onset=spec.onset,
        start=spec.cut.calibration.start,
        hour=START.hour,
        decimals=DECIMALS,
        simulate=_source("core.vitals.sample", "simulate"),
        gap=spec.gap,
        carry=CARRY,
        carried=_source("core.baselines", "newest") + "\n\n\n" + _source("core.horizon_windows", "carried"),
        learnt=learnt,
        cuts=", ".join(f"({part.start}, {part.stop})" for part in cuts),
        cell=_CELLS[spec.model.name],
        hidden=spec.model.hidden,
        optimizer=f"{update_rules.RULES[spec.optimizer.name].kind}({arguments})",
        patient=spec.seed,
        others=OTHERS_FROM,
        patients=PATIENTS,
        points=spec.points,
        rules=_source("core.warning_rules", "smooth", "combine", "outside", "blocks"),
        lowest=float(THRESHOLDS[0]),
        highest=float(THRESHOLDS[-1]),
        steps=len(THRESHOLDS),
    )
