from pages.parts.mini_batches import batch_loading, batch_order, batch_path, batch_plan, batch_race
from pages.ui import lesson, share

lesson.header(
    "ミニバッチ・エポック・DataLoader",
    "何人分の答え合わせをまとめて、1回の修正にするか。読み終えるころには、**バッチサイズ**が更新回数・道すじのゆれ・"
    "時間・メモリをどう変えるかを、自分で測った数字で説明できるようになります。",
    "研修医が1例ごとに指導を受けるか、1日分をまとめて受けるか、全症例を見終えてから一度だけ受けるか、の違いです。",
)

EXPERIMENTS = {
    "バッチサイズの競走": batch_race.show,
    "道すじのゆれ": batch_path.show,
    "シャッフル": batch_order.show,
    "DataLoaderの配り方": batch_plan.show,
    "先読み": batch_loading.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "mb_experiment")
EXPERIMENTS[experiment]()

share.share("mb")
lesson.footer(
    papers=[
        "Robbins & Monro (1951) A stochastic approximation method",
        "Bottou (2010) Large-scale machine learning with stochastic gradient descent",
        "Bengio (2012) Practical recommendations for gradient-based training of deep architectures",
        "Keskar et al. (2017) On large-batch training for deep learning",
        "Goyal et al. (2017) Accurate, large minibatch SGD",
        "Bottou, Curtis & Nocedal (2018) Optimization methods for large-scale machine learning",
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis",
    ],
    terms=[
        "ミニバッチ",
        "バッチサイズ",
        "エポック",
        "更新回数",
        "オンライン学習",
        "勾配のゆれ",
        "シャッフル",
        "drop_last",
        "DataLoader",
        "ワーカー",
        "学習率",
        "勾配",
        "逆伝播",
        "検証損失",
        "テスト損失",
        "感度",
        "特異度",
        "発散",
        "乱数の種",
    ],
    previous=("learning_rate.py", "学習率"),
    following=("activations.py", "活性化関数"),
)
