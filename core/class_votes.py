"""How the readers of one class have predicted: counts in memory, without names, forgotten soon.

A class is there while somebody of it answers. All of it is bounded, so that readers who make up classes
cost little and push out nothing but each other.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

FORGET_AFTER_S = 3 * 3600.0
MAX_CLASSES = 100
MAX_QUESTIONS = 200
MAX_VOTES = 3000
MAX_ENDED = 1000


@dataclass
class _Class:
    """One class: question -> voter -> choice, and the time of the last answer."""

    questions: dict[bytes, dict[bytes, int]] = field(default_factory=dict)
    answered: float = 0.0

    @property
    def votes(self) -> int:
        return sum(map(len, self.questions.values()))


class ClassVotes:
    """The predictions of all classes of this server process; safe to use from any thread.

    Voters and questions are kept as hashes with a salt of this process.
    """

    def __init__(
        self, forget_after_s: float = FORGET_AFTER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._forget_after_s, self._clock = forget_after_s, clock
        self._salt = secrets.token_bytes(16)
        self._classes: dict[str, _Class] = {}
        self._ended: dict[str, None] = {}
        self._lock = threading.Lock()
        self._sweeper: threading.Timer | None = None

    def vote(self, class_id: str, question: str, voter: str, choice: int) -> bool:
        """Count ``voter`` for ``choice``, no more for an earlier one. False if the vote is not counted."""
        asked, who = self._hash(question), self._hash(f"{class_id} {voter}")
        with self._lock:
            self._forget()
            if class_id in self._ended:
                return False
            room = self._classes.pop(class_id, None) or _Class()
            self._classes[class_id] = room  # the newest is the last
            room.answered = self._clock()
            votes = room.questions.pop(asked, {})
            room.questions[asked] = votes
            if who not in votes and not self._make_room(room, asked):
                return False
            votes[who] = choice
            while len(self._classes) > MAX_CLASSES:
                others = (name for name in self._classes if name != class_id)
                del self._classes[min(others, key=lambda name: self._classes[name].votes)]
            self._watch()
            return True

    def counts(self, class_id: str, question: str, choices: int) -> list[int] | None:
        """Return how many chose each of the ``choices``, or None if nothing is known (any more)."""
        with self._lock:
            self._forget()
            room = self._classes.get(class_id)
            votes = room.questions.get(self._hash(question)) if room else None
            if not votes:
                return None
            chosen = list(votes.values())
        return [chosen.count(choice) for choice in range(choices)]

    def end(self, class_id: str) -> None:
        """Forget a class at once, and count nobody for it any more."""
        with self._lock:
            self._classes.pop(class_id, None)
            self._ended[class_id] = None
            while len(self._ended) > MAX_ENDED:
                del self._ended[next(iter(self._ended))]

    def has_ended(self, class_id: str) -> bool:
        """Say whether the maker of the class has ended it."""
        return class_id in self._ended

    def __len__(self) -> int:
        return len(self._classes)

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(errors="replace"), digest_size=8, key=self._salt).digest()

    def _make_room(self, room: _Class, asked: bytes) -> bool:
        """Drop the questions that fewest have answered, the oldest first, until one vote more fits."""
        while len(room.questions) > MAX_QUESTIONS or room.votes >= MAX_VOTES:
            others = [name for name in room.questions if name != asked]
            if not others:
                return False
            del room.questions[min(others, key=lambda name: len(room.questions[name]))]
        return True

    def _forget(self) -> None:
        limit = self._clock() - self._forget_after_s
        for name in [name for name, room in self._classes.items() if room.answered <= limit]:
            del self._classes[name]

    def _watch(self) -> None:
        """See to it that the classes are forgotten even if no reader ever comes again."""
        if self._sweeper is None:
            self._sweeper = threading.Timer(self._forget_after_s / 2, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        with self._lock:
            self._sweeper = None
            self._forget()
            if self._classes:
                self._watch()
