"""Tools in Anthropic's format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coblyn.chat.flag import read_flag
from coblyn.chat.messages import NamedTool, Tool, ToolChoice
from coblyn.errors import BadRequest

__all__ = ["read_choice", "read_tools"]

_WHOLE = {"type": "integer"}
_STRING = {"type": "string"}


def read_tools(tools: Sequence[Mapping[str, Any]], warnings: dict[str, str]) -> tuple[Tool, ...]:
    """The tools that a model may call.

    Tools that run on Anthropic's servers are left out. Client tools whose schemas are built into Anthropic's models
    (shell, text editor, memory) get their schemas here.

    Args:
        tools: As the client sent them.
        warnings: Collects what was left out.

    Raises:
        BadRequest: One has no name, or its schema is not an object.
    """
    found = []
    for index, tool in enumerate(tools):
        field = f"tools[{index}]"
        if tool.get("type") == "mcp_toolset":
            continue  # its tools run here
        read = _read(tool, field)
        if read is None:
            warnings[field] = "Only Anthropic's own servers have this tool; it was left out."
        else:
            found.append(read)
    return tuple(found)


def read_choice(choice: Mapping[str, Any] | None, tools: Sequence[Tool]) -> tuple[ToolChoice, bool]:
    """Whether tools must be called, and whether several calls at once are allowed.

    Raises:
        BadRequest: The choice is unknown, or names an unknown tool.
    """
    choice = choice or {"type": "auto"}
    kind, name = choice.get("type"), choice.get("name")
    is_parallel = not read_flag(choice, "disable_parallel_tool_use", "tool_choice")
    if kind == "tool":
        if name not in [tool.name for tool in tools]:
            raise BadRequest(
                f"tool_choice.name: there is no tool {name!r}.", field="tool_choice.name"
            )
        return NamedTool(str(name)), is_parallel
    choices: dict[str, ToolChoice] = {"auto": "auto", "any": "required", "none": "none"}
    if not isinstance(kind, str) or kind not in choices:
        raise BadRequest(
            "tool_choice.type must be auto, any, tool or none.", field="tool_choice.type"
        )
    return choices[kind], is_parallel


def _read(tool: Mapping[str, Any], field: str) -> Tool | None:
    name, schema = tool.get("name"), tool.get("input_schema")
    if not isinstance(name, str) or not name:
        raise BadRequest(f"{field}.name must be a string.", field=f"{field}.name")
    if schema is None:
        kind = str(tool.get("type") or "custom")
        known = next((each for sign, each in _KNOWN.items() if kind.startswith(sign)), None)
        if known is None and kind != "custom":
            return None
        description, schema = known or ("", {"type": "object", "properties": {}})
    else:
        description = tool.get("description") or ""
    if not isinstance(schema, Mapping):
        raise BadRequest(f"{field}.input_schema must be an object.", field=f"{field}.input_schema")
    return Tool(name, str(description), schema, bool(read_flag(tool, "strict", field)))


def _object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _files(required: Sequence[str], *commands: str, **more: Any) -> dict[str, Any]:
    """The schema of tools that edit files."""
    return _object(
        required,
        command={"type": "string", "enum": list(commands)},
        path=_STRING,
        view_range={"type": "array", "items": _WHOLE},
        file_text=_STRING,
        old_str=_STRING,
        new_str=_STRING,
        insert_line=_WHOLE,
        insert_text=_STRING,
        **more,
    )


_EDITS = ("view", "create", "str_replace", "insert")
_KNOWN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bash_": (
        "Run a command in a shell that stays open between calls.",
        _object((), command=_STRING, restart={"type": "boolean"}),
    ),
    "text_editor_": (
        "View a file or a directory, create a file, replace a text that occurs once, or insert lines.",
        _files(("command", "path"), *_EDITS),
    ),
    "memory_": (
        "View, create, change, rename and delete files of the memory directory.",
        _files(("command",), *_EDITS, "delete", "rename", old_path=_STRING, new_path=_STRING),
    ),
}
"""Tools that clients run: the beginning of their types, what they do and what they take (Anthropic's documentation)."""
