from pages.parts.gradient_descent import descent_surface, descent_walk
from pages.ui import lesson, share

lesson.header(
    "勾配降下法",
    "損失の坂を、傾きだけを頼りに下る方法です。読み終えるころには、**どこから・どんな歩幅で**歩くかで"
    "行き着く所が変わる理由を、自分で歩かせた道のりの数字で説明できるようになります。",
    "研修医の上達に似ています。全体の地図は見えなくても、いまの症例で「どちらへ直せばよいか」なら分かります。",
)

EXPERIMENTS = {
    "1つの重み": descent_walk.shower(descent_walk.LINE),
    "2つの重み(地図)": descent_walk.shower(descent_walk.MAP),
    "本物の損失地形": descent_surface.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "gd_experiment")
EXPERIMENTS[experiment]()

share.share("gd")
lesson.footer(
    papers=[
        "Cauchy (1847) Méthode générale pour la résolution des systèmes d’équations simultanées",
        "Rosenbrock (1960) An automatic method for finding the greatest or least value of a function",
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis(乳腺腫瘍のデータ)",
        "Dauphin et al. (2014) Identifying and attacking the saddle point problem"
        " in high-dimensional non-convex optimization",
        "Li et al. (2018) Visualizing the loss landscape of neural nets",
    ],
    terms=[
        "勾配降下法",
        "勾配",
        "学習率",
        "損失",
        "損失地形",
        "等高線",
        "局所最小",
        "鞍点",
        "プラトー",
        "発散",
        "主成分",
        "∇(ナブラ)",
        "オプティマイザ",
        "SGD",
        "モメンタム",
        "Adam",
        "乱数の種",
    ],
    previous=("derivatives.py", "微分と連鎖律"),
    following=("optimizers.py", "オプティマイザ"),
)
