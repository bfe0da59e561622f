import json
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.class_link import ClassLink, Goal, class_id, decode, encode
from core.class_votes import ClassVotes
from pages.ui import teaching, teaching_maker, teaching_votes
from tests.pages.reading import shown, wait_until_done

Open = Callable[..., AppTest]
WORDS = "<b>太字</b>でも $x$ でも **y** でもなく\n- :smile: 文字のまま"
SECRET = "of this test"
LINK = ClassLink(class_id(SECRET), words=WORDS)
NETWORK = {"experiment": "本物のネットワーク", "rate_epochs": "20"}


@pytest.fixture(autouse=True)
def votes(monkeypatch: pytest.MonkeyPatch) -> ClassVotes:
    """Give each test counts of its own, and one reader."""
    own = ClassVotes()
    monkeypatch.setattr(teaching_votes, "voter", lambda: "reader 0")
    monkeypatch.setattr(teaching_votes, "VOTES", own)
    return own


def sent(app: AppTest, name: str) -> list[Any]:
    """Return the data of each component of this name on the page."""
    assert not app.exception
    protos = [element.proto for element in app.get("bidi_component")]
    return [json.loads(proto.json) for proto in protos if proto.component_name.endswith(name)]


def join(open_page: Open, link: ClassLink, page: str = "learning_rate.py", **query: str) -> AppTest:
    return open_page(page, **{teaching.PARAMETER: encode(link)}, **query)


def press(app: AppTest, key: str) -> AppTest:
    return app.button(key=key).click().run()


def test_a_class_reads_the_teachers_words_and_the_goal_as_they_were_written(open_page: Open) -> None:
    goal = Goal("validation_loss", 0.4)
    app = join(open_page, ClassLink(LINK.id, words=WORDS, goal=goal), **NETWORK)
    assert [text.value for text in app.text] == [WORDS]
    assert "**目標: 検証損失を 0.4 以下に** — 学習すると" in app.info[0].value
    assert "授業用リンクで開いています" in shown(app)
    assert WORDS not in shown(app)


@pytest.mark.parametrize(
    "piece", ["", "v1", "v1AAAA", "v2" + encode(LINK)[2:], encode(LINK)[:-3], "'\"><b>", "9" * 999]
)
def test_a_broken_link_opens_the_ordinary_page(open_page: Open, piece: str) -> None:
    app = open_page("learning_rate.py", **{teaching.PARAMETER: piece}, **NETWORK)
    assert not app.exception
    assert not app.text
    assert not app.error
    assert app.select_slider(key="rate").value == 1e-3
    assert "ふつうのページとして開きました" in shown(app) or piece.isdigit()  # a number that no setting has
    assert not sent(app, "lab_class_lock")


def test_a_reader_without_a_link_sees_nothing_of_it(open_page: Open, votes: ClassVotes) -> None:
    app = open_page("learning_rate.py", **NETWORK)
    app.radio[0].set_value(app.radio[0].options[0]).run()
    assert "授業用リンクで" not in shown(app)
    assert "クラスの予想" not in shown(app)
    assert not app.get("bidi_component") or not sent(app, "lab_class_votes")
    assert len(votes) == 0


def test_the_browser_is_told_what_to_lock_and_what_to_hide(open_page: Open) -> None:
    link = ClassLink(LINK.id, locked=("rate", "a/b", "tl_class"), hidden=("optimizer",))
    app = join(open_page, link, **NETWORK)
    assert sent(app, "lab_class_lock") == [{"classes": [".st-key-rate", ".st-key-a-b", ".st-key-optimizer"]}]


