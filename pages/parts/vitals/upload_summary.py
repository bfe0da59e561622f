"""What was understood of a file, in a few lines; what stops it; and what the reader is asked."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.vitals import Choices, Imported
from core.vitals.export import cleaned_csv, cleaned_name
from core.vitals.signals import KINDS
from pages.parts.vitals import upload_choices
from pages.parts.vitals import upload_words as words
from pages.parts.vitals.taken import Refusal, Taken
from pages.ui import text

MAX_LISTED = 200
MAX_BUTTONS = 6
SPARSE = (
    "**1日に数回の記録ですね。** "
    "測る時刻がまちまちだと、「ひとつ前の値」が3時間前のことも、1日前のこともあります。"
    "RNNは点と点の間隔が同じだと思って読むため、このままでは時間の長さを取り違えて覚えてしまいます。\n\n"
    "そこで、**朝(4〜12時)か晩(17〜翌4時)の平均を1日1点**の並びにまとめるのがおすすめです。"
    "同じ時間帯どうしなら、間隔のそろった経過として学習できます。"
)
UNEVEN = (
    "測定の間隔がそろっていません。ここでは「測った順の並び」として学習します。"
    "時間の長さは考慮されないため、結果は参考程度に見てください。"
)


def show(taken: Taken) -> None:
    """Show what stops the file, or what was understood and what can be decided about it."""
    if taken.refusal is not None:
        _refused(taken, taken.refusal)
    imported = taken.imported
    if imported is None:
        if taken.refusal is not None and taken.refusal.kind == "other":
            upload_choices.panel(taken)
        return
    _understood(imported)
    _offers(taken, imported)
    if not taken.used:
        st.caption(
            "列の意味・単位・時刻が合っていれば、「この内容で使う」を押してください。違っていれば「読み方を変える」で直せます。"
        )
        st.button(
            "この内容で使う",
            type="primary",
            icon=":material/check:",
            key="vitals_csv_use",
            on_click=_use,
            args=(taken,),
        )


def more(taken: Taken) -> None:
    """Offer the details, the overrides and the cleaned CSV; what is folded costs nothing."""
    imported = taken.imported
    if imported is None:
        return
    _details(taken)
    upload_choices.panel(taken)
    st.download_button(
        "整えたCSVを保存",
        lambda: cleaned_csv(imported),
        cleaned_name(taken.name),
        "text/csv",
        icon=":material/download:",
        key="vitals_csv_save",
        on_click="ignore",
        help="UTF-8(BOM付き)なので、Excelでそのまま開けます。",
    )
    if not imported.scriptable:
        st.caption(f"{imported.unscriptable}、学習のスクリプトは、この整えたCSVを読みます。")


def sparse(imported: Imported) -> bool:
    """Say whether the readings are a few a day, which no network of regular steps should read as they are."""
    return any(proposal.kind == "daily" for proposal in imported.proposals)


def _use(taken: Taken) -> None:
    taken.used = True


def _refused(taken: Taken, refusal: Refusal) -> None:
    """Show why a reading was refused, and the one click that may help."""
    if refusal.kind == "patient":
        st.warning(refusal.message, icon=":material/groups:")
        _patients(taken, refusal)
        return
    st.error(refusal.message, icon=":material/block:")
    if refusal.kind == "personal":
        st.button(
            "これらの列を除いて読む",
            icon=":material/person_off:",
            key="vitals_csv_without",
            on_click=taken.read,
            args=(replace(taken.tried, remove_personal=True),),
        )
        st.caption(
            "除いた列は、画面にも、整えたCSVにも、学習にも残りません。"
            "やめるときは、ファイル名の右の「×」で外してください。元のファイルもメモリから消えます。"
        )
    elif taken.imported is not None:
        st.caption("ひとつ前の読み方の結果を、そのまま下に表示しています。")
    elif taken.tried != Choices():
        st.button("自動の読み方に戻す", key="vitals_csv_again", on_click=taken.read, args=(Choices(),))


def _patients(taken: Taken, refusal: Refusal) -> None:
    rows = {option.value: option.rows for option in refusal.options}

    def label(value: str) -> str:
        return f"{value}({rows.get(value, 0):,} 行)"

    key = f"vitals_csv_who_{taken.file_id}_{taken.turn}"
    chosen: str | None
    if len(rows) <= MAX_BUTTONS:
        chosen = st.segmented_control("患者さんを選ぶ", list(rows), format_func=label, key=key, wrap=True)
    else:
        chosen = st.selectbox(
            "患者さんを選ぶ",
            list(rows),
            index=None,
            placeholder="1人を選んでください",
            format_func=label,
            key=key,
        )
    if chosen is not None:
        taken.read(replace(taken.tried, patient=chosen))
        st.rerun()


def _understood(imported: Imported) -> None:
    told = [
        f"**{words.headline(imported)}**",
        f"時刻: {words.period(imported)}",
        f"信号: {words.signals(imported)}",
    ]
    turned = words.shape(imported)
    if turned:
        told.append(f"表の形: {turned}")
    if imported.patients > 1:
        told.append(f"患者: {imported.patients} 人のうち {imported.choices.patient} の行だけ")
    if imported.sources and not imported.choices.source:
        told.append(f"機器: {len(imported.sources)} 種類をまとめて使用(「読み方を変える」で1つに絞れます)")
    if imported.choices.remove_personal:
        told.append("個人を特定できる項目は除きました")
    told.append(f"確認: {words.counts(imported)}")
    st.success("  \n".join(told), icon=":material/check_circle:")
    if sparse(imported):
        st.info(SPARSE, icon=":material/home_health:")
    elif not imported.clock.regular and imported.clock.kind != "rows":
        st.warning(UNEVEN)


def _offers(taken: Taken, imported: Imported) -> None:
    """Show the importer's proposals, each with its button, and the way back from the last one."""
    asked = [offer for offer in taken.offers if offer.kind != "daily"]
    for number, offer in enumerate(asked):
        with st.container(border=True):
            st.markdown(offer.words)
            _accept(taken, offer.label, offer.accept, f"vitals_csv_offer_{number}")
    daily = [offer for offer in taken.offers if offer.kind == "daily"]
    if daily:
        with st.container(border=True):
            st.markdown("\n".join(f"- {offer.words}" for offer in daily))
            with st.container(horizontal=True, gap="small"):
                for number, offer in enumerate(daily):
                    _accept(taken, offer.label, offer.accept, f"vitals_csv_daily_{number}")
    if taken.before is not None and taken.before != imported.choices:
        st.button(
            "ひとつ前の読み方に戻す",
            icon=":material/undo:",
            key="vitals_csv_back",
            on_click=taken.read,
            args=(taken.before,),
        )


