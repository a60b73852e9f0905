"""A model's chat template: converts messages to prompt text.

Handles the conventions of model makers; knows nothing of Jinja or tokens.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from coblyn.chat.families import CHATML
from coblyn.chat.fitting import folded, gentler, with_system
from coblyn.chat.formats import NO_FORMAT, format_of
from coblyn.chat.formats.format import Format
from coblyn.chat.formats.generic import describe, described_for, write_calls
from coblyn.chat.messages import Message, Tool
from coblyn.chat.reasoning import THINK, Reasoning, begins_reasoning, opens_reasoning, reasoning_of
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, Run, run_here
from coblyn.chat.reply import ReplyForm
from coblyn.chat.traits import Traits, is_sound, traits_of
from coblyn.errors import BadRequest, ModelBroken

__all__ = ["ChatTemplate", "Rendered"]

_MARK = "\x02continue here\x03"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A conversation as prompt text.

    Attributes:
        text: The prompt.
        form: The form of the reply; None if all of it is content.
        turn_end: Text that ends the reply, whether or not the vocabulary marks it as an end token; empty if there is
            none.
        unwanted: The form of a reply with calls, where there are tools and none may be called.
    """

    text: str
    form: ReplyForm | None
    turn_end: str = ""
    unwanted: ReplyForm | None = None


