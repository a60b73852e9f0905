"""Calls that are JSON objects: a name and arguments, in any order, among other keys."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass

from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.outgoing import Outgoing

__all__ = ["CALL", "CallKeys", "read_arguments", "read_call"]


@dataclass(frozen=True, slots=True)
class CallKeys:
    """Names of the keys of a call; the first one present counts."""

    name: Sequence[str] = ("name",)
    arguments: Sequence[str] = ("arguments", "parameters")
    id: Sequence[str] = ("id",)


CALL = CallKeys()

_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_CLOSING_OF = {"{": "}", "[": "]"}

_FIRST_KEYS = frozenset(
    {"name", "function", "tool_name", "tool", "type", "id", "arguments", "parameters", "args"}
)


def read_call(
    incoming: Incoming,
    out: Outgoing,
    keys: CallKeys = CALL,
    *,
    ignores: Sequence[str] = (),
    knows: Container[str] | None = None,
) -> Reading[bool]:
    """Read one object, and emit its arguments as they arrive if its name came first.

    Args:
        incoming: The source text.
        out: Receives the events.
        keys: Names of its keys.
        ignores: Names by which an object says that no tool is called.
        knows: Known names; an object with another name is not a call. None to accept any name.

    Returns:
        Whether it is a call with a complete name and arguments; its last brace may be missing.
    """
    found = _Found(ignores, knows)
    if not (yield from incoming.accept("{")):
        return False
    while (yield from _read_member(incoming, out, keys, found)):
        yield from incoming.skip_space()
        if not (yield from incoming.accept(",")):
            found.is_closed = yield from incoming.accept("}")
            break
    return _finish(out, found)


@dataclass(slots=True)
class _Found:
    ignores: Sequence[str]
    knows: Container[str] | None
    name: str = ""
    id: str = ""
    arguments: str = ""
    is_begun: bool = False
    is_sent: bool = False
    is_cut: bool = False
    is_closed: bool = False

    @property
    def may_begin(self) -> bool:
        """Whether its arguments may be emitted as they arrive."""
        is_known = self.knows is None or self.name in self.knows
        return bool(self.name) and is_known and not self.is_sent and self.name not in self.ignores

    def begin(self, out: Outgoing) -> None:
        """Begin the call, unless that has been done."""
        if not self.is_begun:
            out.begin_call(self.name, self.id)
        self.is_begun = True


def _read_member(incoming: Incoming, out: Outgoing, keys: CallKeys, found: _Found) -> Reading[bool]:
    """Read a key and its value; False if there is none, or it is truncated."""
    yield from incoming.skip_space()
    key = yield from _read_text(incoming)
    yield from incoming.skip_space()
    if key is None or not (yield from incoming.accept(":")):
        return False
    if found.knows is not None and not found.name and key not in _FIRST_KEYS:
        return False  # some other object, which need not be held back
    if key in keys.arguments and found.may_begin:
        found.begin(out)
        yield from incoming.skip_space()
        is_whole = yield from read_arguments(incoming, out)
        found.is_sent = True
    else:
        yield from incoming.skip_space()
        value: list[str] = []
        is_whole = yield from incoming.json(value.append)
        _keep(keys, found, key, "".join(value))
        if is_whole and not keys.id and not found.arguments and found.may_begin:
            found.begin(out)  # no id can follow
    found.is_cut = not is_whole
    return is_whole


def _keep(keys: CallKeys, found: _Found, key: str, value: str) -> None:
    if key in keys.name:
        found.name = _text(value)
    elif key in keys.id:
        found.id = _text(value) if value.startswith('"') else ""
    elif key in keys.arguments:
        found.arguments = value


def _finish(out: Outgoing, found: _Found) -> bool:
    if found.is_cut or not found.name:
        return False
    if found.name in found.ignores:
        return True
    has_arguments = found.is_sent or bool(found.arguments)
    if not (has_arguments or found.is_closed) or not (found.is_sent or found.may_begin):
        return False
    if not found.is_sent:
        found.begin(out)
        out.arguments(_object(found.arguments))
    out.end_call()
    return True


def read_arguments(incoming: Incoming, out: Outgoing, end: str = "") -> Reading[bool]:
    """Read a JSON value as the arguments of the current call.

    An object is emitted as it arrives. A string that contains an object is that object; null, an empty list, and
    nothing are an empty one.

    Args:
        incoming: The source text.
        out: Receives the arguments.
        end: A mark that ends an object which lacks its last brackets, as in ``Incoming.json``; they are added then.

    Returns:
        Whether it is complete, and is JSON.
    """
    if (yield from incoming.peek(1)) == "{":
        return (yield from _read_object(incoming, out, end))
    value: list[str] = []
    is_whole = yield from incoming.json(value.append)
    if is_whole:
        found = _object("".join(value))
        is_whole = not found or is_json(found)
        out.arguments(found)
    return is_whole


def _read_object(incoming: Incoming, out: Outgoing, end: str) -> Reading[bool]:
    parts: list[str] = []

    def say(text: str) -> None:
        parts.append(text)
        out.arguments(text)

    is_whole = yield from incoming.json(say, end)
    text = "".join(parts)
    if is_whole:
        return is_json(text)
    missing = _brackets_missing(text)
    if not end or not (yield from incoming.comes(end)) or not is_json(text + missing):
        return False
    out.arguments(missing)
    return True


def _brackets_missing(text: str) -> str:
    """The closing brackets that JSON lacks at its end."""
    closings: list[str] = []
    for bracket in _BRACKET.findall(text):
        if bracket in _CLOSING_OF:
            closings.append(_CLOSING_OF[bracket])
        elif bracket in "}]" and closings:
            closings.pop()
    return "".join(reversed(closings))


def is_json(text: str) -> bool:
    """Whether a text is JSON."""
    try:
        json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _object(value: str) -> str:
    """Arguments as JSON text, unwrapped if they are an object within a string; empty if there are none."""
    if value.startswith('"'):
        inner = _text(value).strip()
        if inner.startswith("{") and is_json(inner):
            return inner
        return value if inner else ""
    return "" if value == "null" or value.replace(" ", "") == "[]" else value


def _read_text(incoming: Incoming) -> Reading[str | None]:
    """Read a JSON string; None if there is no complete one."""
    if (yield from incoming.peek(1)) != '"':
        return None
    parts: list[str] = []
    is_whole = yield from incoming.json(parts.append)
    return _text("".join(parts)) if is_whole else None


def _text(value: str) -> str:
    """Decode a JSON string; one with invalid escapes is used unchanged."""
    try:
        found = json.loads(value, strict=False)
    except ValueError:
        return value.strip('"')
    return found if isinstance(found, str) else value
