"""What an honest evaluation says: scores at chosen horizons, the verdict and why, intervals, folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st

from core import baselines
from core.accuracy import Score
from core.forecast import EVEN_MARGIN
from core.horizon_pool import Reason, Standing, best_rival, standings
from core.horizon_run import HorizonRun
from core.horizon_specs import MODEL, HorizonSpec
from core.horizon_windows import carried
from core.specs import SpecError
from pages.parts.vitals import evaluate_save
from pages.parts.vitals import evaluate_view as view
from pages.parts.vitals.evaluate_data import Source
from pages.parts.vitals.evaluate_view import LABELS
from pages.ui import compare, lesson, text
from pages.ui import side_by_side as parts
from pages.ui.runs import Watched

REASONS: dict[str, str] = {
    "constant_training": "学習区間の値が一定のため、定義できません",
    "short_training": "学習区間が短いため、求められません",
    "no_truth": "答え合わせのできる値がありません",
    "perfect_baseline": "「直前の値」の誤差が 0 のため、定義できません",
    "not_finite": "予測が数値になりませんでした",
    "too_few": "較正に使える答えが足りません",
}
Found = dict[int, dict[str, Standing]]


def _told(score: Score, percent: bool = False) -> str:
    if score.value is None:
        return "—"
    if percent:
        return "0%" if abs(score.value) < 0.005 else f"{score.value:+.0%}".replace("-", "−")
    return text.number(score.value)


def chosen_horizons(spec: HorizonSpec) -> list[int]:
    """Return the first horizon, two between, and the last."""
    last = spec.horizons
    return sorted({1, max(1, round(last / 3)), max(1, round(2 * last / 3)), last})


def show(slot: str, watched: Watched, source: Source) -> None:
    """Show tables, charts and sentences of an honest evaluation, for one target at a time."""
    results: tuple[HorizonRun, ...] = watched.run.result
    spec: HorizonSpec = watched.spec
    if any(result.ending == "diverged" for result in results):
        st.error(
            "損失が数値として計算できなくなりました(発散)。学習率を下げるか、勾配クリッピングを入れて試してください。"
        )
        return
    names = list(spec.panel.targets)
    target = 0
    if len(names) > 1:
        chosen = st.segmented_control(
            "結果を見る信号",
            names,
            default=names[0],
            required=True,
            format_func=lambda name: text.plain(source.labels.get(name or "", "")),
            key="ve_seen",
        )
        target = names.index(chosen) if chosen in names else 0
    found = {h: standings(results, target, h) for h in range(1, spec.horizons + 1)}
    unit = source.units.get(names[target], "")
    lesson.score(slot, watched.specs, lambda: answer(results, spec, source))
    _sentences(found, spec, source, results)
    left, right = st.columns(2, gap="large")
    with left:
        _errors(found, unit)
    with right:
        _fan(source, spec, results[-1], target)
    _table(found, spec, source)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**予測区間は、約束した割合だけ当たったか**")
        view.show_coverage(found, 1 - spec.alpha)
    with right:
        _interval_words(found, spec)
    if len(results) > 1:
        _folds(results, target, spec, source, unit)
    evaluate_save.show(watched, results, target, source)
    _formula(results[-1], found, spec, target, source)
    _pin(watched, found, spec, unit)
    evaluate_save.show_code(watched, source)


@st.fragment
def _errors(found: Found, unit: str) -> None:
    metric = parts.choice("ものさし", {name: name for name in view.METRICS}, "ve_metric")
    view.show_errors(found, metric, unit)


@st.fragment
def _fan(source: Source, spec: HorizonSpec, run: HorizonRun, target: int) -> None:
    """Show the forecasts from one origin of the test, which a slider chooses."""
    rows = np.flatnonzero(run.origins >= run.stretches.test.start - 1)
    if len(rows) > view.MAX_ORIGINS:
        rows = rows[np.linspace(0, len(rows) - 1, view.MAX_ORIGINS).astype(int)]
    place = (
        st.slider("予測の起点(テスト区間の中)", 1, len(rows), 1 + len(rows) // 2, key="ve_origin")
        if len(rows) > 1
        else 1
    )
    row = int(rows[min(place, len(rows)) - 1])
    wanted = st.pills(
        "重ねる予測",
        [LABELS[name] for name in LABELS if name != MODEL],
        default=[LABELS["persistence"]],
        selection_mode="multi",
        key="ve_overlay",
    )
    names = [name for name in LABELS if LABELS[name] in wanted]
    view.show_fan(source, spec, run, target, row, _rivals(source, spec, run, target, row, names))


def _rivals(
    source: Source, spec: HorizonSpec, run: HorizonRun, target: int, row: int, names: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Forecast by baselines from one origin."""
    assert source.panel is not None
    filled = carried(source.panel.columns((spec.panel.targets[target],)), spec.carry)[:, 0]
    found: dict[str, npt.NDArray[np.float64]] = {}
    for name in names:
        try:
            found[name] = baselines.forecast(
                name,
                filled,
                run.stretches.train.stop,
                run.origins[row : row + 1],
                spec.horizons,
                period=spec.period,
                order=spec.order,
            )[0]
        except SpecError:
            continue  # said in the table
    return found


