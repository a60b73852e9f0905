"""Prompts with images as lists of numbers, and back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coblyn.engine.encoded import Source, Text
from coblyn.engine.encoder import Encoder
from coblyn.engine.fake import BOS, FakeVocab
from coblyn.engine.fake_media import FakeMedia
from coblyn.engine.media import RawMedia, Recent
from coblyn.engine.mosaic import Mosaic
from coblyn.engine.prompt import Media, Span, Tokens

CAT = RawMedia(b"cat", "image", 64, 96, bytes(64 * 96 * 3))
SHOWN = Media(b"cat", 6, 3)

spans = st.lists(
    st.one_of(
        st.lists(st.integers(0, 300), min_size=1, max_size=5).map(Tokens.of),
        st.builds(Media, st.sampled_from([b"a", b"b"]), st.integers(3, 6), st.integers(1, 3)),
    ),
    max_size=6,
)


def joined(pieces: list[Span]) -> list[Span]:
    """Spans with neighbouring tokens as one."""
    found: list[Span] = []
    for piece in pieces:
        if isinstance(piece, Tokens) and found and isinstance(found[-1], Tokens):
            found[-1] = Tokens(found[-1].packed + piece.packed)
        else:
            found.append(piece)
    return found


@given(spans)
def test_spans_come_back_as_they_were(pieces: list[Span]) -> None:
    mosaic = Mosaic()
    cells = mosaic.lay(pieces)
    assert len(cells) == sum(piece.cells for piece in pieces)
    assert [span for span in mosaic.spans(cells) if span.cells] == joined(pieces)


@given(spans, st.integers(0, 40), st.integers(0, 40))
def test_what_is_cut_through_is_left_out(pieces: list[Span], start: int, length: int) -> None:
    mosaic = Mosaic()
    cells = mosaic.lay(pieces)[start : start + length]
    whole = mosaic.whole(cells)
    kept = [span for span in mosaic.spans(whole) if isinstance(span, Media)]
    assert all(span in pieces for span in kept)
    assert [cell for cell in whole if cell >= 0] == [cell for cell in cells if cell >= 0]
    assert sum(span.cells for span in kept) == sum(cell < 0 for cell in whole)


def made() -> Encoder:
    media = FakeMedia()
    media.take(CAT)
    return Encoder(FakeVocab(), "<bos>", media=media)


def encoded_spans(encoder: Encoder, source: Source) -> tuple[Span, ...]:
    return encoder.find(encoder.encode(source).id).spans


def test_an_image_stands_between_texts() -> None:
    texts = (Text("see "), Text("", media=b"cat"), Text(" here", add_special=False))
    found = encoded_spans(made(), Source(texts))
    assert found == (Tokens.of([BOS, *b"see <"]), SHOWN, Tokens.of(b"> here"))


def test_an_image_in_memory_outlives_the_text() -> None:
    memory = (Text("m"), Text("", media=b"cat"))
    source = Source((Text("x" * 50, add_special=False),), memory, room=30)
    encoder = made()
    assert encoder.encode(source).num_cut == 31
    assert encoded_spans(encoder, source)[1] == SHOWN


def test_an_image_that_has_no_room_is_left_out_whole() -> None:
    texts = (Text("", media=b"cat"), Text("y" * 20, add_special=False))
    encoded = made().encode(Source(texts, room=24, wants_ids=True))
    assert (encoded.num_tokens, encoded.num_cut) == (21, 7)


def test_the_ones_used_last_are_kept() -> None:
    recent: Recent[str] = Recent(10)
    assert recent.put(b"a", "A", 4) == []
    assert recent.put(b"b", "B", 4) == []
    assert recent.get(b"a") == "A"
    assert recent.put(b"c", "C", 4) == ["B"]
    assert recent.put(b"big", "BIG", 100) == ["A", "C"]
    assert (recent.get(b"big"), recent.get(b"a"), len(recent)) == ("BIG", None, 1)
