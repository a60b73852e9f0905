"""The file that lists tool servers, in the format of Claude Desktop, KoboldCPP and editors.

{"mcpServers": {
    "files":   {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/me/notes"]},
    "weather": {"url": "https://example.org/mcp", "headers": {"authorization": "Bearer ..."},
                "alwaysAllow": ["forecast"]}
}}
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coblyn.errors import SettingsError
from coblyn.files import read_text

__all__ = ["ToolServer", "read_servers"]

_NAME = re.compile(r"(?=.{1,64}$)_?[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")
"""Without doubled or last underscores, so that the full name of a tool is one server's only."""
_MAX_SERVERS = 64


@dataclass(frozen=True, slots=True)
class ToolServer:
    """A tool server: a program to start, or an address.

    Attributes:
        name: Its name in the file.
        command: The program and its arguments; empty for a server at an address.
        environment: Additional environment variables of the program.
        directory: Where the program runs; empty for this directory.
        url: Its address (streamable HTTP); empty for a program.
        headers: Headers sent with every request to the address.
        allowed: Tools that run without confirmation (``alwaysAllow`` or ``autoApprove``).
    """

    name: str
    command: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    directory: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    allowed: frozenset[str] = frozenset()


def read_servers(path: Path) -> tuple[ToolServer, ...]:
    """The servers of a file, without those that are ``disabled``.

    Raises:
        SettingsError: It cannot be read, or an entry is invalid; the message names it.
    """
    try:
        content = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"The tool servers' file {path} cannot be read: {error}.") from error
    servers = content.get("mcpServers") if isinstance(content, dict) else None
    if not isinstance(servers, dict):
        raise SettingsError(
            f"{path} has no mcpServers.",
            hint='It looks like this: {"mcpServers": {"files": {"command": "npx", "args": ["..."]}}}',
        )
    if len(servers) > _MAX_SERVERS:
        raise SettingsError(f"{path} names more than {_MAX_SERVERS} tool servers.")
    found = (_read(path, name, entry) for name, entry in servers.items())
    return tuple(server for server in found if server)


def _read(path: Path, name: str, entry: Any) -> ToolServer | None:
    where = f"{path}: mcpServers.{name}"
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where}: a name has letters, digits, - and single underscores between them, at most 64."
        )
    if not isinstance(entry, dict):
        raise SettingsError(f"{where} must be an object.")
    if entry.get("disabled") is True or entry.get("enabled") is False:
        return None
    command, url = entry.get("command", ""), entry.get("url", "")
    if not isinstance(command, str) or not isinstance(url, str) or bool(command) == bool(url):
        raise SettingsError(f"{where} must have either a command or a url.")
    if url and (entry.get("type") == "sse" or not url.startswith(("http://", "https://"))):
        raise SettingsError(
            f"{where}: only servers of the streamable HTTP transport can be reached.",
            hint="Name the server's /mcp address, or a command that bridges to it.",
        )
    arguments = _strings(entry.get("args", []), f"{where}.args")
    allowed = entry.get("alwaysAllow") or entry.get("autoApprove") or []
    return ToolServer(
        name,
        command=(command, *arguments) if command else (),
        environment=_texts(entry.get("env", {}), f"{where}.env"),
        directory=_text(entry.get("cwd", ""), f"{where}.cwd"),
        url=url,
        headers=_texts(entry.get("headers", {}), f"{where}.headers"),
        allowed=frozenset(_strings(allowed, f"{where}.alwaysAllow")),
    )


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise SettingsError(f"{where} must be a string.")
    return value


def _strings(values: Any, where: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise SettingsError(f"{where} must be a list of strings.")
    return values


def _texts(values: Any, where: str) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(each, str) for each in values.values()):
        raise SettingsError(f"{where} must be an object of strings.")
    return values
