from pages.parts.overfitting import fit_capacity, fit_hospital, fit_patients, fit_random, fit_stopping
from pages.ui import lesson, share

lesson.header(
    "過学習と未学習",
    "覚えることと、わかることは違います。読み終えるころには、**未学習・適切・過学習**を損失の曲線から見分け、"
    "やめどきを決め、別の病院で外れる理由を、自分の学習結果の数字で説明できるようになります。",
    "過去問を丸暗記した研修医は、模試では満点でも、初めての患者の前では立ち往生します。",
)

EXPERIMENTS = {
    "3つの容量": fit_capacity.show,
    "早期終了": fit_stopping.show,
    "でたらめなラベル": fit_random.show,
    "本物の臨床データ": fit_patients.show,
    "病院Aから病院Bへ": fit_hospital.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "of_experiment")
EXPERIMENTS[experiment]()

share.share("overfitting")
lesson.footer(
    papers=[
        "Prechelt (1998) Early stopping – but when?",
        "Zhang et al. (2017) Understanding deep learning requires rethinking generalization",
        "Zech et al. (2018) Variable generalization performance of a deep learning model to detect pneumonia"
        " in chest radiographs",
        "Geirhos et al. (2020) Shortcut learning in deep neural networks",
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis",
        "Efron et al. (2004) Least angle regression",
        "Breiman (2001) Random forests(並べ替え重要度)",
    ],
    terms=[
        "過学習",
        "未学習",
        "容量",
        "汎化",
        "検証損失",
        "テスト損失",
        "汎化ギャップ",
        "パラメータ",
        "早期終了",
        "エポック",
        "交差エントロピー",
        "学習曲線",
        "感度",
        "特異度",
        "RMSE",
        "決定係数",
        "標準化",
        "情報の漏れ",
        "ドメインシフト",
        "近道学習",
        "並べ替え重要度",
        "外部検証",
        "二項分布",
        "乱数の種",
    ],
    previous=("activations.py", "活性化関数"),
    following=("augmentation.py", "データ拡張"),
)
