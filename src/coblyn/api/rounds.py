"""Answers in rounds, whose tools run on this server, as a client of any dialect sees them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import astuple

from coblyn.api.problem import Problem
from coblyn.api.stream import Chunks
from coblyn.chat.messages import ToolCall
from coblyn.chat.reply import (
    CallArguments,
    CallBegun,
    CallBroken,
    Collected,
    ContentText,
    ReasoningText,
    ReplyEvent,
)
from coblyn.engine.events import Delta, Finish, Prefill, Stats
from coblyn.errors import CoblynError
from coblyn.mcp.tool_servers import ToolResult
from coblyn.service.hub import Record
from coblyn.service.replies import Reply, ReplyReason
from coblyn.service.tool_rounds import Paused, Ran, RoundEvent, Rounds, Running

__all__ = ["WholeRounds", "round_frames"]

_GAP = "\n\n"
"""Separates the texts of two rounds."""


class WholeRounds:
    """An answer collected over all its rounds.

    Args:
        rounds: Its rounds.
        gap: Separates the texts of two rounds.

    Attributes:
        reason: How it ended, once it has.
    """

    def __init__(self, rounds: Rounds, gap: str = _GAP) -> None:
        self._rounds = rounds
        self._shown = _Shown(rounds, gap)
        self.collected = Collected()
        self.reason: ReplyReason | None = None

    async def collect(self, events: AsyncGenerator[RoundEvent, None]) -> None:
        """Take all events.

        Raises:
            CoblynError: A generation fails.
        """
        async with aclosing(events):
            async for event in events:
                self._add(event)

    @property
    def stats(self) -> Stats:
        """The cost of all rounds."""
        return _total(self._rounds.records)

    def running(self, call: ToolCall) -> None:
        """A call runs now, after the end of a round."""

    def ran(self, call: ToolCall, result: ToolResult) -> None:
        """It has run or failed."""

    def _add(self, event: RoundEvent) -> None:
        match event:
            case Running(call):
                self.running(call)
            case Ran(call, result):
                self.ran(call, result)
            case Paused(parts):
                self.collected.add(self._shown.take(parts))
                self._shown.pause()
            case Reply(_, parts, reason):
                self.collected.add(self._shown.take(parts))
                self.reason = reason or self.reason


async def round_frames(
    rounds: Rounds, events: AsyncGenerator[RoundEvent, None], chunks: Chunks, gap: str = _GAP
) -> AsyncGenerator[bytes, None]:
    """The stream of an answer in rounds.

    Args:
        rounds: Its rounds.
        events: Their events.
        chunks: Formats the parts.
        gap: Separates the texts of two rounds.
    """
    shown = _Shown(rounds, gap)
    if opening := chunks.opening(0):
        yield opening
    try:
        async with aclosing(events):
            async for event in events:
                if frame := _frame(event, shown, rounds, chunks):
                    yield frame
    except CoblynError as error:
        yield chunks.error(Problem.of(error))
        return
    if closing := chunks.closing(rounds.records):
        yield closing


def _frame(event: RoundEvent, shown: _Shown, rounds: Rounds, chunks: Chunks) -> bytes:
    match event:
        case Running(call):
            return chunks.running(call)
        case Ran(call, result):
            return chunks.ran(call, result)
        case Paused(parts):
            rest = Delta(rounds.records[-1].id, "")
            frame = chunks.more(0, rest, Reply(rest, shown.take(parts)))
            shown.pause()
            return frame
        case Reply(Delta() as delta, parts, _):
            return chunks.more(0, delta, Reply(delta, shown.take(parts)))
        case Reply(Finish() as finish, parts, reason):
            whole = Finish(finish.request_id, finish.reason, _total(rounds.records), finish.stop)
            record = rounds.records[-1]
            return chunks.last(0, whole, Reply(whole, shown.take(parts), reason), record)
        case Reply(Prefill() as prefill, _, _):
            return chunks.progress(prefill)
    return b""


def _total(records: Sequence[Record]) -> Stats:
    costs = [astuple(record.finish.stats) for record in records if record.finish]
    return Stats(*map(sum, zip(*costs, strict=True)))


class _Shown:
    """What the client sees of replies: without the calls that run here."""

    def __init__(self, rounds: Rounds, gap: str) -> None:
        self._hidden = {each.tool.full_name for each in rounds.tools if not each.asks}
        self._gap = gap
        self._places: dict[int, int | None] = {}
        self._has_said: set[type[ReplyEvent]] = set()
        self._needs_gap: set[type[ReplyEvent]] = set()

    def take(self, parts: Sequence[ReplyEvent]) -> tuple[ReplyEvent, ...]:
        """Some parts as the client sees them."""
        return tuple(shown for part in parts for shown in self._part(part))

    def pause(self) -> None:
        """Another round begins."""
        self._places.clear()
        self._needs_gap = set(self._has_said)

    def _part(self, part: ReplyEvent) -> Iterator[ReplyEvent]:
        match part:
            case ContentText(text) | ReasoningText(text):
                gap = self._gap if type(part) in self._needs_gap and text else ""
                self._needs_gap.discard(type(part))
                self._has_said.add(type(part))
                yield type(part)(gap + text)
            case CallBegun(index, id, name):
                is_hidden = name in self._hidden
                place = sum(each is not None for each in self._places.values())
                self._places[index] = None if is_hidden else place
                if not is_hidden:
                    yield CallBegun(place, id, name)
            case CallArguments(index, text):
                if (shown := self._places[index]) is not None:
                    yield CallArguments(shown, text)
            case CallBroken(index, text):
                shown = self._places.pop(index)
                yield ContentText(text) if shown is None else CallBroken(shown, text)
