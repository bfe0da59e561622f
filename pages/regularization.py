import streamlit as st

from pages.parts.regularization import decay, dropout, path, penalties, selection
from pages.ui import lesson, share

lesson.header(
    "正則化",
    "覚えすぎにブレーキをかけます。読み終えるころには、**L1・L2・重み減衰・ドロップアウト**が何を抑え、"
    "どこまで強めると効きすぎるかを、自分の学習結果の数字で説明できるようになります。",
    "一つの所見に頼りきる研修医より、いくつもの所見に少しずつ重みを置く研修医のほうが、初めての患者で外しません。",
)

EXPERIMENTS = {
    "5つを比べる": penalties.show,
    "0になる重み": path.show,
    "マーカーを選ぶ": selection.show,
    "ドロップアウト": dropout.show,
    "重み減衰": decay.show,
}
experiment = st.segmented_control(
    "実験",
    list(EXPERIMENTS),
    default="5つを比べる",
    required=True,
    key="rg_experiment",
    bind="query-params",
    label_visibility="collapsed",
)
EXPERIMENTS[experiment]()

share.share("regularization")
lesson.footer(
    papers=[
        "Krogh & Hertz (1991) A simple weight decay can improve generalization",
        "Tibshirani (1996) Regression shrinkage and selection via the lasso",
        "Beck & Teboulle (2009) A fast iterative shrinkage-thresholding algorithm"
        " for linear inverse problems",
        "Srivastava et al. (2014) Dropout: a simple way to prevent neural networks from overfitting",
        "Loshchilov & Hutter (2019) Decoupled weight decay regularization",
    ],
    terms=["正則化", "過学習", "ドロップアウト", "重み減衰"],
    previous=("augmentation.py", "データ拡張"),
    following=("vitals.py", "RNNとバイタルサイン"),
)
