"""Masks of requests that run, each for its own next token."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.vocabulary import Vocabulary
from coblyn.engine.masks import Masks
from coblyn.errors import ConstraintRefused, EngineError
from constraints.vocabularies import END, PIECES, allowed_by, vocabulary


@pytest.fixture
def masks() -> Iterator[Masks]:
    masks = Masks(vocabulary, len(PIECES))
    yield masks
    masks.close()


def allowed(masks: Masks, request_id: str) -> set[int]:
    words = masks.words(request_id)
    assert words is not None
    assert masks.wait(request_id)
    return allowed_by(words)


def test_each_request_has_its_own(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "ab")))
    masks.open("b", masks.begin(Constraint("regex", "x+")))
    assert masks.words("c") is None
    assert allowed(masks, "a") == {PIECES.index(b"a")}, (
        "what is forced comes as the tokenizer cuts it"
    )
    assert masks.accept("a", PIECES.index(b"a")) is False
    assert masks.accept("b", PIECES.index(b"x")) is False
    assert allowed(masks, "a") == {PIECES.index(b"b")}
    assert allowed(masks, "b") == {PIECES.index(b"x"), END}
    assert masks.accept("a", PIECES.index(b"b")) is True
    masks.forget("a")
    masks.forget("c")
    assert masks.words("a") is None


def test_tokens_are_given_back(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "abc")))
    for byte in b"ab":
        masks.accept("a", byte)
    masks.rewind("a", 1)
    assert allowed(masks, "a") == {PIECES.index(b"b")}
    masks.rewind("a", 9)
    assert not masks.wait("a"), "so many were never drawn: this request alone ends"
    masks.rewind("without one", 1)
    assert "a" in masks
    assert "without one" not in masks


def test_a_wrong_constraint_opens_nothing(masks: Masks) -> None:
    with pytest.raises(ConstraintRefused):
        masks.begin(Constraint("regex", "("))
    assert masks.words("a") is None


def test_a_token_that_is_not_allowed_is_an_error_of_its_request_only(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "ab")))
    masks.open("b", masks.begin(Constraint("regex", "ab")))
    with pytest.raises(EngineError):
        masks.accept("a", PIECES.index(b"x"))
    assert masks.accept("b", PIECES.index(b"a")) is False


def test_the_vocabulary_is_read_once_however_many_come_at_once() -> None:
    made: list[int] = []

    def read() -> Vocabulary:
        made.append(1)
        return vocabulary()

    masks = Masks(read, len(PIECES))
    threads = [
        threading.Thread(target=masks.begin, args=(Constraint("regex", "a"),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    masks.close()
    assert made == [1]


def test_a_lazy_constraint_has_no_mask_until_its_trigger(masks: Masks) -> None:
    masks.open("a", masks.begin(Constraint("regex", "[0-9]!", triggers=("ab",), repeats=True)))
    for piece in (b"hello", b"x"):
        assert masks.words("a") is None
        assert masks.accept("a", PIECES.index(piece)) is False
    masks.accept("a", PIECES.index(b"ab"))
    assert allowed(masks, "a") == set(range(ord("0"), ord("9") + 1))
    for byte in b"7!":
        assert masks.accept("a", byte) is False
    assert masks.words("a") is None
    masks.rewind("a", 2)
    assert allowed(masks, "a") == set(range(ord("0"), ord("9") + 1))
    masks.rewind("a", 1)
    assert masks.words("a") is None
