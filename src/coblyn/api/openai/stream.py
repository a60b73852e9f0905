"""Chunks of OpenAI's streams.

A chunk is assembled from bytes that are the same for the whole stream and the JSON of the new text. At a hundred tokens
per second for each of eight streams, a more general method would cost noticeable time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from coblyn.api.dialect import Dialect
from coblyn.api.logprobs import Offsets, completion_form
from coblyn.api.openai.echo import Echo
from coblyn.api.openai.shape import Answer, chat_logprobs, usage
from coblyn.api.openai.texts import CompletionInput
from coblyn.api.openai.wire import SamplingInput
from coblyn.api.stream import Chunks, compact, json_text
from coblyn.chat.reply import (
    CallArguments,
    CallBegun,
    ContentText,
    ReasoningText,
    ReplyEvent,
)
from coblyn.engine.events import Delta, Finish, FinishReason, Prefill, TokenText
from coblyn.service.hub import Record
from coblyn.service.replies import Reply, ReplyReason

__all__ = ["ChatChunks", "CompletionChunks"]


_ROLE = b'"delta":{"role":"assistant","content":"","refusal":null}'


class _OpenAIChunks(Chunks):
    """Base of both kinds of chunks.

    Args:
        dialect: OpenAI's.
        answer: The head of each chunk.
        wanted: The request's body.
    """

    def __init__(self, dialect: Dialect, answer: Answer, wanted: SamplingInput) -> None:
        super().__init__(dialect)
        self._head = compact(answer.head)[:-1]
        self._wanted = wanted
        # If usage is sent at the end, the earlier chunks have the field too.
        self._no_usage = b',"usage":null' if wanted.wants_usage else b""

    def progress(self, prefill: Prefill) -> bytes:
        """A comment, which keeps proxies from closing the connection during a long prefill."""
        if not prefill.cached < prefill.processed < prefill.total:
            return b""
        return self.framing.comment(b"prefill %d/%d" % (prefill.processed, prefill.total))

    def closing(self, records: Sequence[Record]) -> bytes:
        """The usage if requested, and OpenAI's end mark."""
        done = self.framing.frame(b"[DONE]")
        if not self._wanted.wants_usage:
            return done
        totals = compact(self._usage(records))
        return self._frame(b'"choices":[],"usage":%b' % totals) + done

    def _usage(self, records: Sequence[Record]) -> dict[str, Any]:
        return usage(records, self._wanted.num_choices)

    def _reason(self, reason: ReplyReason) -> bytes:
        return json_text(self.dialect.finish_reasons[reason])

    def _choice(self, fields: bytes) -> bytes:
        return self._frame(b'"choices":[{%b}]%b' % (fields, self._no_usage))

    def _frame(self, fields: bytes) -> bytes:
        return self.framing.frame(b"%b,%b}" % (self._head, fields))


class ChatChunks(_OpenAIChunks):
    """Chunks of a chat completion: the role once, one chunk per part of the reply, and the finish reason.

    Log-probabilities are sent with the first chunk after their tokens, since marks of reasoning and calls have no
    chunks.
    """

    def __init__(self, dialect: Dialect, answer: Answer, wanted: SamplingInput) -> None:
        super().__init__(dialect, answer, wanted)
        self._waiting: dict[int, list[TokenText]] = {}

    def opening(self, index: int) -> bytes:
        """The role."""
        return self._chunk(index, _ROLE, b"null", b"null")

    def more(self, index: int, delta: Delta, reply: Reply) -> bytes:
        """New parts."""
        if _has_logprobs(delta):
            self._waiting.setdefault(index, []).extend(delta.tokens)
        return self._parts(index, reply.parts)

    def last(self, index: int, finish: Finish, reply: Reply, record: Record) -> bytes:  # noqa: ARG002
        """Text held back so far, and the finish reason."""
        parts = self._parts(index, reply.parts)
        if index in self._waiting:
            parts += self._chunk(index, b'"delta":{}', self._logprobs(index), b"null")
        reason = self._reason(reply.reason or finish.reason)
        return parts + self._chunk(index, b'"delta":{}', b"null", reason)

    def text(self, index: int, delta: Delta) -> bytes:
        """New text."""
        return self.more(index, delta, Reply(delta, (ContentText(delta.text),)))

    def end(self, index: int, finish: Finish, record: Record) -> bytes:
        """The reason."""
        return self.last(index, finish, Reply(finish), record)

    def _parts(self, index: int, parts: Sequence[ReplyEvent]) -> bytes:
        chunks = [
            self._chunk(index, b'"delta":{%b}' % delta, self._logprobs(index), b"null")
            for part in parts
            if (delta := self._fields(part))
        ]
        return b"".join(chunks)

    def _fields(self, part: ReplyEvent) -> bytes:
        """The fields of a delta."""
        return _delta(part)

    def _logprobs(self, index: int) -> bytes:
        tokens = self._waiting.pop(index, None)
        return compact(chat_logprobs(tokens)) if tokens else b"null"

    def _chunk(self, index: int, delta: bytes, logprobs: bytes, reason: bytes) -> bytes:
        return self._choice(
            b'"index":%d,%b,"logprobs":%b,"finish_reason":%b' % (index, delta, logprobs, reason)
        )


