"""The first sections of a script of many horizons: settings, readings, and how time is cut."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache

from core import horizon_specs
from core.horizon_specs import HorizonSpec
from core.panel import ICU_SIGNALS, PanelSpec
from core.script_data import ARTICLE
from core.script_parts import WIDTH, constant, imports, join, literal, spread
from core.script_source import source
from core.specs import SpecError
from core.vitals import Imported, sample
from core.vitals.export import CLEANED_ENCODING, cleaned_name, cleaned_names

LEAKS = {"none": "なし(正直)", "scaler": "標準化に未来を混ぜる", "shuffle": "窓を混ぜてから分ける"}
"""What the script calls each leak."""
assert set(LEAKS) == set(horizon_specs.LEAKS)


@dataclass(frozen=True, kw_only=True)
class UploadPanel:
    """How a script finds the signals of a reader's own file; nothing of what the file holds.

    The script reads the cleaned CSV of the measured readings alone (``core.vitals.export``), ``file_name``,
    in which ``headers`` name each signal of the panel.
    """

    file_name: str
    headers: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, imported: Imported, file_name: str) -> UploadPanel:
        """Describe a file that the importer has read; a signal of the panel goes by its ``source``."""
        return cls(file_name=cleaned_name(file_name, measured_only=True), headers=cleaned_names(imported))

    @property
    def name(self) -> str:
        """Return the file's name without any folder."""
        return re.split(r"[\\/]", self.file_name)[-1] or "data.csv"

    def column(self, signal: str) -> str:
        """Return the header of ``signal``.

        Raises:
            SpecError: the file has no such signal.
        """
        if signal not in self.headers:
            raise SpecError("選んだ信号がデータにありません。信号を選び直してください。")
        return self.headers[signal]


def _listed(name: str, texts: Sequence[str], comment: str) -> str:
    line = f"{name} = [{', '.join(map(literal, texts))}]  # {comment}"
    if len(line) <= WIDTH:
        return line
    items = "".join(f"{spread(text, WIDTH - 5)},\n" for text in texts)
    return f"{name} = [  # {comment}\n{textwrap.indent(items, '    ')}]"


def _names(spec: PanelSpec, upload: UploadPanel | None) -> tuple[list[str], list[str]]:
    """Return what the script calls inputs and targets."""
    name = upload.column if upload is not None and spec.source == "upload" else str
    return [name(n) for n in spec.inputs], [name(n) for n in spec.targets]


def preparation(listed: Sequence[HorizonSpec]) -> str:
    """Write the imports, and what keeps the digits the same."""
    spec = listed[0]
    standard = ["import math", "from fractions import Fraction"]
    if spec.training.patience is not None:
        standard.append("import copy")
    if spec.panel.source == "upload":
        standard.append("import csv")
    others = ["import matplotlib.pyplot as plt", "import numpy as np", "import torch", "from torch import nn"]
    others.append("from torch.utils.data import DataLoader, TensorDataset")
    threads = "torch.set_num_threads(1)  # 計算の順番をそろえ、いつも同じ数字にする"
    return join(imports(standard, others), threads)


def settings(spec: HorizonSpec, upload: UploadPanel | None) -> str:
    """Write the numbers of the run."""
    inputs, targets = _names(spec.panel, upload)
    shares, training = spec.stretch, spec.training
    step = f"(1点は {spec.panel.step_s} 秒)" if spec.panel.source == "icu" else ""
    lines = [
        _listed("INPUTS", inputs, "見る信号"),
        _listed("TARGETS", targets, "予測する信号"),
        f"LENGTH = {spec.length}  # 窓の長さ(何点前まで見るか)",
        f"HORIZONS = {spec.horizons}  # 何点先まで予測するか{step}",
        f"TRAIN, VALIDATION, CALIBRATION = {shares.train!r}, {shares.validation!r}, {shares.calibration!r}"
        "  # 残りがテスト",
        f"FOLDS = {spec.folds}  # テスト区間をいくつに分けるか",
        f"CARRY = {spec.carry}  # 何点までの欠測を直前の値で補うか",
        f"ALPHA = {spec.alpha!r}  # 予測区間から外れてよい割合",
        f"PERIOD = {spec.period}  # 季節ナイーブの周期(点)",
        f"ORDER = {spec.order}  # 自己回帰の次数(何点前まで見るか)",
        f"SEED = {training.seed}  # 乱数の種",
        f"EPOCHS = {training.epochs}  # 学習データを何周するか",
        f"BATCH_SIZE = {training.batch_size}  # 何件ごとに重みを直すか",
        f"LEARNING_RATE = {spec.optimizer.lr!r}  # 一度に重みを動かす大きさ",
    ]
    if training.patience is not None:
        lines.append(f"PATIENCE = {training.patience}  # 改善しないエポックが何回続いたら止めるか")
        if training.min_delta:
            lines.append(f"MIN_DELTA = {training.min_delta!r}  # これより大きく下がれば改善とみなす")
    if training.clip is not None:
        lines.append(f"LONGEST = {training.clip!r}  # 勾配の長さ(ノルム)の上限")
    lines += ["", "PLACES = [INPUTS.index(name) for name in TARGETS]  # 予測する信号は何番目の入力か"]
    if spec.strategy == "recursive":
        lines.append("# くり返し(再帰): 1点先の全部の信号を答え、それを入力に戻して先へ進む")
        lines.append("AHEAD, ANSWERS = 1, list(range(len(INPUTS)))")
    else:
        lines.append("# まとめて(直接): 1回で全部の先を答える")
        lines.append("AHEAD, ANSWERS = HORIZONS, PLACES")
    return "\n".join(lines)


