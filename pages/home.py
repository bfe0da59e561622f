from importlib import import_module

import streamlit as st

from pages.parts.home import course
from pages.ui import text

STAGE_PX = 350  # kept from the first moment on, so that nothing moves when the miniature comes

words, beside = st.columns(2, gap="medium", vertical_alignment="center")
stage = beside.container(height=STAGE_PX, border=False)
with words:
    st.title("AI研修医ラボ")
    st.markdown(
        "ニューラルネットワークは、どうやって「学ぶ」のでしょうか。"
        "本物の PyTorch モデルがその場で学んでいく様子を自分の目で確かめる実験室です。"
        "プログラミングの知識は要りません。"
    )
    with st.container(horizontal=True, gap="small"):
        if st.button("レッスン1を始める", type="primary", icon=":material/school:", key="hm_begin"):
            st.switch_page("training_cycle.py")
        if st.button("自分のCSVを試す", icon=":material/upload_file:", key="hm_csv"):
            st.switch_page("vitals.py", query_params={"data": "自分のCSV"})

course.show()

st.divider()
guide, sharing, privacy = st.columns(3)
guide.caption(
    "**このアプリの見かた**\n\n"
    "モデルが**研修医**、損失が**指導医**です。予測し、採点され、反省して、少しだけやり方を直します。"
    "どのレッスンも、予想してから「学習開始」などのボタンを押すと、結果がその場で描かれます。"
)
sharing.caption(
    "**設定の共有**\n\n"
    "つまみの位置はアドレス欄に入ります。アドレスを送れば、相手にも同じ設定の画面が開きます。"
)
privacy.caption(
    "**プライバシー**\n\n"
    "アップロードしたCSVは、あなたの画面のためだけにメモリ上で扱います。"
    "ディスクには書かず、画面を閉じると消えます。"
)
st.caption(text.EDUCATIONAL)

with stage:  # last, so that the page stands while the miniature is loaded
    import_module("pages.parts.home.miniature").show()
