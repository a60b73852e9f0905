"""Detects how a chat template treats calls, results, tools and the end of a turn, by rendering probes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.chat.messages import Message, Tool, ToolCall
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, Run
from coblyn.errors import ModelBroken

__all__ = ["Traits", "is_sound", "traits_of"]

_USER = Message("user", "probe of user")
_CALL = ToolCall("probe00id", "probe", '{"probe_key": "x"}')
_CALLING = (
    _USER,
    Message("assistant", "", tool_calls=(_CALL,)),
    Message("tool", "probe of result", "probe", tool_call_id=_CALL.id),
)
_TOOL = Tool("probe_tool", "probe", {"type": "object", "properties": {"a": {"type": "string"}}})
_DESCRIBED = _TOOL.described()
_ANSWER = "ProbeOfAnswer"
_TURN_END = re.compile(r"\s*(<[^<>\s]{1,40}>)")


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits of a template.

    Attributes:
        wants_parts: Whether the content of messages must be a list of parts.
        wants_text: Whether arguments of calls must be text, because they are concatenated with text.
        shows_calls: Whether calls of earlier turns are rendered.
        shows_results: Whether results of calls are rendered.
        shows_tools: Whether the tools are rendered.
        wants_descriptions: Whether each parameter of a tool needs a description.
        turn_end: The mark after the assistant's text; empty if there is none.
    """

    wants_parts: bool
    wants_text: bool
    shows_calls: bool
    shows_results: bool
    shows_tools: bool
    wants_descriptions: bool
    turn_end: str


def is_sound(source: str, tokens: Mapping[str, str], run: Run) -> bool:
    """Whether a template can render plain conversations, or refuses them properly."""
    probe = _Probe(source, tokens, run)
    talks = ((_USER,), (_USER, Message("assistant", _ANSWER), _USER))
    return all(probe.fails_over(talk) is None for talk in talks)


def traits_of(source: str, tokens: Mapping[str, str], run: Run) -> Traits:
    """Find the traits of a template.

    Args:
        source: Jinja text.
        tokens: Variables of every rendering.
        run: Renders the template.
    """
    probe = _Probe(source, tokens, run)
    shown = probe.render(_CALLING)
    wants_text = shown is None or "{'probe_key'" in shown
    if wants_text:
        as_text = probe.render(_CALLING, as_text=True)
        wants_text, shown = as_text is not None, as_text or shown
    tools = probe.render((_USER,), tools=[_TOOL.to_template()])
    described = probe.render((_USER,), tools=[_DESCRIBED.to_template()]) if tools is None else None
    return Traits(
        wants_parts=probe.wants_parts,
        wants_text=wants_text,
        shows_calls=shown is None or "probe_key" in shown,
        shows_results=shown is None or "probe of result" in shown,
        shows_tools=_TOOL.name in (tools or described or ""),
        wants_descriptions=described is not None,
        turn_end=probe.turn_end(),
    )


class _Probe:
    def __init__(self, source: str, tokens: Mapping[str, str], run: Run) -> None:
        self._source, self._tokens, self._run = source, tokens, run
        self.wants_parts = False
        if not self._shows_user():
            self.wants_parts = True
            self.wants_parts = self._shows_user()

    def _shows_user(self) -> bool:
        return _USER.content in (self.render((_USER,)) or "")

    def fails_over(self, messages: Sequence[Message]) -> ModelBroken | None:
        """The template's error for a conversation, if any."""
        try:
            self._render(messages, None, as_text=False)
        except TemplateRefusal:
            return None
        except ModelBroken as error:
            return error
        return None

    def render(
        self, messages: Sequence[Message], *, as_text: bool = False, tools: Any = None
    ) -> str | None:
        try:
            return self._render(messages, tools, as_text=as_text)
        except (TemplateRefusal, ModelBroken):
            return None

    def _render(self, messages: Sequence[Message], tools: Any, *, as_text: bool) -> str:
        shown = [
            message.to_template(arguments_as_text=as_text, in_parts=self.wants_parts)
            for message in messages
        ]
        functions = json.dumps(tools) if tools else ""
        more = {"messages": shown, "tools": tools, "documents": None, "functions": functions}
        more["add_generation_prompt"] = messages[-1].role == "user"
        values = {**self._tokens, **more}
        try:
            return self._run(self._source, values)
        except ModelBroken as error:
            if tools is not None or isinstance(error, BeyondLimits):
                raise
            return self._run(self._source, {**values, "tools": []})

    def turn_end(self) -> str:
        shown = self.render((_USER, Message("assistant", _ANSWER))) or ""
        _, _, after = shown.rpartition(_ANSWER)
        found = _TURN_END.match(after)
        return found[1] if found else ""