_SIMULATED = """
SIGNALS = NAMES
patient = simulate(ARGUMENTS)
readings = patient.astype(np.float32)[:, [SIGNALS.index(name) for name in INPUTS]]
"""
_OWN = """
# CSV は同じフォルダに置いてください(Google Colab では左側の「ファイル」の中)
FILE

with open(FILE, encoding="ENCODING", newline="") as file:
    header, *rows = csv.reader(file)
table = np.array([[float(cell or "nan") for cell in row[1:]] for row in rows], dtype=np.float32)
readings = table[:, [header.index(name) - 1 for name in INPUTS]]  # 1列目は時刻
"""
_FILL = """
# 欠測を CARRY 点まで直前の値で補う。窓にはこれを、答え合わせには補う前の値を使う
filled = readings.copy()
for _ in range(CARRY):
    gap = np.isnan(filled[1:])
    filled[1:][gap] = filled[:-1][gap]
print(f"{len(readings)} 点 × {len(INPUTS)} 信号、欠測 {np.isnan(readings).sum()} 個")
"""


@lru_cache(maxsize=1)
def _simulator() -> str:
    """Write the function of the simulated patient, its settings as arguments."""
    said = {"simulate": "ICUの模擬患者の測定値を作る。どの患者のものでもない。失われた値は NaN。"}
    text = source(sample.simulate, said)
    for name in _arguments(PanelSpec()):
        text = text.replace(f"spec.{name.removeprefix('total_')}", name)
    text = text.replace("START.hour", str(sample.START.hour)).replace("DECIMALS", repr(sample.DECIMALS))
    return text.replace("simulate(spec)", f"simulate({', '.join(_arguments(PanelSpec()))})")


def _arguments(spec: PanelSpec) -> dict[str, object]:
    """Return what the simulator is asked for; its own ``hours`` are those of the clock."""
    given = {name: getattr(spec, name) for name in asdict(sample.SampleSpec())}
    return {"total_hours" if name == "hours" else name: value for name, value in given.items()}


def readings(spec: PanelSpec, upload: UploadPanel | None) -> str:
    """Write where ``readings`` (points, inputs) come from, and how gaps are carried: ``filled``."""
    if spec.source == "article":
        code = f"{ARTICLE.strip()}\nreadings = values[:, None]  # (点の数, 信号の数)"
    elif spec.source == "icu":
        arguments = ", ".join(f"{name}={value!r}" for name, value in _arguments(spec).items())
        made = _SIMULATED.strip().replace("NAMES", f"[{', '.join(map(literal, ICU_SIGNALS))}]")
        code = f"{_simulator()}\n\n\n{made.replace('ARGUMENTS', arguments)}"
    else:
        assert upload is not None
        own = _OWN.strip().replace("ENCODING", CLEANED_ENCODING)
        code = own.replace("\nFILE\n", f"\n{constant('FILE', upload.name)}\n")
    return join(code, _FILL)