def answer(results: Sequence[HorizonRun], spec: HorizonSpec, source: Source) -> lesson.Answer:
    """Say which forecast has the least error at the last horizon of the first target."""
    found = standings(results, 0, spec.horizons)
    ranked = sorted((s for s in found.values() if s.mae.value is not None), key=lambda s: s.mae.value or 0.0)
    if not ranked:
        return lesson.Answer("—", "答え合わせのできる値がありませんでした。")
    name = spec.panel.targets[0]
    unit = text.plain(source.units.get(name, ""))
    told = "、".join(f"{LABELS[s.model]} {text.number(s.mae.value or 0.0)}" for s in ranked[:3])
    return lesson.Answer(
        LABELS[ranked[0].model],
        f"{text.plain(source.labels[name])}の{source.ahead(spec.horizons)}の MAE{unit and f'({unit})'}は、"
        f"小さい順に {told} でした。",
    )


def _verdict(found: dict[str, Standing]) -> tuple[str, Standing | None, float | None]:
    """Judge the network at one horizon against the best baseline: better, even, worse or unknown."""
    mine, rival = found[MODEL], best_rival(found)
    if mine.mae.value is None or rival is None or not rival.mae.value:
        return "unknown", rival, None
    gain = 1 - mine.mae.value / rival.mae.value
    if abs(gain) < EVEN_MARGIN:
        return "even", rival, gain
    return ("better" if gain > 0 else "worse"), rival, gain


def _sentences(found: Found, spec: HorizonSpec, source: Source, results: Sequence[HorizonRun]) -> None:
    """Say at which horizons the network beats every baseline, and what decides."""
    judged = {h: _verdict(found[h]) for h in found}
    wins = [h for h, (kind, _, _) in judged.items() if kind == "better"]
    losses = [h for h, (kind, _, _) in judged.items() if kind == "worse"]
    total = len(judged)
    if wins and len(wins) == total:
        head = "このネットワークは、**すべての先の長さで、いちばん良い単純な予測に勝っています**。"
    elif wins:
        head = (
            f"このネットワークは、{total} 通りの先の長さのうち **{len(wins)} 通りで勝ち、"
            f"{len(losses)} 通りで負けています**(残りは差が 5% 未満の引き分けです)。"
        )
    else:
        head = (
            "このネットワークは、**どの先の長さでも、いちばん良い単純な予測に勝てていません**。"
            "この設定では、ネットワークを使う利点は言えません。"
        )
    st.markdown(head)
    lines = []
    for h in chosen_horizons(spec):
        kind, rival, gain = judged[h]
        if rival is None or gain is None:
            reason = found[h][MODEL].mae.reason
            lines.append(f"{source.ahead(h)}: {REASONS.get(str(reason), '比べられません')}。")
            continue
        word = {"better": "勝ち", "even": "引き分け", "worse": "負け"}[kind]
        verb = "小さい" if gain > 0 else "大きい"
        lines.append(
            f"{source.ahead(h)}: **{word}**。最良の単純な予測は「{LABELS[rival.model]}」で、"
            f"ネットワークの誤差はその {1 - gain:.2f} 倍({abs(gain):.0%} {verb})です。"
        )
    run = results[-1]
    ended = {
        "early": f"検証損失が {spec.training.patience} エポック続けて良くならなかったため、"
        f"{len(run.history)} エポックで止め、"
        f"いちばん良かった {run.weights_epoch} エポック目の重みを使いました。",
        "stopped": "途中で停止したため、その時点までで検証損失がいちばん低かった重みを使いました。",
    }.get(
        run.ending,
        f"{len(run.history)} エポックを学習し、検証損失がいちばん低かった {run.weights_epoch} エポック目の"
        "重みを使いました。",
    )
    lines.append(ended + ("(最後の回)" if len(results) > 1 else ""))
    parts.points(lines)
    why = _unseen(run, spec, source, found)
    parts.whys([why] if why else [])


