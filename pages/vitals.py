from importlib import import_module

from pages.ui import lesson, share

lesson.header(
    "RNNとバイタルサイン",
    "直近の値の並びから「次の値」を当てるRNNを、目の前で学習させます。"
    "読み終えるころには、その予測が「直前の値をそのまま答える」だけの予測に**勝てているか**を、"
    "数字で判定できるようになります。",
    "経過表を見て「次はこのくらい」と見当をつける研修医に、まず越えてもらう基準は「変わりなし」という予測です。",
)

EXPERIMENTS = {
    "次の値を当てる": "forecast",
    "中をのぞく": "inside",
    "さかのぼる勾配": "backtime",
    "遠い記憶": "recall",
    "正直に評価する": "evaluate",
    "早期警告": "warning",
}
TERMS = {
    "次の値を当てる": [
        "窓",
        "エポック",
        "検証損失",
        "学習率",
        "MAE",
        "MSE",
        "持続予測",
        "標準化",
        "早期終了",
        "勾配クリッピング",
        "乱数の種",
    ],
    "中をのぞく": ["隠れ状態", "ゲート", "LSTM", "GRU", "シグモイド関数", "tanh", "飽和", "標準化"],
    "さかのぼる勾配": [
        "BPTT",
        "スペクトル半径",
        "勾配消失",
        "勾配爆発",
        "勾配クリッピング",
        "忘却ゲート",
        "特異値",
        "tanh",
    ],
    "遠い記憶": ["隠れ状態", "忘却ゲート", "BPTT", "勾配消失", "勾配クリッピング", "飽和", "シグモイド関数"],
    "正直に評価する": [
        "持続予測",
        "季節ナイーブ",
        "ドリフト",
        "自己回帰",
        "MAE",
        "RMSE",
        "MASE",
        "スキル",
        "直接法と再帰法",
        "予測区間",
        "較正区間",
        "コンフォーマル予測",
        "ローリング・オリジン評価",
        "情報の漏れ",
        "標準化",
        "早期終了",
    ],
    "早期警告": [
        "残差",
        "指数移動平均",
        "較正区間",
        "感度",
        "特異度",
        "的中率",
        "アラーム疲労",
        "NEWS2",
        "外部検証",
    ],
}
CELLS = [
    "Elman (1990) Finding structure in time",
    "Hochreiter & Schmidhuber (1997) Long short-term memory",
    "Cho et al. (2014) Learning phrase representations using RNN encoder–decoder",
]
LONG_TIME = [
    "Hochreiter (1991) Untersuchungen zu dynamischen neuronalen Netzen",
    "Bengio, Simard & Frasconi (1994) Learning long-term dependencies with gradient descent is difficult",
    "Gers, Schmidhuber & Cummins (2000) Learning to forget",
    "Pascanu, Mikolov & Bengio (2013) On the difficulty of training recurrent neural networks",
    "Jozefowicz, Zaremba & Sutskever (2015) An empirical exploration of recurrent network architectures",
    "Tallec & Ollivier (2018) Can recurrent neural networks warp time?",
]
PAPERS = {
    "次の値を当てる": CELLS,
    "中をのぞく": CELLS,
    "さかのぼる勾配": LONG_TIME,
    "遠い記憶": LONG_TIME,
    "正直に評価する": [
        "Tashman (2000) Out-of-sample tests of forecasting accuracy",
        "Hyndman & Koehler (2006) Another look at measures of forecast accuracy",
        "Lei et al. (2018) Distribution-free predictive inference for regression",
        "Hyndman & Athanasopoulos (2021) Forecasting: principles and practice",
        "Kapoor & Narayanan (2023) Leakage and the reproducibility crisis in machine-learning-based science",
    ],
    "早期警告": [
        "Roberts (1959) Control chart tests based on geometric moving averages",
        "Cvach (2012) Monitor alarm fatigue: an integrative review",
        "Royal College of Physicians (2017) National Early Warning Score (NEWS) 2",
        "Lei et al. (2018) Distribution-free predictive inference for regression",
    ],
}
experiment = lesson.part("実験", EXPERIMENTS, "vt_experiment")
# Only what is shown is loaded: the first reader of a fresh server waits for it.
import_module(f"pages.parts.vitals.{EXPERIMENTS[experiment]}").show()

share.share("vitals")
lesson.footer(
    papers=PAPERS[experiment],
    terms=["RNN", *TERMS[experiment]],
    previous=("regularization.py", "正則化"),
)
