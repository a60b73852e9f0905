"""A response with tools that run on this server: the events of its rounds as its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from coblyn.api.openai.responses.approvals import Approval
from coblyn.api.openai.responses.response import Response
from coblyn.api.openai.responses.writer import Event
from coblyn.service.command import GenerateCommand
from coblyn.service.generate import Generation
from coblyn.service.tool_rounds import HostedTool, Paused, Ran, RoundEvent, Rounds, Running

__all__ = ["ResponseRounds"]


@dataclass(frozen=True, slots=True)
class ResponseRounds:
    """The state of an answer in rounds.

    Attributes:
        rounds: The rounds.
        response: The growing response.
        approved: Calls that the request approves.
        earlier: All items before the response.
    """

    rounds: Rounds
    response: Response
    approved: Sequence[Approval]
    earlier: Sequence[Mapping[str, Any]]

    async def events(
        self, command: GenerateCommand, first: Generation | None
    ) -> AsyncGenerator[list[Event], None]:
        """All events from the first to the last.

        Raises:
            CoblynError: A later generation fails.
        """
        response = self.response
        response.is_in_rounds = True
        try:
            yield response.begin()
            yield response.list_tools(self._new_lists())
            async with aclosing(self.rounds.events(command, first)) as parts:
                async for part in parts:
                    yield self._told(part)
            if not response.is_over:
                yield response.stop()
        finally:
            response.is_in_rounds = False

    def _told(self, part: RoundEvent) -> list[Event]:
        response = self.response
        match part:
            case Paused(parts):
                return response.pause(parts)
            case Running(call):
                approved = next((each for each in self.approved if each.call == call), None)
                return response.take_approved(approved.request) if approved else []
            case Ran(_, result):
                return response.ran(result)
            case _:
                return response.add(part, self.rounds.records)

    def _new_lists(self) -> dict[str, list[HostedTool]]:
        """Lists of tools by server that the conversation does not contain yet."""
        known = {
            item.get("server_label")
            for item in self.earlier
            if item.get("type") == "mcp_list_tools"
        }
        lists: dict[str, list[HostedTool]] = {}
        for each in self.rounds.tools:
            if each.tool.server not in known:
                lists.setdefault(each.tool.server, []).append(each)
        return lists
