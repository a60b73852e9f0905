"""The operations of a story's journal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.changes import Changes, changes_json, read_changes
from coblyn.story.text import Text

__all__ = [
    "COLLECTIONS",
    "SINGLES",
    "Branch",
    "Edit",
    "Operation",
    "Put",
    "Remove",
    "Select",
    "operation_json",
    "read_operation",
    "require_id",
    "scope_of",
]

SINGLES: Mapping[str, type] = {"title": str, "mode": str, "memory": str, "note": dict}
"""Places that hold one value, and what that is."""

COLLECTIONS = frozenset(
    {"branch", "lore", "books", "characters", "personas", "pieces", "takes", "settings", "kept"}
)
"""Places that hold a value for each id: ``lore/ID``."""

_FREE = frozenset({"settings", "kept"})
"""Collections whose values may be anything; those of all others are objects."""

_ID = re.compile(r"[\w.:-]{1,100}")


@dataclass(frozen=True, slots=True)
class Edit:
    """Change the text of a branch."""

    branch: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class Put:
    """Set a place: the title, the memory, a lore entry, or a generation's settings."""

    place: str
    value: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """Empty a place; its value goes to the story's trash."""

    place: str


@dataclass(frozen=True, slots=True)
class Branch:
    """Create a branch of the text.

    Attributes:
        branch: Its id.
        parent: The branch that it leaves.
        at: Where it leaves: the parent's text before this position is its own too. None for all of the text.
        text: What it holds instead, if it does not begin with the parent's text as that is now.
        name: Its name; may be empty.
    """

    branch: str
    parent: str
    at: int | None = None
    text: Text | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Select:
    """Select the current branch."""

    branch: str


Operation = Edit | Put | Remove | Branch | Select


def scope_of(operation: Operation) -> str:
    """The scope of an operation for undo; empty if it cannot be undone."""
    match operation:
        case Edit(branch):
            return f"text/{branch}"
        case Put(place) | Remove(place):
            return place
        case _:
            return ""


def require_id(value: Any, field: str) -> str:
    """Validate an id, which may be part of a URL.

    Raises:
        BadRequest: It is none.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise BadRequest(
            f"{field} must be 1 to 100 letters, digits, dots, colons or hyphens.", field=field
        )
    return value


def read_operation(value: Any) -> Operation:
    """Parse an operation from clients or the journal.

    Raises:
        BadRequest: It is none; ``field`` names what is wrong.
    """
    kind = value.get("kind") if isinstance(value, dict) else None
    match kind:
        case "edit":
            return Edit(_branch(value), read_changes(value.get("changes")))
        case "put":
            return _read_put(value)
        case "remove":
            return Remove(_place(value))
        case "branch":
            return _read_branch(value)
        case "select":
            return Select(_branch(value))
        case _:
            raise BadRequest(
                f"There is no operation {kind!r}: it is edit, put, remove, branch or select.",
                field="kind",
            )


def operation_json(operation: Operation) -> dict[str, Any]:
    """An operation as JSON for clients and the journal."""
    match operation:
        case Edit(branch, changes):
            return {"kind": "edit", "branch": branch, "changes": changes_json(changes)}
        case Put(place, value):
            return {"kind": "put", "place": place, "value": value}
        case Remove(place):
            return {"kind": "remove", "place": place}
        case Select(branch):
            return {"kind": "select", "branch": branch}
        case Branch(branch, parent, at, text, name):
            body: dict[str, Any] = {"kind": "branch", "branch": branch, "parent": parent}
            body |= {} if at is None else {"at": at}
            body |= {} if text is None else text.to_json()
            return body | ({"name": name} if name else {})


def _branch(value: Mapping[str, Any]) -> str:
    return require_id(value.get("branch"), "branch")


def _place(value: Mapping[str, Any]) -> str:
    place = value.get("place")
    if not isinstance(place, str):
        raise BadRequest("An operation needs a place, such as memory or lore/ID.", field="place")
    collection, slash, name = place.partition("/")
    if place in SINGLES:
        return place
    if not slash or collection not in COLLECTIONS:
        places = ", ".join([*SINGLES, *(f"{name}/ID" for name in sorted(COLLECTIONS))])
        raise BadRequest(f"There is no place {place[:100]!r}: it is {places}.", field="place")
    require_id(name, "place")
    return place


def _read_put(value: Mapping[str, Any]) -> Put:
    place, content = _place(value), value.get("value")
    kind = SINGLES.get(place, object if place.split("/")[0] in _FREE else dict)
    if "value" not in value or not isinstance(content, kind):
        wanted = {str: "a string", dict: "an object", object: "given"}[kind]
        raise BadRequest(f"The value of {place} must be {wanted}.", field="value")
    return Put(place, content)


def _read_branch(value: Mapping[str, Any]) -> Branch:
    parent, at, name = value.get("parent", "main"), value.get("at"), value.get("name", "")
    if at is not None and (type(at) is not int or at < 0):
        raise BadRequest("at must be a position in the parent's text.", field="at")
    if not isinstance(name, str):
        raise BadRequest("name must be a string.", field="name")
    text = Text.from_json(value) if "text" in value else None
    return Branch(_branch(value), require_id(parent, "parent"), at, text, name)
