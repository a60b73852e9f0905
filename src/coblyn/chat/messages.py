"""Messages of a conversation and tools, as values and in OpenAI's format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from coblyn.chat.attachment import Attachment
from coblyn.chat.content import read_content
from coblyn.chat.flag import read_flag
from coblyn.errors import BadRequest

__all__ = [
    "Message",
    "NamedTool",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "read_messages",
    "read_tool_choice",
    "read_tools",
]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call.

    Attributes:
        name: Its name.
        description: What it does, for the model; may be empty.
        parameters: JSON schema of its arguments, an object's; empty for "anything".
        strict: Whether arguments must match the schema.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    strict: bool = False

    def to_template(self) -> dict[str, Any]:
        """The format that chat templates expect, which is OpenAI's."""
        parameters = dict(self.parameters) or {"type": "object", "properties": {}}
        function = {
            "name": self.name,
            "description": self.description,
            "parameters": parameters,
        }
        return {"type": "function", "function": function}

    def described(self) -> Tool:
        """The tool with a description for each parameter, possibly empty."""
        properties = self.parameters.get("properties")
        if not isinstance(properties, Mapping):
            return self
        shown = {
            key: {"description": "", **value} if isinstance(value, Mapping) else value
            for key, value in properties.items()
        }
        return replace(self, parameters={**self.parameters, "properties": shown})


@dataclass(frozen=True, slots=True)
class NamedTool:
    """The choice of one tool that must be called."""

    name: str


