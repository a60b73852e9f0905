"""A model's own chat template: messages to prompt text.

Knows Jinja and the conventions that model makers follow; refuses to know tokens.
"""

from __future__ import annotations

import functools
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jinja2 import Template, TemplateSyntaxError

from coblyn.chat.formats import NO_FORMAT, format_of
from coblyn.chat.messages import Message, Tool, ToolCall
from coblyn.chat.reasoning import Reasoning, begins_reasoning, opens_reasoning, reasoning_of
from coblyn.chat.reply import ReplyForm
from coblyn.chat.sandbox import Sandbox, TemplateRefusal
from coblyn.errors import BadRequest, ModelBroken

__all__ = ["CHATML", "ChatTemplate", "Rendered"]

log = logging.getLogger(__name__)

CHATML = (
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""What serves a model that brings no template."""

_MARK = "\x02continue here\x03"


_PROBE = (
    Message("user", "probe"),
    Message("assistant", "", tool_calls=(ToolCall("probe00id", "probe", '{"probe_key": "x"}'),)),
    Message("tool", "probe", "probe", tool_call_id="probe00id"),
)
"""Shows in which form a template wants the arguments of calls."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as prompt text.

    Attributes:
        text: The prompt.
        form: In which form the reply will come; None where all of it is content.
    """

    text: str
    form: ReplyForm | None


class ChatTemplate:
    """A template, compiled at its first use.

    Args:
        source: Jinja text, or empty: then ChatML serves.
        bos: Text of the BOS token, or empty.
        eos: Text of the EOS token, or empty.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        if not source.strip():
            log.info("the model brings no chat template: chats use ChatML")
        self._source = source if source.strip() else CHATML
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._format = format_of(self._source)
        self._marks = reasoning_of(self._source) or self._format.reasoning
        self._arguments_as_text: bool | None = None

    def render(
        self,
        messages: Sequence[Message],
        *,
        continues_last: bool = False,
        variables: Mapping[str, Any] | None = None,
        tools: Sequence[Tool] = (),
        may_call: bool = True,
    ) -> Rendered:
        """The prompt text of a conversation, and in which form the reply will come.

        Args:
            messages: At least one.
            continues_last: The text ends inside the last message, which the model is to go on
                with; otherwise it ends where the assistant's next message begins.
            variables: Further names that the template may look at, such as ``enable_thinking``.
            tools: The tools that the model is told of.
            may_call: Whether what it writes may be a call of one.

        Raises:
            BadRequest: The template refuses these messages.
            ModelBroken: The template itself is wrong; the message names what and where.
        """
        if not messages:
            raise BadRequest("messages must hold at least one message.", field="messages")
        given = dict(variables or {}) | self._tokens
        if tools:
            given["tools"] = [tool.to_template() for tool in tools]
        text = self._render_or_merge(messages, given, continues_last=continues_last)
        is_open = self._is_reasoning(text, messages[-1] if continues_last else None)
        return Rendered(text, self._form(is_open, tools if may_call else ()))

    def _form(self, is_open: bool, tools: Sequence[Tool]) -> ReplyForm | None:
        calls = self._format if tools or self._format.marks_content else NO_FORMAT
        if calls is NO_FORMAT and not self._marks:
            return None
        return ReplyForm(calls, self._marks, is_open, tools, self._source)

    def _is_reasoning(self, text: str, continued: Message | None) -> bool:
        """Whether the prompt ends within reasoning. What users have written says nothing about that."""
        if continued is None:
            return opens_reasoning(self._marks, text)
        if begins_reasoning(self._marks, continued.content):
            return self._marks.closing not in continued.content
        before = text[: len(text) - len(continued.content)]
        return opens_reasoning(self._marks, before) and self._marks.closing not in continued.content

    def _render_or_merge(
        self, messages: Sequence[Message], given: dict[str, Any], *, continues_last: bool
    ) -> str:
        try:
            return self._render_once(messages, given, continues_last=continues_last)
        except TemplateRefusal as error:
            merged = _merge_system(messages)
            if merged is None:
                raise _refusal(error) from error
        try:
            return self._render_once(merged, given, continues_last=continues_last)
        except TemplateRefusal as error:
            raise _refusal(error) from error

    def _render_once(
        self, messages: Sequence[Message], variables: dict[str, Any], *, continues_last: bool
    ) -> str:
        if not continues_last:
            return self._run(messages, variables, add_generation_prompt=True)
        if len(messages) > 1 and begins_reasoning(self._marks, messages[-1].content):
            before = self._run(messages[:-1], variables, add_generation_prompt=True)
            return _continued(self._marks, before, messages[-1].content)
        # A mark in place of the text shows where the template's own ending begins.
        marked = [*messages[:-1], replace(messages[-1], content=_MARK)]
        before, mark, _ = self._run(marked, variables, add_generation_prompt=False).rpartition(
            _MARK
        )
        if not mark:
            message = "This model's chat template cannot continue the last message."
            raise BadRequest(message, field="messages", hint="End with a message of the user.")
        return before + messages[-1].content

    def _known_role(self, message: Message) -> Message:
        """OpenAI's ``developer`` is what others call ``system``; only templates that name it know it."""
        if message.role == "developer" and "developer" not in self._source:
            return replace(message, role="system")
        return message

    def _run(
        self, messages: Sequence[Message], variables: dict[str, Any], *, add_generation_prompt: bool
    ) -> str:
        sandbox, template = _compiled(self._source)
        as_text = any(m.tool_calls for m in messages) and self._wants_arguments_as_text()
        values = variables | {
            "messages": [
                self._known_role(message).to_template(arguments_as_text=as_text)
                for message in messages
            ],
            "add_generation_prompt": add_generation_prompt,
        }
        try:
            return sandbox.render_watched(template, {"tools": None, "documents": None} | values)
        except TemplateRefusal:
            raise
        except Exception as error:  # a template is a foreign program: it may raise anything
            raise _broken(str(error) or type(error).__name__, _line(error)) from error

    def _wants_arguments_as_text(self) -> bool:
        """Whether the arguments of calls are put together with other text. Most templates want an object."""
        if self._arguments_as_text is None:
            shown = self._probe(as_text=False)
            is_wrong = shown is None or "{'probe_key'" in shown
            self._arguments_as_text = is_wrong and self._probe(as_text=True) is not None
        return self._arguments_as_text

    def _probe(self, *, as_text: bool) -> str | None:
        sandbox, template = _compiled(self._source)
        messages = [message.to_template(arguments_as_text=as_text) for message in _PROBE]
        values = self._tokens | {"messages": messages, "tools": None, "documents": None}
        try:
            return sandbox.render_watched(template, values)
        except Exception:  # noqa: BLE001 - a template is a foreign program: it may raise anything
            return None


@functools.lru_cache(maxsize=8)
def _compiled(source: str) -> tuple[Sandbox, Template]:
    sandbox = Sandbox()
    try:
        return sandbox, sandbox.compile_watched(source)
    except TemplateSyntaxError as error:
        raise _broken(error.message or "syntax error", error.lineno) from error
    except (RecursionError, SyntaxError, ValueError, TypeError, ArithmeticError) as error:
        raise _broken(f"it cannot be compiled ({type(error).__name__})", None) from error


def _continued(marks: Reasoning, prompt: str, content: str) -> str:
    """A prompt that ends where the assistant begins, and what it has written so far, with its reasoning.

    That is what the model would see had it written the content itself.
    """
    content = content.lstrip()
    if opens_reasoning(marks, prompt):
        content = content[len(marks.opening.rstrip()) :]
        return prompt + (content.removeprefix("\n") if prompt.endswith("\n") else content)
    if prompt.rstrip().endswith(marks.closing):  # an empty block, for a model that shall not reason
        prompt = prompt[: prompt.rfind(marks.opening.rstrip())]
    return prompt + content


def _merge_system(messages: Sequence[Message]) -> list[Message] | None:
    """The conversation with its system message moved into the first one of the user, if it can."""
    if (
        len(messages) < 2
        or messages[0].role not in ("system", "developer")
        or messages[1].role != "user"
    ):
        return None
    first = messages[1]
    return [replace(first, content=f"{messages[0].content}\n\n{first.content}"), *messages[2:]]


def _refusal(error: TemplateRefusal) -> BadRequest:
    return BadRequest(f"The chat template refuses these messages: {error}", field="messages")


def _broken(reason: str, line: int | None) -> ModelBroken:
    where = f", line {line}" if line else ""
    return ModelBroken(
        f"The model's chat template cannot be used{where}: {reason}.",
        hint="Text completion works without the template.",
    )


def _line(error: Exception) -> int | None:
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if "template" in frame.filename and frame.filename.startswith("<")
    ]
    return lines[-1] if lines else None