def _unseen(run: HorizonRun, spec: HorizonSpec, source: Source, found: Found) -> str:
    """Say that the test lies outside what the network has learnt from, if it does and the network lost."""
    if source.panel is None or _verdict(found[spec.horizons])[0] != "worse":
        return ""
    values = source.panel.columns(spec.panel.targets[:1])[:, 0]
    seen, later = values[run.stretches.train], values[run.stretches.test]
    low, high = np.nanmin(seen), np.nanmax(seen)
    known = later[np.isfinite(later)]
    outside = float(((known < low) | (known > high)).mean()) if len(known) else 0.0
    if outside < 0.1:
        return ""
    return (
        f"テスト区間の値の {outside:.0%} が、"
        f"学習区間の範囲({text.number(float(low))}〜{text.number(float(high))})の外にあります。ネットワークは、一度も見たことのない高さの値を答えるように教わっていません。"
        "「直前の値」は、いま見えている高さから出発するので、ずれません。"
    )


def _table(found: Found, spec: HorizonSpec, source: Source) -> None:
    """List the scores of every model at a few horizons; what is undefined is said in words below."""
    for h, tab in zip(
        chosen_horizons(spec), st.tabs([source.ahead(h) for h in chosen_horizons(spec)]), strict=True
    ):
        with tab:
            rows, notes = [], []
            for name, s in found[h].items():
                coverage = "—" if s.coverage is None else f"{s.coverage:.0%}"
                label = text.unbroken(LABELS[name])
                label = f"**{label}**" if name == MODEL else label
                rows.append(
                    [label, _told(s.mae), _told(s.rmse), _told(s.mase), _told(s.skill, True), coverage]
                )
                notes += _undefined(LABELS[name], s)
            parts.table(["予測", "MAE", "RMSE", "MASE", "スキル", "区間内"], rows)
            for note in dict.fromkeys(notes):
                st.caption(note)
            st.caption(
                f"答え合わせは {found[h][MODEL].count:,} 回。"
                "MASE は、学習区間の「1点前との差」の平均を 1 とした誤差です。"
                "スキルは「直前の値」より何%良いか、右端は名目 "
                f"{1 - spec.alpha:.0%} の予測区間に実際に入った割合です。"
            )


def _undefined(label: str, standing: Standing) -> list[str]:
    if standing.refused:
        return [f"{label}: {standing.refused}"]
    told = {
        "MAE": standing.mae.reason,
        "MASE": standing.mase.reason,
        "スキル": standing.skill.reason,
        "予測区間": standing.coverage_reason,
    }
    reasons: dict[Reason, list[str]] = {}
    for what, reason in told.items():
        if reason is not None:
            reasons.setdefault(reason, []).append(what)
    return [f"{label}の {'・'.join(what)}: {REASONS[reason]}。" for reason, what in reasons.items()]


def _interval_words(found: Found, spec: HorizonSpec) -> None:
    nominal = 1 - spec.alpha
    shares = [s[MODEL].coverage for s in found.values()]
    known = [share for share in shares if share is not None]
    if not known:
        return
    mean = sum(known) / len(known)
    if mean < nominal - 0.05:
        verdict = (
            f"平均 {mean:.0%} で、名目の {nominal:.0%} に**届いていません**。"
            "較正に使った区間よりも、テスト区間の値のほうが予測しにくかったということです"
            "(患者さんの状態が変わると、過去の誤差から作った区間は狭すぎます)。"
        )
    elif mean > nominal + 0.05:
        verdict = (
            f"平均 {mean:.0%} で、名目の {nominal:.0%} より**広すぎました**。"
            "較正に使った区間のほうが、テスト区間より予測しにくかったためです。"
        )
    else:
        verdict = f"平均 {mean:.0%} で、名目の {nominal:.0%} と**ほぼ一致**しました。"
    st.markdown(
        "予測区間は「予測 ± 幅」です。幅は、学習に使っていない較正区間での外れ幅を小さい順に並べ、"
        f"{nominal:.0%} のところの値を使います(スプリット・コンフォーマル法)。"
    )
    st.markdown(f"テスト区間で実際に入った割合は、{verdict}")
    st.caption(
        "この方法の保証は「データの順番を入れ替えても性質が変わらない」ときのものです。"
        "時系列ではその前提が崩れるので、約束した割合ではなく、測った割合を信じてください。"
    )


