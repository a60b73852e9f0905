"""Responses that are kept, with what was sent to get them."""

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
"""About how much an event takes."""


class PreviousMissing(BadRequest):
    """A request goes on from a response that is not kept."""

    code = "previous_response_not_found"


@dataclass(frozen=True, slots=True)
class Stored:
    """A response that is kept.

    Attributes:
        response: Itself.
        items: What its request sent, each with an id.
        previous: The response before it; None for none.
    """

    response: Response
    items: list[Item]
    previous: str | None


class Archive:
    """The responses of a server.

    Args:
        kept: Where they are kept.
    """

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def add(self, response: Response, items: Sequence[Item], previous: str | None) -> None:
        """Keep a response that has begun."""
        stored = Stored(response, [_with_id(item) for item in items], previous)
        for item in stored.items:
            self._kept.put(item["id"], item, 0)
        self._kept.put(response.id, stored, _size(stored))

    def complete(self, response: Response) -> None:
        """A response is over: keep its items, and count what it takes now."""
        stored = self._kept.get(response.id)
        if stored is None:
            return
        for item in response.output:
            self._kept.put(item["id"], item, 0)
        self._kept.put(response.id, stored, _size(stored))

    def forget(self, response: Response) -> None:
        """A response never came about."""
        self._kept.remove(response.id)

    def get(self, name: str) -> Stored:
        """A response.

        Raises:
            NotFound: It is not kept, or not any longer.
        """
        stored = self._kept.get(name)
        if not isinstance(stored, Stored):
            raise NotFound(f"There is no response {name[:80]!r} here.")
        return stored

    def remove(self, name: str) -> None:
        """Forget a response and its items.

        Raises:
            NotFound: It is not kept, or not any longer.
        """
        stored = self.get(name)
        for item in (*stored.items, *stored.response.output):
            self._kept.remove(item["id"])
        self._kept.remove(name)

    def past(self, name: str | None) -> list[Item]:
        """All items up to the end of a response, oldest first.

        Raises:
            PreviousMissing: It, or one before it, is not kept.
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
        """Items with those that are referred to in the place of references.

        Raises:
            BadRequest: One is not kept.
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
