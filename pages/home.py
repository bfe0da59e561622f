import streamlit as st

from pages.ui import text

st.title("AI研修医ラボ")
st.markdown(
    "ニューラルネットワークは、どうやって「学ぶ」のでしょうか。"
    "ここでは本物の PyTorch モデルをその場で訓練して、学んでいく様子を自分の目で確かめられます。"
    "プログラミングの知識は要りません。"
)
st.page_link(
    "learning_rate.py",
    label="**学習率** — 少なすぎる用量、多すぎる用量で何が起きるかを試す",
    icon=":material/speed:",
)
st.page_link(
    "vitals.py",
    label="**RNNとバイタルサイン** — 例題の波形か、自分のCSVで予測を試す",
    icon=":material/ecg_heart:",
)

st.subheader("このアプリの見かた")
st.markdown(
    "モデルを**研修医**、損失を**指導医**と考えてみてください。"
    "研修医は予測し、指導医がその外れ具合を採点し、研修医は反省して少しだけやり方を直します。"
    "このくり返しが「学習」です。どのページでも、つまみを動かして「学習開始」を押すと、その過程が生で描かれます。"
)

left, right = st.columns(2)
with left, st.container(border=True, height="stretch"):
    st.markdown("**設定の共有**")
    st.markdown("つまみの位置はアドレス欄に入ります。アドレスを送れば、相手にも同じ設定の画面が開きます。")
with right, st.container(border=True, height="stretch"):
    st.markdown("**プライバシー**")
    st.markdown(
        "アップロードしたCSVは、あなたの画面のためだけにメモリ上で扱います。"
        "ディスクには書かず、画面を閉じると消えます。"
    )

st.caption(text.EDUCATIONAL)
