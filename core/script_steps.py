"""The sections of a textbook script, one function each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from core import script_data, script_upload
from core import script_model as network
from core import script_parts as parts
from core.cohorts import COHORTS
from core.script_model import classifies, stops_early, varying, watches
from core.script_parts import Names, Section, join, literal
from core.script_upload import UploadSource
from core.specs import AnySpec, ConvSpec, ForecastSpec, MLPSpec, TableRunSpec


def preparation(listed: Sequence[AnySpec], upload: UploadSource | None) -> Section:
    """Write the imports, and what keeps the digits the same."""
    spec = listed[0]
    standard = ["import math"]
    others = ["import matplotlib.pyplot as plt", "import numpy as np", "import torch", "from torch import nn"]
    others.append("from torch.utils.data import DataLoader, TensorDataset")
    if stops_early(listed):
        standard.append("import copy")
    if isinstance(spec, TableRunSpec):
        names = {s.table.name for s in listed if isinstance(s, TableRunSpec)} & set(script_data.LOADERS)
        if names:
            loaders = sorted(script_data.LOADERS[name] for name in names)
            others.append(f"from sklearn.datasets import {', '.join(loaders)}")
    elif spec.series.source == "upload" and upload is not None:
        standard += ["import csv", "import re", "import unicodedata"]
        if upload.clock == "datetime":
            standard.append("from datetime import datetime")
    if parts.schedule_names(listed):
        others.append("from torch.optim import lr_scheduler")
    threads = "torch.set_num_threads(1)  # 計算の順番をそろえ、いつも同じ数字にする"
    code = join(parts.imports(standard, others), threads)
    return Section(title="準備", explanation="使う部品を読み込みます。", code=code)


def settings(listed: Sequence[AnySpec]) -> Section:
    """Write the numbers of the run, and the list of what differs from run to run."""
    spec = listed[0]
    training = spec.training
    differing = varying(listed)
    lines = [] if "seed" in differing else [f"SEED = {training.seed}  # 乱数の種"]
    lines.append(f"EPOCHS = {training.epochs}  # 学習データを何周するか")
    if "batch_size" not in differing:
        lines.append(f"BATCH_SIZE = {training.batch_size}  # 何件ごとに重みを直すか")
    if "lr" not in differing:
        lines.append(f"LEARNING_RATE = {spec.optimizer.lr!r}  # 一度に重みを動かす大きさ")
    if stops_early(listed):
        lines.append(f"PATIENCE = {training.patience}  # 改善しないエポックが何回続いたら止めるか")
        if training.min_delta:
            lines.append(f"MIN_DELTA = {training.min_delta!r}  # これより大きく下がれば改善とみなす")
    if training.clip is not None:
        lines.append(f"LONGEST = {training.clip!r}  # 勾配の長さ(ノルム)の上限")
    if isinstance(spec, ForecastSpec):
        lines.append(f"LENGTH = {spec.length}  # 窓の長さ(何点前まで見るか)")
    code, explanation = "\n".join(lines), "数字を書きかえると、違う条件で試せます。"
    if len(listed) > 1 and "loss" in differing and (own := network.own_loss(listed)):
        code += f"\n\n\n{own}\n"
    if len(listed) > 1:
        explanation = "比べる設定を並べます。" + explanation
        code += "\n\nSETTINGS = [\n" + "".join(_list(listed)) + "]"
    return Section(title="設定", explanation=explanation, code=code)


def _labels(listed: Sequence[AnySpec]) -> list[str]:
    differing = varying(listed)
    labels = []
    for number, spec in enumerate(listed, start=1):
        words = [parts.optimizer_label(spec.optimizer)] if "optimizer" in differing else []
        words += [network.LOSS_LABELS[network.loss_name(spec)]] if "loss" in differing else []
        if "model" in differing and isinstance(spec, TableRunSpec):
            words.append(_model_label(spec.model))
        words += [f"バッチ {spec.training.batch_size}"] if "batch_size" in differing else []
        words += [f"学習率 {spec.optimizer.lr!r}"] if "lr" in differing else []
        if "shuffle" in differing:
            words.append("毎回混ぜる" if spec.training.shuffle else "混ぜない")
        if "penalty" in differing and isinstance(spec, TableRunSpec):
            words.append(f"L1 {spec.penalty.l1!r}、L2 {spec.penalty.l2!r}")
        if "data" in differing and isinstance(spec, TableRunSpec):
            words.append(_data_label(spec))
        if "schedule" in differing and isinstance(spec, TableRunSpec):
            words.append(parts.schedule_call(spec.schedule, "")[2])
        words += [f"乱数の種 {spec.training.seed}"] if "seed" in differing else []
        labels.append("、".join(words) or f"設定 {number}")
    return labels


def _model_label(model: MLPSpec) -> str:
    """Tell a network from the others that it is compared with."""
    hidden = "隠れ層 " + ("-".join(map(str, model.hidden)) or "なし")
    if not isinstance(model, ConvSpec):
        return hidden + (f"、ドロップアウト {model.dropout:g}" if model.dropout else "")
    return network.augmentation_label(model.augment)


def _list(listed: Sequence[AnySpec]) -> Iterator[str]:
    """Write one entry of the list of settings for each run."""
    differing = varying(listed)
    for spec, label in zip(listed, _labels(listed), strict=True):
        items = [f'"label": {literal(label)}']
        if "seed" in differing:
            items.append(f'"seed": {spec.training.seed}')
        if "lr" in differing:
            items.append(f'"lr": {spec.optimizer.lr!r}')
        if "batch_size" in differing:
            items.append(f'"batch_size": {spec.training.batch_size}')
        if "shuffle" in differing:
            items.append(f'"shuffle": {spec.training.shuffle}')
        if "penalty" in differing and isinstance(spec, TableRunSpec):
            items.append(f'"l1": {spec.penalty.l1!r}, "l2": {spec.penalty.l2!r}')
        if "data" in differing and isinstance(spec, TableRunSpec):
            items.append(f'"data": {_data_function(listed, spec)}')
        if "optimizer" in differing:
            start = '"optimizer": lambda parameters, lr: '
            items.append(parts.optimizer(spec.optimizer, start, "parameters", "lr"))
        if "loss" in differing:
            items.append(f'"loss": {network.loss_call(spec)}')
        if "model" in differing and isinstance(spec, TableRunSpec):
            items.append(f'"model": lambda: {network.perceptron(spec)}')
        if "schedule" in differing and isinstance(spec, TableRunSpec):
            start = '"schedule": lambda optimizer: '
            lr = repr(spec.optimizer.lr) if "lr" in differing else "LEARNING_RATE"
            items.append(parts.schedule(spec.schedule, start, lr))
        yield textwrap.indent(parts.call("{", items, "},"), "    ") + "\n"


def _tables(listed: Sequence[AnySpec]) -> list[str]:
    """Return the code of each table that the runs use, once each."""
    return list(dict.fromkeys(script_data.patients(s) for s in listed if isinstance(s, TableRunSpec)))


def _data_function(listed: Sequence[AnySpec], spec: TableRunSpec) -> str:
    return f"data_{_tables(listed).index(script_data.patients(spec)) + 1}"


def _data_label(spec: TableRunSpec) -> str:
    """Tell a table from the others that it is compared with."""
    table, words = spec.table, [COHORTS[spec.table.name].label]
    words += [f"学習 {table.train_rows} 人"] if table.train_rows is not None else []
    words += ["答えの順に並べる"] if table.sorted_labels else []
    words += [f"雑音 {table.noise:g}"] if table.noise else []
    words += [f"分割の種 {table.seed}"] if table.seed else []
    return "、".join(words)


_PARTS = "train_x, train_y, validation_x, validation_y, test_x, test_y"


def data(listed: Sequence[AnySpec], upload: UploadSource | None) -> Section:
    """Write where the numbers come from and how they are cut into training, validation and test."""
    spec = listed[0]
    if isinstance(spec, TableRunSpec):
        code = script_data.patients(spec)
        what = "画像" if COHORTS[spec.table.name].side else "患者"
        if "data" in varying(listed):
            functions = [
                f"def data_{number}():\n" + textwrap.indent(f"{table}\nreturn {_PARTS}", "    ")
                for number, table in enumerate(_tables(listed), start=1)
            ]
            code = "\n\n\n".join(functions)
        return Section(
            title="データ",
            explanation=f"{what}を学習用・検証用・テスト用に分けます。テスト用は最後の採点まで使いません。",
            code=code,
        )
    explanation = "直前の並びから次の値を当てる問題を作り、時間の順に区切ります。"
    if upload is None or spec.series.source != "upload":
        values = script_data.ARTICLE.strip()
    else:
        values = script_upload.own_file(upload)
        explanation = "CSVの信号を時刻の順に並べます。CSVの中身はここには書かれていません。\n" + explanation
    code = f"{values}\n\n{script_data.windows(spec)}"
    return Section(title="データ", explanation=explanation + "未来の値は学習に使いません。", code=code)


_UNSEEN = "学習に使っていないデータで採点します。"


def _loss_text(listed: Sequence[AnySpec]) -> str:
    if "loss" in varying(listed):
        return "損失関数も設定ごとに変えます。"
    aim = "分類なので" if classifies(listed[0]) else "数値を当てるので"
    name = network.loss_name(listed[0])
    usual = name in ("mse", "cross_entropy")
    return f"{aim if usual else ''}{network.LOSS_LABELS[name]}を使います。"


_ORDER = "予測 → 採点 → 反省(逆伝播)→ 修正をくり返します。"


def one_run(spec: AnySpec) -> list[Section]:
    """Write model, tools, training and test of a single run."""
    names, listed = Names(), [spec]
    model = network.model(listed, names)
    if isinstance(spec, ForecastSpec):
        model = f"{network.forecaster(spec)}\n\n\n{model}"
    if own := network.own_layers(listed):
        model = f"{own}\n\n\n{model}"
    tools = "損失関数とオプティマイザ"
    return [
        Section(title="モデル", explanation="ネットワークを組み立てます。", code=model + "\nprint(model)"),
        Section(
            title=tools + ("と学習率スケジュール" if parts.schedule_names(listed) else ""),
            explanation=_loss_text(listed),
            code="\n\n\n".join(filter(None, (network.own_loss(listed), network.tools(listed, names)))),
        ),
        Section(title="学習", explanation=_ORDER, code=network.training(listed, names)),
        Section(title="テスト", explanation=_UNSEEN, code=network.testing(spec)),
    ]


def many_runs(listed: Sequence[AnySpec]) -> list[Section]:
    """Write several runs as one loop over the list of settings."""
    spec, differing = listed[0], varying(listed)
    names = Names(
        seed='setting["seed"]' if "seed" in differing else "SEED",
        lr='setting["lr"]' if "lr" in differing else "LEARNING_RATE",
        batch_size='setting["batch_size"]' if "batch_size" in differing else "BATCH_SIZE",
    )
    keep = "histories.append((train_losses, validation_losses))"
    chosen = f'{_PARTS} = setting["data"]()' if "data" in differing else ""
    body = join(
        "print(f\"設定: {setting['label']}\")\n"
        + (chosen + "\n" if chosen else "")
        + network.model(listed, names),
        network.tools(listed, names),
        network.training(listed, names),
        network.testing(spec),
        keep if watches(spec) else "histories.append(train_losses)",
    )
    loop = "histories = []\nfor setting in SETTINGS:\n" + textwrap.indent(body, "    ")
    if "loss" not in differing and (own := network.own_loss(listed)):
        loop = f"{own}\n\n\n{loop}"
    if own := network.own_layers(listed):
        loop = f"{own}\n\n\n{loop}"
    explanation = f"設定を一つずつ、最初から学習します。{_ORDER}\n{_loss_text(listed)}"
    run = Section(title="学習とテスト", explanation=explanation, code=loop)
    if isinstance(spec, TableRunSpec):
        return [run]
    explanation = "ネットワークの形は、どの設定でも同じです。"
    return [Section(title="モデル", explanation=explanation, code=network.forecaster(spec)), run]
