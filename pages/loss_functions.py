from pages.parts.loss_functions import loss_imbalance, loss_numbers, loss_outliers, loss_probabilities
from pages.ui import lesson, share

lesson.header(
    "損失関数",
    "予測の外れを、どんな物差しで罰するか。読み終えるころには、**外れ値**や**クラス不均衡**に合った損失を選び、"
    "その理由を自分の学習結果の数字で説明できるようになります。",
    "損失関数は、研修医(モデル)を採点する指導医です。何に厳しいかで、育つ研修医が変わります。",
)

EXPERIMENTS = {
    "数値の損失": loss_numbers.show,
    "確率の損失": loss_probabilities.show,
    "外れ値(回帰)": loss_outliers.show,
    "不均衡(分類)": loss_imbalance.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "lf_experiment")
EXPERIMENTS[experiment]()

share.share("loss_functions")
lesson.footer(
    papers=[
        "Huber (1964) Robust estimation of a location parameter",
        "Lin et al. (2017) Focal loss for dense object detection",
        "Youden (1950) Index for rating diagnostic tests",
        "Fawcett (2006) An introduction to ROC analysis",
    ],
    terms=[
        "損失",
        "勾配",
        "MSE",
        "MAE",
        "Huber 損失",
        "外れ値",
        "交差エントロピー",
        "ロジット",
        "focal 損失",
        "シグモイド関数",
        "softmax",
        "自動微分",
        "nan",
        "float32 と float64",
        "クラス不均衡",
        "混同行列",
        "感度",
        "特異度",
        "的中率",
        "PPV と NPV",
        "しきい値",
        "ROC曲線",
        "較正",
        "アラーム疲労",
        "検証損失",
        "乱数の種",
    ],
    previous=("training_cycle.py", "学習サイクル"),
    following=("derivatives.py", "微分と連鎖律"),
)
