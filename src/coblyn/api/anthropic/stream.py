"""Anthropic's stream events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from coblyn.api.anthropic.content import SIGNATURE
from coblyn.api.anthropic.shape import Ending, usage
from coblyn.api.anthropic.wire import MessagesInput
from coblyn.api.dialect import Dialect
from coblyn.api.framing import Framing
from coblyn.api.stream import Chunks, compact, json_text
from coblyn.chat.reply import CallArguments, CallBegun, ContentText, ReasoningText, ReplyEvent
from coblyn.engine.events import Delta, Finish, Prefill
from coblyn.service.hub import Record
from coblyn.service.replies import Reply

__all__ = ["MessageChunks"]

Kind = Literal["", "text", "thinking", "tool_use", "result"]

_DELTAS = {
    "text": b'"text_delta","text":',
    "thinking": b'"thinking_delta","thinking":',
    "tool_use": b'"input_json_delta","partial_json":',
}


class MessageChunks(Chunks):
    """The events of a message; each block is closed before the next begins.

    Args:
        dialect: Anthropic's.
        head: The fields before the message's content.
        wanted: The request's body.

    Attributes:
        blocks: Its blocks.
    """

    def __init__(self, dialect: Dialect, head: Mapping[str, Any], wanted: MessagesInput) -> None:
        super().__init__(dialect)
        self._head = head
        self._wanted = wanted
        self.blocks = _Blocks(dialect.framing)
        self._has_begun = False

    def progress(self, prefill: Prefill) -> bytes:
        """Start the message with the first progress; after that, send pings."""
        if self._has_begun:
            return _event(self.framing, "ping")
        return self._begin(prefill.total, prefill.cached)

    def text(self, index: int, delta: Delta) -> bytes:  # noqa: ARG002
        """New text."""
        return self.blocks.write(ContentText(delta.text))

    def more(self, index: int, delta: Delta, reply: Reply) -> bytes:  # noqa: ARG002
        """New thinking, text or calls."""
        return b"".join(map(self.blocks.write, reply.parts))

    def end(self, index: int, finish: Finish, record: Record) -> bytes:  # noqa: ARG002
        """End the message, without a call."""
        return self._end(finish, has_calls=False)

    def last(self, index: int, finish: Finish, reply: Reply, record: Record) -> bytes:  # noqa: ARG002
        """End the message with the text held back so far."""
        parts = b"".join(map(self.blocks.write, reply.parts))
        return parts + self._end(finish, has_calls=reply.reason == "tool_calls")

    def closing(self, records: Sequence[Record]) -> bytes:  # noqa: ARG002
        """The end."""
        return _event(self.framing, "message_stop")

    def _end(self, finish: Finish, *, has_calls: bool) -> bytes:
        """End the last block, and the message with its reason and usage."""
        stats, wanted = finish.stats, self._wanted
        ending = Ending(finish, wanted.stops, wanted.limit, has_calls=has_calls)
        totals = usage(stats.num_prompt, stats.num_cached, stats.num_generated)
        # A request that ends while it waits has not sent anything yet.
        opening = b"" if self._has_begun else self._begin(stats.num_prompt, stats.num_cached)
        return (
            opening
            + self.blocks.close()
            + _event(self.framing, "message_delta", delta=ending.fields, usage=totals)
        )

    def _begin(self, num_prompt: int, num_cached: int) -> bytes:
        self._has_begun = True
        message = {
            **self._head,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage(num_prompt, num_cached, 0),
        }
        return _event(self.framing, "message_start", message=message)


class _Blocks:
    """The content blocks of a message."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._index = -1
        self._kind: Kind = ""
        self._is_empty = True

    def write(self, event: ReplyEvent) -> bytes:
        """The events for new parts."""
        match event:
            case ContentText(text):
                return self._text("text", {"type": "text", "text": ""}, text)
            case ReasoningText(text):
                block = {"type": "thinking", "thinking": "", "signature": ""}
                return self._text("thinking", block, text)
            case CallBegun(_, call_id, name):
                fields: dict[str, Any] = {"id": call_id, "name": name, "input": {}}
                return self.close() + self._open("tool_use", {"type": "tool_use", **fields})
            case CallArguments(_, text):
                return self._delta(text)
        return b""  # a truncated call ends here

    def whole(self, block: Mapping[str, Any], arguments: str = "") -> bytes:
        """The events of a whole block.

        Args:
            block: As it begins.
            arguments: The JSON of its input; empty for none.
        """
        opening = self.close() + self._open("tool_use" if arguments else "result", block)
        return opening + self._delta(arguments) + self.close()

    def close(self) -> bytes:
        """The events that end the current block, if there is one."""
        kind, self._kind = self._kind, ""
        if not kind:
            return b""
        last = b""
        if kind == "tool_use" and self._is_empty:
            last = self._delta_of(_DELTAS["tool_use"], b'""')
        if kind == "thinking":
            last = self._delta_of(b'"signature_delta","signature":', json_text(SIGNATURE))
        return last + _event(self._framing, "content_block_stop", index=self._index)

    def _text(self, kind: Kind, block: Mapping[str, Any], text: str) -> bytes:
        opening = b"" if self._kind == kind else self.close() + self._open(kind, block)
        return opening + self._delta(text)

    def _open(self, kind: Kind, block: Mapping[str, Any]) -> bytes:
        self._index += 1
        self._kind, self._is_empty = kind, True
        return _event(
            self._framing, "content_block_start", index=self._index, content_block=dict(block)
        )

    def _delta(self, text: str) -> bytes:
        if not text or not self._kind:
            return b""
        self._is_empty = False
        return self._delta_of(_DELTAS[self._kind], json_text(text))

    def _delta_of(self, head: bytes, text: bytes) -> bytes:
        # Assembled from bytes, since one is made for every token of every stream.
        data = b'{"type":"content_block_delta","index":%d,"delta":{"type":%b%b}}'
        return self._framing.frame(data % (self._index, head, text), b"content_block_delta")


def _event(framing: Framing, kind: str, **fields: Any) -> bytes:
    return framing.frame(compact({"type": kind, **fields}), kind.encode())
