from pages.parts.learning_rate import rate_doses, rate_network, rate_range, rate_schedules
from pages.ui import lesson, share

lesson.header(
    "学習率",
    "1回の修正で重みをどれだけ動かすか。読み終えるころには、学習率が**小さすぎる・ちょうどよい・大きすぎる**ときに"
    "何が起きるかを、自分で起こした学習を根拠に説明できるようになります。",
    "学習率は薬の用量に似ています。少なすぎれば効かず、多すぎれば害になります。",
)

EXPERIMENTS = {
    "3つの用量": rate_doses.show,
    "本物のネットワーク": rate_network.show,
    "範囲テスト": rate_range.show,
    "スケジュール": rate_schedules.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "experiment")
EXPERIMENTS[experiment]()

share.share("learning_rate")
lesson.footer(
    papers=[
        "Robbins & Monro (1951) A stochastic approximation method",
        "Kingma & Ba (2015) Adam",
        "Smith (2017) Cyclical learning rates",
        "Loshchilov & Hutter (2017) SGDR",
        "Smith & Topin (2018) Super-convergence",
        "Goyal et al. (2017) Accurate, large minibatch SGD",
    ],
    terms=[
        "学習率",
        "勾配",
        "損失",
        "検証損失",
        "エポック",
        "発散",
        "局所最小",
        "スケジュール",
        "オプティマイザ",
    ],
    previous=("optimizers.py", "オプティマイザ"),
    following=("mini_batches.py", "ミニバッチ"),
)
