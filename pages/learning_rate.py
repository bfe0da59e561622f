from pages.parts.learning_rate import rate_doses, rate_network, rate_range, rate_schedules
from pages.ui import lesson, share

lesson.header(
    "学習率",
    "1回の修正で重みをどれだけ動かすか。読み終えるころには、学習率が**小さすぎる・ちょうどよい・大きすぎる**ときに"
    "何が起きるかを、自分で走らせた学習を根拠に説明できるようになります。",
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
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis(乳腺腫瘍のデータ)",
        "Kingma & Ba (2015) Adam: a method for stochastic optimization",
        "Smith (2017) Cyclical learning rates for training neural networks",
        "Loshchilov & Hutter (2017) SGDR: stochastic gradient descent with warm restarts",
        "Goyal et al. (2017) Accurate, large minibatch SGD: training ImageNet in 1 hour",
        "Smith & Topin (2018) Super-convergence: very fast training of neural networks"
        " using large learning rates",
    ],
    terms=[
        "学習率",
        "勾配",
        "損失",
        "検証損失",
        "エポック",
        "発散",
        "局所最小",
        "範囲テスト",
        "スケジュール",
        "ウォームアップ",
        "プラトー",
        "オプティマイザ",
        "SGD",
        "モメンタム",
        "Adam",
        "ミニバッチ",
        "バッチサイズ",
        "交差エントロピー",
        "過学習",
        "乱数の種",
    ],
    previous=("optimizers.py", "オプティマイザ"),
    following=("mini_batches.py", "ミニバッチ"),
)
