import streamlit as st

from pages.parts.vitals import backtime, evaluate, forecast, inside, recall, warning
from pages.ui import lesson, share

lesson.header(
    "RNNとバイタルサイン",
    "直近の値の並びから「次の値」を当てるRNNを、目の前で訓練します。"
    "読み終えるころには、その予測が「直前の値をそのまま答える」だけの予測に**勝てているか**を、"
    "数字で判定できるようになります。",
    "経過表を見て「次はこのくらい」と見当をつける研修医に、まず越えてもらう基準は「変わりなし」という予測です。",
)

EXPERIMENTS = {
    "次の値を当てる": forecast.show,
    "中をのぞく": inside.show,
    "さかのぼる勾配": backtime.show,
    "遠い記憶": recall.show,
    "正直に評価する": evaluate.show,
    "早期警告": warning.show,
}
TERMS = {
    "次の値を当てる": ["窓", "エポック", "検証損失", "学習率", "MAE", "持続予測", "早期終了"],
    "中をのぞく": ["隠れ状態", "ゲート", "LSTM", "GRU", "飽和"],
    "さかのぼる勾配": ["BPTT", "スペクトル半径", "勾配消失", "勾配爆発", "勾配クリッピング"],
    "遠い記憶": ["隠れ状態", "忘却ゲート", "BPTT", "勾配消失"],
    "正直に評価する": [
        "持続予測",
        "季節ナイーブ",
        "ドリフト",
        "自己回帰",
        "MASE",
        "スキル",
        "直接法と再帰法",
        "予測区間",
        "コンフォーマル予測",
        "ローリング・オリジン評価",
        "情報の漏れ",
    ],
    "早期警告": ["残差", "指数移動平均", "感度", "的中率", "アラーム疲労", "NEWS2", "外部検証"],
}
experiment = st.segmented_control(
    "実験",
    list(EXPERIMENTS),
    default="次の値を当てる",
    required=True,
    key="vt_experiment",
    bind="query-params",
    label_visibility="collapsed",
)
EXPERIMENTS[experiment]()

share.share("vitals")
lesson.footer(
    papers=[
        "Elman (1990) Finding structure in time",
        "Hochreiter (1991) Untersuchungen zu dynamischen neuronalen Netzen",
        "Hochreiter & Schmidhuber (1997) Long short-term memory",
        "Gers, Schmidhuber & Cummins (2000) Learning to forget",
        "Cho et al. (2014) Learning phrase representations using RNN encoder–decoder",
        "Bengio, Simard & Frasconi (1994) Learning long-term dependencies with gradient descent is difficult",
        "Pascanu, Mikolov & Bengio (2013) On the difficulty of training recurrent neural networks",
        "Jozefowicz, Zaremba & Sutskever (2015) An empirical exploration of recurrent network architectures",
        "Tallec & Ollivier (2018) Can recurrent neural networks warp time?",
        "Hyndman & Koehler (2006) Another look at measures of forecast accuracy",
        "Tashman (2000) Out-of-sample tests of forecasting accuracy",
        "Lei et al. (2018) Distribution-free predictive inference for regression",
    ],
    terms=["RNN", *TERMS[experiment]],
    previous=("regularization.py", "正則化"),
)
