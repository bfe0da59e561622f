import threading
import time

import pytest

from core import class_votes
from core.class_votes import ClassVotes


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_reader_counts_once_and_for_the_last_answer() -> None:
    votes = ClassVotes()
    assert votes.counts("A", "q", 2) is None
    for voter, choice in (("1", 0), ("2", 0), ("1", 1), ("1", 1)):
        assert votes.vote("A", "q", voter, choice)
    assert votes.counts("A", "q", 2) == [1, 1]
    assert votes.counts("A", "another", 2) is None
    assert votes.counts("B", "q", 2) is None


def test_a_class_is_forgotten_when_nobody_has_answered_for_long() -> None:
    clock = Clock()
    votes = ClassVotes(3600.0, clock)
    votes.vote("A", "q", "1", 0)
    clock.now = 3000.0
    votes.vote("A", "other", "2", 0)
    clock.now = 6599.0
    assert votes.counts("A", "q", 1) == [1]
    clock.now = 6600.0
    assert votes.counts("A", "q", 1) is None
    assert len(votes) == 0


def test_it_is_forgotten_even_if_nobody_ever_comes_again() -> None:
    votes = ClassVotes(0.2)
    votes.vote("A", "q", "1", 0)
    limit = time.monotonic() + 5
    while len(votes) and time.monotonic() < limit:
        time.sleep(0.02)
    assert len(votes) == 0


def test_an_ended_class_is_gone_and_counts_nobody_any_more() -> None:
    votes = ClassVotes()
    votes.vote("A", "q", "1", 0)
    votes.end("A")
    assert votes.has_ended("A")
    assert votes.counts("A", "q", 1) is None
    assert not votes.vote("A", "q", "2", 0)
    assert len(votes) == 0


def test_made_up_classes_push_out_each_other_and_no_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_votes, "MAX_CLASSES", 5)
    votes = ClassVotes()
    for voter in "123":
        votes.vote("real", "q", voter, 0)
    for number in range(50):
        votes.vote(f"made up {number}", "q", "x", 0)
    assert len(votes) == 5
    assert votes.counts("real", "q", 1) == [3]
    assert votes.counts("made up 49", "q", 1) == [1]
    assert votes.counts("made up 3", "q", 1) is None


def test_a_class_keeps_the_questions_that_most_have_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_votes, "MAX_QUESTIONS", 3)
    monkeypatch.setattr(class_votes, "MAX_VOTES", 6)
    votes = ClassVotes()
    for voter in "1234":
        votes.vote("A", "asked of all", voter, 0)
    for number in range(20):
        assert votes.vote("A", f"own settings {number}", "1", 0)
    assert votes.counts("A", "asked of all", 1) == [4]
    assert votes.counts("A", "own settings 0", 1) is None
    assert votes.counts("A", "own settings 19", 1) == [1]
    for number in range(20):
        votes.vote("B", "q", str(number), 0)
    assert votes.counts("B", "q", 1) == [6]
    assert votes.vote("B", "q", "0", 1)  # who has a vote may still change it
    assert votes.counts("B", "q", 2) == [5, 1]


def test_ended_classes_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_votes, "MAX_ENDED", 3)
    votes = ClassVotes()
    for number in range(5):
        votes.end(str(number))
    assert [votes.has_ended(str(number)) for number in range(5)] == [False, False, True, True, True]


def test_a_whole_class_may_answer_at_the_same_moment() -> None:
    votes = ClassVotes()

    def answer(voter: int) -> None:
        for question in range(20):
            votes.vote("A", f"{question}", f"{voter}", voter % 2)
            votes.counts("A", f"{question}", 2)

    threads = [threading.Thread(target=answer, args=(voter,)) for voter in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [votes.counts("A", f"{question}", 2) for question in range(20)] == [[15, 15]] * 20
