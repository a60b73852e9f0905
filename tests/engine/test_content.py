"""Prefixes are found through hashes of blocks, and are what comparing cell by cell would find."""

from __future__ import annotations

import subprocess
import sys

from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.engine.content import Content, common_prefix
from coblyn.engine.prompt import BLOCK, Adapter, Media, Namespace, Prompt, Span, Tokens

MEDIA = [Media(b"cat", 9, 3), Media(b"cat", 9, 4), Media(b"dog", 70, 9), Media(b"dog", 1, 1)]

texts = st.builds(
    lambda token, count: Tokens.of([token] * count), st.integers(0, 2), st.integers(1, 3 * BLOCK)
)
spans = st.lists(st.one_of(texts, st.sampled_from(MEDIA)), max_size=6)


def of(spans_: list[Span], namespace: Namespace = Namespace()) -> Content:  # noqa: B008 - frozen
    return Content.of(Prompt(tuple(spans_), namespace))


def units(spans_: list[Span]) -> list[Span]:
    """Single tokens, and whole media."""
    return [
        unit
        for span in spans_
        for unit in ([span] if isinstance(span, Media) else [Tokens.of([i]) for i in span.ids])
    ]


@settings(deadline=None)
@given(spans, spans, spans)
def test_the_common_prefix_is_that_of_tokens_and_whole_media(
    shared: list[Span], a: list[Span], b: list[Span]
) -> None:
    one, two = shared + a, shared + b
    expected = 0
    for mine, other in zip(units(one), units(two), strict=False):
        if mine != other:
            break
        expected += mine.cells
    assert common_prefix(of(one), of(two)) == expected


@settings(deadline=None)
@given(spans, st.data())
def test_a_prefix_is_like_a_content_that_never_had_more(
    spans_: list[Span], data: st.DataObject
) -> None:
    whole = of(spans_)
    whole.hashes()
    length = whole.whole(data.draw(st.integers(0, len(whole))))
    part = whole.prefix(length)
    cut = whole.prefix(len(whole))
    cut.truncate(length)
    taken, cells = [], 0
    for unit in units(spans_):
        if cells == length:
            break
        taken.append(unit)
        cells += unit.cells
    fresh = of(taken)
    for content in (part, cut):
        assert content.cells == fresh.cells
        assert list(content.hashes()) == list(fresh.hashes())
        assert content.position(length) == sum(unit.positions for unit in taken)
        assert common_prefix(content, fresh) == length == common_prefix(content, whole)


def test_how_text_was_cut_into_spans_does_not_matter() -> None:
    parts = of([Tokens.of([1] * 50), Tokens.of([1] * 50)])
    assert list(parts.hashes()) == list(of([Tokens.of([1] * 100)]).hashes())


def test_nothing_is_common_in_two_namespaces() -> None:
    text: list[Span] = [Tokens.of(range(200))]
    spaces = [
        Namespace(),
        Namespace((("cache_type", "f16"),)),
        Namespace((("cache_type", "q8_0"),)),
        Namespace(adapters=(Adapter("a"),)),
        Namespace(adapters=(Adapter("a", 0.5),)),
        Namespace(adapters=(Adapter("a"), Adapter("b"))),
        Namespace(adapters=(Adapter("b"), Adapter("a"))),
    ]
    contents = [of(text, space) for space in spaces]
    for index, one in enumerate(contents):
        for other in contents[index + 1 :]:
            assert common_prefix(one, other) == 0
            assert not set(one.hashes()) & set(other.hashes())
    same = Namespace((("b", "2"), ("a", "1"))), Namespace((("a", "1"), ("b", "2")))
    assert common_prefix(of(text, same[0]), of(text, same[1])) == 200


def test_hashes_are_the_same_in_every_process() -> None:
    """They are keys on disk and over the network, so these numbers must never change."""
    code = (
        "from coblyn.engine.content import Content;"
        "from coblyn.engine.prompt import *;"
        "space = Namespace((('model', 'm'),), (Adapter('a', 0.5),));"
        "spans = (Tokens.of(range(40)), Media(b'cat', 9, 3), Tokens.of(range(100)));"
        "print(b''.join(Content.of(Prompt(spans, space)).hashes()).hex())"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == GOLDEN


GOLDEN = "62b9982811cc7818dc96621c204c80aa6c5b8fc6194e6b7bad783fa48404dbd7"