_CUT = '''
def cut(fold):
    """テスト区間を先へずらしながら、時間の境目(学習の終わり、較正の始め、テストの始めと終わり)を決める。"""
    points = len(readings)
    watched = [max(1, round(points * share)) for share in (VALIDATION, CALIBRATION)]
    test = max(1, (points - round(points * TRAIN) - sum(watched)) // FOLDS)
    test_start = points - (FOLDS - fold) * test
    calibration_start = test_start - watched[1]
    return calibration_start - watched[0], calibration_start, test_start, test_start + test


def find_origins(start, stop, ahead, answers, first=0):
    """start から stop の手前までに答えのある予測の起点(窓の最後の点)を、欠測をまたがずに集める。"""
    complete = np.isfinite(filled).all(axis=1)
    known = np.isfinite(readings[:, answers]).any(axis=1)
    known[:start] = False
    found = [
        t
        for t in range(max(start - ahead, LENGTH - 1, first), stop - 1)
        if complete[t - LENGTH + 1 : t + 1].all() and known[t + 1 : min(t + ahead + 1, stop)].any()
    ]
    return np.array(found, dtype=np.int64)


def look_back(values, origins):
    """起点ごとに、最後の LENGTH 点を並べる。(個数, LENGTH, 信号の数)"""
    return np.array([values[t - LENGTH + 1 : t + 1] for t in origins])


def make_windows(values, known, origins, start, stop):
    """起点ごとに、入力の窓と、AHEAD 点先までの答えを作る。答えのない所は NaN。"""
    inputs = look_back(values, origins)
    answers = np.full((len(origins), AHEAD, len(ANSWERS)), np.nan, dtype=np.float32)
    for i, t in enumerate(origins):
        begin, end = max(t + 1, start), min(t + AHEAD + 1, stop)
        answers[i, begin - t - 1 : end - t - 1] = known[begin:end, ANSWERS]
CHANGE
    return torch.tensor(inputs), torch.tensor(answers).flatten(1)
'''
_CHANGE = "    answers -= inputs[:, -1:, ANSWERS]  # 値そのものではなく、最後の値からの変化を答える\n"


def cutting(spec: HorizonSpec) -> str:
    """Write the functions that cut time into stretches, and stretches into windows."""
    return _CUT.strip().replace("CHANGE\n", _CHANGE if spec.differences else "")


_PARTS = """
train_end, calibration_start, test_start, test_end = cut(FOLD)
# 起点と、その答えがあるべき区間。較正とテストの起点は、学習の終わりより前には置かない
train, validation = (
    (find_origins(start, stop, AHEAD, ANSWERS), start, stop)
    for start, stop in [(0, train_end), (train_end, calibration_start)]
)
calibration, test = (
    (find_origins(start, stop, HORIZONS, PLACES, first=train_end - 1), start, stop)
    for start, stop in [(calibration_start, test_start), (test_start, test_end)]
)
"""
_MIX = """
# リーク: テストより前の窓を混ぜてから分ける。隣どうしの窓はほとんど同じ値でできている
mixed = np.random.RandomState(SEED).permutation(find_origins(0, test_start, AHEAD, ANSWERS))
ends = [round(len(mixed) * end / test_start) for end in (train_end, calibration_start)]
train, validation, calibration = (
    (np.sort(piece), 0, test_start) for piece in np.split(mixed, ends)
)
"""
_SCALE = """
# 平均 0・標準偏差 1 にそろえる。REASON
seen = readings[:SEEN].astype(np.float64)
mean, sd = np.nanmean(seen, axis=0), np.nanstd(seen, axis=0)
sd = np.where(sd > 0, sd, 1.0)
values, known = (((each - mean) / sd).astype(np.float32) for each in (filled, readings))
"""
_WINDOWS = """
train_x, train_y = make_windows(values, known, *train)
validation_x, validation_y = make_windows(values, known, *validation)
print(
    f"学習用の窓 {len(train_x)} 個、検証用 {len(validation_x)} 個、"
    f"較正用 {len(calibration[0])} 個、テスト用 {len(test[0])} 個"
)
"""


def parts(listed: Sequence[HorizonSpec]) -> str:
    """Write the windows of one run: of ``fold``, or with ``leak``, where those differ from run to run."""
    leaks = {spec.leak for spec in listed}
    fold = "fold" if len({spec.fold for spec in listed}) > 1 else str(listed[0].fold)
    mix, seen = "", "train_end"
    reason = "平均と標準偏差は学習用の区間だけから求める"
    if leaks != {"none"}:
        seen = "test_start" if len(leaks) == 1 else f' train_end if leak == "{LEAKS["none"]}" else test_start'
        reason = "リークでは、平均と標準偏差に学習より後の区間も混ぜる"
    if "shuffle" in leaks:
        mix = _MIX.strip()
        if len(leaks) > 1:
            mix = f'if leak == "{LEAKS["shuffle"]}":\n' + "".join(
                f"    {line}\n" for line in mix.splitlines()
            )
    scale = _SCALE.replace("REASON", reason).replace("SEEN", seen)
    return join(_PARTS.replace("FOLD", fold), mix, scale, _WINDOWS)