def _accept(taken: Taken, label: str, choices: Choices, key: str) -> None:
    st.button(label, icon=":material/auto_fix_high:", key=key, on_click=taken.read, args=(choices,))


@st.fragment
def _details(taken: Taken) -> None:
    """List what each column was read as, and every note of the importer with its line."""
    imported = taken.imported
    if imported is None:
        return
    report = imported.report
    count = len(report.problems)
    folded = st.expander(
        f"読み込みの詳細({count} 件)", icon=":material/list:", key="vitals_csv_details", on_change="rerun"
    )
    if not folded.open:
        return
    with folded:
        rows = report.rows
        used = f"使った行 {rows.kept:,} 行、使わなかった行 {rows.dropped:,} 行"
        st.caption(f"データの行 {rows.read:,} 行のうち、{used}。")
        lines = ["| 列 | 読み方 | 単位 | 測定 | 欠測 | 要確認 |", "|:--|:--|:--|--:|--:|--:|"]
        for column in report.columns:
            kind = KINDS[column.signal].label if column.signal else "そのまま"
            lines.append(
                f"| {text.plain(column.source)} | {kind} | {text.plain(column.unit) or '—'} "
                f"| {column.rows:,} | {column.missing:,} | {column.flagged:,} |"
            )
        st.markdown("\n".join(lines))
        lines = ["| 行 | 列 | 内容 |", "|--:|:--|:--|"]
        for problem in report.problems[:MAX_LISTED]:
            column_name = text.plain(problem.column or "")
            lines.append(f"| {problem.line or ''} | {column_name} | {text.plain(problem.message)} |")
        if count:
            st.markdown("\n".join(lines))
        if count > MAX_LISTED:
            st.caption(f"はじめの {MAX_LISTED} 件を表示しています。")
