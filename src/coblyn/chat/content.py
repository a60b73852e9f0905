"""Message contents in the format of OpenAI's APIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from coblyn.chat.attachment import PARTS, Attachment, Content
from coblyn.errors import BadRequest

__all__ = ["read_content"]

_TEXTS = ("text", "input_text", "output_text", "refusal")


def read_content(content: object, field: str) -> Content:
    """A message's content: a string, None, or a list of parts.

    Args:
        content: The value from the request.
        field: Its path for error messages, such as ``messages[2].content``.

    Raises:
        BadRequest: It is something else, or a part is neither text nor image nor sound.
    """
    if content is None:
        return Content("")
    if isinstance(content, str):
        return Content(content)
    if not isinstance(content, Sequence):
        raise BadRequest(f"{field} must be a string or a list of parts.", field=field)
    parts = [_read_part(part, f"{field}[{i}]") for i, part in enumerate(content)]
    media = tuple(part for part in parts if isinstance(part, Attachment))
    text = "".join(part.mark if isinstance(part, Attachment) else part for part in parts)
    return Content(text, media)


def _read_part(part: object, field: str) -> str | Attachment:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        raise BadRequest(f"{field} must be an object or a text.", field=field)
    kind = part.get("type")
    if isinstance(kind, str) and kind in PARTS:
        return PARTS[kind](part, field)
    if kind not in _TEXTS:
        raise BadRequest(f"{field}: parts of type {kind!r} are not supported yet.", field=field)
    text = part.get("refusal" if kind == "refusal" else "text")
    if not isinstance(text, str):
        raise BadRequest(f"{field}.text must be a string.", field=f"{field}.text")
    return text
