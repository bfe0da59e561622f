from pages.parts.activations import activation_linear, activation_slopes, activation_vanish
from pages.parts.playground import playground
from pages.ui import lesson, share

lesson.header(
    "活性化関数",
    "読み終えるころには、層のあいだになぜ**活性化関数**が要るのかを、自分で起こした学習を根拠に説明できます。",
    "研修医が検査値を足し算するだけでは、「低すぎても高すぎても危ない」は見抜けません。途中で折れ曲がる判断が要ります。",
)

EXPERIMENTS = {
    "曲線と傾き": activation_slopes.show,
    "線形の重ね合わせ": activation_linear.show,
    "勾配消失": activation_vanish.show,
    "プレイグラウンド": playground.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "ac_experiment")
EXPERIMENTS[experiment]()

share.share("activations")
lesson.footer(
    papers=[
        "Rumelhart, Hinton & Williams (1986) Learning representations by back-propagating errors",
        "Lang & Witbrock (1988) Learning to tell two spirals apart",
        "Cybenko (1989) Approximation by superpositions of a sigmoidal function",
        "Hochreiter (1998) The vanishing gradient problem",
        "Glorot & Bengio (2010) Understanding the difficulty of training deep feedforward neural networks",
        "Nair & Hinton (2010) Rectified linear units improve restricted Boltzmann machines",
        "Maas, Hannun & Ng (2013) Rectifier nonlinearities improve neural network acoustic models",
        "Srivastava et al. (2014) Dropout",
        "Hendrycks & Gimpel (2016) Gaussian error linear units",
        "Elfwing, Uchibe & Doya (2018) Sigmoid-weighted linear units for neural network function"
        " approximation in reinforcement learning(SiLU)",
        "Smilkov et al. (2017) Direct-manipulation visualization of deep networks",
    ],
    terms=[
        "活性化関数",
        "線形",
        "シグモイド関数",
        "tanh",
        "ReLU",
        "LeakyReLU",
        "GELU",
        "SiLU",
        "飽和",
        "死んだ ReLU",
        "スパース",
        "隠れ層",
        "ユニット",
        "特徴量",
        "決定境界",
        "重み",
        "損失",
        "交差エントロピー",
        "検証損失",
        "過学習",
        "正則化",
        "ドロップアウト",
        "勾配",
        "勾配消失",
        "連鎖律",
        "RMSE",
        "丸め誤差",
        "乱数の種",
    ],
    previous=("mini_batches.py", "ミニバッチ"),
    following=("overfitting.py", "過学習と未学習"),
)
