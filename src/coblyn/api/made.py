"""Adds the messages of a model made by settings to a conversation, for all dialects with messages."""

from __future__ import annotations

from typing import Any

from coblyn.models.modelfile import Modelfile

__all__ = ["with_messages"]

_SYSTEM = ("system", "developer")


def with_messages(body: dict[str, Any], made: Modelfile) -> dict[str, Any]:
    """Prepend the messages that the model was made with to a body's conversation.

    Its system text comes first unless the body has one. A body without a conversation is unchanged: text to continue
    has no place for messages.

    Args:
        body: The parsed JSON body.
        made: The settings the model was made with.
    """
    if not (made.system or made.messages):
        return body
    if "input" in body and "messages" not in body:
        return _with_items(body, made)
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    before = [{"role": role, "content": text} for role, text in made.messages]
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    has_own = bool(body.get("system")) or first.get("role") in _SYSTEM
    if made.system and not has_own:
        before.insert(0, {"role": "system", "content": made.system})
    return {**body, "messages": [*before, *messages]}


def _with_items(body: dict[str, Any], made: Modelfile) -> dict[str, Any]:
    """The same for a conversation of items, whose system text is its instructions.

    A conversation that continues another already has the messages.
    """
    instructions = body.get("instructions") or made.system or None
    given = body["input"]
    if made.messages and not body.get("previous_response_id") and isinstance(given, str | list):
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        given = [*({"role": role, "content": text} for role, text in made.messages), *items]
    return {**body, "input": given, "instructions": instructions}
