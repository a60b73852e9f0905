"""Replies in rounds: the model generates, its calls of tools on this server run, and it continues with the results."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from coblyn.chat.messages import Message, NamedTool, ToolCall, ToolChoice
from coblyn.chat.reply import Collected, ReplyEvent
from coblyn.engine.events import Finish
from coblyn.errors import CoblynError
from coblyn.mcp.tool_servers import ForeignTool, ToolResult, ToolServers
from coblyn.service.choices import merge
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.generate import Generation, Generator
from coblyn.service.hub import Record
from coblyn.service.replies import Reply

__all__ = ["DENIED", "MAX_CALLS", "HostedTool", "Paused", "Ran", "Rounds", "Running", "result_text"]

MAX_CALLS = 32
"""Default maximum number of calls per answer."""

DENIED = "The user did not allow this call."
"""The result of a call that the user denied, for the model."""


@dataclass(frozen=True, slots=True)
class HostedTool:
    """A tool that runs here. The model calls it by the full name of ``tool``.

    Attributes:
        tool: The tool.
        asks: Whether it needs the user's approval.
    """

    tool: ForeignTool
    asks: bool


class Paused(NamedTuple):
    """The end of a round after which calls run.

    Attributes:
        parts: Parts of the reply that were held back.
    """

    parts: tuple[ReplyEvent, ...]


class Running(NamedTuple):
    """A call that runs now."""

    call: ToolCall


class Ran(NamedTuple):
    """A call that has run or failed."""

    call: ToolCall
    result: ToolResult


RoundEvent = Reply | Paused | Running | Ran


@dataclass(slots=True)
class Rounds:
    """One answer in rounds.

    Attributes:
        generator: Starts generations.
        servers: The tool servers.
        tools: The request's tools on this server; no others run.
        approved: Calls of its last messages that the user approves, which run first. The result of each is put into
            the message of role ``tool`` that refers to it.
        max_calls: Maximum number of calls to run.
        cancelled: No more calls run once it is set; it ends the answer.
        records: The records of its generations so far.
    """

    generator: Generator
    servers: ToolServers
    tools: Sequence[HostedTool]
    approved: Sequence[ToolCall] = ()
    max_calls: int = MAX_CALLS
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    records: list[Record] = field(default_factory=list)
    _num_run: int = 0

    async def begun(self, command: GenerateCommand) -> Generation | None:
        """The first generation; None if calls have to run first.

        Raises:
            CoblynError: It cannot start.
        """
        return None if self.approved else await self.generator.start(self._limited(command))

    async def events(
        self, command: GenerateCommand, first: Generation | None
    ) -> AsyncGenerator[RoundEvent, None]:
        """All events. The last one is a reply with a ``Finish``, unless the answer is cancelled while a tool runs.

        Args:
            command: The request's command, whose prompt is a conversation.
            first: Its generation, from ``begun``.

        Raises:
            CoblynError: A later generation fails.
        """
        ran: list[Ran] = []
        async with aclosing(self._run(self.approved)) as calls:
            async for event in calls:
                ran += [event] if isinstance(event, Ran) else []
                yield event
        command = _answered(command, ran)
        while not self.cancelled.is_set():
            is_last = self._is_last
            generation = first or await self.generator.start(self._limited(command))
            first = None
            self.records.append(generation.record)
            said, ended, ran = Collected(), None, []
            async with aclosing(merge([generation])) as replies:
                async for _, reply in replies:
                    said.add(reply.parts)
                    if isinstance(reply.event, Finish):
                        ended = reply
                    else:
                        yield reply
            assert ended, "every generation ends"
            mine = self._mine(said.message) if ended.reason == "tool_calls" else []
            if not mine or self.cancelled.is_set():
                yield ended
                return
            yield Paused(ended.parts)
            async with aclosing(self._run(mine)) as calls:
                async for event in calls:
                    ran += [event] if isinstance(event, Ran) else []
                    yield event
            if is_last or len(mine) < len(said.message.tool_calls):
                yield Reply(ended.event, (), "tool_calls")
                return
            command = _continued(command, said.message, ran)

    @property
    def _is_last(self) -> bool:
        """Whether no more calls may run."""
        return self._num_run >= self.max_calls

    def _limited(self, command: GenerateCommand) -> GenerateCommand:
        """A command that calls no tool of this server if no more calls may run; the client's functions stay."""
        if not self._is_last:
            return command
        prompt = _prompt(command)
        here = {each.tool.full_name for each in self.tools}
        others = tuple(tool for tool in prompt.tools if tool.name not in here)
        if not others:  # forbidden instead of left out: the prompt stays the same, and cached
            return replace(command, prompt=replace(prompt, tool_choice="none"))
        chosen = prompt.tool_choice
        is_gone = isinstance(chosen, NamedTool) and chosen.name in here
        choice: ToolChoice = "auto" if is_gone else chosen
        return replace(command, prompt=replace(prompt, tools=others, tool_choice=choice))

    def _mine(self, message: Message) -> list[ToolCall]:
        """The calls of a message that run here without asking."""
        free = {each.tool.full_name for each in self.tools if not each.asks}
        return [call for call in message.tool_calls if call.name in free]

    async def _run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[Running | Ran, None]:
        """Run calls one after the other, until the answer is cancelled."""
        for call in calls:
            yield Running(call)
            if self._num_run < self.max_calls:
                result = await self._unless_cancelled(call)
            else:
                result = ToolResult(f"Only {self.max_calls} calls may run.", is_error=True)
            self._num_run += 1
            if result is None:
                return
            yield Ran(call, result)

    async def _unless_cancelled(self, call: ToolCall) -> ToolResult | None:
        """The result of a call; None as soon as the answer is cancelled."""
        running = asyncio.create_task(_result(self.servers, self.tools, call))
        ending = asyncio.create_task(self.cancelled.wait())
        try:
            await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
            return None if ending.done() else running.result()
        finally:
            running.cancel()
            ending.cancel()
            await asyncio.gather(running, ending, return_exceptions=True)