def test_fixed_controls_keep_the_value_of_the_link(open_page: Open) -> None:
    link = ClassLink(LINK.id, locked=("rate",), hidden=("rate_epochs",))
    app = join(open_page, link, rate="0.01", **NETWORK)
    assert app.select_slider(key="rate").value == 0.01
    app.select_slider(key="rate").set_value(1.0)
    app.slider(key="rate_epochs").set_value(200)
    app = app.run()
    assert (app.select_slider(key="rate").value, app.slider(key="rate_epochs").value) == (0.01, 20)
    app = press(app, "rate_run/preset/2")  # a dose that is far too large
    assert app.button_group(key="optimizer").value == "SGD+モメンタム"
    assert app.select_slider(key="rate").value == 0.01
    app.button_group(key="experiment").set_value("3つの用量").run()
    app.button_group(key="experiment").set_value("本物のネットワーク").run()
    assert app.select_slider(key="rate").value == 0.01
    app.select_slider(key="rate_batch").set_value(8).run()
    assert app.select_slider(key="rate_batch").value == 8


def test_a_link_that_names_buttons_and_runs_does_no_harm(open_page: Open) -> None:
    link = ClassLink(LINK.id, locked=("rate_run", "rate/start", "tl_kept"), hidden=("rate_run/guesses",))
    app = press(join(open_page, link, **NETWORK), "rate/start")
    app = wait_until_done(app, "rate_run")
    app = press(app, "rate_run/reset")
    assert not app.exception
    assert "rate_run" not in app.session_state


def answer(app: AppTest, choice: int) -> AppTest:
    return app.radio[0].set_value(app.radio[0].options[choice]).run()


