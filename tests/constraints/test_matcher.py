"""A text under a grammar, token by token."""

from __future__ import annotations

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.errors import EngineError
from constraints.vocabularies import END, PIECES, allowed, matcher

ONE_KEY = Constraint(
    "json_schema",
    '{"type":"object","properties":{"hello":{"enum":[123]}},"required":["hello"],"additionalProperties":false}',
)


def token(piece: bytes) -> int:
    return PIECES.index(piece)


def test_tokens_of_several_characters_are_allowed_where_they_fit() -> None:
    one = matcher(Constraint("regex", "aab|b"))
    assert allowed(one) == {token(b"a"), token(b"aab"), token(b"b")}
    one.accept(token(b"aab"))
    assert one.is_over
    assert one.is_complete
    assert allowed(one) == {END}


def test_a_text_ends_only_where_it_is_complete() -> None:
    one = matcher(Constraint("regex", "(ab)+"))
    assert END not in allowed(one)
    one.accept(token(b"ab"))
    assert allowed(one) == {token(b"a"), token(b"ab"), END}
    assert one.is_complete
    assert not one.is_over


def test_what_must_come_is_known() -> None:
    one = matcher(ONE_KEY)
    one.accept(token(b"{"))
    one.accept(token(b'"'))
    assert b"".join(PIECES[each] for each in one.forced()).startswith(b"hello")


def test_tokens_are_taken_back() -> None:
    one = matcher(Constraint("regex", "abab"))
    one.accept(token(b"ab"))
    before = allowed(one)
    one.accept(token(b"a"))
    assert one.count_allowed([token(b"b"), token(b"a")]) == 1
    one.rewind(1)
    assert allowed(one) == before


def test_a_token_that_is_not_allowed_is_an_error() -> None:
    one = matcher(Constraint("regex", "ab"))
    with pytest.raises(EngineError, match="constraint"):
        one.accept(token(b"x"))
