"""Stored responses, with the items of their requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.api.openai.responses.response import Response
from coblyn.api.openai.responses.writer import new_id
from coblyn.errors import BadRequest, NotFound
from coblyn.service.kept import Kept

__all__ = ["Archive", "PreviousMissing", "Stored"]

Item = dict[str, Any]

_PREFIXES = {"message": "msg", "function_call": "fc", "reasoning": "rs"}
_EVENT_SIZE = 300
"""Approximate size of an event, in characters."""


class PreviousMissing(BadRequest):
    """A request continues a response that is not stored."""

    code = "previous_response_not_found"


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored response.

    Attributes:
        response: The response.
        items: The items of its request, each with an id.
        previous: The previous response; None if there is none.
    """

    response: Response
    items: list[Item]
    previous: str | None


class Archive:
    """The stored responses of a server.

    Args:
        kept: The storage.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def add(self, response: Response, items: Sequence[Item], previous: str | None) -> None:
        """Store a response that has begun."""
        stored = Stored(response, [_with_id(item) for item in items], previous)
        for item in stored.items:
            self._kept.put(item["id"], item, 0)
        self._kept.put(response.id, stored, _size(stored))

    def complete(self, response: Response) -> None:
        """Store the items of a finished response, and update its size."""
        stored = self._kept.get(response.id)
        if stored is None:
            return
        for item in response.output:
            self._kept.put(item["id"], item, 0)
        self._kept.put(response.id, stored, _size(stored))

    def forget(self, response: Response) -> None:
        """Remove a response that never began."""
        self._kept.remove(response.id)

    def get(self, name: str) -> Stored:
        """A response.

        Raises:
            NotFound: It is not stored, or no longer.
        """
        stored = self._kept.get(name)
        if not isinstance(stored, Stored):
            raise NotFound(f"There is no response {name[:80]!r} here.")
        return stored

    def remove(self, name: str) -> None:
        """Delete a response and its items.

        Raises:
            NotFound: It is not stored, or no longer.
        """
        stored = self.get(name)
        for item in (*stored.items, *stored.response.output):
            self._kept.remove(item["id"])
        self._kept.remove(name)

    def past(self, name: str | None) -> list[Item]:
        """All items up to the end of a response, oldest first.

        Raises:
            PreviousMissing: It, or one before it, is not stored.
        """
        parts: list[list[Item]] = []
        while name:
            stored = self._kept.get(name)
            if not isinstance(stored, Stored):
                raise PreviousMissing(
                    f"The response {name[:80]!r} is not kept here.",
                    field="previous_response_id",
                    hint="Send the whole conversation.",
                )
            parts.append([*stored.items, *stored.response.output])
            name = stored.previous
        return [item for part in reversed(parts) for item in part]

    def resolved(self, items: Sequence[Item]) -> list[Item]:
        """Replace references by the items they refer to.

        Raises:
            BadRequest: An item is not stored.
        """
        return [self._resolved(item, index) for index, item in enumerate(items)]

    def _resolved(self, item: Item, index: int) -> Item:
        if item["type"] != "item_reference":
            return item
        found = self._kept.get(str(item.get("id")))
        if not isinstance(found, dict):
            message = f"input[{index}]: the item {item.get('id')!r} is not kept here."
            raise BadRequest(message, field=f"input[{index}].id")
        return found


def _with_id(item: Item) -> Item:
    if isinstance(item.get("id"), str) and item["id"]:
        return item
    content = item.get("content")
    if item["type"] == "message" and isinstance(content, str):
        kind = "output_text" if item.get("role") == "assistant" else "input_text"
        item = {**item, "content": [{"type": kind, "text": content}]}
    return {**item, "id": new_id(_PREFIXES.get(item["type"], "item"))}


def _size(stored: Stored) -> int:
    texts = json.dumps([stored.items, stored.response.output])
    return 4 * len(texts) + _EVENT_SIZE * len(stored.response.events)
