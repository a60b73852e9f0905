"""A response with tools that run on this server.

The model generates, its calls run, and it continues with the results.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

from coblyn.api.openai.responses.hosted import Approval, HostedTool, run_tool
from coblyn.api.openai.responses.items import conversation
from coblyn.api.openai.responses.response import Response
from coblyn.api.openai.responses.toolbox import Toolbox
from coblyn.api.openai.responses.writer import Event
from coblyn.chat.messages import Message, ToolChoice
from coblyn.mcp.tool_servers import ToolResult, ToolServers
from coblyn.service.choices import merge
from coblyn.service.command import ChatPrompt, GenerateCommand
from coblyn.service.generate import Generation, Generator

__all__ = ["MAX_CALLS", "Rounds"]

MAX_CALLS = 32
"""Default maximum number of calls per response."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """The state of an answer in rounds.

    Attributes:
        generator: Starts generations.
        servers: The tool servers.
        response: The growing response.
        toolbox: The tools of the request.
        hosted: Tools that run on this server.
        approved: Calls that the request approves; they run first.
        past: Items before the request.
        items: Items of the request.
        instructions: The system message at the beginning; empty for none.
        max_calls: Maximum number of calls to run.
    """

    generator: Generator
    servers: ToolServers
    response: Response
    toolbox: Toolbox
    hosted: Sequence[HostedTool]
    approved: Sequence[Approval]
    past: Sequence[dict[str, Any]]
    items: Sequence[dict[str, Any]]
    instructions: str
    max_calls: int

    async def begun(self, command: GenerateCommand) -> Generation | None:
        """The first generation; None if calls have to run first.

        Raises:
            CoblynError: It cannot start.
        """
        return None if self.approved else await self.generator.start(command)

    async def events(
        self, command: GenerateCommand, first: Generation | None
    ) -> AsyncGenerator[list[Event], None]:
        """All events from the first to the last.

        Raises:
            CoblynError: A later generation fails.
        """
        self.response.is_in_rounds = True
        try:
            async with aclosing(self._events(command, first)) as parts:
                async for events in parts:
                    yield events
        finally:
            self.response.is_in_rounds = False

    async def _events(
        self, command: GenerateCommand, first: Generation | None
    ) -> AsyncGenerator[list[Event], None]:
        response, num_run = self.response, 0
        yield response.begin()
        yield response.list_tools(self._new_lists())
        for approval in self.approved:
            yield response.take_approved(approval.request)
        generation = first
        while True:
            async with aclosing(self._run(num_run)) as parts:
                async for events in parts:
                    yield events
            num_run += len(response.take_calls())
            if response.cancelled.is_set() and not response.is_over:
                yield response.stop()
            if response.is_over:
                return
            if generation is None:
                command = self._next(command, is_last=num_run >= self.max_calls)
                generation = await self.generator.start(command)
            async with aclosing(merge([generation])) as replies:
                async for _, reply in replies:
                    yield response.add(reply, generation.record.num_thought)
            generation = None

    async def _run(self, num_run: int) -> AsyncGenerator[list[Event], None]:
        """Run the calls that wait, one after the other, until the response is cancelled."""
        for place, call in enumerate(self.response.calls, num_run):
            if place < self.max_calls:
                result = await self._unless_cancelled(call.item)
            else:
                result = ToolResult(f"Only {self.max_calls} calls may run.", is_error=True)
            if result is None:
                return
            yield self.response.told(call.finish(result))

    async def _unless_cancelled(self, item: Mapping[str, Any]) -> ToolResult | None:
        """What a call brings; None as soon as the response is cancelled."""
        running = asyncio.create_task(run_tool(self.servers, self.hosted, item))
        ending = asyncio.create_task(self.response.cancelled.wait())
        try:
            await asyncio.wait((running, ending), return_when=asyncio.FIRST_COMPLETED)
            return None if ending.done() else running.result()
        finally:
            running.cancel()
            ending.cancel()
            await asyncio.gather(running, ending, return_exceptions=True)

    def _next(self, command: GenerateCommand, *, is_last: bool) -> GenerateCommand:
        """The command that continues after the results of the calls."""
        said = conversation(self.past, [*self.items, *self.response.output], self.toolbox)
        if self.instructions:
            said = (Message("system", self.instructions), *said)
        prompt = command.prompt
        assert isinstance(prompt, ChatPrompt), "it is made of messages"
        choice: ToolChoice = "none" if is_last else "auto"
        return replace(command, prompt=replace(prompt, messages=said, tool_choice=choice))

    def _new_lists(self) -> dict[str, list[HostedTool]]:
        """Lists of tools by server that the conversation does not contain yet."""
        known = {
            item.get("server_label")
            for item in (*self.past, *self.items)
            if item.get("type") == "mcp_list_tools"
        }
        lists: dict[str, list[HostedTool]] = {}
        for each in self.hosted:
            if each.tool.server not in known:
                lists.setdefault(each.tool.server, []).append(each)
        return lists
