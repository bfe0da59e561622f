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
experiment = lesson.part("実験", EXPERIMENTS, "rg_experiment")
EXPERIMENTS[experiment]()

share.share("regularization")
lesson.footer(
    papers=[
        "Krogh & Hertz (1991) A simple weight decay can improve generalization",
        "Hoerl & Kennard (1970) Ridge regression: biased estimation for nonorthogonal problems",
        "Tibshirani (1996) Regression shrinkage and selection via the lasso",
        "Beck & Teboulle (2009) A fast iterative shrinkage-thresholding algorithm"
        " for linear inverse problems",
        "O'Donoghue & Candès (2015) Adaptive restart for accelerated gradient schemes",
        "Efron et al. (2004) Least angle regression",
        "Zou & Hastie (2005) Regularization and variable selection via the elastic net",
        "Srivastava et al. (2014) Dropout: a simple way to prevent neural networks from overfitting",
        "Gal & Ghahramani (2016) Dropout as a Bayesian approximation:"
        " representing model uncertainty in deep learning",
        "Loshchilov & Hutter (2019) Decoupled weight decay regularization",
    ],
    terms=[
        "正則化",
        "過学習",
        "汎化ギャップ",
        "L1正則化",
        "L2正則化",
        "ラッソ",
        "リッジ",
        "エラスティックネット",
        "近接勾配法",
        "劣勾配法",
        "しきい値処理",
        "再現率",
        "適合率",
        "決定係数",
        "検証損失",
        "テスト損失",
        "標準化",
        "ドロップアウト",
        "ユニット",
        "隠れ層",
        "train() と eval()",
        "モンテカルロ・ドロップアウト",
        "重み減衰",
        "AdamW",
        "乱数の種",
    ],
    previous=("augmentation.py", "データ拡張"),
    following=("vitals.py", "RNNとバイタルサイン"),
)
