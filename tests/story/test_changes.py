from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.errors import BadRequest
from coblyn.story.changes import Change, Changes, applied, changes_json, moved, read_changes
from coblyn.story.text import Text, units

ALPHABET = "ab \n你🐉"


@st.composite
def texts(draw: st.DrawFn) -> Text:
    parts = draw(
        st.lists(st.tuples(st.text(ALPHABET, max_size=8), st.sampled_from(["", "p", "q"])))
    )
    return Text().plus(*(Text.of(text, piece) for text, piece in parts))


@st.composite
def changes_of(draw: st.DrawFn, text: Text) -> Changes:
    borders = [0]
    for char in text.text:
        borders.append(borders[-1] + units(char))
    cuts = sorted(draw(st.lists(st.sampled_from(borders), max_size=6)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    inserts = st.builds(Text.of, st.text(ALPHABET, max_size=4), st.sampled_from(["", "r"]))
    return tuple(Change(start, end, draw(inserts)) for start, end in pairs)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_was_changed_can_be_taken_back_with_where_it_came_from(data: st.DataObject) -> None:
    text = data.draw(texts())
    changes = data.draw(changes_of(text))
    after, inverse = applied(text, changes)
    assert after.length == units(after.text)
    assert applied(after, inverse)[0] == text


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_changes_cross_the_wire(data: st.DataObject) -> None:
    changes = data.draw(changes_of(data.draw(texts())))
    assert read_changes(changes_json(changes)) == changes


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_insertions_come_to_the_same_text_in_either_order(data: st.DataObject) -> None:
    text = Text.of("abcdef")
    places = st.lists(st.integers(0, 6), unique=True, max_size=3).map(sorted)
    ours = tuple(Change(at, at, Text.of("X" * (at + 1))) for at in data.draw(places))
    theirs = tuple(Change(at, at, Text.of("Y" * (at + 1))) for at in data.draw(places))
    one = applied(applied(text, theirs)[0], moved(ours, theirs))[0]
    other = applied(applied(text, ours)[0], moved(theirs, ours, is_first=True))[0]
    assert one == other


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_moved_changes_always_fit(data: st.DataObject) -> None:
    text = data.draw(texts())
    ours, theirs = data.draw(changes_of(text)), data.draw(changes_of(text))
    after = applied(text, theirs)[0]
    applied(after, moved(ours, theirs))


def test_a_change_in_the_middle_of_a_character_is_refused() -> None:
    with pytest.raises(BadRequest, match="inside of a character"):
        applied(Text.of("🐉"), (Change(1, 1, Text.of("x")),))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1],
        [{"from": 2, "to": 1}],
        [{"from": True, "to": 1}],
        [{"from": -1, "to": 1}],
        [{"from": 0, "to": 3}, {"from": 2, "to": 4}],
        [{"from": 0, "to": 0, "insert": 3}],
        [{"from": 0, "to": 0, "insert": "abc", "runs": [[2, "p"]]}],
    ],
)
def test_bad_changes_are_refused(value: object) -> None:
    with pytest.raises(BadRequest):
        read_changes(value)
