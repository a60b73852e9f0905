from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.errors import BadRequest
from coblyn.story.operation import read_operation
from coblyn.story.state import NEW, State, apply
from coblyn.story.store.snapshot import from_snapshot, to_snapshot
from coblyn.story.text import num_common, units

_WORDS = st.text(st.sampled_from("ab\n🐉"), max_size=9)
_PIECES = st.sampled_from(["", "p", "q"])


def done(state: State, **operation: Any) -> State:
    return apply(state, read_operation(operation))[0]


def typed(state: State, branch: str, at: int, words: str, piece: str, end: int = -1) -> State:
    change = {"from": at, "to": max(at, end), "insert": words, "piece": piece}
    return done(state, kind="edit", branch=branch, changes=[change])


@st.composite
def states(draw: st.DrawFn) -> State:
    """A story whose branches leave each other anywhere, and are written on."""
    state = NEW
    for number in range(draw(st.integers(0, 6))):
        parent = draw(st.sampled_from(list(state.texts)))
        name = f"b{number}"
        state = done(state, kind="branch", branch=name, parent=parent)
        for branch in (name, parent):
            whole = state.texts[branch].text
            start = draw(st.integers(0, len(whole)))
            end = draw(st.integers(start, len(whole)))
            place = units(whole[:start]), units(whole[:end])
            state = typed(state, branch, place[0], draw(_WORDS), draw(_PIECES), place[1])
    if draw(st.booleans()) and "b1" in state.texts:
        state = done(state, kind="put", place="branch/b1", value={"parent": draw(_WORDS)})
    return done(state, kind="put", place="memory", value=draw(_WORDS))


@settings(max_examples=60, deadline=None)
@given(states())
def test_what_is_kept_is_the_state(state: State) -> None:
    kept = json.loads(json.dumps(to_snapshot(state)))
    assert from_snapshot(kept) == state


def test_a_branch_is_kept_as_what_it_differs_in() -> None:
    state = typed(NEW, "main", 0, "word " * 20_000, "p")
    alone = len(json.dumps(to_snapshot(state)))
    for number in range(10):
        state = done(state, kind="branch", branch=f"b{number}", parent="main")
        state = typed(state, f"b{number}", 5000, "another ", "q")
    assert len(json.dumps(to_snapshot(state))) < alone + 5000


@given(st.text("ab", max_size=12), st.text("ab", max_size=12), st.integers(0, 3))
def test_a_common_beginning_is_as_long_as_it_is(one: str, other: str, blocks: int) -> None:
    same = "x" * (4096 * blocks)
    length = num_common(same + one, same + other)
    assert one[: length - len(same)] == other[: length - len(same)]
    assert one[length - len(same) :][:1] != other[length - len(same) :][:1] or one == other


@pytest.mark.parametrize(
    "kept", [{"of": "none"}, {"of": "main", "text": "all"}, {"text": [0, "", 0]}]
)
def test_what_cannot_be_is_no_state(kept: dict[str, Any]) -> None:
    value = to_snapshot(NEW)
    value["texts"]["b"] = kept
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError, BadRequest)):
        from_snapshot(value)
