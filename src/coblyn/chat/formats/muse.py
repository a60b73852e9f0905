"""Muse: messages whose header names the recipient, the model itself for reasoning; calls in a block of XML."""

from __future__ import annotations

from dataclasses import dataclass

from coblyn.chat.formats.format import Format, Situation
from coblyn.chat.formats.invokes import Tags
from coblyn.chat.formats.lark import CallRule, Lark
from coblyn.chat.incoming import Incoming, Reading, Say
from coblyn.chat.outgoing import Outgoing

__all__ = ["MUSE"]

_START, _MESSAGE, _GOES_ON = "<|start|>", "<|message|>", "<|eom|>"
_NEXT = f"{_START}assistant"
_ENDS = (_GOES_ON, "<|eot|>")
_SELF, _USER = "self", "user"


@dataclass(frozen=True, slots=True)
class _Atem(Tags):
    """The tags of a block of calls. Only those of known tools are calls."""

    def read_name(self, incoming: Incoming, situation: Situation) -> Reading[str]:
        """Read the rest of a call's opening tag; the mark of a message is no part of it, nor of the name."""
        text = ""
        while True:
            part, mark = yield from incoming.text_until(_MESSAGE, ">")
            text += part
            if mark != _MESSAGE:
                break
            if (yield from incoming.comes_any(self.opening(self.parameter), "</")):
                break
        name = text.strip().removeprefix("name=").strip("\"'")
        return _known(name, situation) if mark else ""


def _known(name: str, situation: Situation) -> str:
    """The tool that a name means; empty if there is none.

    The template lists the part of a name before its first dot as a recipient, which models then write before names.
    """
    if name in situation.tools:
        return name
    space, _, rest = name.partition(".")
    return rest if rest in situation.tools and rest.partition(".")[0] == space else ""


_ATEM = _Atem(("function_calls",), "atem:", trims=False)
_CALLS = _ATEM.readers()
_BLOCK = _ATEM.opening("function_calls") + ">"


def _read(incoming: Incoming, out: Outgoing, situation: Situation) -> Reading[None]:
    if situation.is_reasoning:  # a message begun by the prompt
        yield from _read_text(incoming, out, out.reasoning)
    while (yield from incoming.peek(1)):
        incoming.record()
        recipient = yield from _read_header(incoming)
        if recipient:
            out.border()
        elif (yield from incoming.peek(1)) or recipient is None:
            out.content(incoming.recorded())
        if recipient == _SELF:
            out.begin_thought()
            yield from _read_text(incoming, out, out.reasoning)
        else:
            is_answer = not recipient or recipient == _USER
            yield from _read_body(incoming, out, situation, is_answer=is_answer)


def _read_header(incoming: Incoming) -> Reading[str | None]:
    """Read a header.

    Returns:
        Its recipient, the user if it names none; empty for the beginning of a header; None for other text.
    """
    yield from incoming.skip_space()
    has_begun = yield from incoming.accept(_NEXT)
    yield from incoming.skip_space()
    recipient = ""
    if (yield from incoming.accept("to=")):
        has_begun = True
        while (yield from incoming.peek(1)) not in ("", "<", " ", "\n"):
            recipient += incoming.take(1)
    if (yield from incoming.accept(_MESSAGE)):
        return recipient or _USER
    return "" if has_begun else None


def _read_body(
    incoming: Incoming, out: Outgoing, situation: Situation, *, is_answer: bool
) -> Reading[None]:
    """Read a message. Messages to any recipient may contain calls, but in an answer, calls after words are examples."""
    calls = _CALLS if situation.tools else {}
    has_words = False

    def say(text: str) -> None:
        nonlocal has_words
        has_words = has_words or bool(text.strip())
        out.content(text)

    while mark := (yield from incoming.before((*calls, *_ENDS, _NEXT), say)):
        if mark not in calls:
            break
        incoming.take(len(mark))
        if is_answer and has_words:
            out.content(mark)
        else:
            yield from _CALLS[mark](incoming, out, situation, mark)
    yield from incoming.accept_any(*_ENDS)
    out.border()


def _read_text(incoming: Incoming, out: Outgoing, say: Say) -> Reading[None]:
    yield from incoming.before((*_ENDS, _NEXT), say)
    yield from incoming.accept_any(*_ENDS)
    out.border()


def _rule(lark: Lark) -> CallRule:
    def header(name: str) -> str:
        return lark.text(f" to={name}{_MESSAGE}")

    headers = lark.any_of(header(tool.name) for tool in lark.tools)
    end = lark.text("\n" + _ATEM.closing("function_calls"))
    following = f"{end} {lark.text(_GOES_ON + _NEXT)} {headers} {lark.text(_BLOCK)}"
    thought = lark.until(_GOES_ON, without=(_START, _MESSAGE))
    return CallRule(
        _BLOCK,
        f"{lark.listed(_ATEM.invoke_rule(lark), following)} {end}",
        (_BLOCK,),
        is_block=True,
        before=f"{header(_SELF)} {thought} {lark.text(_NEXT)}",
        between=headers,
    )


MUSE = Format(
    "muse",
    lambda template: _BLOCK in template,
    _read,
    kept=(_START, _MESSAGE, _GOES_ON),
    make_rule=_rule,
    answers=(f" to={_USER}{_MESSAGE}",),
    marks_content=True,
)
