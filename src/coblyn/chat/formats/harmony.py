"""GPT-OSS: messages with headers, in channels; a header names the recipient.

A malformed header is content or reasoning, according to its channel, and never an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from coblyn.chat.formats.format import Format, Situation, drop
from coblyn.chat.formats.json_call import read_arguments
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.incoming import Incoming, Reading, Say
from coblyn.chat.messages import Message, Tool
from coblyn.chat.outgoing import Outgoing

__all__ = ["HARMONY"]

_START, _CHANNEL, _MESSAGE, _CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
_ENDS = ("<|end|>", "<|call|>", "<|return|>")
_BODY_ENDS = (*_ENDS, _START, _CHANNEL)
_RECIPIENT = re.compile(r"\bto=([^\s<]+)")
_MARK = re.compile(r"<\|\w+\|>")
_NO_MESSAGE = re.compile(r"(?:<\|(?:(?!to=)\w*\|?>?)?|\bto=\S+|\w+|\s)*+")
_NAME_OF_CHANNEL = re.compile(r"\w*")


@dataclass(frozen=True, slots=True)
class _Header:
    """A parsed header."""

    channel: str
    recipient: str

    @property
    def tool(self) -> str:
        """The called function; empty if none is."""
        return self.recipient.removeprefix("functions.") if self.is_call else ""

    @property
    def is_call(self) -> bool:
        """Whether it calls a function declared by the client."""
        return self.recipient.startswith("functions.")

    @property
    def is_silent(self) -> bool:
        """Whether it is for a built-in tool that the client did not declare."""
        return bool(self.recipient) and not self.is_call and self.recipient != "assistant"


def _parsed(text: str) -> _Header:
    channels = [
        _NAME_OF_CHANNEL.match(part.lstrip())[0]  # type: ignore[index]  # it may match nothing
        for part in text.split(_CHANNEL)[1:]
    ]
    known = [each for each in channels if each in ("analysis", "commentary", "final")]
    recipients = [each for each in _RECIPIENT.findall(text) if each != "assistant"]
    return _Header((known or [""])[-1], (recipients or [""])[-1])


def _read(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    if situation.is_reasoning:  # a message begun by the prompt
        yield from _read_text(incoming, out, out.reasoning)
    while (yield from incoming.peek(1)):
        incoming.record()
        space = yield from incoming.space()
        is_header = yield from _begins_header(incoming)
        if not is_header:
            out.content(space)
            yield from _read_text(incoming, out, out.content)
            continue
        text, mark = yield from incoming.text_until(_MESSAGE, *_ENDS)
        if mark == _MESSAGE:
            yield from _read_body(incoming, out, situation, _parsed(text))
        else:  # a truncated header is discarded
            out.content(_MARK.sub("", text) if not _NO_MESSAGE.fullmatch(text) else "")


def _begins_header(incoming: Incoming) -> Reading[bool]:
    """Whether a header comes next."""
    for mark in (_START, _CHANNEL, _CONSTRAIN, "to=", "assistant", _MESSAGE):
        if (yield from incoming.comes(mark)):
            return mark != "assistant" or (yield from _is_role(incoming))
    return False


def _is_role(incoming: Incoming) -> Reading[bool]:
    """Whether ``assistant`` is the rest of a header, not the first word of an answer."""
    text = yield from incoming.peek(len("assistant<|channel|>"))
    return text.startswith(("assistant<|channel|>", "assistant to="))


def _read_body(
    incoming: Incoming, out: Outgoing, situation: Situation, header: _Header
) -> Reading[None]:
    out.border()
    if header.is_call and situation.tools:
        yield from _read_call(incoming, out, header.tool)
    elif header.is_silent:
        yield from incoming.before(_BODY_ENDS, drop)
        yield from incoming.accept_any(*_ENDS)
    elif header.channel == "analysis":
        out.begin_thought()
        yield from _read_text(incoming, out, out.reasoning)
    else:
        yield from _read_text(incoming, out, out.content)


def _read_call(incoming: Incoming, out: Outgoing, name: str) -> Reading[None]:
    out.begin_call(name)
    yield from incoming.skip_space()
    is_empty = yield from incoming.accept_any(*_ENDS)
    if not is_empty and not (yield from read_arguments(incoming, out)):
        yield from incoming.before(_BODY_ENDS, drop)
        out.broken(incoming.recorded())
        return
    out.end_call()
    yield from incoming.skip_space()
    yield from incoming.accept_any(*_ENDS)


def _read_text(incoming: Incoming, out: Outgoing, say: Say) -> Reading[None]:
    yield from incoming.before(_BODY_ENDS, say)
    yield from incoming.accept_any(*_ENDS)
    out.border()


def _fit_messages(messages: Sequence[Message]) -> list[Message]:
    """Split messages to one call each, followed by its result; content before a call becomes reasoning.

    The template shows only the first call of a message, and refuses content beside reasoning and a call.
    """
    results = {message.tool_call_id: message for message in messages if message.tool_call_id}
    fitted: list[Message] = []
    moved: set[str] = set()
    for message in messages:
        if message.tool_call_id in moved:
            continue
        if not message.tool_calls:
            fitted.append(message)
            continue
        thought = "\n\n".join(filter(None, (message.reasoning, message.content)))
        is_single = len(message.tool_calls) == 1
        for call in message.tool_calls:
            fitted.append(replace(message, content="", reasoning=thought, tool_calls=(call,)))
            thought = ""
            if not is_single and call.id in results:
                fitted.append(results[call.id])
                moved.add(call.id)
    return fitted


def _rule(lark: Lark) -> CallRule:
    marks = [f"{_CHANNEL}{channel} to=functions." for channel in ("commentary", "analysis")]

    def call(tool: Tool) -> str:
        kind = f'" "? {lark.text(_CONSTRAIN)} " "? "json" | " " "json"'
        return f"{lark.text(tool.name)} ({kind})? {lark.text(_MESSAGE)} {lark.arguments(tool)}"

    thought = lark.text(f"{_CHANNEL}analysis{_MESSAGE}")
    # llama.cpp makes these marks ordinary tokens, and what is read as a thought ends at each of them.
    text = lark.until("<|end|>", without=(_START, _CHANNEL, _MESSAGE, _CONSTRAIN))
    before = f"{thought} {text} {lark.text(_START + 'assistant')}"
    return CallRule(marks[0], lark.each(call), marks, is_end=True, before=before)


HARMONY = Format(
    "harmony",
    lambda template: _CHANNEL in template,
    _read,
    kept=(_START, _CHANNEL, _MESSAGE, _CONSTRAIN, "<|end|>"),
    make_rule=_rule,
    answers=(
        f"{_CHANNEL}final{_MESSAGE}",
        f"{_CHANNEL}final {_CONSTRAIN}json{_MESSAGE}",
    ),
    marks_content=True,
    fit_messages=_fit_messages,
)