async def _result(
    servers: ToolServers, allowed: Sequence[HostedTool], call: ToolCall
) -> ToolResult:
    """Run a call. Errors become results."""
    tool = next((each.tool for each in allowed if each.tool.full_name == call.name), None)
    if tool is None:
        return ToolResult(f"There is no tool {call.name} in this request.", is_error=True)
    try:
        arguments = json.loads(call.arguments or "{}")
    except (ValueError, RecursionError):
        return ToolResult("The arguments are not JSON.", is_error=True)
    if not isinstance(arguments, dict):
        return ToolResult("The arguments must be an object.", is_error=True)
    try:
        return await servers.call(tool.server, tool.name, arguments)
    except CoblynError as error:
        return ToolResult(error.message, is_error=True)


def result_text(result: ToolResult) -> str:
    """The result of a call as the model gets it."""
    return f"Error: {result.text}" if result.is_error else result.text


def _prompt(command: GenerateCommand) -> ChatPrompt:
    assert isinstance(command.prompt, ChatPrompt), "rounds are parts of a conversation"
    return command.prompt


def _answered(command: GenerateCommand, ran: Sequence[Ran]) -> GenerateCommand:
    """A command with the results of approved calls in the places reserved for them."""
    if not ran:
        return command
    results: Mapping[str, str] = {each.call.id: result_text(each.result) for each in ran}
    prompt = _prompt(command)
    messages = tuple(
        replace(message, content=results[message.tool_call_id])
        if message.role == "tool" and message.tool_call_id in results
        else message
        for message in prompt.messages
    )
    return replace(command, prompt=replace(prompt, messages=messages))


def _continued(command: GenerateCommand, said: Message, ran: Sequence[Ran]) -> GenerateCommand:
    """A command that continues after calls. What had to be called first need not be called again."""
    prompt = _prompt(command)
    messages = prompt.messages
    if prompt.continues_last:
        begun, messages = messages[-1], messages[:-1]
        said = replace(
            said,
            content=begun.content + said.content,
            reasoning=begun.reasoning + said.reasoning,
        )
    results = tuple(
        Message("tool", result_text(result), call.name, tool_call_id=call.id)
        for call, result in ran
    )
    choice: ToolChoice = "none" if prompt.tool_choice == "none" else "auto"
    messages = (*messages, said, *results)
    return replace(
        command,
        prompt=replace(prompt, messages=messages, continues_last=False, tool_choice=choice),
    )
