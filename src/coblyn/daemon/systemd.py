"""A user unit of systemd. Syntax: systemd.service(5), systemd.syntax(7)."""

from __future__ import annotations

import math
from pathlib import Path

from coblyn.daemon.command import Command

__all__ = ["path_of", "unit"]


def path_of(name: str, config_home: Path) -> Path:
    """The path of a user's unit.

    Args:
        name: Name of the service.
        config_home: Directory of the user's settings, ``~/.config`` mostly.
    """
    return config_home / "systemd" / "user" / f"{name}.service"


def unit(command: Command) -> str:
    """The unit's text."""
    start = " ".join(_quoted(part, is_command=True) for part in command.argv)
    variables = [
        f"Environment={_quoted(f'{name}={value}')}" for name, value in command.environment.items()
    ]
    lines = [
        "[Unit]",
        "Description=Coblyn, a server for language models",
        "",
        "[Service]",
        "Type=exec",
        f"ExecStart={start}",
        *variables,
        "Restart=on-failure",
        "RestartSec=5",
        # The server ends its engines itself, after running requests had their time.
        "KillMode=mixed",
        f"TimeoutStopSec={math.ceil(command.stop_seconds)}",
        "NoNewPrivileges=yes",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def _quoted(text: str, *, is_command: bool = False) -> str:
    """Quote text as one word of a unit, without any expansion."""
    for character, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("%", "%%")):
        text = text.replace(character, escape)
    # Variables are expanded in commands only.
    return f'"{text.replace("$", "$$") if is_command else text}"'
