from __future__ import annotations

from coblyn.story.book import EntryReader, entries_of
from coblyn.story.operation import Put, Remove
from coblyn.story.state import NEW, State, apply


def _with(state: State, *operations: Put | Remove) -> State:
    for operation in operations:
        state, _ = apply(state, operation)
    return state


def test_entries_that_are_the_same_are_not_read_again_and_others_are() -> None:
    reader = EntryReader()
    lamp, storm = Put("lore/a", {"key": ["lamp"]}), Put("lore/b", {"key": ["storm"], "book": "x"})
    first = _with(NEW, lamp, storm)
    before = reader.entries(first)
    again = reader.entries(first)
    assert [one is other for one, other in zip(before, again, strict=True)] == [True, True]
    for state in (
        _with(first, Put("lore/a", {"key": ["lantern"]})),
        _with(first, Put("books/x", {"source": "global"})),
        _with(first, Remove("lore/a")),
        _with(NEW, Put("lore/a", {"key": ["lamp"], "disable": True})),
        first,
    ):
        assert reader.entries(state) == entries_of(state)
