"""Keys are compared with parts of the texts as with all of them joined."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coblyn.story.lore.buffer import Buffer
from coblyn.story.lore.entry import read_entry
from coblyn.story.lore.match import Matcher
from coblyn.story.lore.pattern import Clock

LETTERS = "aAbΣİß灯_ \n\x01"
MANY = [f"b\n{number:04}" for number in range(4000)]
"""Further keys, so many that a pass for all of them is made."""
TEXTS = st.lists(st.text(LETTERS, max_size=12), max_size=5)
FIELDS = st.fixed_dictionaries(
    {
        "scanDepth": st.sampled_from([None, 0, 1, 3]),
        "caseSensitive": st.sampled_from([None, True]),
        "matchWholeWords": st.sampled_from([None, True]),
        "excludeRecursion": st.booleans(),
        "matchPersonaDescription": st.booleans(),
    }
)


@pytest.mark.parametrize("further", [[], MANY])
@given(
    messages=TEXTS,
    called=TEXTS,
    persona=st.text(LETTERS, max_size=12),
    keys=st.lists(st.text(LETTERS, max_size=5)),
    fields=FIELDS,
)
def test_a_key_stands_where_it_occurs_in_the_whole_text(
    further: list[str],
    messages: list[str],
    called: list[str],
    persona: str,
    keys: list[str],
    fields: dict[str, Any],
) -> None:
    keys = [*further[:65], *keys]
    buffer = Buffer(messages, {"persona": persona}, [*further, *keys])
    matcher = Matcher(case_sensitive=False, whole_words=False, clock=Clock())
    entry = read_entry("x", {"key": keys, **fields}, "chat")
    for content in ("", *called):
        buffer.call([content])
        for depth in (1, 0, 2, 5):
            text = buffer.text(entry, depth)
            assert [matcher.stands(key, entry, buffer, depth) for key in keys] == [
                matcher.occurs(key, text, entry) for key in keys
            ]


@given(TEXTS, st.lists(st.text(LETTERS, max_size=3)), st.integers(-1, 3), FIELDS)
def test_the_nearest_key_is_the_first_in_the_messages_behind(
    messages: list[str], keys: list[str], after: int, fields: dict[str, Any]
) -> None:
    buffer = Buffer(messages, {}, keys)
    matcher = Matcher(case_sensitive=False, whole_words=False, clock=Clock())
    entry = read_entry("x", {"key": keys, **fields}, "chat")
    behind = [
        (key, back)
        for back, message in enumerate(messages, 1)
        for key in entry.keys
        if back > after and matcher.occurs(key, message, entry)
    ]
    assert matcher.nearest(entry, buffer, after) == (behind[0] if behind else None)


@given(TEXTS, st.text(LETTERS, max_size=3), st.integers(0, 4), FIELDS)
def test_how_far_back_a_key_stands_is_told_by_the_first_message_with_it(
    messages: list[str], key: str, depth: int, fields: dict[str, Any]
) -> None:
    matcher = Matcher(case_sensitive=False, whole_words=False, clock=Clock())
    for written in (key, "/[ab]./"):
        entry = read_entry("x", {"key": [written], **fields}, "chat")
        standing = [matcher.occurs(written, message, entry) for message in messages[:depth]]
        expected = standing.index(True) + 1 if True in standing else 0
        assert matcher.back(written, entry, Buffer(messages, {}, [written]), depth) == expected