class CompletionChunks(_OpenAIChunks):
    """Chunks of a text completion.

    Args:
        dialect: OpenAI's.
        answer: The head of each chunk.
        wanted: The request's body.
        echoes: The echo of each choice.
    """

    def __init__(
        self, dialect: Dialect, answer: Answer, wanted: CompletionInput, echoes: Sequence[Echo]
    ) -> None:
        super().__init__(dialect, answer, wanted)
        self._echoes = echoes
        self._offsets = [Offsets(0 if echo.tokens else len(echo.text)) for echo in echoes]
        self._is_silent = wanted.only_echoes

    def opening(self, index: int) -> bytes:
        """The echo, if requested."""
        echo, logprobs = self._echoes[index], b"null"
        if echo.tokens:
            logprobs = compact(completion_form(echo.tokens, self._offsets[index]))
        return self._chunk(index, json_text(echo.text), logprobs, b"null") if echo.text else b""

    def text(self, index: int, delta: Delta) -> bytes:
        """New text."""
        if self._is_silent or _says_nothing(delta):
            return b""
        logprobs = b"null"
        if _has_logprobs(delta):
            logprobs = compact(completion_form(delta.tokens, self._offsets[index]))
        return self._chunk(index, json_text(delta.text), logprobs, b"null")

    def _usage(self, records: Sequence[Record]) -> dict[str, Any]:
        return usage(records, self._wanted.num_choices, is_silent=self._is_silent)

    def end(self, index: int, finish: Finish, record: Record) -> bytes:  # noqa: ARG002
        """The reason."""
        reason: FinishReason = "length" if self._is_silent else finish.reason
        return self._chunk(index, b'""', b"null", self._reason(reason))

    def _chunk(self, index: int, text: bytes, logprobs: bytes, reason: bytes) -> bytes:
        return self._choice(
            b'"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b'
            % (text, index, logprobs, reason)
        )


def _says_nothing(delta: Delta) -> bool:
    """Whether there is neither text nor log-probabilities, as for a token that is part of a character."""
    return not delta.text and not _has_logprobs(delta)


def _delta(part: ReplyEvent) -> bytes:
    """The fields of a chunk's delta; none for parts that are not sent to clients."""
    match part:
        case ContentText(text):
            return b'"content":%b' % json_text(text)
        case ReasoningText(text):
            return b'"reasoning_content":%b' % json_text(text)
        case CallBegun(index, id, name):
            function = b'{"name":%b,"arguments":""}' % json_text(name)
            call = b'{"index":%d,"id":%b,"type":"function","function":%b}'
            return b'"tool_calls":[%b]' % (call % (index, json_text(id), function))
        case CallArguments(index, text):
            call = b'{"index":%d,"function":{"arguments":%b}}'
            return b'"tool_calls":[%b]' % (call % (index, json_text(text)))
    return b""


def _has_logprobs(delta: Delta) -> bool:
    return bool(delta.tokens) and delta.tokens[0].logprob is not None
