"""The data section of the textbook scripts: a table of patients, the article's wave, windows over time."""

from __future__ import annotations

from functools import lru_cache

from core.cohorts import COHORTS, COLUMNS, Cohort, arguments
from core.script_parts import join
from core.script_source import module_source, source
from core.series import ARTICLE_NOISE, ARTICLE_POINTS
from core.specs import ForecastSpec, TableRunSpec

LOADERS = {"breast_cancer": "load_breast_cancer", "diabetes": "load_diabetes", "digits": "load_digits"}

_SPLIT = """
# {what}の順番を混ぜ、テスト用・検証用・学習用に分ける
order = np.random.RandomState({seed}).permutation(len(x))
test_count = round(len(x) * {test!r})
validation_count = round(len(x) * {validation!r})
test, validation, train = np.split(order, [test_count, test_count + validation_count])
"""
_SCALE = """
# 平均 0・標準偏差 1 にそろえる。平均と標準偏差は学習用の患者だけから求める
x = ((x - x[train].mean(axis=0)) / x[train].std(axis=0)).astype(np.float32)
"""
_CLASSES = """
x, y = torch.tensor(x), torch.tensor(y)
"""
_MISTYPED = """
# 学習用の患者のうち {count} 人の血圧に、0 を1つ多く打ち間違える(130 → 1300)
y = y.copy()
y[train[:{count}]] *= 10
"""
_NUMBERS = """
y = ((y - y[train].mean()) / y[train].std()).astype(np.float32)
x, y = torch.tensor(x), torch.tensor(y).unsqueeze(-1)
"""
_ROBUST_NUMBERS = """
# 答えは、外れ値に振り回されにくい中央値と四分位範囲でそろえる
low, middle, high = np.percentile(y[train], [25, 50, 75])
y = ((y - middle) / (high - low)).astype(np.float32)
x, y = torch.tensor(x), torch.tensor(y).unsqueeze(-1)
"""
_SORTED = """
# 学習用の患者を、答えの大きい順に並べる
train = train[np.argsort(-y[train].numpy().ravel(), kind="stable")]
"""
_PARTS = """
train_x, train_y = x[train], y[train]
validation_x, validation_y = x[validation], y[validation]
test_x, test_y = x[test], y[test]
print(
    f"学習用 {{len(train)}} {counted}、検証用 {{len(validation)}} {counted}、"
    f"テスト用 {{len(test)}} {counted}"
)
"""


def patients(spec: TableRunSpec) -> str:
    """Write how the table is loaded or simulated, cut and scaled."""
    table, cohort = spec.table, COHORTS[spec.table.name]
    counted = "枚" if cohort.side else "人"
    split = _SPLIT.format(
        seed=table.seed, test=table.test, validation=table.validation, what="画像" if cohort.side else "患者"
    ).strip()
    if table.train_rows is not None:
        what = "画像" if cohort.side else "患者"
        split += f"\ntrain = train[:{table.train_rows}]  # 学習に使う{what}を減らす"
    if not cohort.side:
        split = join(split, _SCALE)
    if cohort.make is not None:
        values = ", ".join(map(repr, arguments(cohort, table)))
        load = f"{_source(cohort)}\n\n\nx, y = {cohort.make.__name__}({values})"
        if cohort.is_map:
            made = ", ".join(COLUMNS[column] for column in table.columns)
            load += f"\nx1, x2 = x[:, 0], x[:, 1]\nx = np.column_stack([{made}])"
        load += "\nx = x.astype(np.float32)" if cohort.side else ""
        load += "\ny = y.astype(np.int64)" if cohort.classes else ""
    elif table.name == "breast_cancer":
        load = "data = load_breast_cancer()\nx = data.data\n"
        load += "y = (1 - data.target).astype(np.int64)  # 元のデータと逆に、悪性を 1、良性を 0 とする"
    elif table.name == "digits":
        load = "data = load_digits()  # 8×8 の画像。濃さは 0 から 16\n"
        load += "x = (data.images[:, None] / 16).astype(np.float32)\ny = data.target.astype(np.int64)"
    else:
        load = "data = load_diabetes(scaled=False)\nx, y = data.data, data.target"
    parts = _PARTS.format(counted=counted)
    in_order = _SORTED.strip() if table.sorted_labels else ""
    if cohort.classes:
        return join(load, split + _CLASSES.rstrip(), in_order, parts)
    mistyped = _MISTYPED.format(count=table.mistyped).strip() if table.mistyped else ""
    numbers = (_ROBUST_NUMBERS if cohort.robust else _NUMBERS).strip()
    return join(load, split, mistyped, numbers, in_order, parts)