class ChatTemplate:
    """A template, compiled at its first use.

    Args:
        source: Jinja text; empty for ChatML.
        bos: Text of the BOS token, or empty.
        eos: Text of the EOS token, or empty.
        run: Renders it.
    """

    def __init__(self, source: str, *, bos: str = "", eos: str = "", run: Run = run_here) -> None:
        self._source = source if source.strip() else CHATML
        self._tokens = {"bos_token": bos, "eos_token": eos}
        self._format = format_of(self._source)
        self._marks = reasoning_of(self._source) or self._format.reasoning
        self._run_template = run

    @functools.cached_property
    def traits(self) -> Traits:
        """Its treatment of calls and turns."""
        return traits_of(self._source, self._tokens, self._run_template)

    @functools.cached_property
    def _is_sound(self) -> bool:
        return is_sound(self._source, self._tokens, self._run_template)

    def render(
        self,
        messages: Sequence[Message],
        *,
        continues_last: bool = False,
        variables: Mapping[str, Any] | None = None,
        tools: Sequence[Tool] = (),
        may_call: bool = True,
    ) -> Rendered:
        """The prompt text of a conversation, and the form of the reply.

        If a strict template refuses the conversation, other forms of it are tried.

        Args:
            messages: At least one.
            continues_last: Whether the text ends inside the last message, which the model continues; otherwise it ends
                where the assistant's next message begins.
            variables: Additional variables for the template, such as ``enable_thinking``.
            tools: The tools to describe to the model.
            may_call: Whether the reply may call one.

        Raises:
            BadRequest: The template refuses these messages, or fails over them.
            ModelBroken: The template itself is invalid; the message says what and where.
        """
        if not messages:
            raise BadRequest("messages must hold at least one message.", field="messages")
        if continues_last and messages[-1].reasoning and self._marks:
            last = _with_reasoning(self._marks, messages[-1], *self._format.answers[:1])
            messages = [*messages[:-1], last]
        given = dict(variables or {}) | self._tokens | {"functions": ""}
        text, used, calls = self._with_tools(messages, given, tools, continues_last=continues_last)
        is_open = self._is_reasoning(text, used[-1] if continues_last else None)
        is_answering = not is_open and (continues_last or _opens_answer(calls, text))
        form = self._form(calls, is_open, is_answering, tools if may_call else ())
        kept = form.kept if form else ()
        turn_end = self.traits.turn_end
        unwanted = (
            None if may_call or not tools else self._form(calls, is_open, is_answering, tools)
        )
        return Rendered(text, form, "" if turn_end in kept else turn_end, unwanted)

    def _with_tools(
        self,
        messages: Sequence[Message],
        given: dict[str, Any],
        tools: Sequence[Tool],
        *,
        continues_last: bool,
    ) -> tuple[str, Sequence[Message], Format]:
        """The prompt, its messages and the format of calls.

        The system message describes the tools if the template does not show any, or fails over these.
        """
        fit = functools.partial(self._first_that_fits, continues_last=continues_last)
        if not tools:
            return *fit(messages, given), self._format
        refusal = None
        if self.traits.shows_tools:
            try:
                return *fit(messages, given | self._shown(tools)), self._format
            except BadRequest as error:
                refusal = error
        try:
            fitted = fit(with_system(messages, describe(tools)), given)
        except BadRequest as error:
            raise refusal or error from error
        return *fitted, described_for(self._format)

    def _shown(self, tools: Sequence[Tool]) -> dict[str, Any]:
        if self.traits.wants_descriptions:
            tools = [each.described() for each in tools]
        shown = [tool.to_template() for tool in tools]
        return {"tools": shown, "functions": json.dumps(shown)}

    def _form(
        self, calls: Format, is_open: bool, is_answering: bool, tools: Sequence[Tool]
    ) -> ReplyForm | None:
        if not tools and not calls.marks_content:
            calls = NO_FORMAT
        if calls is NO_FORMAT and not self._marks:
            return None
        return ReplyForm(
            calls, self._marks, is_open, tools, self._source, is_answering=is_answering
        )

    def _is_reasoning(self, text: str, continued: Message | None) -> bool:
        """Whether the prompt ends within reasoning, ignoring marks in users' text."""
        if continued is None:
            return opens_reasoning(self._marks, text)
        if begins_reasoning(self._marks, continued.content):
            return self._marks.closing not in continued.content
        before = text[: len(text) - len(continued.content)]
        return opens_reasoning(self._marks, before) and self._marks.closing not in continued.content

    def _first_that_fits(
        self, messages: Sequence[Message], given: dict[str, Any], *, continues_last: bool
    ) -> tuple[str, Sequence[Message]]:
        """The first form of a conversation that renders with all system text."""
        first: TemplateRefusal | ModelBroken | None = None
        best: tuple[str, Sequence[Message]] | None = None
        for used in self._forms(messages):
            try:
                text = self._render_once(used, given, continues_last=continues_last)
            except (TemplateRefusal, ModelBroken) as error:
                is_broken = isinstance(error, ModelBroken)
                if isinstance(error, BeyondLimits) or (is_broken and not self._is_sound):
                    raise
                first = first or error
                continue
            if not _is_silenced(used, text):
                return text, used
            best = best or (text, used)
        if best:
            return best
        assert first, "nothing has rendered"
        raise _refusal(first) from first

    def _forms(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        fitted = self._fitted([self._known_role(message) for message in messages])
        yield fitted
        yield from gentler(fitted)

    def _fitted(self, messages: Sequence[Message]) -> Sequence[Message]:
        """The conversation with calls, results and ids in the template's form."""
        if self._format.fit_messages:
            messages = self._format.fit_messages(messages)
        if not any(message.tool_calls or message.role == "tool" for message in messages):
            return messages
        if not self.traits.shows_calls:
            write = self._format.write_calls or write_calls
            return folded(messages, write, results_too=not self.traits.shows_results)
        return [self._with_fitting_ids(message) for message in messages]

    def _with_fitting_ids(self, message: Message) -> Message:
        fit = self._format.fit_id
        if fit is None or not (message.tool_calls or message.tool_call_id):
            return message
        calls = tuple(replace(call, id=fit(call.id)) for call in message.tool_calls)
        result_of = fit(message.tool_call_id) if message.tool_call_id else ""
        return replace(message, tool_calls=calls, tool_call_id=result_of)

    def _render_once(
        self, messages: Sequence[Message], variables: dict[str, Any], *, continues_last: bool
    ) -> str:
        if not continues_last:
            return self._run(messages, variables, add_generation_prompt=True)
        if len(messages) > 1 and begins_reasoning(self._marks, messages[-1].content):
            before = self._run(messages[:-1], variables, add_generation_prompt=True)
            return _continued(self._marks, before, messages[-1].content)
        # A mark in place of the text shows where the template's ending begins.
        marked = [*messages[:-1], replace(messages[-1], content=_MARK)]
        before, mark, _ = self._run(marked, variables, add_generation_prompt=False).rpartition(
            _MARK
        )
        if not mark:
            message = "This model's chat template cannot continue the last message."
            raise BadRequest(message, field="messages", hint="End with a message of the user.")
        return before + messages[-1].content

    def _known_role(self, message: Message) -> Message:
        """Map OpenAI's role ``developer`` to ``system``, unless the template names it."""
        if message.role == "developer" and "developer" not in self._source:
            return replace(message, role="system")
        return message

    def _run(
        self, messages: Sequence[Message], variables: dict[str, Any], *, add_generation_prompt: bool
    ) -> str:
        values = variables | {"add_generation_prompt": add_generation_prompt}
        try:
            text = self._run_once(messages, values)
        except (TemplateRefusal, ModelBroken) as error:
            if isinstance(error, BeyondLimits) or not self.traits.wants_parts:
                raise
        else:
            if _shows_users(messages, text) or not self.traits.wants_parts:
                return text
        return self._run_once(messages, values, in_parts=True)

    def _run_once(
        self, messages: Sequence[Message], variables: dict[str, Any], *, in_parts: bool = False
    ) -> str:
        as_text = any(m.tool_calls for m in messages) and self.traits.wants_text
        shown = [
            message.to_template(arguments_as_text=as_text, in_parts=in_parts)
            for message in messages
        ]
        values = {"tools": None, "documents": None} | variables | {"messages": shown}
        try:
            return self._run_template(self._source, values)
        except ModelBroken as error:
            if values["tools"] is not None or isinstance(error, BeyondLimits):
                raise
        # Some templates require a list of tools, and iterate over it without a check.
        return self._run_template(self._source, values | {"tools": []})


def _shows_users(messages: Sequence[Message], text: str) -> bool:
    return all(each.content.strip() in text for each in messages if each.role == "user")


def _opens_answer(calls: Format, prompt: str) -> bool:
    """Whether a prompt ends with a mark after which an answer begins."""
    return prompt.rstrip().endswith(tuple(calls.answers)) if calls.answers else False


def _with_reasoning(marks: Reasoning, message: Message, answer: str = "") -> Message:
    """A message to continue, with its reasoning in the content; without content its reasoning is continued.

    Args:
        marks: The model's marks.
        message: The message.
        answer: The mark after which the model answers, if it has one.
    """
    line = "\n" if marks == THINK else ""
    text = (
        marks.opening.rstrip("\n") + (line or "\n" * marks.opening.count("\n")) + message.reasoning
    )
    if message.content:
        text += line + marks.closing + marks.after + answer + message.content
    return replace(message, content=text, reasoning="")


def _continued(marks: Reasoning, prompt: str, content: str) -> str:
    """A prompt that ends where the assistant begins, followed by its message so far, with its reasoning.

    This is what the model would see if it had generated the content itself.
    """
    opening = marks.opening
    content = opening[: len(opening) - len(opening.lstrip())] + content.lstrip()
    if opens_reasoning(marks, prompt):
        content = content[len(marks.opening.rstrip()) :]
        return prompt + (content.removeprefix("\n") if prompt.endswith("\n") else content)
    if prompt.rstrip().endswith(marks.closing):  # an empty block, because the model must not reason
        prompt = prompt[: prompt.rfind(marks.opening.rstrip())]
    return prompt + content


def _is_silenced(messages: Sequence[Message], text: str) -> bool:
    """Whether a template omits the system text."""
    said = [each.content.strip() for each in messages if each.role in ("system", "developer")]
    others = [each.content.strip() for each in messages if each.role == "user"]
    shows_some = not others or any(each in text for each in others)
    return shows_some and any(each not in text for each in said)


def _refusal(error: TemplateRefusal | ModelBroken) -> BadRequest:
    if isinstance(error, TemplateRefusal):
        return BadRequest(f"The chat template refuses these messages: {error}", field="messages")
    return BadRequest(f"These messages do not go with it. {error.message}", field="messages")
