"""Approvals of calls of tools that run on this server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coblyn.api.openai.responses.toolbox import inner_name
from coblyn.chat.messages import ToolCall
from coblyn.errors import BadRequest

__all__ = ["Approval", "approvals"]

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Approval:
    """An approved call.

    Attributes:
        request: The item that requested approval.
    """

    request: Item

    @property
    def call(self) -> ToolCall:
        """The call, under the id of the request."""
        item = self.request
        name = inner_name(str(item.get("name")), item.get("server_label"))
        return ToolCall(str(item.get("id") or ""), name, str(item.get("arguments") or "{}"))


def approvals(past: Sequence[Item], items: Sequence[Item]) -> list[Approval]:
    """The calls that this request approves and that have not run yet, in the order of the approvals.

    Raises:
        BadRequest: An approval refers to an unknown request.
    """
    known = (*past, *items)
    asked = {each.get("id"): each for each in known if each.get("type") == "mcp_approval_request"}
    run = {each.get("approval_request_id") for each in known if each.get("type") == "mcp_call"}
    found = []
    for index, item in enumerate(items):
        if item.get("type") != "mcp_approval_response":
            continue
        name = item.get("approval_request_id")
        if name not in asked:
            where = f"input[{index}].approval_request_id"
            raise BadRequest(f"{where}: there is no such request here.", field=where)
        if item.get("approve") is True and name not in run:
            run.add(name)
            found.append(Approval(asked[name]))
    return found
