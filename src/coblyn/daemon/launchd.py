"""An agent of launchd. Keys: launchd.plist(5)."""

from __future__ import annotations

import math
import plistlib
from pathlib import Path

from coblyn.daemon.command import Command

__all__ = ["agent", "label", "path_of"]


def label(name: str) -> str:
    """Label of the service in launchd."""
    return f"coblyn.{name}"


def path_of(name: str, home: Path) -> Path:
    """The path of a user's agent."""
    return home / "Library" / "LaunchAgents" / f"{label(name)}.plist"


def agent(command: Command, logs: Path) -> str:
    """The property list's text.

    Args:
        command: The command to run.
        logs: Directory for its log, since launchd keeps none.
    """
    log = str(logs / f"{command.name}.log")
    values = {
        "Label": label(command.name),
        "ProgramArguments": list(command.argv),
        "EnvironmentVariables": dict(command.environment),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 5,
        "ExitTimeOut": math.ceil(command.stop_seconds),
        "ProcessType": "Interactive",
        "StandardOutPath": log,
        "StandardErrorPath": log,
    }
    return plistlib.dumps(values, sort_keys=False).decode()
