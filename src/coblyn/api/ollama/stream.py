"""Lines of Ollama's streams. A complete answer has the fields of a line that is both the first and the last."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from coblyn.api.dialect import Dialect
from coblyn.api.framing import NDJSON
from coblyn.api.logprobs import chat_form
from coblyn.api.ollama.shape import Clock, now
from coblyn.api.rounds import WholeRounds
from coblyn.api.stream import Chunks, compact
from coblyn.chat.messages import Message, ToolCall
from coblyn.chat.reply import (
    CallArguments,
    CallBegun,
    CallBroken,
    ContentText,
    ReasoningText,
    ReplyEvent,
)
from coblyn.engine.events import Delta, Finish, TokenText
from coblyn.service.hub import Record
from coblyn.service.replies import Reply, WholeReply

__all__ = ["ChatLines", "GenerateLines", "idle_line"]


class _Lines(Chunks):
    """Base of both kinds of generation.

    Args:
        dialect: Ollama's.
        model: The model's name in the request.
        clock: The time of the request.
        prompt: Token ids of the prompt, if the answer should include them with the generated ones.
    """

    def __init__(
        self, dialect: Dialect, model: str, clock: Clock, prompt: Sequence[int] | None = None
    ) -> None:
        super().__init__(dialect)
        self._model = model
        self._clock = clock
        self._prompt = prompt
        self._call: ToolCall | None = None
        self._num_calls = 0

    @abstractmethod
    def fields(self, message: Message, first_call: int = 0) -> dict[str, Any]:
        """The answer's fields in a line or a complete answer.

        Args:
            message: The answer, or a part of it.
            first_call: Index of its first call.
        """

    def whole(self, reply: WholeReply) -> dict[str, Any]:
        """A complete answer."""
        record = reply.record
        assert record.finish, "it is complete"
        return self._complete(reply.message, record.finish, record, record.tokens)

    def of_rounds(self, answer: WholeRounds, records: Sequence[Record]) -> dict[str, Any]:
        """A complete answer whose tools ran here."""
        last = records[-1]
        assert last.finish, "it is complete"
        finish = Finish(last.id, last.finish.reason, answer.stats)
        tokens = [token for record in records for token in record.tokens]
        return self._complete(answer.collected.message, finish, last, tokens)

    def text(self, index: int, delta: Delta) -> bytes:  # noqa: ARG002
        """New text."""
        return self._line(Message("assistant", delta.text), delta.tokens)

    def more(self, index: int, delta: Delta, reply: Reply) -> bytes:  # noqa: ARG002
        """New text, reasoning, or a completed call."""
        lines = self._parts(reply.parts, delta.tokens)
        has_said_nothing = not lines and _logprobs(delta.tokens)
        return self._line(Message("assistant", ""), delta.tokens) if has_said_nothing else lines

    def last(self, index: int, finish: Finish, reply: Reply, record: Record) -> bytes:
        """Text held back so far, and the last line."""
        return self._parts(reply.parts, ()) + self._whole_call() + self.end(index, finish, record)

    def end(self, index: int, finish: Finish, record: Record) -> bytes:  # noqa: ARG002
        """The last line."""
        fields = self._head(self.fields(Message("assistant", "")))
        return self.framing.frame(compact({**fields, **self._ending(finish, record)}))

    def _complete(
        self, message: Message, finish: Finish, record: Record, tokens: Sequence[TokenText]
    ) -> dict[str, Any]:
        if finish.reason == "length":
            whole = tuple(call for call in message.tool_calls if call.values is not None)
            cut = "".join(_begun(each) for each in message.tool_calls if each.values is None)
            message = replace(message, content=message.content + cut, tool_calls=whole)
        fields = self._head(self.fields(message))
        return {**fields, **self._ending(finish, record), **_logprobs(tokens)}

    def _parts(self, parts: Sequence[ReplyEvent], tokens: Sequence[TokenText]) -> bytes:
        lines = b""
        for part in parts:
            match part:
                case ContentText(text):
                    lines += self._whole_call() + self._line(Message("assistant", text), tokens)
                    tokens = ()
                case ReasoningText(text):
                    lines += self._line(Message("assistant", "", reasoning=text), tokens)
                    tokens = ()
                case CallBegun(_, call_id, name):
                    lines += self._whole_call()
                    self._call = ToolCall(call_id, name, "")
                case CallArguments(_, text) if self._call:
                    call = self._call
                    self._call = ToolCall(call.id, call.name, call.arguments + text)
                case CallBroken(_, text, is_cut):
                    begun, self._call = self._call, None
                    shown = _begun(begun) if begun and is_cut else text
                    lines += self._line(Message("assistant", shown), ())
        return lines

    def _whole_call(self) -> bytes:
        """The line of the current call, which is complete; nothing if there is none."""
        call, self._call = self._call, None
        if call is None:
            return b""
        line = self._line(Message("assistant", "", tool_calls=(call,)), ())
        self._num_calls += 1
        return line

    def _line(self, message: Message, tokens: Sequence[TokenText]) -> bytes:
        fields = self._head(self.fields(message, self._num_calls))
        return self.framing.frame(compact({**fields, "done": False, **_logprobs(tokens)}))

    def _head(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"model": self._model, "created_at": now(), **fields}

    def _ending(self, finish: Finish, record: Record) -> dict[str, Any]:
        ids = {}
        if self._prompt is not None:
            ids["context"] = [*self._prompt, *(token.token for token in record.tokens)]
        return {
            "done": True,
            "done_reason": self.dialect.finish_reasons[finish.reason],
            **ids,
            **self._clock.durations(finish.stats),
        }


class GenerateLines(_Lines):
    """Lines of ``/api/generate``."""

    def fields(self, message: Message, first_call: int = 0) -> dict[str, Any]:  # noqa: ARG002
        """``response``, and ``thinking`` if there is any."""
        thinking = {"thinking": message.reasoning} if message.reasoning else {}
        return {"response": message.content, **thinking}


class ChatLines(_Lines):
    """Lines of ``/api/chat``."""

    def fields(self, message: Message, first_call: int = 0) -> dict[str, Any]:
        """``message``, which always has content."""
        fields: dict[str, Any] = {"role": "assistant", "content": message.content}
        if message.reasoning:
            fields["thinking"] = message.reasoning
        if message.tool_calls:
            calls = enumerate(message.tool_calls, first_call)
            fields["tool_calls"] = [_call(index, call) for index, call in calls]
        return {"message": fields}


def idle_line(path: str, body: Mapping[str, Any]) -> bytes:
    """A line without text, as these streams have them anyway: it keeps the line open while a model is loaded."""
    said = {"message": {"role": "assistant", "content": ""}} if "chat" in path else {"response": ""}
    head = {"model": str(body.get("model", "")), "created_at": now()}
    return NDJSON.frame(compact({**head, **said, "done": False}))


def _begun(call: ToolCall) -> str:
    """The text of a call that was cut, and so cannot be an object."""
    return f'{{"name": {json.dumps(call.name)}, "arguments": {call.arguments}'


def _call(index: int, call: ToolCall) -> dict[str, Any]:
    function = {"index": index, "name": call.name, "arguments": call.values or {}}
    return {"id": call.id, "function": function}


def _logprobs(tokens: Sequence[TokenText]) -> dict[str, Any]:
    """Log-probabilities, if requested."""
    has_any = bool(tokens) and tokens[0].logprob is not None
    return {"logprobs": chat_form(tokens)} if has_any else {}
