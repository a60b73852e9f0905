"""Matchers of recent constraints are kept, and nobody changes another one's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from unittest.mock import patch

import pytest

from coblyn.constraints.constraint import ANY_JSON, Constraint
from coblyn.constraints.grammar import matcher_of
from coblyn.constraints.matchers import Matchers
from coblyn.errors import ConstraintRefused
from constraints.vocabularies import END, allowed, tokenizer

MODULE = "coblyn.constraints.matchers"
LETTERS = Constraint("regex", "[ab]{2}")


def test_the_same_constraint_is_compiled_once() -> None:
    kept = Matchers()
    with patch(f"{MODULE}.matcher_of", wraps=matcher_of) as compiled:
        first = kept.get(tokenizer(), LETTERS)
        first.accept(ord("a"))
        first.accept(ord("b"))
        second = kept.get(tokenizer(), LETTERS)
        assert compiled.call_count == 1
    assert allowed(first) == {END}
    assert {ord("a"), ord("b")} < allowed(second)
    assert END not in allowed(second)


def test_whitespace_is_part_of_it() -> None:
    kept = Matchers()
    spaced = Constraint("json_schema", ANY_JSON.text, whitespace="any")
    assert [kept.get(tokenizer(), each).count_allowed(b"{   }") for each in (ANY_JSON, spaced)] == [
        2,
        5,
    ]


def test_the_oldest_are_forgotten() -> None:
    kept = Matchers()
    with (
        patch(f"{MODULE}._MAX_KEPT", 2),
        patch(f"{MODULE}.matcher_of", wraps=matcher_of) as compiled,
    ):
        for letter in "abcab":
            kept.get(tokenizer(), Constraint("regex", letter))
        assert compiled.call_count == 5
        kept.get(tokenizer(), Constraint("regex", "b"))
        assert compiled.call_count == 5


def test_one_that_is_refused_is_refused_again() -> None:
    kept = Matchers()
    for _ in range(2):
        with pytest.raises(ConstraintRefused):
            kept.get(tokenizer(), Constraint("regex", "("))


def test_many_threads_take_the_same_one() -> None:
    kept = Matchers()

    def follow(letter: int) -> set[int]:
        one = kept.get(tokenizer(), LETTERS)
        one.accept(letter)
        one.accept(letter)
        return allowed(one)

    with ThreadPoolExecutor(4) as pool:
        assert set().union(*pool.map(follow, [ord("a"), ord("b")] * 20)) == {END}
