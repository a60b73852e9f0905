"""Texts that are free until a trigger was written."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.lazy import LazyMatcher
from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.triggers import Triggers
from coblyn.errors import BadRequest, ConstraintRefused, EngineError
from constraints.vocabularies import END, PIECES, allowed, matcher, vocabulary

ALL = set(range(len(PIECES)))
LEXICON = Lexicon(vocabulary())
CALL = Constraint("regex", "[0-9]{1,3}!", triggers=("xa",))


def token(piece: bytes) -> int:
    return PIECES.index(piece)


def lazy(constraint: Constraint) -> LazyMatcher:
    plain = replace(constraint, triggers=(), includes_trigger=False)
    return LazyMatcher(LEXICON, matcher(plain), constraint)


def write(one: LazyMatcher, *pieces: bytes) -> None:
    for piece in pieces:
        assert token(piece) in allowed(one), piece
        one.accept(token(piece))


def test_any_token_may_come_before_the_trigger() -> None:
    one = lazy(CALL)
    assert one.is_free
    write(one, b"hello", b"a", b"\xe3")
    assert allowed(one) == ALL
    assert one.is_free


@pytest.mark.parametrize("pieces", [(b"xa",), (b"x", b"a"), (b"x", b"x", b"a")])
def test_the_grammar_holds_behind_it_wherever_tokens_begin(pieces: tuple[bytes, ...]) -> None:
    one = lazy(CALL)
    write(one, b"hello", *pieces)
    digits = {token(b"%d" % digit) for digit in range(10)} | {token(b"123")}
    assert allowed(one) == digits
    write(one, b"123", b"!")
    assert one.is_over
    assert allowed(one) == {END}


def test_a_token_that_ends_the_trigger_may_go_on_as_the_grammar_does() -> None:
    one = lazy(Constraint("regex", "b1|a2", triggers=("ya",)))
    write(one, b"y")
    assert token(b"ab") in allowed(one), "the trigger, and b of b1"
    assert token(b"aab") not in allowed(one), "the trigger and ab, which nothing begins with"
    write(one, b"ab")
    assert allowed(one) == {token(b"1")}


def test_a_token_that_holds_the_trigger_whole_is_looked_at_everywhere() -> None:
    one = lazy(Constraint("regex", "[0-9]+", triggers=("ell",)))
    assert not one.is_free
    assert allowed(one) == ALL - {token(b"hello")}


def test_a_token_that_holds_the_trigger_twice_goes_on_behind_the_first() -> None:
    one = lazy(Constraint("regex", "[0-9]", triggers=("y",)))
    assert allowed(one) == ALL - {token(b"yay")}


def test_of_triggers_that_end_together_the_longest_counts() -> None:
    triggers = Triggers(("b", "ab"), is_included=True)
    assert triggers.begun(b"", b"xab1") == b"ab1"
    assert triggers.begun(b"a", b"b") == b"ab"
    assert triggers.begun(b"", b"xyz") is None


def test_the_trigger_may_be_the_beginning_of_the_grammar() -> None:
    one = lazy(Constraint("gbnf", 'root ::= "xa" [0-9]', triggers=("xa",), includes_trigger=True))
    write(one, b"x", b"a", b"7")
    assert one.is_over


def test_a_grammar_that_does_not_begin_with_its_trigger_is_refused() -> None:
    with pytest.raises(ConstraintRefused, match="trigger 'b'"):
        lazy(Constraint("regex", "a[0-9]", triggers=("a", "b"), includes_trigger=True))


def test_an_empty_trigger_is_refused() -> None:
    with pytest.raises(BadRequest, match="empty"):
        Constraint("regex", "a", triggers=("",))


def test_several_parts_follow_each_other() -> None:
    one = lazy(replace(CALL, repeats=True))
    write(one, b"xa", b"1", b"!")
    assert one.is_free
    assert not one.is_over
    write(one, b"hello", b"xa")
    assert END not in allowed(one)
    write(one, b"2", b"!")
    assert allowed(one) == ALL


def test_a_text_that_needs_a_part_does_not_end_before_it() -> None:
    one = lazy(replace(CALL, is_required=True, repeats=True))
    assert allowed(one) == ALL - {END}
    write(one, b"hello", b"xa", b"1", b"!")
    assert END in allowed(one)


def test_tokens_are_taken_back_over_the_trigger_and_over_the_end() -> None:
    one = lazy(replace(CALL, repeats=True))
    pieces = (b"hello", b"x", b"a", b"1", b"2", b"!", b"a", b"xa", b"3")
    seen = []
    for piece in pieces:
        seen.append(allowed(one))
        write(one, piece)
    for place in reversed(range(len(pieces))):
        one.rewind(1)
        assert allowed(one) == seen[place]
    write(one, *pieces)
    one.rewind(6)
    assert allowed(one) == seen[3]
    with pytest.raises(EngineError, match="taken back"):
        one.rewind(4)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_is_drawn_every_part_follows_the_grammar(data: st.DataObject) -> None:
    """Tokens are drawn at random among those that are likely to matter, and now and then taken back."""
    one = lazy(Constraint("regex", "[ab]{2,3}1", triggers=("xa", "b:"), repeats=True))
    choices = [
        token(piece) for piece in (b"a", b"b", b"x", b":", b"1", b"ab", b"ba", b"aab", b"xa")
    ]
    written: list[int] = []
    for _ in range(24):
        if written and data.draw(st.integers(0, 5)) == 0:
            count = data.draw(st.integers(1, len(written)))
            one.rewind(count)
            del written[-count:]
        free = allowed(one)
        written.append(data.draw(st.sampled_from([each for each in choices if each in free])))
        one.accept(written[-1])
    text = b"".join(PIECES[each] for each in written)
    while found := re.search(rb"xa|b:", text):
        part = re.match(rb"[ab]{2,3}1|[ab]{0,3}$", text[found.end() :])
        assert part, text
        text = text[found.end() + len(part[0]) :]