def test_who_has_answered_sees_how_many_chose_what_and_nobody_before(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = [join(open_page, LINK) for _ in range(3)]
    other = join(open_page, ClassLink(class_id("another class")))
    seen: list[Any] = []
    for name, choice in enumerate((0, 1, 1)):
        monkeypatch.setattr(teaching_votes, "voter", lambda name=name: f"reader {name}")
        assert sent(readers[name], "lab_class_votes") == []
        seen += sent(answer(readers[name], choice), "lab_class_votes")
    options = readers[0].radio[0].options
    assert [told["title"] for told in seen] == [f"クラスの予想({count}人)" for count in (1, 2, 3)]
    assert seen[2]["rows"] == [[options[0], 1], [options[1], 2], *([option, 0] for option in options[2:])]
    monkeypatch.setattr(teaching_votes, "voter", lambda: "reader 0")
    assert sent(answer(readers[0], 1), "lab_class_votes")[0]["rows"][:2] == [[options[0], 0], [options[1], 3]]
    assert sent(answer(other, 0), "lab_class_votes")[0]["title"] == "クラスの予想(1人)"


def test_other_settings_are_another_question(open_page: Open) -> None:
    app = answer(join(open_page, LINK, **NETWORK), 0)
    assert len(sent(app, "lab_class_votes")) == 1
    app.select_slider(key="rate").set_value(0.1).run()
    assert sent(app, "lab_class_votes") == []


def test_only_the_maker_ends_a_class_and_then_nobody_sees_counts(open_page: Open, votes: ClassVotes) -> None:
    reader = answer(join(open_page, LINK), 0)
    assert "tl_end" not in [button.key for button in reader.button]
    maker = join(open_page, LINK)
    maker.session_state[teaching.SECRETS] = {LINK.id: "a wrong secret"}
    maker = maker.run()
    assert "tl_end" not in [button.key for button in maker.button]
    maker.session_state[teaching.SECRETS] = {LINK.id: SECRET}
    maker = press(maker.run(), "tl_end")
    assert "この授業は終わりました" in shown(maker)
    assert len(votes) == 0
    reader = reader.run()
    assert sent(reader, "lab_class_votes") == []
    assert "この授業は終わりました" in shown(reader)
    assert "もうありません" in shown(answer(reader, 1))


@pytest.mark.parametrize(
    ("goal", "box", "told"),
    [
        (Goal("validation_loss", 9.0), "success", "達成しました"),
        (Goal("validation_loss", 0.0001), "info", "まだ届いていません"),
        (Goal("test_accuracy", 0.2), "success", "達成しました"),
        (Goal("test_loss", 9.0), "success", "達成しました"),
    ],
)
def test_the_goal_is_checked_against_the_readers_own_run(
    open_page: Open, goal: Goal, box: str, told: str
) -> None:
    app = join(open_page, ClassLink(LINK.id, goal=goal), **NETWORK)
    assert told not in shown(app)
    app = wait_until_done(press(app, "rate/start"), "rate_run")
    found = [element.value for element in getattr(app, box) if "目標" in element.value]
    assert len(found) == 1
    assert told in found[0]
    result = app.session_state["rate_run"].run.result[0]
    if goal.metric == "validation_loss":
        assert f"{min(epoch.validation_loss for epoch in result.history):.4g}" in found[0]
    elif goal.metric == "test_loss":
        assert f"{result.test_loss:.4g}" in found[0]
    else:
        assert f"{100 * result.test_accuracy:.4g}%" in found[0]
    app = press(app, "rate_run/reset")
    assert told in shown(app)  # what was reached stays reached


def test_close_to_the_goal_the_reader_is_told_so(open_page: Open) -> None:
    app = wait_until_done(press(open_page("learning_rate.py", **NETWORK), "rate/start"), "rate_run")
    best = min(row[0].validation_loss for row in app.session_state["rate_run"].run.rows)
    app = join(open_page, ClassLink(LINK.id, goal=Goal("validation_loss", round(best * 0.9, 6))), **NETWORK)
    app = wait_until_done(press(app, "rate/start"), "rate_run")
    assert f"あと少しです: いまの最良 {best:.4g}" in shown(app)


def test_what_was_trained_before_the_lesson_does_not_count(open_page: Open) -> None:
    app = wait_until_done(press(open_page("learning_rate.py", **NETWORK), "rate/start"), "rate_run")
    app.query_params[teaching.PARAMETER] = encode(ClassLink(LINK.id, goal=Goal("validation_loss", 9.0)))
    app = app.run()
    assert "学習すると、その結果をここで確かめます" in shown(app)
    app = wait_until_done(press(app, "rate/start"), "rate_run")
    assert "達成しました" in shown(app)


def maker() -> None:
    from pages.ui import teaching_maker

    teaching_maker.show("x")


def test_a_teacher_makes_a_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        teaching_maker, "_controls", lambda _: {"rate": "学習率", "optimizer": "オプティマイザ"}
    )
    app = AppTest.from_function(maker).run()
    app.multiselect[0].set_value(["rate", "optimizer"]).run()
    app.multiselect[1].set_value(["optimizer"]).run()
    app.selectbox[0].set_value("validation_accuracy").run()
    app.number_input[0].set_value(87.3).run()
    app.text_area[0].set_value(WORDS).run()
    app = press(app, "tl_make/x")
    (panel,) = sent(app, "lab_share")
    link = decode(panel["extra"][teaching.PARAMETER])
    assert link is not None
    assert (link.locked, link.hidden, link.words) == (("rate",), ("optimizer",), WORDS)
    assert link.goal == Goal("validation_accuracy", 0.873)
    assert f"{teaching.PARAMETER}=v1" in panel["address"]
    assert class_id(app.session_state[teaching.SECRETS][link.id]) == link.id
    app = press(press(app, "tl_make/x"), "tl_end")
    assert "この授業は終わりました" in shown(app)


def test_nothing_of_the_maker_is_made_before_it_is_opened(open_page: Open) -> None:
    app = open_page("learning_rate.py")
    assert "tl_make/learning_rate" not in [button.key for button in app.button]
    assert not sent(app, "lab_class_scan")


@pytest.mark.parametrize("cookie", ["", "2", "2||ab|1", "2|zz|ab|1", "x|y|z", '"2|00000000|ff|1"'])
def test_a_strange_cookie_is_no_reader(cookie: str) -> None:
    assert teaching_votes._unmasked(cookie) in ("", "ff")


def test_the_token_of_a_browser_is_the_same_under_every_mask() -> None:
    token = bytes(range(16))
    for mask in (b"\x01\x02\x03\x04", b"\xff\x00\xaa\x55"):
        masked = bytes(sign ^ mask[place % 4] for place, sign in enumerate(token))
        assert teaching_votes._unmasked(f"2|{mask.hex()}|{masked.hex()}|1700000000") == token.hex()
