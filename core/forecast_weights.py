"""A forecaster to take home: its weights as safetensors, and the short script that forecasts with them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from core.history import ForecastRun
from core.script_model import CELL_LABELS, forecaster
from core.script_parts import literal
from core.series import article_series
from core.specs import ForecastSpec

ABOUT = "ai_resident_lab"
NOTE = "教育用です。診断・治療には使えません。"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # a ZIP wants a date: this one makes the same run the same bytes


def about(spec: ForecastSpec, run: ForecastRun, unit: str = "") -> dict[str, Any]:
    """Say what the weights belong to: the network, the scale of what it reads, and how it was trained."""
    try:
        torch = version("torch")
    except PackageNotFoundError:  # a server whose workers are elsewhere
        torch = ""
    return {
        "note": NOTE,
        "cell": spec.model.name,
        "hidden": spec.model.hidden,
        "layers": spec.model.layers,
        "length": spec.length,
        "mean": run.scale[0],
        "sd": run.scale[1],
        "unit": unit,
        "weights_epoch": run.weights_epoch,
        "torch": torch,
        "spec": asdict(spec),
    }


def weights_file(spec: ForecastSpec, run: ForecastRun, unit: str = "") -> bytes:
    """Write the weights as safetensors; the metadata has ``about`` as JSON under ``ABOUT``."""
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(array) for name, array in run.weights.items()}
    file: bytes = save(tensors, {ABOUT: json.dumps(about(spec, run, unit), ensure_ascii=False)})
    return file


_SCRIPT = """\
# 学習済みの {cell} で、次の値を予測する
# AI研修医ラボの画面で学習した重みを読み込みます(学習はし直しません)。
# {file} と同じフォルダに置いて実行してください。
# 必要なもの: pip install torch numpy safetensors
# {note}

import json

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

FILE = {literal}

# 窓の長さと、学習のときにそろえた平均と標準偏差は、重みと一緒に保存されている
with safe_open(FILE, framework="pt") as file:
    about = json.loads(file.metadata()["{key}"])
LENGTH, MEAN, SD, UNIT = (about[name] for name in ("length", "mean", "sd", "unit"))

{window}


{network}


model = Forecaster()
model.load_state_dict(load_file(FILE))
model.eval()

if len(WINDOW) != LENGTH:
    raise SystemExit(f"WINDOW には {{LENGTH}} 個の値を並べてください(いまは {{len(WINDOW)}} 個)。")
x = (torch.tensor(WINDOW, dtype=torch.float32) - MEAN) / SD
with torch.no_grad():
    forecast = model(x.reshape(1, LENGTH, 1)).item() * SD + MEAN  # もとの単位に戻す
print(f"次の値の予測: {{forecast:.4f}} {{UNIT}}".rstrip())
"""
_ARTICLE = """\
# 例題の波形の最後の {length} 点(古い順)。書きかえると、予測も変わる
WINDOW = [
{values}]
PAGE = {page}  # 画面での予測。予測CSVの最後の行と同じ"""
_OWN = """\
# ご自分の記録の、続いた {length} 点(古い順)に書きかえる。例: WINDOW = [72, 74, 73, …]
# このままでは、学習に使った区間の平均値が続いたときの予測になる
WINDOW = [MEAN] * LENGTH"""
_COMPARED = """\
print(f"画面での予測: {PAGE:.4f}(違い {abs(forecast - PAGE):.0e})")
"""


def loading_script(spec: ForecastSpec, run: ForecastRun, file: str) -> str:
    """Write the script that forecasts with the weights in ``file``.

    For the article's wave it holds the last window of the test stretch and prints the page's own forecast.
    Nothing of a reader's file enters it.
    """
    own = spec.series.source == "upload"
    window = _OWN.format(length=spec.length)
    if not own:
        last = int(run.test.index[-1])
        values = article_series().values[last - spec.length : last]
        lines = "".join(f"    {value!s},\n" for value in values)
        window = _ARTICLE.format(length=spec.length, values=lines, page=str(run.test.model[-1]))
    script = _SCRIPT.format(
        cell=CELL_LABELS[spec.model.name],
        file=file,
        literal=literal(file),
        note=NOTE,
        key=ABOUT,
        window=window,
        network=forecaster(spec),
    )
    return script if own else script + _COMPARED


def bundle(spec: ForecastSpec, run: ForecastRun, stem: str, unit: str = "") -> bytes:
    """Pack ``stem``.safetensors and ``stem``_load.py into a ZIP, in a folder of their own."""
    files = {
        f"{stem}.safetensors": weights_file(spec, run, unit),
        f"{stem}_load.py": loading_script(spec, run, f"{stem}.safetensors").encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{stem}/{name}", _LONG_AGO)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            folder.writestr(entry, content)
    return packed.getvalue()
