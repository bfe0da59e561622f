from pages.parts.derivatives import (
    derivative_backprop,
    derivative_chain,
    derivative_ecg,
    derivative_partials,
    derivative_slope,
)
from pages.ui import lesson, share

lesson.header(
    "微分と連鎖律",
    "入力を少し動かすと、出力はどれだけ動くか。読み終えるころには、**傾き・勾配・連鎖律**を自分で計算した数字で説明し、"
    "PyTorch が損失からさかのぼって重みごとの責任を求めるしくみを言えるようになります。",
    "判断の流れをさかのぼり、「どこをどれだけ直せばよかったか」と研修医の失敗を振り返るのに似ています。",
)

EXPERIMENTS = {
    "傾きと極限": derivative_slope.show,
    "心電図の傾き": derivative_ecg.show,
    "偏微分と勾配": derivative_partials.show,
    "連鎖律": derivative_chain.show,
    "逆伝播": derivative_backprop.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "dv_experiment")
EXPERIMENTS[experiment]()

share.share("derivatives")
lesson.footer(
    papers=[
        "Rumelhart, Hinton & Williams (1986) Learning representations by back-propagating errors",
        "Baydin et al. (2018) Automatic differentiation in machine learning: a survey",
        "McSharry et al. (2003) A dynamical model for generating synthetic electrocardiogram signals",
    ],
    terms=[
        "微分",
        "接線",
        "割線",
        "数値微分",
        "自動微分",
        "桁落ち",
        "偏微分",
        "勾配",
        "∇(ナブラ)",
        "連鎖律",
        "逆伝播",
        "活性化関数",
        "シグモイド関数",
        "ReLU",
        "飽和",
        "勾配消失",
        "勾配爆発",
        "過学習",
        "乱数の種",
    ],
    previous=("loss_functions.py", "損失関数"),
    following=("gradient_descent.py", "勾配降下法"),
)
