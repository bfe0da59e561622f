from pages.parts.augmentation import benefit, gallery, harm, series
from pages.ui import lesson, share

lesson.header(
    "データ拡張",
    "1枚の画像から、少しずつ違う何枚もの画像を作ります。読み終えるころには、"
    "**どの変換なら診断を変えず、どの変換は答えを変えてしまうか**を、自分の学習結果の数字で説明できるようになります。",
    "同じ症例でも、体位や撮影条件が違えば見え方は変わります。たくさんの見え方を経験した研修医は、初めての1枚に強くなります。",
)

EXPERIMENTS = {
    "ギャラリー": gallery.show,
    "してはいけない拡張": harm.show,
    "効き目を測る": benefit.show,
    "波形の拡張": series.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "au_experiment")
EXPERIMENTS[experiment]()

share.share("augmentation")
lesson.footer(
    papers=[
        "Shorten & Khoshgoftaar (2019) A survey on image data augmentation for deep learning",
        "Simard, Steinkraus & Platt (2003) Best practices for convolutional neural networks"
        " applied to visual document analysis(弾性変形)",
        "Zhong et al. (2020) Random erasing data augmentation",
        "Um et al. (2017) Data augmentation of wearable sensor data for Parkinson's disease monitoring"
        " using convolutional neural networks(波形の拡張)",
        "McSharry et al. (2003) A dynamical model for generating synthetic electrocardiogram signals",
        "Bazett (1920) An analysis of the time-relations of electrocardiograms",
        "Alpaydin & Kaynak (1998) Optical recognition of handwritten digits",
    ],
    terms=[
        "データ拡張",
        "ラベル",
        "クラス",
        "過学習",
        "汎化",
        "検証損失",
        "CNN",
        "混同行列",
        "対応のある比較",
        "反転",
        "時間の伸縮",
        "マスク",
        "弾性変形",
        "二項分布",
        "ウィンドウ",
        "テスト損失",
        "乱数の種",
    ],
    previous=("overfitting.py", "過学習と未学習"),
    following=("regularization.py", "正則化"),
)
