"""The last sections of a script of many horizons: the baselines, the scores, and a picture."""

from __future__ import annotations

from collections.abc import Sequence

from core.horizon_script_data import LEAKS
from core.horizon_specs import MODEL, RIVALS, HorizonSpec
from core.script_parts import join
from core.script_picture import FONT

LABELS = {
    MODEL: "ネットワーク",
    "persistence": "直前の値",
    "seasonal": "季節ナイーブ",
    "drift": "ドリフト",
    "mean": "学習区間の平均",
    "autoregression": "自己回帰",
}
"""What the script calls each model."""
assert set(LABELS) == {MODEL, *RIVALS}

_BASELINES = '''
def autoregression(series, train_end, origins):
    """直前 ORDER 点の重み付きの和で次の値を答え、それを次の入力に戻す。重みは最小二乗法で求める。"""
    if train_end <= ORDER:
        return None
    rows = np.lib.stride_tricks.sliding_window_view(series[:train_end], ORDER + 1)
    rows = rows[np.isfinite(rows).all(axis=1)]
    if len(rows) <= ORDER:
        return None
    level = rows[0, 0]  # 最初に引いておくと、一定の値がちょうど 0 になる
    inputs, targets = rows[:, :ORDER] - level, rows[:, -1] - level
    inputs_mean, target_mean = inputs.mean(axis=0), targets.mean()
    weights = np.linalg.lstsq(inputs - inputs_mean, targets - target_mean, rcond=None)[0]
    intercept = level + target_mean - (inputs_mean + level) @ weights
    path = np.empty((len(origins), ORDER + HORIZONS))
    path[:, :ORDER] = np.lib.stride_tricks.sliding_window_view(series, ORDER)[origins - ORDER + 1]
    for step in range(HORIZONS):
        path[:, ORDER + step] = path[:, step : ORDER + step] @ weights + intercept
    return path[:, ORDER:]


def baselines(series, train_end, origins):
    """学習しない方法で予測する。求められないものは None。どれも起点より後の値は見ない。"""
    ahead = np.arange(1, HORIZONS + 1)
    last = np.repeat(series[origins][:, None], HORIZONS, axis=1)
    season = None
    if PERIOD <= train_end:  # 1周期前の同じ位相の値。欠測なら、もう1周期前を見る
        place = origins[:, None] + ahead - PERIOD * -(-ahead // PERIOD)
        for _ in range(len(series) // PERIOD):
            place = np.where((place >= 0) & np.isnan(series[place]), place - PERIOD, place)
        season = np.where(place >= 0, series[place], np.nan)
    known = np.flatnonzero(np.isfinite(series[:train_end]))
    first, final = known[[0, -1]]  # 学習用の区間の最初と最後を結ぶ傾き
    slope = (series[final] - series[first]) / (final - first)
    return {
        "PERSISTENCE": last,
        "SEASONAL": season,
        "DRIFT": last + slope * ahead,
        "MEAN": np.full(last.shape, series[known].mean()),
        "AUTOREGRESSION": autoregression(series, train_end, origins),
    }
'''
_SCORES = '''
def came_true(series, origins, start, stop):
    """起点のそれぞれから 1〜HORIZONS 点先の正解。区間の外は NaN。"""
    place = origins[:, None] + np.arange(1, HORIZONS + 1)
    inside = (place >= start) & (place < stop)
    return np.where(inside, series[np.minimum(place, len(series) - 1)], np.nan)


def half_widths(truth, answer):
    """較正区間での誤差を小さい順に並べ、⌈(n + 1)(1 − ALPHA)⌉ 番目を予測区間の半分の幅とする。"""
    widths = []
    for came, said in zip(truth.T, answer.T):
        errors = np.sort(np.abs(came - said)[np.isfinite(came)])
        rank = math.ceil((len(errors) + 1) * (1 - Fraction(ALPHA).limit_denominator(10**6)))
        enough = rank <= len(errors) and np.isfinite(errors).all()
        widths.append(float(errors[rank - 1]) if enough else math.nan)
    return widths


def judge(name, truth, answer, repeated, scale, widths=None):
    """先の長さごとに採点して表示し、MAE を返す。repeated は「直前の値」の予測。"""
    maes = []
    for h in range(HORIZONS):
        known = np.isfinite(truth[:, h])
        errors, naive = (np.abs(each[known, h] - truth[known, h]) for each in (answer, repeated))
        mae = np.mean(errors)
        scores = {"MAE": mae, "RMSE": np.sqrt(np.mean(errors**2)), "MASE": mae / scale}
        scores["スキル"] = 1 - mae / np.mean(naive)
        if widths is not None:
            scores["予測区間の半分の幅"] = width = widths[h]
            scores["入った割合"] = np.mean(errors <= width) if math.isfinite(width) else math.nan
        told = ", ".join(f"{key} {float(value)!r}" for key, value in scores.items())
        print(f"  {name} {h + 1} 点先: {told}")
        maes.append(mae)
    return maes
'''
_TEST = """
tested = forecast(model, values, mean, sd, test[0])
calibrated = forecast(model, values, mean, sd, calibration[0])
for number, (name, place) in enumerate(zip(TARGETS, PLACES)):
    print(f"テスト({name})")
    series, seen = filled[:, place].astype(np.float64), readings[:, place].astype(np.float64)
    steps = np.abs(np.diff(seen[:train_end]))
    scale = np.mean(steps[np.isfinite(steps)])  # MASE の物差し: 1点の変化の大きさの平均
    truth, answer = came_true(seen, *test), tested[:, :, number]
    past_truth, past = came_true(seen, *calibration), calibrated[:, :, number]
    others = baselines(series, train_end, test[0])
    befores = baselines(series, train_end, calibration[0])
    repeated, widths = others["PERSISTENCE"], half_widths(past_truth, past)
    curves = {"MODEL": judge("MODEL", truth, answer, repeated, scale, widths)}
    for rival, said in others.items():
        if said is None:
            print(f"  {rival}: 学習用の区間が短く、求められません。")
            continue
        WIDTHS
        curves[rival] = judge(rival, truth, said, repeated, scale, rival_widths)
    judge("見立て(較正区間)", past_truth, past, befores["PERSISTENCE"], scale)
    pictures.append((name, curves, truth[:, -1], answer[:, -1], widths[-1]))
"""
_MIXED = """
        # 混ぜた窓では、較正の起点が学習の途中にもあるので、予測区間を作らない
        rival_widths = None
"""
_MAYBE_MIXED = """
        # 混ぜた窓では、較正の起点が学習の途中にもあるので、予測区間を作らない
        mixed_up = leak == "SHUFFLE"
        rival_widths = None if mixed_up else half_widths(past_truth, befores[rival])
"""
_HONEST = "rival_widths = half_widths(past_truth, befores[rival])"
_PICTURE = """
figure, axes = plt.subplots(1, 3, figsize=(15, 4))
axes[0].plot(range(1, len(train_losses) + 1), train_losses, label="学習損失")
axes[0].plot(range(1, len(train_losses) + 1), validation_losses, label="検証損失")
axes[0].set(xlabel="エポック", ylabel="損失")
name, curves, truth, answer, width = pictures[0]  # SAID
for model_name, maes in curves.items():
    axes[1].plot(range(1, HORIZONS + 1), maes, marker=".", label=model_name)
axes[1].set(xlabel="何点先か", ylabel=f"{name}の平均絶対誤差(MAE)")
place = test[0] + HORIZONS
axes[2].plot(place, truth, label="正解", color="black")
axes[2].plot(place, answer, label=f"{HORIZONS} 点先の予測")
axes[2].fill_between(place, answer - width, answer + width, alpha=0.3, label="予測区間")
axes[2].set(xlabel="点の番号", ylabel=name)
for axis in axes:
    axis.legend()
figure.tight_layout()
figure.savefig("FILE", dpi=150)
if plt.get_backend().lower() != "agg":  # 画面があれば表示する
    plt.show()
"""


def _labelled(text: str) -> str:
    for name, label in LABELS.items():
        text = text.replace(f'"{name.upper()}"', f'"{label}"')
    return text.replace('"MODEL"', f'"{LABELS[MODEL]}"')


def baselines() -> str:
    """Write the forecasts that need no network."""
    return _labelled(_BASELINES.strip())


def scores() -> str:
    """Write how forecasts are judged."""
    return _SCORES.strip()


def testing(listed: Sequence[HorizonSpec]) -> str:
    """Write the judgement of one run; with mixed windows the baselines have nothing to calibrate by."""
    leaks = {spec.leak for spec in listed}
    widths = _HONEST
    if "shuffle" in leaks:
        widths = (_MIXED if len(leaks) == 1 else _MAYBE_MIXED.replace("SHUFFLE", LEAKS["shuffle"])).strip()
    return _labelled(_TEST.strip().replace("WIDTHS", widths))


def picture(listed: Sequence[HorizonSpec], file_name: str) -> str:
    """Write the plot: losses, errors over horizons, and the furthest forecasts of the test."""
    text = _PICTURE.strip().replace("FILE", file_name)
    said = "最初の信号" if len(listed) == 1 else "最後の回の、最初の信号"
    return join(FONT, text.replace("SAID", said))