def _source(cohort: Cohort) -> str:
    """Write the function that simulates a table, and what it needs, in Japanese dress."""
    assert cohort.make is not None
    if not cohort.side:
        return source(cohort.make, {cohort.make.__name__: f"{cohort.label}の患者を作る。"})
    return _film() + "\n\n\n" + source(cohort.make, {cohort.make.__name__: f"{cohort.label}の画像を作る。"})


@lru_cache(maxsize=1)
def _film() -> str:
    return module_source("core.phantom", {"film": "胸部X線の模式図を1枚描く。どの患者のものでもない。"})


ARTICLE = f"""
# 正弦波 5 周期ぶんに、標準偏差 {ARTICLE_NOISE} の雑音を足した {ARTICLE_POINTS} 点
np.random.seed(0)
wave = np.sin(np.linspace(0, 10 * np.pi, {ARTICLE_POINTS}))
values = (wave + np.random.normal(0, {ARTICLE_NOISE}, {ARTICLE_POINTS})).astype(np.float32)
"""


_WINDOWS = '''
def make_windows(start, stop):
    """start 番目から stop 番目の手前までの値について、直前の LENGTH 点と答えの組を作る。"""
    places = range(max(start, LENGTH), stop)
'''
_ALL = """
    return np.array([values[t - LENGTH : t + 1] for t in places])
"""
_COMPLETE = """
    windows = np.array([values[t - LENGTH : t + 1] for t in places])
    return windows[np.isfinite(windows).all(axis=1)]  # 欠測をまたぐ窓は使わない
"""
_TENSORS = '''
def to_tensors(windows):
    """窓を入力 (個数, LENGTH, 1) と答え (個数, 1) に分ける。"""
'''


def windows(spec: ForecastSpec) -> str:
    """Write how ``values`` are cut into windows for training, validation and test, in time order."""
    own, split = spec.series.source == "upload", spec.split
    make = _WINDOWS.rstrip("\n") + (_COMPLETE if own else _ALL)
    tensors = _TENSORS.rstrip("\n")
    if spec.standardize:
        tensors += "\n    windows = (windows - mean) / sd"
    tensors += "\n    return torch.tensor(windows[:, :-1]).unsqueeze(-1), torch.tensor(windows[:, -1:])"
    cut = f"# 時間の順に区切る\ntrain_end = round(len(values) * {split.train!r})"
    parts = "train_x, train_y = to_tensors(make_windows(0, train_end))"
    counts, last = "学習用の窓 {len(train_x)} 個、", "train_end"
    if split.validation > 0:
        last = "validation_end"
        cut += f"\nvalidation_end = round(len(values) * ({split.train!r} + {split.validation!r}))"
        parts += "\nvalidation_x, validation_y = to_tensors(make_windows(train_end, validation_end))"
        counts += "検証用 {len(validation_x)} 個、"
    scale = ""
    if spec.standardize:
        scale = "# 平均 0・標準偏差 1 にそろえる。平均と標準偏差は学習用の区間だけから求める\n"
        scale += "seen = values[:train_end].astype(np.float64)\n"
        scale += "seen = seen[np.isfinite(seen)]\n" if own else ""
        scale += "mean, sd = float(seen.mean()), float(seen.std())"
        scale += " or 1.0" if own else ""
    parts += f"\ntest_windows = make_windows({last}, len(values))"
    parts += "\ntest_x, test_y = to_tensors(test_windows)"
    parts += f'\nprint(f"{counts}テスト用 {{len(test_x)}} 個")'
    return "\n\n\n".join(b.strip("\n") for b in (join(cut, scale), make, tensors, parts))