def _folds(results: Sequence[HorizonRun], target: int, spec: HorizonSpec, source: Source, unit: str) -> None:
    """List the network and persistence fold by fold, so that luck with one stretch is not read as skill."""
    st.markdown(f"**起点をずらした {len(results)} 回の評価**({source.ahead(spec.horizons)})")
    rows, gains = [], []
    for number, run in enumerate(results, 1):
        one = standings([run], target, spec.horizons)
        rival = best_rival(one)
        kind, _, gain = _verdict(one)
        gains.append(gain)
        word = {"better": "勝ち", "even": "引き分け", "worse": "負け", "unknown": "—"}[kind]
        best = "—" if rival is None else f"{LABELS[rival.model]} {_told(rival.mae)}"
        rows.append(
            [
                str(number),
                f"{run.windows[0]:,}",
                _told(one[MODEL].mae),
                _told(one["persistence"].mae),
                best,
                word,
            ]
        )
    parts.table(
        [
            "回",
            "学習の窓",
            f"ネットワークのMAE{unit and f'({text.plain(unit)})'}",
            "直前の値",
            "最良の単純な予測",
            "判定",
        ],
        rows,
    )
    known = [g for g in gains if g is not None]
    if known:
        st.markdown(
            f"ネットワークの誤差は、最良の単純な予測の {1 - max(known):.2f}〜{1 - min(known):.2f} 倍でした。"
            "1回の成績だけで決めず、ばらつきごと見てください。"
        )


def _formula(run: HorizonRun, found: Found, spec: HorizonSpec, target: int, source: Source) -> None:
    last = found[spec.horizons][MODEL]
    naive = found[spec.horizons]["persistence"]
    scale = run.targets[target].scale
    with st.expander("数式で見る(この評価の数字)"):
        st.latex(r"\mathrm{MAE}_h = \frac{1}{n}\sum_{t}|y_{t+h} - \hat y_{t+h|t}|")
        if last.mae.value is not None and scale.value and last.mase.value is not None:
            st.latex(
                r"\mathrm{MASE}_h = \frac{\mathrm{MAE}_h}{\frac{1}{T-1}\sum_{t=2}^{T}|y_t - y_{t-1}|}"
                + (
                    rf" = \frac{{{last.mae.value:.4g}}}{{{scale.value:.4g}}} = {last.mase.value:.3g}"
                    if spec.folds == 1
                    else rf" = {last.mase.value:.3g}"
                )
            )
        if last.skill.value is not None and naive.mae.value is not None and last.mae.value is not None:
            st.latex(
                rf"\mathrm{{skill}}_h = 1 - \frac{{\mathrm{{MAE}}}}{{\mathrm{{MAE}}_{{naive}}}}"
                rf" = 1 - \frac{{{last.mae.value:.4g}}}{{{naive.mae.value:.4g}}} = {last.skill.value:.3g}"
            )
        bands = run.targets[target].models[MODEL].bands
        band = bands[spec.horizons - 1] if bands else None
        if band is not None and band.half_width is not None:
            st.latex(
                rf"q = |e|_{{(\lceil (n+1)(1-\alpha) \rceil)}} = |e|_{{({band.rank})}}"
                rf" = {band.half_width:.4g}\quad (n = {band.count},\ \alpha = {spec.alpha:g})"
            )
        st.caption(f"h = {spec.horizons}({source.ahead(spec.horizons)})の数字です。")


def _pin(watched: Watched, found: Found, spec: HorizonSpec, unit: str) -> None:
    last, first = found[spec.horizons], found[1]
    cell = text.CELL_LABELS[spec.model.name]
    compare.pin_button(
        "vitals_honest",
        f"{cell} {spec.horizons}点先まで",
        {
            "データ": {"icu": "ICUの模擬患者", "article": "例題の波形", "upload": "自分のCSV"}[
                spec.panel.source
            ],
            "入力": f"{len(spec.panel.inputs)} 信号",
            "ネットワーク": f"{cell} {spec.model.hidden}",
            "窓": f"窓 {spec.length}",
            "予測のしかた": {"direct": "まとめて", "recursive": "くり返し"}[spec.strategy],
            "回数": f"{len(watched.specs)} 回",
        },
        {
            f"1点先のMAE{unit and f'({unit})'}": first[MODEL].mae.value,
            f"{spec.horizons}点先のMAE{unit and f'({unit})'}": last[MODEL].mae.value,
            f"{spec.horizons}点先の直前の値": last["persistence"].mae.value,
            "区間に入った割合": last[MODEL].coverage,
        },
        watched.run.result[0].seconds,
        watched.run.rows,
    )
