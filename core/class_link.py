"""A lesson that a teacher has prepared, as one short piece of text for a link, and back.

The piece is ``v1`` and base64url of twelve bytes that name the class and of a deflated body: the locked
keys, the hidden ones, the goal, and the teacher's words, a line each and the words last. Whatever else
arrives is no link: ``decode`` returns None and never raises.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache

VERSION = "v1"
LONGEST = 960  # characters of the piece; the server drops settings of more than 1,000
LONGEST_WORDS = 200
MAX_KEYS = 40
MAX_GOAL = 10_000.0
METRICS = ("validation_loss", "validation_accuracy", "test_loss", "test_accuracy")

_ID_BYTES = 12
_LONGEST_BODY = 2 * MAX_KEYS * 41 + 4 * LONGEST_WORDS + 60
_KEY = re.compile(r"[a-z0-9_/]{1,40}")
_PIECE = re.compile(rf"{VERSION}([A-Za-z0-9_-]+)")
_NUMBER = re.compile(r"[0-9]{1,5}(\.[0-9]{1,6})?")
_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class LinkError(ValueError):
    """What a teacher asked for does not fit into a link; the message says what to change."""


@dataclass(frozen=True)
class Goal:
    """A number to reach: at most ``value`` for a loss, at least for an accuracy (a share of 1)."""

    metric: str
    value: float

    @property
    def accuracy(self) -> bool:
        """Say whether more is better."""
        return self.metric.endswith("accuracy")

    def reached(self, best: float) -> bool:
        """Say whether ``best`` is good enough."""
        return best >= self.value if self.accuracy else best <= self.value


@dataclass(frozen=True)
class ClassLink:
    """What a teacher has prepared. ``id`` names the class and is the hash of what only its maker knows."""

    id: str
    locked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    goal: Goal | None = None
    words: str = ""

    @property
    def fixed(self) -> tuple[str, ...]:
        """Return the keys of all controls that keep the value they have in the link."""
        return tuple(dict.fromkeys((*self.locked, *self.hidden)))


def new_secret() -> str:
    """Return what the maker of a class keeps, 128 random bits."""
    return secrets.token_urlsafe(16)


def class_id(secret: str) -> str:
    """Return the name of the class whose maker has ``secret``: it cannot be turned back."""
    return _text(hashlib.sha256(secret.encode()).digest()[:_ID_BYTES])


def clean(words: str) -> str:
    """Return a teacher's words without what would not show as text: control and direction characters."""
    lines = words.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(sign for sign in lines if sign == "\n" or not _invisible(sign)).strip()


def encode(link: ClassLink) -> str:
    """Return the piece of text for ``link``.

    Raises:
        LinkError: too many controls, words or characters, or a goal out of range.
        ValueError: keys that no control has, or words that are not ``clean``.
    """
    if len(link.words) > LONGEST_WORDS:
        raise LinkError(f"ひとことは {LONGEST_WORDS} 文字までです(いまは {len(link.words)} 文字)。")
    if len(link.locked) > MAX_KEYS or len(link.hidden) > MAX_KEYS:
        raise LinkError(f"選べる設定は、それぞれ {MAX_KEYS} 個までです。")
    if link.goal and not 0 < link.goal.value <= (1 if link.goal.accuracy else MAX_GOAL):
        raise LinkError(f"目標の数は、0より大きく {MAX_GOAL:,.0f} 以下(正解率は 100% 以下)にしてください。")
    goal = f"{link.goal.metric} {_written(link.goal.value)}" if link.goal else ""
    body = "\n".join((" ".join(link.locked), " ".join(link.hidden), goal, link.words)).encode()
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = VERSION + _text(_bytes(link.id) + packer.compress(body) + packer.flush())
    if len(piece) > LONGEST:
        raise LinkError("リンクが長くなりすぎます。ひとことを短くするか、選ぶ設定を減らしてください。")
    if decode(piece) != link:
        raise ValueError(f"not a link: {link}")  # a key that is none, or words that are not clean
    return piece


@lru_cache(maxsize=256)
def decode(piece: str) -> ClassLink | None:
    """Return what ``piece`` says, or None if it is not a link that ``encode`` could have made."""
    match = _PIECE.fullmatch(piece) if len(piece) <= LONGEST else None
    if match is None:
        return None
    try:
        packed = _bytes(match[1])
        opener = zlib.decompressobj(-15)
        body = opener.decompress(packed[_ID_BYTES:], _LONGEST_BODY)
        if not opener.eof or opener.unused_data:
            return None
        locked, hidden, goal, words = body.decode().split("\n", 3)
        return ClassLink(
            id=_text(packed[:_ID_BYTES]),
            locked=_keys(locked),
            hidden=_keys(hidden),
            goal=_goal(goal),
            words=_words(words),
        )
    except (ValueError, zlib.error):
        return None


def _keys(line: str) -> tuple[str, ...]:
    keys = tuple(line.split(" ")) if line else ()
    if len(keys) > MAX_KEYS or len(set(keys)) < len(keys) or not all(map(_KEY.fullmatch, keys)):
        raise ValueError("keys")
    return keys


def _goal(line: str) -> Goal | None:
    if not line:
        return None
    metric, _, number = line.partition(" ")
    if metric not in METRICS or not _NUMBER.fullmatch(number):
        raise ValueError("goal")
    goal = Goal(metric, float(number))
    if not 0 < goal.value <= (1 if goal.accuracy else MAX_GOAL):
        raise ValueError("goal")
    return goal


def _words(words: str) -> str:
    if len(words) > LONGEST_WORDS or words != clean(words):
        raise ValueError("words")
    return words


def _invisible(sign: str) -> bool:
    return sign in _TURNS or unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp")


def _written(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
