import streamlit as st

from pages.ui import text

st.title("AI研修医ラボ")
st.markdown(
    "ニューラルネットワークは、どうやって「学ぶ」のでしょうか。"
    "ここでは本物の PyTorch モデルをその場で訓練して、学んでいく様子を自分の目で確かめられます。"
    "プログラミングの知識は要りません。"
)
LESSONS = [
    ("training_cycle.py", "学習サイクル", "予測、採点、反省、修正を1歩ずつ", ":material/cycle:"),
    ("loss_functions.py", "損失関数", "外れ具合を、何で、どう採点するか", ":material/target:"),
    ("derivatives.py", "微分と連鎖律", "心電図の傾きから逆伝播まで", ":material/function:"),
    ("gradient_descent.py", "勾配降下法", "霧のなかで谷底を探す", ":material/landscape:"),
    ("optimizers.py", "オプティマイザ", "7つの下り方を競走させる", ":material/sprint:"),
    ("learning_rate.py", "学習率", "少なすぎる用量、多すぎる用量", ":material/speed:"),
    ("mini_batches.py", "ミニバッチ", "何人ごとに重みを直すか", ":material/stacks:"),
    ("activations.py", "活性化関数", "直線では描けない境目を描く", ":material/bolt:"),
    ("overfitting.py", "過学習と未学習", "覚え込みと、学び足りなさを見分ける", ":material/balance:"),
    ("augmentation.py", "データ拡張", "診断を変えない変換と、変えてしまう変換", ":material/flip:"),
    ("regularization.py", "正則化", "覚えすぎにブレーキをかける", ":material/compress:"),
    ("vitals.py", "RNNとバイタルサイン", "例題の波形か、ご自分のCSVで予測する", ":material/ecg_heart:"),
]
for page, title, idea, icon in LESSONS:
    st.page_link(page, label=f"**{title}** — {idea}", icon=icon)

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
