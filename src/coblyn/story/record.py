"""An operation in the journal, with its metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.operation import Operation, operation_json, read_operation, require_id
from coblyn.story.undo import Role

__all__ = ["Proposed", "Record", "read_proposed"]


@dataclass(frozen=True, slots=True)
class Proposed:
    """An operation that a client wants done.

    Attributes:
        id: The client's name for it; the same one again does nothing.
        unit: The step that it is part of, for undo.
        operation: The operation.
    """

    id: str
    unit: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class Record:
    """An operation that was done.

    Attributes:
        version: The version of the story that it made; the first is 1.
        id, unit, operation: As proposed, the operation in terms of the version before.
        inverse: The operation that undoes it; None if it cannot be undone.
        scope: The scope in which it can be undone; empty if it cannot.
        role: Whether it is new, an undo or a redo.
        reverts: The version that it undoes, or 0.
        author: The client that requested it.
        time: When, in seconds since 1970.
    """

    version: int
    id: str
    unit: str
    operation: Operation
    inverse: Operation | None
    scope: str
    role: Role
    reverts: int
    author: str
    time: float

    def to_json(self) -> dict[str, Any]:
        """As clients get it: what it did, and about it."""
        about: dict[str, Any] = {"version": self.version, "id": self.id, "unit": self.unit}
        about |= {"author": self.author, "time": round(self.time, 3), "role": self.role}
        about |= {"reverts": self.reverts} if self.reverts else {}
        return about | operation_json(self.operation)


def read_proposed(value: Any) -> Proposed:
    """An operation as clients send it.

    Raises:
        BadRequest: It is none.
    """
    if not isinstance(value, dict):
        raise BadRequest("An operation must be an object.", field="operations")
    name = require_id(value.get("id"), "id")
    return Proposed(name, require_id(value.get("unit", name), "unit"), read_operation(value))
