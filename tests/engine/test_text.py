"""Whole characters, stop strings across tokens, and nothing sent too early."""

from __future__ import annotations

import codecs
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.banned import Banned
from coblyn.engine.events import TokenText
from coblyn.engine.phrases import Phrases
from coblyn.engine.text import Chunk, TextStream


def run(pieces: list[bytes], stop: tuple[str, ...] = (), *, keep_stop: bool = False) -> list[Chunk]:
    """All chunks of a generation, which ends at a stop string or after the last piece."""
    stream = TextStream(stop, keep_stop=keep_stop)
    chunks = []
    for index, piece in enumerate(pieces):
        chunks.append(stream.push(TokenText(index, piece)))
        if chunks[-1].stop:
            return chunks
    return [*chunks, stream.flush()]


def text_of(chunks: list[Chunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_text_goes_out_at_once_when_nothing_can_stop_it() -> None:
    assert [chunk.text for chunk in run([b"Hello", b" there"])] == ["Hello", " there", ""]


def test_half_a_character_waits_for_its_other_half() -> None:
    chunks = run(["é".encode()[:1], "é".encode()[1:] + b"!"])
    assert [chunk.text for chunk in chunks] == ["", "é!", ""]
    assert [len(chunk.tokens) for chunk in chunks] == [0, 2, 0]


def test_half_a_character_at_the_end_is_dropped_but_its_token_is_counted() -> None:
    chunks = run([b"a", b"\xf0\x9f"])
    assert text_of(chunks) == "a"
    assert sum(len(chunk.tokens) for chunk in chunks) == 2


def test_bytes_that_are_no_text_are_marked() -> None:
    assert text_of(run([b"a\xffb"])) == "a\ufffdb"


def test_what_could_become_a_stop_string_waits() -> None:
    chunks = run([b"one\n", b"Us", b"ual"], ("\nUser:",))
    assert [chunk.text for chunk in chunks] == ["one", "", "\nUsual", ""]


def test_a_stop_string_over_three_tokens_ends_the_text_before_it() -> None:
    chunks = run([b"one\n", b"Us", b"er: two"], ("\nUser:",))
    assert text_of(chunks) == "one"
    assert chunks[-1].stop == "\nUser:"


def test_the_earliest_stop_string_wins() -> None:
    assert text_of(run([b"abc"], ("c", "b"))) == "a"


def test_the_stop_string_can_be_kept() -> None:
    assert text_of(run([b"abcd"], ("bc",), keep_stop=True)) == "abc"


def test_empty_stop_strings_stop_nothing() -> None:
    assert text_of(run([b"abc"], ("",))) == "abc"


def test_tokens_behind_the_stop_are_not_sent() -> None:
    chunks = run([b"a", b"b", b"!!"], ("!",))
    assert [token.token for chunk in chunks for token in chunk.tokens] == [0, 1]


@given(st.text(), st.lists(st.integers(0, 1000)))
def test_however_text_is_cut_it_arrives_whole(text: str, places: list[int]) -> None:
    text = text.encode("utf-8", "replace").decode()
    pieces = cut(text.encode(), places)
    chunks = run(pieces, ("never said",))
    assert text_of(chunks) == text
    assert [t.token for c in chunks for t in c.tokens] == list(range(len(pieces)))


@given(
    st.text("ab\n", max_size=12),
    st.lists(st.text("ab\n", min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.integers(0, 1000)),
)
def test_however_text_is_cut_it_stops_where_the_whole_would(
    text: str, stops: list[str], places: list[int]
) -> None:
    """The text ends before the stop string that is complete first, as if characters came one by one."""
    expected = text
    for end in range(1, len(text) + 1):
        found = [text[:end].find(stop) for stop in stops if text[:end].endswith(stop)]
        if found:
            expected = text[: min(found)]
            break
    one_by_one = text_of(run([c.encode() for c in text], tuple(stops)))
    assert one_by_one == expected
    # A token that brings several stop strings at once is cut at the one that begins first.
    in_pieces = text_of(run(cut(text.encode(), places), tuple(stops)))
    assert expected.startswith(in_pieces)
    assert not any(stop in in_pieces for stop in stops)


def write(
    pieces: list[bytes], wishes: list[int], phrases: tuple[str, ...], stop: tuple[str, ...] = ()
) -> tuple[list[Chunk], list[bytes]]:
    """Write tokens as wished; where a phrase is rewound, the next piece is taken that was not tried there."""
    stream = TextStream(stop, banned=Banned(Phrases(phrases)))
    chunks: list[Chunk] = []
    written: list[int] = []
    tried: dict[int, set[int]] = {}
    while len(written) < len(wishes):
        place = len(written)
        left = [n for n in range(len(pieces)) if n not in tried.get(place, set())]
        if not left:
            break
        wish = wishes[place] % len(left)
        written.append(left[wish])
        chunk = stream.push(TokenText(left[wish], pieces[left[wish]]))
        if chunk.rewind:
            first = len(written) - chunk.rewind
            tried.setdefault(first, set()).add(written[first])
            for later in range(first + 1, place + 1):
                tried.pop(later, None)
            del written[first:]
        else:
            chunks.append(chunk)
        if chunk.stop:
            return chunks, [pieces[n] for n in written]
    chunks.append(stream.flush())
    return chunks, [pieces[n] for n in written]


def test_a_phrase_over_three_tokens_is_taken_back_from_its_first() -> None:
    chunks, written = write(
        [b"so cold ", b"SHIV", b"ers dow", b"n here", b"!"], [0, 1, 1, 1], ("shivers down",)
    )
    assert written[0] == b"so cold "
    assert "shivers down" not in text_of(chunks).lower()


def test_a_token_is_sent_whole_or_not_at_all() -> None:
    stream = TextStream(banned=Banned(Phrases(("ban",))))
    assert stream.push(TokenText(0, b"free b")).text == ""
    assert stream.push(TokenText(1, b"a")).text == ""
    assert stream.push(TokenText(2, b"n")) == Chunk("", rewind=3)
    assert stream.push(TokenText(3, b"free ")).text == "free "


def test_what_cannot_be_a_phrase_any_more_goes_out() -> None:
    stream = TextStream(banned=Banned(Phrases(("band",))))
    assert stream.push(TokenText(0, b"ban")).text == ""
    chunk = stream.push(TokenText(1, b"k"))
    assert (chunk.text, len(chunk.tokens)) == ("bank", 2)


def test_a_stop_string_before_a_phrase_wins() -> None:
    stream = TextStream(("END",), banned=Banned(Phrases(("bad",))))
    assert stream.push(TokenText(0, b"well END bad")) == Chunk(
        "well ", (TokenText(0, b"well END bad"),), "END"
    )


@given(
    st.lists(
        st.sampled_from([b"a", b"b", b"ab", b"ba", b"c", b"\xc3", b"\xa9", b"aB ", b""]),
        min_size=2,
        max_size=5,
    ),
    st.lists(st.integers(0, 9), max_size=12),
    st.lists(st.sampled_from(["ab", "ba", "abb", "c", "\u00e9b", "b a"]), min_size=1, max_size=3),
)
def test_no_phrase_is_ever_sent_and_nothing_else_is_lost(
    pieces: list[bytes], wishes: list[int], phrases: list[str]
) -> None:
    chunks, written = write(pieces, wishes, tuple(phrases))
    text = text_of(chunks)
    assert not [phrase for phrase in phrases if phrase in text.casefold()]
    # Half a character at the end is dropped.
    assert text == codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(written))
