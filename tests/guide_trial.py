"""Try what the contribution guide adds, in a copy of the app where it has been added."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.update_rules import RULES
from pages.parts.optimizers import race_view
from pages.ui import runs, text
from tests.pages.reading import shown, wait_until_done

APP = Path(__file__).parent.parent / "pages" / "app.py"


def opened(page: str, **query: str) -> AppTest:
    """Open a page of the app with settings in its address."""
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = value
    return app.run().switch_page(page).run()


def pressed(app: AppTest, key: str) -> AppTest:
    """Press a button, and see that nothing went wrong."""
    app = app.button(key=key).click().run()
    assert not app.exception, app.exception
    assert not app.error, app.error
    return app


def try_the_optimizer() -> None:
    """Race it on a landscape and on a network, and use it in the playground."""
    assert tuple(RULES) == tuple(text.OPTIMIZER_LABELS) == tuple(race_view.COLOURS)
    app = pressed(opened("optimizers.py", op_focus="NAdam"), "op_race/start")
    assert ". NAdam | 0.1 |" in shown(app)
    assert any("NAdam の中身" in expander.label for expander in app.expander)
    assert any("exp" in line.value and "avg" in line.value for line in app.latex)
    assert "torch.optim.NAdam([w], lr=0.1)" in app.code[0].value
    app = opened("optimizers.py", op_exp="本物のネットワークでレース", op_net_epochs="10")
    app.button_group(key="op_net_who").set_value(["SGD", "NAdam"]).run()
    app = wait_until_done(pressed(app, "op_net/start"), "op_net")
    assert ". NAdam | 0.003 |" in shown(app)
    app = opened("activations.py", ac_experiment="プレイグラウンド")
    app.selectbox(key="pg_optimizer").set_value("nadam").run()
    app = wait_until_done(pressed(app, "pg/start"), "playground")
    assert not app.exception, app.exception
    assert any("NAdam" in line.value for line in app.latex)


def try_the_data() -> None:
    """Race batch sizes on it."""
    label = "脱水の見分け(模擬)"
    app = opened("mini_batches.py", mb_race_table=label, mb_epochs="5")
    app = wait_until_done(pressed(app, "mb_race/start"), "mb_race")
    assert not app.exception, app.exception
    assert app.session_state["mb_race"].spec.table.name == "dehydration"
    assert "読み解き" in [heading.value for heading in app.header]


def try_the_lesson() -> None:
    """Predict, train and read."""
    app = opened("dehydration.py")
    assert [title.value for title in app.title] == ["脱水を見分ける"]
    app.radio[0].set_value("8割以上").run()
    app = wait_until_done(pressed(app, "dh_run/start"), "dh_run")
    assert "予想どおりです。" in shown(app)
    assert "正解率は" in shown(app)


if __name__ == "__main__":
    assert runs.engine().wait_ready(60)
    try:
        try_the_optimizer()
        try_the_data()
        try_the_lesson()
    finally:
        runs.close_engine()
