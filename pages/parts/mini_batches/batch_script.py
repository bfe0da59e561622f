"""Short PyTorch scripts of the lesson on mini-batches, to take home."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import streamlit as st

from core.batch_walk import TABLE, WalkSpec
from core.batches import PlanSpec
from core.loading import LoadSpec
from core.script_data import patients
from core.specs import TableRunSpec

_HEAD = """\
# {title}
# AI研修医ラボの画面と同じデータ・設定・乱数の種で計算します。
# 必要なもの: pip install torch numpy
# 教育用です。診断・治療には使えません。
"""
_WALK = """\
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

{data}

START = {start}  # 切片 b と傾き w の出発点
LEARNING_RATE = {lr!r}
SEED = {seed}
RUNS = {runs}  # バッチサイズ: 更新回数

age, pressure = train_x[:, 0].double(), train_y[:, 0].double()
for batch_size, updates in RUNS.items():
    weights = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=LEARNING_RATE)
    loader = DataLoader(
        TensorDataset(age, pressure),
        batch_size=batch_size,
        shuffle=True,
        generator=torch.Generator().manual_seed(SEED),
    )
    done = 0
    while done < updates and weights.abs().max() <= 50:
        for x, y in loader:  # 1周で1エポック
            loss = ((weights[0] + weights[1] * x - y) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            if done == updates or not weights.abs().max() <= 50:
                break
    b, w = weights.tolist()
    whole = ((b + w * age - pressure) ** 2).mean().item()
    print(f"B = {{batch_size}}: {{done}} 回の修正で b = {{b:.6f}}, w = {{w:.6f}}, 損失 {{whole:.6f}}")
"""
_PLAN = """\
import torch
from torch.utils.data import DataLoader

loader = DataLoader(
    list(range(1, {patients} + 1)),  # 患者番号
    batch_size={batch_size},
    shuffle={shuffle},
    drop_last={drop_last},
    generator=torch.Generator().manual_seed({seed}),
)
print(f"1エポックの更新は {{len(loader)}} 回")
for epoch in range(1, {epochs} + 1):
    for number, batch in enumerate(loader, start=1):
        print(f"エポック {{epoch}} バッチ {{number}}: {{batch.tolist()}}")
"""
_COSTS = {
    "wait": "        time.sleep({ms!r} / 1000)  # ディスクやネットワークを待つ",
    "compute": (
        "        stop = time.thread_time() + {ms!r} / 1000\n"
        "        while time.thread_time() < stop:  # 画像の展開などで計算する\n"
        "            pass"
    ),
    "none": "        # すぐに渡せる(メモリに載っている)",
}
_LOAD = '''\
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class SlowPatients(Dataset):
    """1人の読み込みに、わざと時間のかかるデータ。"""

    def __len__(self):
        return {patients}

    def __getitem__(self, number):
{cost}
        return torch.full(({inputs},), number / {patients}), number % 2


def main():
    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Linear({inputs}, {width}), nn.ReLU(), nn.Linear({width}, {width}), nn.ReLU(), nn.Linear({width}, 2)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for workers in (0, 1, 2):
        loader = DataLoader(
            SlowPatients(),
            batch_size={batch_size},
            num_workers=workers,
            persistent_workers=workers > 0,
            multiprocessing_context="{start}" if workers else None,
        )
        for epoch in (1, 2, 3):
            begin, first = time.perf_counter(), None
            for inputs, targets in loader:
                first = first or time.perf_counter() - begin
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs), targets).backward()
                optimizer.step()
            took = time.perf_counter() - begin
            print(f"ワーカー {{workers}}, エポック {{epoch}}: 最初まで {{first:.3f}}, 全体 {{took:.3f}} 秒")


if __name__ == "__main__":  # ワーカーの起動時には、ここから下は実行されない
    main()
'''


@lru_cache(maxsize=64)
def walk_script(specs: tuple[WalkSpec, ...]) -> str:
    """Write the script of walks that differ in batch size and number of updates."""
    first = specs[0]
    body = _WALK.format(
        data=patients(TableRunSpec(table=TABLE)),
        start=list(first.start),
        lr=first.lr,
        seed=first.seed,
        runs={spec.batch_size: spec.updates for spec in specs},
    )
    return _HEAD.format(title="バッチサイズによる道すじの違い") + "\n" + body


@lru_cache(maxsize=64)
def plan_script(spec: PlanSpec) -> str:
    """Write the script that prints who is in which batch."""
    body = _PLAN.format(
        patients=spec.patients,
        batch_size=spec.batch_size,
        shuffle=spec.shuffle,
        drop_last=spec.drop_last,
        seed=spec.seed,
        epochs=spec.epochs,
    )
    return _HEAD.format(title="DataLoader の配り方") + "\n" + body


@lru_cache(maxsize=64)
def load_script(spec: LoadSpec, inputs: int) -> str:
    """Write the script that times a DataLoader with 0, 1 and 2 workers."""
    body = _LOAD.format(
        patients=spec.patients,
        batch_size=spec.batch_size,
        width=spec.width,
        start=spec.start,
        inputs=inputs,
        cost=_COSTS[spec.cost].format(ms=spec.item_ms),
    )
    return _HEAD.format(title="DataLoader の先読みを測る") + "\n" + body


def show(slot: str, script: str, file: str, lines: Sequence[str] = ()) -> None:
    """Show a script with its download; ``lines`` are said before it."""
    with st.expander("この計算とまったく同じ PyTorch のコード"):
        for line in lines:
            st.caption(line)
        st.download_button(
            "Python(.py)",
            script,
            file_name=file,
            mime="text/x-python",
            icon=":material/download:",
            key=f"{slot}/py",
            on_click="ignore",
        )
        st.code(script, language="python", height=360)
