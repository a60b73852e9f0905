"""Chunks of OpenAI's streams.

A chunk is put together from bytes that are the same for the whole stream and the JSON of the new
text: at a hundred tokens a second from eight streams, more would be felt.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from coblyn.api.openai.errors import openai_body
from coblyn.api.openai.shape import (
    FINISH_REASONS,
    Answer,
    chat_logprobs,
    completion_logprobs,
    usage,
)
from coblyn.api.problem import Problem
from coblyn.api.stream import json_text
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.errors import CoblynError
from coblyn.service.choices import merge
from coblyn.service.generate import Generation

__all__ = ["ChatChunks", "CompletionChunks", "frames"]

DONE = b"data: [DONE]\n\n"


class Chunks(Protocol):
    """How the chunks of one kind of completion look."""

    head: bytes

    def opening(self, index: int) -> bytes:
        """What precedes the first text of a choice; may be empty."""
        ...

    def text(self, index: int, delta: Delta) -> bytes:
        """New text."""
        ...

    def end(self, index: int, reason: str) -> bytes:
        """A choice is over."""
        ...


class ChatChunks:
    """Chunks of a chat completion: the role comes once, log-probabilities with their tokens."""

    def __init__(self, answer: Answer) -> None:
        self.head = _head(answer)

    def opening(self, index: int) -> bytes:
        """The role."""
        delta = b'"delta":{"role":"assistant","content":""}'
        return self._chunk(index, delta, b"null", b"null")

    def text(self, index: int, delta: Delta) -> bytes:
        """New text."""
        logprobs = _json(chat_logprobs(delta.tokens)) if _has_logprobs(delta) else b"null"
        return self._chunk(
            index, b'"delta":{"content":%b}' % json_text(delta.text), logprobs, b"null"
        )

    def end(self, index: int, reason: str) -> bytes:
        """The reason."""
        return self._chunk(index, b'"delta":{}', b"null", json_text(reason))

    def _chunk(self, index: int, delta: bytes, logprobs: bytes, reason: bytes) -> bytes:
        return b'%b,"choices":[{"index":%d,%b,"logprobs":%b,"finish_reason":%b}]}\n\n' % (
            self.head, index, delta, logprobs, reason,
        )  # fmt: skip


class CompletionChunks:
    """Chunks of a text completion.

    Args:
        answer: Their head.
        echoes: For each choice the text that precedes what is generated; may be empty.
    """

    def __init__(self, answer: Answer, echoes: Sequence[str]) -> None:
        self.head = _head(answer)
        self._echoes = echoes
        self._lengths = [len(echo) for echo in echoes]

    def opening(self, index: int) -> bytes:
        """The prompt, if it is to be echoed."""
        echo = self._echoes[index]
        return self._chunk(index, json_text(echo), b"null", b"null") if echo else b""

    def text(self, index: int, delta: Delta) -> bytes:
        """New text."""
        logprobs = b"null"
        if _has_logprobs(delta):
            logprobs = _json(completion_logprobs(delta.tokens, self._lengths[index]))
            self._lengths[index] += len(delta.text)
        return self._chunk(index, json_text(delta.text), logprobs, b"null")

    def end(self, index: int, reason: str) -> bytes:
        """The reason."""
        return self._chunk(index, b'""', b"null", json_text(reason))

    def _chunk(self, index: int, text: bytes, logprobs: bytes, reason: bytes) -> bytes:
        return b'%b,"choices":[{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}]}\n\n' % (
            self.head, text, index, logprobs, reason,
        )  # fmt: skip


async def frames(
    generations: Sequence[Generation], chunks: Chunks, *, num_choices: int, wants_usage: bool
) -> AsyncGenerator[bytes, None]:
    """Frames of one answer.

    Args:
        generations: All choices, in order.
        chunks: How its chunks look.
        num_choices: Choices that share a prompt.
        wants_usage: Whether a chunk with the usage comes before the end.
    """
    for index in range(len(generations)):
        if opening := chunks.opening(index):
            yield opening
    try:
        async with aclosing(merge(generations)) as events:
            async for index, event in events:
                if isinstance(event, Delta):
                    yield chunks.text(index, event)
                elif isinstance(event, Finish):
                    yield chunks.end(index, FINISH_REASONS[event.reason])
                elif isinstance(event, Prefill) and event.cached < event.processed < event.total:
                    # A comment: it keeps proxies from closing the line while a long prompt is read.
                    yield b": prefill %d/%d\n\n" % (event.processed, event.total)
    except CoblynError as error:
        yield b"data: %b\n\n" % _json(openai_body(Problem.of(error)))
        return
    if wants_usage:
        totals = usage([generation.record for generation in generations], num_choices)
        yield b'%b,"choices":[],"usage":%b}\n\n' % (chunks.head, _json(totals))
    yield DONE


def _head(answer: Answer) -> bytes:
    return b"data: " + _json(answer.head)[:-1]


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _has_logprobs(delta: Delta) -> bool:
    return bool(delta.tokens) and delta.tokens[0].logprob is not None
