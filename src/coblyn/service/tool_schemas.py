"""The schemas of tools' arguments as they are enforced, read once for all requests that bring them."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from coblyn.chat.messages import Tool
from coblyn.errors import ConstraintRefused

__all__ = ["ANY_OBJECT", "read_schemas"]

log = logging.getLogger(__name__)

Schema = Mapping[str, Any]

ANY_OBJECT: Schema = {"type": "object"}
_MAX_SECONDS = 5
"""For the schemas of all tools of a request, of which those that are known from before take no time."""
_MAX_TOGETHER = 200_000
"""Characters of schemas that are compiled together."""
_COMBINED = ("allOf", "anyOf", "oneOf", "$ref", "patternProperties", "additionalProperties", "not")


def read_schemas(
    tools: Sequence[Tool], *, is_needed: bool, is_unwanted: Callable[[], bool] = bool
) -> dict[str, Schema] | None:
    """The schemas that are enforced, by the tools' names; what cannot be enforced is any object.

    Args:
        tools: What may be called.
        is_needed: Whether a call is required, so that its arguments have to fit.
        is_unwanted: Whether nobody waits for the result any more; then there is none.

    Raises:
        ConstraintRefused: The schema of a tool cannot be enforced although it is strict or a call is required.
    """
    deadline = time.monotonic() + _MAX_SECONDS
    texts = [json.dumps(_closed({"type": "object", **tool.parameters})) for tool in tools]
    _read_together(texts)
    found: dict[str, Schema] = {}
    for index, (tool, text) in enumerate(zip(tools, texts, strict=True)):
        if is_unwanted():
            return None
        is_strict = is_needed or tool.strict
        found[tool.name] = _read(tool, text, index, deadline, is_needed=is_strict)
    return found


def _read_together(texts: Sequence[str]) -> None:
    """Read the new ones among some schemas at once, as far as they are plain."""
    new = [text for text in dict.fromkeys(texts) if text not in _known]
    if len(new) < 2 or sum(map(len, new)) > _MAX_TOGETHER:
        return
    from coblyn.constraints.grammar import enforceable_together

    for text, found in zip(new, enforceable_together(list(map(json.loads, new))), strict=True):
        if found:
            _known.keep(text, found)


def _read(tool: Tool, text: str, index: int, deadline: float, *, is_needed: bool) -> Schema:
    """The schema of a tool's arguments, or any object if it cannot be enforced."""
    try:
        _require_object(tool.parameters.get("type", "object"))
        if time.monotonic() > deadline:
            raise ConstraintRefused(f"It was not read after {_MAX_SECONDS} s for those before it.")
        return _enforceable(text)
    except (ConstraintRefused, ValueError) as error:
        if is_needed:
            where = f"tools[{index}].function.parameters"
            reason = getattr(error, "message", str(error))
            raise ConstraintRefused(f"Tool {tool.name!r}: {reason}", field=where) from error
        log.warning("the arguments of tool %r are not constrained: %s", tool.name, error)
        return _names_only(json.loads(text))


def _names_only(schema: Schema) -> Schema:
    """A schema with the same properties, of any kind: formats that write one after the other need their names."""
    declared, required = schema.get("properties"), schema.get("required")
    if not isinstance(declared, Mapping):
        return ANY_OBJECT
    needed = required if isinstance(required, list) else []
    return {
        **ANY_OBJECT,
        "properties": dict.fromkeys(declared, True),
        "required": [name for name in needed if isinstance(name, str) and name in declared],
    }


def _require_object(kind: Any) -> None:
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        raise ConstraintRefused(f"The arguments of a tool are an object, not {json.dumps(kind)}.")


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with no other properties than those it names, if it names any."""
    declared, required = schema.get("properties"), schema.get("required")
    if not isinstance(declared, dict) or not declared or any(key in schema for key in _COMBINED):
        return schema
    named = (
        [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
    )
    others: dict[str, Any] = {name: {} for name in named if name not in declared}
    return {**schema, "properties": {**declared, **others}, "additionalProperties": False}


def _enforceable(text: str) -> Schema:
    if (known := _known.get(text)) is not None:
        return known
    # Servers without tools never need it.
    from coblyn.constraints.grammar import enforceable_arguments

    found = enforceable_arguments(json.loads(text))
    _known.keep(text, found)
    return found


class _Known:
    """The latest schemas that were read, by their text. Any thread may ask."""

    _MAX_KEPT = 512

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Schema] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, text: str) -> bool:
        return text in self._kept

    def get(self, text: str) -> Schema | None:
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
            return self._kept.get(text)

    def keep(self, text: str, schema: Schema) -> None:
        with self._lock:
            self._kept[text] = schema
            while len(self._kept) > self._MAX_KEPT:
                self._kept.popitem(last=False)


_known = _Known()
