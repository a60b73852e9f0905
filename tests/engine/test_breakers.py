"""Which tokens break a repetition for DRY."""

from __future__ import annotations

import re
from collections.abc import Sequence

from coblyn.engine.breakers import Breakers
from coblyn.engine.fake_vocab import FakeVocab

PIECES = [b"a", b"b", b"ab", b"cab", b"c", b"\n", b" \n\n", b"x.", b".", b"", b"\xff", b"bc"]


class Words(FakeVocab):
    """A vocabulary of given texts; the longest token comes first, as far as there are any."""

    def __init__(self, pieces: Sequence[bytes], special: bytes = b"<end>") -> None:
        self._pieces = [*pieces, special]

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        known = self._pieces if parse_special else self._pieces[:-1]
        pattern = b"|".join(map(re.escape, sorted(filter(None, known), key=len, reverse=True)))
        return [known.index(part) for part in re.findall(pattern, text.encode())]

    def piece(self, token: int, *, special: bool = False) -> bytes:
        is_named = special or token < len(self._pieces) - 1
        return self._pieces[token] if is_named else b""


def all_sequences(pieces: Sequence[bytes], *texts: str) -> set[tuple[int, ...]]:
    found = Breakers(Words(pieces), len(pieces) + 1).sequences(texts)
    assert len(set(found)) == len(found)
    return set(found)


def sequences(*texts: str) -> set[tuple[int, ...]]:
    return all_sequences(PIECES, *texts)


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


def test_a_token_that_has_the_whole_breaker_in_it_begins_no_longer_one() -> None:
    found = all_sequences([b"a", b"b", b"ab.a"], "ab")
    assert found == {(2,), (0, 1)}, "not (2, 1), of which the breaker is only a part"


def test_the_name_of_a_special_token_breaks_at_that_token() -> None:
    special = len(PIECES)
    assert sequences("<end>") == {(special,)}
    assert (1, special) in sequences("b<end>")


def test_a_long_breaker_is_cut() -> None:
    assert max(map(len, sequences("." * 100))) == 1 + 20


def test_a_breaker_is_cut_by_its_bytes_between_characters() -> None:
    pieces = [("é" * 20).encode(), ("x" + "é" * 19).encode()]
    for texts, token in (("é" * 21, 0), ("x" + "é" * 20, 1)):
        assert (token,) in all_sequences(pieces, texts)
