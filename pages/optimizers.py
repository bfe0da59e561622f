from pages.parts.optimizers import race_course, race_momentum, race_network
from pages.ui import lesson, share

lesson.header(
    "オプティマイザ",
    "勾配から1歩をどう決めるか。読み終えるころには、SGD、モメンタム、Adam などの違いを、"
    "**自分で走らせたレース**を根拠に説明できるようになります。",
    "同じ指導医の指摘(勾配)を受けても、勢いに乗って直す研修医もいれば、大きく指摘された所ほど慎重に直す研修医もいます。",
)

EXPERIMENTS = {
    "同じ地形でレース": race_course.show,
    "本物のネットワークでレース": race_network.show,
    "モメンタムの地図": race_momentum.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "op_exp")
EXPERIMENTS[experiment]()

share.share("optimizers")
lesson.footer(
    papers=[
        "Robbins & Monro (1951) A stochastic approximation method",
        "Polyak (1964) Some methods of speeding up the convergence of iteration methods",
        "Nesterov (1983) A method for solving the convex programming problem with convergence rate O(1/k²)",
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis(乳腺腫瘍のデータ)",
        "Duchi, Hazan & Singer (2011) Adaptive subgradient methods for online learning"
        " and stochastic optimization",
        "Tieleman & Hinton (2012) Lecture 6.5: RMSProp",
        "Kingma & Ba (2015) Adam: a method for stochastic optimization",
        "Goh (2017) Why momentum really works",
        "Loshchilov & Hutter (2019) Decoupled weight decay regularization",
    ],
    terms=[
        "オプティマイザ",
        "勾配",
        "学習率",
        "SGD",
        "モメンタム",
        "Nesterov",
        "適応的な学習率",
        "Adagrad",
        "RMSprop",
        "Adam",
        "AdamW",
        "重み減衰",
        "鞍点",
        "局所最小",
        "条件数",
        "発散",
        "検証損失",
        "過学習",
        "乱数の種",
    ],
    previous=("gradient_descent.py", "勾配降下法"),
    following=("learning_rate.py", "学習率"),
)
