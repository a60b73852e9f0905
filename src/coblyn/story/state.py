"""The state of a story: the fold of its operations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.changes import applied
from coblyn.story.operation import (
    COLLECTIONS,
    SINGLES,
    Branch,
    Edit,
    Operation,
    Put,
    Remove,
    Select,
)
from coblyn.story.text import EMPTY, Text

__all__ = ["MAIN", "NEW", "State", "apply", "apply_all"]

MAIN = "main"
"""The initial branch of every story."""

_MAX_BRANCHES = 10_000


@dataclass(frozen=True, slots=True)
class State:
    """The complete state of a story.

    Attributes:
        texts: The text of each branch.
        places: What each place holds (`operation.SINGLES`, `operation.COLLECTIONS`); one that holds nothing is missing.
        trash: What removed places held.
        selected: The current branch.
    """

    texts: Mapping[str, Text] = field(default_factory=lambda: {MAIN: EMPTY}, repr=False)
    places: Mapping[str, Any] = field(default_factory=dict, repr=False)
    trash: Mapping[str, Any] = field(default_factory=dict, repr=False)
    selected: str = MAIN

    def text(self, branch: str) -> Text:
        """The text of a branch.

        Raises:
            BadRequest: There is no such branch.
        """
        if branch not in self.texts:
            raise BadRequest(f"This story has no branch {branch!r}.", field="branch")
        return self.texts[branch]

    def single(self, name: str) -> Any:
        """What one of `operation.SINGLES` holds; what is empty of its kind if nothing was put there."""
        return self.places.get(name, SINGLES[name]())

    def collection(self, name: str) -> dict[str, Any]:
        """What a collection holds, by id, in the order in which it came."""
        start = name + "/"
        return {
            place[len(start) :]: value
            for place, value in self.places.items()
            if place.startswith(start)
        }

    def to_json(self) -> dict[str, Any]:
        """All of it: ``{"branches", "selected", "trash"}``, and each single and collection under its own name."""
        names = self.collection("branch")
        return {
            "selected": self.selected,
            "branches": {
                branch: {**names.get(branch, {}), **text.to_json()}
                for branch, text in self.texts.items()
            },
            **{name: self.single(name) for name in SINGLES},
            **{name: self.collection(name) for name in sorted(COLLECTIONS - {"branch"})},
            "trash": dict(self.trash),
        }


NEW = State()
"""The empty story."""


def apply(state: State, operation: Operation) -> tuple[State, Operation | None]:
    """Apply an operation. Gives the new state and the inverse operation, if there is one.

    Raises:
        BadRequest: It cannot be applied to this state.
    """
    match operation:
        case Edit(branch, changes):
            text, inverse = applied(state.text(branch), changes)
            return replace(state, texts={**state.texts, branch: text}), Edit(branch, inverse)
        case Put():
            places, trash = dict(state.places), dict(state.trash)
            taken_back = _put(state, places, trash, operation)
            return replace(state, places=places, trash=trash), taken_back
        case Remove(place):
            return _removed(state, place)
        case Branch():
            return _branched(state, operation), None
        case Select(branch):
            state.text(branch)
            return replace(state, selected=branch), None


def apply_all(
    state: State, operations: Iterable[Operation]
) -> tuple[State, list[Operation | None]]:
    """Apply operations in order, those of a large book at once. Gives the new state and the inverse of each.

    Raises:
        BadRequest: One cannot be applied to the state after those before it.
    """
    inverses: list[Operation | None] = []
    for is_put, run in groupby(operations, key=lambda one: isinstance(one, Put)):
        if is_put:
            places, trash = dict(state.places), dict(state.trash)
            for one in run:
                assert isinstance(one, Put)
                inverses.append(_put(state, places, trash, one))
            state = replace(state, places=places, trash=trash)
            continue
        for one in run:
            state, inverse = apply(state, one)
            inverses.append(inverse)
    return state, inverses


def _put(state: State, places: dict[str, Any], trash: dict[str, Any], put: Put) -> Operation:
    """Change copies of a state's places and trash."""
    collection, _, name = put.place.partition("/")
    if collection == "branch":
        state.text(name)
    place = put.place
    inverse = Put(place, places[place]) if place in places else Remove(place)
    places[place] = put.value
    trash.pop(place, None)
    return inverse


def _removed(state: State, place: str) -> tuple[State, Operation | None]:
    if place not in state.places:
        return state, None
    places = dict(state.places)
    value = places.pop(place)
    return replace(state, places=places, trash={**state.trash, place: value}), Put(place, value)


def _branched(state: State, branch: Branch) -> State:
    if branch.branch in state.texts:
        raise BadRequest(f"There is a branch {branch.branch!r} already.", field="branch")
    if len(state.texts) >= _MAX_BRANCHES:
        raise BadRequest(f"A story has at most {_MAX_BRANCHES} branches.", field="branch")
    parent = state.text(branch.parent)
    at = parent.length if branch.at is None else branch.at
    text = parent.cut(0, at) if branch.text is None else branch.text
    meta = {"name": branch.name, "parent": branch.parent, "at": at}
    places = {**state.places, f"branch/{branch.branch}": meta}
    return replace(state, texts={**state.texts, branch.branch: text}, places=places)
