"""Mistral: behind ``[TOOL_CALLS]`` a list of JSON objects, or a name, ``[ARGS]`` and the arguments."""

from __future__ import annotations

import hashlib
import re
import secrets
import string

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.json_list import read_list, rule_of_list
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.formats.tagged import Tagged
from coblyn.chat.incoming import Incoming, Reading
from coblyn.chat.messages import Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["MISTRAL"]

_CALLS, _ID, _ARGUMENTS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"
_CHARACTERS = string.ascii_letters + string.digits
_ID_LENGTH = 9
_NAME = re.compile(r"[\w./:-]+")


def _read(incoming: Incoming, out: Outgoing, situation: Situation, mark: str) -> Reading[None]:  # noqa: ARG001
    incoming.record(mark)
    yield from incoming.skip_space()
    is_list = (yield from incoming.peek(1)) in ("[", "{")
    is_whole = yield from (read_list(incoming, out) if is_list else _read_call(incoming, out))
    if not is_whole:
        yield from incoming.before((_CALLS,), drop)
        out.broken(incoming.recorded())


def _read_call(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    name, mark = yield from incoming.text_before(_ID, _ARGUMENTS, "{", "[")
    name, call_id = name.strip(), ""
    if mark == "[" or (mark == "{" and not _NAME.fullmatch(name)):
        return (yield from _read_late(incoming, out))
    if not mark or not _NAME.fullmatch(name):
        return False
    if (yield from incoming.accept(_ID)):
        call_id, mark = yield from incoming.text_before(_ARGUMENTS, "{")
        call_id = call_id.strip()
    yield from incoming.accept(_ARGUMENTS)
    out.begin_call(name, call_id)
    yield from incoming.skip_space()
    if not (yield from read_arguments(incoming, out)):
        return False
    out.end_call()
    return True


def _read_late(incoming: Incoming, out: Outgoing) -> Reading[bool]:
    """Read a list, or one call, that other text has kept from its mark; that text is dropped."""
    is_list = (yield from incoming.peek(1)) == "["
    if is_list and (yield from incoming.peek_inside()) not in ("{", "]"):
        return False
    return (yield from read_list(incoming, out))


def _rule(lark: Lark) -> CallRule:
    if _ARGUMENTS not in lark.template:
        return rule_of_list(_CALLS)(lark)

    def call(tool: Tool) -> str:
        call_id = f"{lark.text(_ID)} /[a-zA-Z0-9]{{9}}/" if _ID in lark.template else ""
        begin = f"{lark.text(tool.name)} {call_id} {lark.text(_ARGUMENTS)}"
        return f"{begin} {lark.arguments(tool)}"

    return CallRule(_CALLS, lark.each(call), (_CALLS,))


def _make_id() -> str:
    return "".join(secrets.choice(_CHARACTERS) for _ in range(_ID_LENGTH))


def _fit_id(call_id: str) -> str:
    """Hash an id to nine letters and digits, since templates refuse others."""
    if len(call_id) == _ID_LENGTH and call_id.isalnum() and call_id.isascii():
        return call_id
    digest = hashlib.sha256(call_id.encode(errors="replace")).digest()
    return "".join(_CHARACTERS[byte % len(_CHARACTERS)] for byte in digest[:_ID_LENGTH])


MISTRAL = Format(
    "mistral",
    lambda template: _CALLS in template,
    Tagged({_CALLS: _read}),
    kept=(_CALLS, _ID, _ARGUMENTS),
    make_rule=_rule,
    make_id=_make_id,
    fit_id=_fit_id,
)
