"""Masks of requests that run, each for its own next token."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.engine.masks import Masks
from coblyn.errors import ConstraintRefused, EngineError
from constraints.vocabularies import END, PIECES, allowed_by, tokenizer


@pytest.fixture
def masks() -> Iterator[Masks]:
    masks = Masks(tokenizer, len(PIECES))
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


def test_the_tokenizer_is_made_once_however_many_come_at_once() -> None:
    made: list[int] = []

    def make() -> object:
        made.append(1)
        return tokenizer()

    masks = Masks(make, len(PIECES))  # type: ignore[arg-type]
    threads = [
        threading.Thread(target=masks.begin, args=(Constraint("regex", "a"),)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    masks.close()
    assert made == [1]