ToolChoice = Literal["auto", "none", "required"] | NamedTool
"""Whether tools may, must not or must be called."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call by a model.

    Attributes:
        id: Referred to by its result.
        name: Name of the tool.
        arguments: JSON text as the model wrote it; may be invalid JSON.
    """

    id: str
    name: str
    arguments: str

    @property
    def values(self) -> dict[str, Any] | None:
        """The arguments as an object; None if they are not one."""
        try:
            found = json.loads(self.arguments or "{}")
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None

    def to_template(self, *, as_text: bool) -> dict[str, Any]:
        """The form that chat templates expect.

        Args:
            as_text: Whether the template wants the arguments as JSON text; most want an object.
        """
        values = self.values
        arguments = self.arguments if as_text or values is None else values
        function = {"name": self.name, "arguments": arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass(frozen=True, slots=True)
class Message:
    """One message.

    Attributes:
        role: The speaker's role: ``system``, ``user``, ``assistant``, ``tool`` or what else a template knows.
        content: Its text.
        name: Name of the speaker, or of the tool whose result it is; or empty.
        reasoning: The assistant's reasoning before it.
        tool_calls: The assistant's calls.
        tool_call_id: The call whose result it is.
        media: Images and sounds whose marks are in the text.
    """

    role: str
    content: str
    name: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    media: tuple[Attachment, ...] = ()

    def to_template(
        self, *, arguments_as_text: bool = False, in_parts: bool = False
    ) -> dict[str, Any]:
        """The format that chat templates expect, with each family's name for reasoning.

        Args:
            arguments_as_text: Whether the arguments of calls are JSON text.
            in_parts: Whether the content is a list of one part.
        """
        content = [{"type": "text", "text": self.content}] if in_parts else self.content
        fields: dict[str, Any] = {"role": self.role, "content": content}
        if self.name:
            fields["name"] = self.name
        if self.reasoning:
            names = ("reasoning_content", "reasoning", "thinking", "tool_plan")
            fields |= dict.fromkeys(names, self.reasoning)
        if self.tool_calls:
            fields["tool_calls"] = [
                call.to_template(as_text=arguments_as_text) for call in self.tool_calls
            ]
        if self.tool_call_id:
            fields["tool_call_id"] = self.tool_call_id
        return fields


def read_messages(messages: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """Parse messages of a conversation. Null counts as not given.

    Raises:
        BadRequest: A message has no role, or invalid content or calls.
    """
    return tuple(_read(message, f"messages[{i}]") for i, message in enumerate(messages))


def _read(message: Mapping[str, Any], field: str) -> Message:
    role = message.get("role")
    if not isinstance(role, str) or not role:
        raise BadRequest(f"{field}.role must be a string.", field=f"{field}.role")
    content = read_content(message.get("content"), f"{field}.content")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise BadRequest(f"{field}.tool_calls must be a list.", field=f"{field}.tool_calls")
    return Message(
        "tool" if role == "function" else role,
        content.text,
        _optional_text(message, "name", field),
        reasoning if isinstance(reasoning, str) else "",
        tuple(_read_call(call, f"{field}.tool_calls[{i}]") for i, call in enumerate(calls)),
        _optional_text(message, "tool_call_id", field),
        content.media,
    )


def _read_call(call: Any, field: str) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        raise BadRequest(f"{field}.function must be an object.", field=f"{field}.function")
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.function.name must be a string.", field=f"{field}.function.name")
    if isinstance(arguments, Mapping):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if not isinstance(arguments, str | None):
        raise BadRequest(
            f"{field}.function.arguments must be JSON text.", field=f"{field}.function.arguments"
        )
    return ToolCall(_optional_text(call, "id", field), name, arguments or "{}")


def _optional_text(fields: Mapping[str, Any], name: str, field: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str | None):
        raise BadRequest(f"{field}.{name} must be a string.", field=f"{field}.{name}")
    return value or ""


def read_tools(
    tools: object, field: str = "tools", *, hosted: Sequence[Tool] | None = None
) -> tuple[Tool, ...]:
    """Parse tools in the format of OpenAI's chat completions.

    Args:
        tools: The tools.
        field: Their place in the request, for errors.
        hosted: What entries of type ``mcp`` stand for; None where there must be none.

    Raises:
        BadRequest: A tool is not a function, or two have the same name.
    """
    if not isinstance(tools, list | None):
        raise BadRequest(f"{field} must be a list.", field=field)
    found = (
        *(
            _read_tool(tool, f"{field}[{i}]")
            for i, tool in enumerate(tools or [])
            if hosted is None or not _is_hosted(tool)
        ),
        *(hosted or ()),
    )
    names = [tool.name for tool in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise BadRequest(f"{field}: two tools are named {twice!r}.", field=field)
    return found


def _is_hosted(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == "mcp"


def _read_tool(tool: Any, field: str) -> Tool:
    kind = tool.get("type", "function") if isinstance(tool, Mapping) else None
    if kind != "function":
        raise BadRequest(f"{field} must be a tool of type function.", field=field)
    function = tool.get("function")
    if not isinstance(function, Mapping):
        raise BadRequest(f"{field}.function must be an object.", field=f"{field}.function")
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.function.name must be a string.", field=f"{field}.function.name")
    parameters = function.get("parameters")
    if not isinstance(parameters, Mapping | None):
        where = f"{field}.function.parameters"
        raise BadRequest(f"{where} must be a JSON schema, an object.", field=where)
    description = _optional_text(function, "description", f"{field}.function")
    strict = bool(read_flag(function, "strict", f"{field}.function"))
    return Tool(name, description, parameters or {}, strict)


def read_tool_choice(
    choice: object, tools: Sequence[Tool], field: str = "tool_choice"
) -> ToolChoice:
    """Parse the tool choice in the format of OpenAI's chat completions.

    Raises:
        BadRequest: It is invalid, or names an unknown tool.
    """
    if choice is None:
        return "auto"
    if choice in ("auto", "none"):
        return choice
    if choice in ("required", "any"):
        _require_tool(None, tools, field)
        return "required"
    function = choice.get("function") if isinstance(choice, Mapping) else None
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(name, str):
        message = f"{field} must be auto, none, required, or an object that names a function."
        raise BadRequest(message, field=field)
    _require_tool(name, tools, field)
    return NamedTool(name)


def _require_tool(name: str | None, tools: Sequence[Tool], field: str) -> None:
    if not tools:
        raise BadRequest(f"{field} asks for a call, but there are no tools.", field=field)
    if name is not None and name not in {tool.name for tool in tools}:
        raise BadRequest(f"{field} names {name!r}, which is not among the tools.", field=field)
