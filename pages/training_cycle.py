import streamlit as st

from pages.parts.training_cycle import cycle_neuron, cycle_real
from pages.ui import lesson, share

lesson.header(
    "学習サイクル",
    "読み終えるころには、ネットワークの学習が**予測 → 採点 → 反省 → 修正**のくり返しであることを、"
    "PyTorch のコード1行1行と結びつけて説明できるようになります。",
    "研修医(モデル)の見立てを指導医(損失)が採点し、研修医は反省して、次の患者さんを診る前にやり方を少しだけ直します。",
)

EXPERIMENTS = {
    "一歩ずつ": cycle_neuron.show,
    "本物で回す": cycle_real.show,
}
experiment = lesson.part("実験", EXPERIMENTS, "tc_experiment")
EXPERIMENTS[experiment]()

with st.expander("4つのステップと用語"):
    st.markdown(
        "- **予測** — 順伝播(forward)。`y_hat = model(x)`。"
        "パラメータ(重みとバイアス)を使い、入力から予測を計算します。\n"
        "- **採点** — 損失(loss)。`loss = loss_fn(y_hat, y)`。予測の外れ具合を1つの数にします。\n"
        "- **反省** — 逆伝播(backward)。`loss.backward()`。"
        "どのパラメータを増やすと損失がどれだけ増えるか(勾配)を、出力の側から逆にたどって求めます。\n"
        "- **修正** — オプティマイザ(optimizer)。`optimizer.step()`。"
        "勾配と逆の向きへ、パラメータを少しだけ動かします。\n\n"
        "PyTorch は、新しい勾配を前の勾配に**足していきます**。そこで1回ごとに、"
        "`optimizer.zero_grad()` で消してから始めます。"
        "学習用の患者全員を1回ずつ使うと、1エポックです。"
    )

share.share("training_cycle")
lesson.footer(
    papers=[
        "Robbins & Monro (1951) A stochastic approximation method",
        "Rosenblatt (1958) The perceptron: a probabilistic model for information storage"
        " and organization in the brain",
        "Rumelhart, Hinton & Williams (1986) Learning representations by back-propagating errors",
        "Wolberg, Street & Mangasarian (1995) Image analysis and machine learning"
        " applied to breast cancer diagnosis and prognosis(乳腺腫瘍のデータ)",
        "Efron et al. (2004) Least angle regression(糖尿病のデータ)",
        "Paszke et al. (2019) PyTorch: an imperative style, high-performance deep learning library",
    ],
    terms=[
        "パラメータ",
        "重み",
        "バイアス",
        "順伝播",
        "損失",
        "逆伝播",
        "勾配",
        "オプティマイザ",
        "エポック",
        "学習率",
        "発散",
        "MSE",
        "交差エントロピー",
        "検証損失",
        "SGD",
        "モメンタム",
        "Adam",
        "ユニット",
        "バッチサイズ",
        "乱数の種",
    ],
    previous=("home.py", "ホーム"),
    following=("loss_functions.py", "損失関数"),
)
