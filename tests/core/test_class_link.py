import base64
import random
import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.class_link import (
    LONGEST,
    LONGEST_WORDS,
    MAX_KEYS,
    METRICS,
    ClassLink,
    Goal,
    LinkError,
    class_id,
    clean,
    decode,
    encode,
    new_secret,
)

ID = class_id("a teacher's secret")
HOSTILE_WORDS = "<b>太字</b> $x^2$ **y** <img src=x onerror=alert(1)> [a](javascript:1) :smile:"


def packed(body: bytes, head: bytes = bytes(12), version: str = "v1") -> str:
    """Write a piece by hand, as somebody would who forges one."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = head + packer.compress(body) + packer.flush()
    return version + base64.urlsafe_b64encode(data).decode().rstrip("=")


keys = st.lists(st.from_regex(r"[a-z0-9_/]{1,40}", fullmatch=True), unique=True, max_size=5).map(tuple)
goals = st.one_of(
    st.none(),
    st.builds(Goal, st.just("validation_loss"), st.integers(1, 10**10).map(lambda n: n / 10**6)),
    st.builds(Goal, st.sampled_from(METRICS[1::2]), st.integers(1, 1000).map(lambda n: n / 1000)),
)
words = st.text(max_size=40).map(clean)


@given(keys, keys, goals, words)
def test_what_a_teacher_has_prepared_arrives(
    locked: tuple[str, ...], hidden: tuple[str, ...], goal: Goal | None, words: str
) -> None:
    link = ClassLink(ID, locked, hidden, goal, words)
    piece = encode(link)
    assert decode(piece) == link
    assert len(piece) <= LONGEST
    assert piece.isascii()
    assert piece.replace("-", "").replace("_", "").isalnum()


def test_a_long_japanese_text_fits_into_a_link() -> None:
    words = "".join(
        random.Random(1).choices(
            "学習率を十倍にすると損失はどう動くでしょうか予想してから確かめましょう。", k=200
        )
    )
    link = ClassLink(ID, ("of_rows", "of_noise", "of_large"), (), Goal("validation_loss", 0.4), words)
    assert decode(encode(link)) == link


def test_hostile_words_arrive_as_they_are_written() -> None:
    link = ClassLink(ID, words=HOSTILE_WORDS)
    assert decode(encode(link)) == link


@given(st.text(max_size=1200))
def test_any_text_is_a_link_or_none(piece: str) -> None:
    assert decode(piece) is None
    assert decode("v1" + piece) is None or len(piece) < LONGEST


@given(st.binary(max_size=300))
def test_any_bytes_are_a_link_or_none(data: bytes) -> None:
    decode("v1" + base64.urlsafe_b64encode(data).decode().rstrip("="))
    assert decode(packed(data)) is None or data.count(b"\n") >= 3


@given(st.integers(0, 10**6), st.sampled_from("AZaz09-_ é\x00\n=+/"))
def test_a_damaged_link_is_none_or_says_something_allowed(place: int, sign: str) -> None:
    whole = encode(ClassLink(ID, ("rate", "of_rows"), ("of_noise",), Goal("test_loss", 0.25), "がんばろう"))
    place %= len(whole)
    for piece in (
        whole[:place],
        whole[:place] + sign + whole[place + 1 :],
        whole[:place] + sign + whole[place:],
    ):
        link = decode(piece)
        if link is not None:
            assert decode(encode(link)) == link


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"of_Rows\n\n\n",
        b"a-b\n\n\n",
        b"a}body{display:none\n\n\n",
        b"a  b\n\n\n",
        b"a a\n\n\n",
        b"a\r\n\n\n",
        ("x" * 41).encode() + b"\n\n\n",
        " ".join(f"k{i}" for i in range(MAX_KEYS + 1)).encode() + b"\n\n\n",
        b"\n\nvalidation_loss\n",
        b"\n\nvalidation_loss nan\n",
        b"\n\nvalidation_loss inf\n",
        b"\n\nvalidation_loss -1\n",
        b"\n\nvalidation_loss 1e3\n",
        b"\n\nvalidation_loss 0\n",
        b"\n\nvalidation_loss 99999\n",
        "\n\nvalidation_loss ١\n".encode(),
        b"\n\nvalidation_accuracy 1.5\n",
        b"\n\n__class__ 0.4\n",
        b"\n\n\n" + b"a" * (LONGEST_WORDS + 1),
        b"\n\n\nbell\x07",
        "\n\n\nturned \u202e around".encode(),
        b"\n\n\nhalf \xe3\x81",
        b"\n\n\n padded ",
    ],
)
def test_what_a_forger_writes_is_no_link(body: bytes) -> None:
    assert decode(packed(b"a\n\n\n")) is not None
    assert decode(packed(body)) is None


def test_a_small_piece_that_would_unpack_to_very_much_is_no_link() -> None:
    bomb = packed(b"\n\n\n" + b"a" * 300_000)
    assert len(bomb) <= LONGEST
    assert decode(bomb) is None


def test_other_versions_and_overlong_pieces_are_no_links() -> None:
    assert decode(packed(b"\n\n\n", version="v2")) is None
    assert decode(packed(b"\n\n\n") + "A" * LONGEST) is None
    assert decode(packed(b"\n\n\n") + "AAAA") is None
    assert decode(packed(b"\n\n\n", head=b"short")) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"words": "あ" * 201}, "200 文字まで"),
        ({"locked": tuple(f"k{i}" for i in range(41))}, "40 個まで"),
        ({"goal": Goal("validation_loss", 0.0)}, "0より大きく"),
        ({"words": "".join(map(chr, range(0x4E00, 0x4E00 + 200 * 37, 37)))}, None),
        (
            {"locked": tuple(f"{i:02}{random.Random(i).getrandbits(150):x}" for i in range(40))},
            "長くなりすぎ",
        ),
    ],
)
def test_a_teacher_is_told_what_does_not_fit(change: dict[str, object], said: str | None) -> None:
    link = replace(ClassLink(ID), **change)  # type: ignore[arg-type]
    if said is None:
        assert decode(encode(link)) == link
        return
    with pytest.raises(LinkError, match=said):
        encode(link)


@pytest.mark.parametrize("link", [ClassLink(ID, words=" padded "), ClassLink(ID, locked=("a b",))])
def test_what_could_not_arrive_as_it_is_never_becomes_a_link(link: ClassLink) -> None:
    with pytest.raises(ValueError, match="not a link"):
        encode(link)


def test_a_class_is_named_by_what_only_its_maker_knows() -> None:
    secret = new_secret()
    assert class_id(secret) == class_id(secret)
    assert class_id(secret) != class_id(new_secret())
    assert secret not in encode(ClassLink(class_id(secret)))


@pytest.mark.parametrize(
    ("goal", "reached", "missed"),
    [(Goal("validation_loss", 0.4), 0.4, 0.4001), (Goal("test_accuracy", 0.9), 0.9, 0.8999)],
)
def test_a_goal_is_reached_from_the_right_side(goal: Goal, reached: float, missed: float) -> None:
    assert goal.reached(reached)
    assert not goal.reached(missed)
