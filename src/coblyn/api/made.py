"""What a model that was made by settings adds to a conversation, in the form that the dialects with messages share."""

from __future__ import annotations

from typing import Any

from coblyn.models.modelfile import Modelfile

__all__ = ["with_messages"]

_SYSTEM = ("system", "developer")


def with_messages(body: dict[str, Any], made: Modelfile) -> dict[str, Any]:
    """A body whose conversation begins with the messages that the model was made with.

    Its system text stands first, unless the body has one of its own; a body without messages stays as it is.

    Args:
        body: As JSON gave it.
        made: What the model was made with.
    """
    messages = body.get("messages")
    if not isinstance(messages, list) or not (made.system or made.messages):
        return body
    before = [{"role": role, "content": text} for role, text in made.messages]
    first = messages[0] if messages and isinstance(messages[0], dict) else {}
    has_own = bool(body.get("system")) or first.get("role") in _SYSTEM
    if made.system and not has_own:
        before.insert(0, {"role": "system", "content": made.system})
    return {**body, "messages": [*before, *messages]}
