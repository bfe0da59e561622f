"""The frame around every page: browser title, and the table of pages that exist."""

import streamlit as st

from pages.ui import server, teaching

st.set_page_config(page_title="AI研修医ラボ", page_icon=server.ICON, layout="wide")

PAGES = {
    "": [st.Page("home.py", title="ホーム", icon=":material/home:", default=True)],
    "学習のしくみ": [
        st.Page(
            "training_cycle.py", title="学習サイクル", icon=":material/cycle:", url_path="training_cycle"
        ),
        st.Page("loss_functions.py", title="損失関数", icon=":material/target:", url_path="loss_functions"),
        st.Page("derivatives.py", title="微分と連鎖律", icon=":material/function:", url_path="derivatives"),
        st.Page(
            "gradient_descent.py",
            title="勾配降下法",
            icon=":material/landscape:",
            url_path="gradient_descent",
        ),
        st.Page("optimizers.py", title="オプティマイザ", icon=":material/sprint:", url_path="optimizers"),
        st.Page("learning_rate.py", title="学習率", icon=":material/speed:", url_path="learning_rate"),
        st.Page("mini_batches.py", title="ミニバッチ", icon=":material/stacks:", url_path="mini_batches"),
        st.Page("activations.py", title="活性化関数", icon=":material/bolt:", url_path="activations"),
        st.Page("overfitting.py", title="過学習と未学習", icon=":material/balance:", url_path="overfitting"),
        st.Page("augmentation.py", title="データ拡張", icon=":material/flip:", url_path="augmentation"),
        st.Page("regularization.py", title="正則化", icon=":material/compress:", url_path="regularization"),
    ],
    "医療データで試す": [
        st.Page("vitals.py", title="RNNとバイタルサイン", icon=":material/ecg_heart:", url_path="vitals"),
    ],
}

page = st.navigation(PAGES)
st.html(server.STYLE)
if server.drop_impossible_settings():
    st.rerun()  # as if the address had never held them
with teaching.held():
    page.run()
