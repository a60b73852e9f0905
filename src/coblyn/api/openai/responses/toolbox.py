"""The tools of a request under internal names that map back to the client's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.chat.flag import read_flag
from coblyn.chat.messages import NamedTool, Tool, ToolChoice
from coblyn.errors import BadRequest
from coblyn.service.tool_rounds import HostedTool

__all__ = ["FREE_TEXT", "ToolName", "Toolbox", "free_text", "inner_name"]

FREE_TEXT: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
"""The schema of a tool that takes text, since models call all tools with an object."""

_KNOWN = ("function", "custom", "namespace", "mcp")
_ELSEWHERE = "runs on OpenAI's servers or in its own clients only, and was left out."


@dataclass(frozen=True, slots=True)
class ToolName:
    """The client's name of a tool.

    Attributes:
        kind: A function takes an object, a custom tool takes text, and an ``mcp`` tool runs on this server.
        name: Its name.
        namespace: Its group or server; empty for none.
        asks: Whether it needs the user's approval.
    """

    kind: Literal["function", "custom", "mcp"]
    name: str
    namespace: str = ""
    asks: bool = False


@dataclass(slots=True)
class Toolbox:
    """The tools of a request.

    Attributes:
        hosted: Tools that run on this server, if requested.
        tools: The tools as the model gets them.
        names: The client's name of each, by its internal name.
        warnings: Tools that were left out, and why.
    """

    hosted: tuple[HostedTool, ...] = ()
    tools: list[Tool] = field(default_factory=list)
    names: dict[str, ToolName] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)

    def add(self, tools: Any, where: str = "tools") -> None:
        """Add the tools of a list; those that cannot run here are left out with a warning.

        Raises:
            BadRequest: It is not a list, or a tool has no name or an invalid schema.
        """
        if not isinstance(tools, list | None):
            raise BadRequest(f"{where} must be a list.", field=where)
        for index, tool in enumerate(tools or []):
            self._add(tool, f"{where}[{index}]", "")

    def name(self, called: str) -> ToolName:
        """The client's name of a tool, by its internal name."""
        return self.names.get(called, ToolName("function", called))

    def choice(self, given: Any) -> ToolChoice:
        """The choice of tools. A choice that allows only some removes the others.

        Raises:
            BadRequest: It is invalid, or names an unknown tool.
        """
        if given is None or given in ("auto", "none"):
            return given or "auto"
        if given == "required":
            return self._required()
        kind = given.get("type") if isinstance(given, dict) else None
        if kind in ("function", "custom", "mcp"):
            return NamedTool(self._found(given, "tool_choice"))
        if kind == "allowed_tools":
            return self._allowed(given)
        if isinstance(kind, str):
            self.warnings["tool_choice"] = f"There is no {kind} here; the model chooses itself."
            return "auto"
        message = "tool_choice must be auto, none, required, or an object that names a tool."
        raise BadRequest(message, field="tool_choice")

    def _required(self) -> ToolChoice:
        if not self.tools:
            message = "tool_choice asks for a call, but there are no tools."
            raise BadRequest(message, field="tool_choice")
        return "required"

    def _allowed(self, given: Mapping[str, Any]) -> ToolChoice:
        listed = given.get("tools")
        if not isinstance(listed, list):
            raise BadRequest("tool_choice.tools must be a list.", field="tool_choice.tools")
        mine = [each for each in listed if isinstance(each, dict) and each.get("type") in _KNOWN]
        allowed = {self._found(each, "tool_choice.tools") for each in mine}
        self.tools = [tool for tool in self.tools if tool.name in allowed]
        return self._required() if given.get("mode") == "required" else "auto"

    def _found(self, given: Mapping[str, Any], where: str) -> str:
        name, space = given.get("name"), given.get("namespace") or given.get("server_label")
        called = inner_name(name if isinstance(name, str) else "", space)
        if called not in self.names:
            raise BadRequest(f"{where} names {name!r}, which is not among the tools.", field=where)
        return called

    def _add(self, tool: Any, where: str, space: str) -> None:
        kind = tool.get("type") if isinstance(tool, dict) else None
        if not isinstance(kind, str):
            raise BadRequest(f"{where} must be an object with a type.", field=where)
        if kind == "namespace":
            self._add_all(tool, where)
        elif kind == "function":
            inner = tool.get("function")  # as in chat completions
            self._keep(inner if isinstance(inner, dict) else tool, where, space, "function")
        elif kind == "custom":
            self._keep(tool, where, space, "custom")
        elif kind == "mcp" and any(
            each.tool.server == tool.get("server_label") for each in self.hosted
        ):
            self._host(tool["server_label"], where)
        else:
            self.warnings[where] = f"{kind} {_ELSEWHERE}"

    def _add_all(self, space: Mapping[str, Any], where: str) -> None:
        name, members = space.get("name"), space.get("tools")
        if not isinstance(name, str) or not name:
            raise BadRequest(f"{where}.name must be a string.", field=f"{where}.name")
        if not isinstance(members, list):
            raise BadRequest(f"{where}.tools must be a list.", field=f"{where}.tools")
        for index, tool in enumerate(members):
            self._add(tool, f"{where}.tools[{index}]", name)

    def _host(self, label: str, where: str) -> None:
        for each in self.hosted:
            if each.tool.server != label:
                continue
            called = inner_name(each.tool.name, label)
            if called in self.names:
                raise BadRequest(f"{where}: {label} is there twice.", field=where)
            self.tools.append(Tool(called, each.tool.description, each.tool.parameters))
            self.names[called] = ToolName("mcp", each.tool.name, label, asks=each.asks)

    def _keep(
        self, tool: Mapping[str, Any], where: str, space: str, kind: Literal["function", "custom"]
    ) -> None:
        name = tool.get("name")
        if not isinstance(name, str) or not name:
            raise BadRequest(f"{where}.name must be a string.", field=f"{where}.name")
        parameters = FREE_TEXT if kind == "custom" else tool.get("parameters")
        if not isinstance(parameters, Mapping | None):
            at = f"{where}.parameters"
            raise BadRequest(f"{at} must be a JSON schema, an object.", field=at)
        called = inner_name(name, space)
        if called in self.names:
            raise BadRequest(f"{where}: two tools are named {name!r}.", field=f"{where}.name")
        strict = kind == "custom" or bool(read_flag(tool, "strict", where))
        self.tools.append(Tool(called, _description(tool), parameters or {}, strict))
        self.names[called] = ToolName(kind, name, space)


def inner_name(name: str, space: object) -> str:
    """The internal name of a tool."""
    return f"{space}__{name}" if isinstance(space, str) and space else name


def free_text(arguments: str) -> str:
    """The text in the arguments of a custom tool; malformed arguments are used as the text."""
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    text = value.get("input") if isinstance(value, dict) else None
    return text if isinstance(text, str) else arguments


def _description(tool: Mapping[str, Any]) -> str:
    """A tool's description, with the rules for its text."""
    given = tool.get("description")
    form = tool.get("format")
    grammar = form.get("grammar", form) if isinstance(form, dict) else None
    rules = grammar.get("definition") if isinstance(grammar, dict) else None
    parts: Iterable[Any] = (given, isinstance(rules, str) and f"The input follows:\n{rules}")
    return "\n".join(part for part in parts if isinstance(part, str) and part)
