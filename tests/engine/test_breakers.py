"""Which tokens break a repetition for DRY."""

from __future__ import annotations

import re

from coblyn.engine.breakers import Breakers

PIECES = [b"a", b"b", b"ab", b"cab", b"c", b"\n", b" \n\n", b"x.", b".", b"", b"\xff", b"bc"]


def tokenize(text: str) -> list[int]:
    """Longest token first, as far as there are any."""
    pieces = sorted(filter(None, PIECES), key=len, reverse=True)
    pattern = b"|".join(re.escape(piece) for piece in pieces)
    return [PIECES.index(part) for part in re.findall(pattern, text.encode())]


def sequences(*texts: str) -> set[tuple[int, ...]]:
    found = Breakers(PIECES, tokenize).sequences(texts)
    assert len(set(found)) == len(found)
    return set(found)


def test_each_token_that_has_the_breaker_in_it_breaks() -> None:
    assert sequences("\n") == {(5,), (6,)}
    assert sequences(".", "\n") == {(5,), (6,), (7,), (8,)}


def test_a_breaker_may_begin_within_one_token_and_end_in_others() -> None:
    whole = {(2,), (3,)}
    begun = {(0, 1)}
    assert sequences("ab") == whole | begun
    assert (3, 4) in sequences("abc"), "the end of cab, and then c"
    assert (0, 11) in sequences("abc"), "a, and then bc"


def test_what_is_nowhere_in_the_vocabulary_breaks_nothing() -> None:
    assert sequences("", "zz") == set()


def test_a_long_breaker_is_cut() -> None:
    assert max(map(len, sequences("." * 100))) == 1 + 20
