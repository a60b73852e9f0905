"""Triggers are only text where a model thinks."""

from __future__ import annotations

import pytest

from coblyn.constraints.constraint import Constraint
from coblyn.constraints.lazy import LazyMatcher
from coblyn.constraints.lexicon import Lexicon
from coblyn.constraints.quiet import Quiet, Silence
from constraints.vocabularies import END, allowed, matcher, vocabulary

MARKS = ("<a>", "</a>")


def lazy(*, starts_quiet: bool = False) -> LazyMatcher:
    constraint = Constraint(
        "regex", "x+;", triggers=("!",), repeats=True, quiet=MARKS, starts_quiet=starts_quiet
    )
    return LazyMatcher(Lexicon(vocabulary()), matcher(constraint), constraint)


def write(one: LazyMatcher, text: str) -> None:
    for byte in text.encode():
        assert byte in allowed(one)
        one.accept(byte)


@pytest.mark.parametrize(
    ("text", "starts_quiet", "is_bound"),
    [
        ("!", False, True),
        ("<a>!", False, False),
        ("<a>!</a>!", False, True),
        ("<a>!</a><a>!", False, False),
        ("!", True, False),
        ("b</a>!", True, True),
        ("<a! </a>!", False, True),
    ],
)
def test_a_trigger_counts_where_it_is_not_quiet(
    text: str, starts_quiet: bool, is_bound: bool
) -> None:
    one = lazy(starts_quiet=starts_quiet)
    if "<a! " in text:  # no mark
        with pytest.raises(AssertionError):
            write(one, text)
        return
    write(one, text)
    assert (allowed(one) == {ord("x")}) is is_bound


def test_tokens_are_taken_back_over_marks() -> None:
    one = lazy()
    write(one, "<a>!</a>!x")
    one.rewind(2)
    write(one, "b!")
    assert allowed(one) == {ord("x")}
    one.rewind(7)
    write(one, "!</a>b")
    assert END in allowed(one)
    write(one, "!")
    assert allowed(one) == {ord("x")}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_marks_are_found_however_they_are_cut(size: int) -> None:
    quiet, state, loud = Quiet(MARKS), Silence(is_quiet=False), b""
    text = b"1<a>2</a>3<a>4<</a>5"
    for start in range(0, len(text), size):
        state, more = quiet.behind(state, text[start : start + size])
        loud += more
    assert not state.is_quiet
    assert loud.endswith(b"5")
    assert b"2" not in loud
    assert b"4" not in loud
