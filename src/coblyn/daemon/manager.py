"""The system's service manager: its files, and the commands for the user."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from coblyn import paths
from coblyn.daemon import launchd, systemd
from coblyn.daemon.command import Command
from coblyn.errors import NotFound, SettingsError
from coblyn.files import disk_errors

__all__ = ["Written", "file_of", "install", "remove", "start_commands", "stop_commands", "text_of"]


@dataclass(frozen=True, slots=True)
class Written:
    """A service's file, and the commands for the user to run next."""

    path: Path
    commands: tuple[str, ...]


def file_of(name: str, system: str = sys.platform) -> Path:
    """The path of a service's file, whether or not it exists.

    Raises:
        SettingsError: There is no supported service manager.
    """
    if system == "darwin":
        return launchd.path_of(name, Path.home())
    if system.startswith("linux"):
        home = os.environ.get("XDG_CONFIG_HOME")
        return systemd.path_of(name, Path(home) if home else Path.home() / ".config")
    raise SettingsError(
        "Coblyn writes service files for systemd and launchd only.",
        hint="On Windows, have the Task Scheduler run `coblyn serve` when you log on.",
    )


def text_of(command: Command, system: str = sys.platform) -> str:
    """The content of a service's file."""
    return launchd.agent(command, paths.logs()) if system == "darwin" else systemd.unit(command)


def install(command: Command, system: str = sys.platform) -> Written:
    """Write the file of a service, in place of an earlier one.

    Raises:
        SettingsError: There is no supported service manager, or the file cannot be written.
    """
    path = file_of(command.name, system)
    with disk_errors(path.parent, what="The service file", error=SettingsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if system == "darwin":
            paths.logs().mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(command, system), encoding="utf-8")
    return Written(path, start_commands(command.name, system))


def remove(name: str, system: str = sys.platform) -> Written:
    """Delete the file of a service.

    Raises:
        NotFound: There is none.
        SettingsError: It cannot be deleted.
    """
    path = file_of(name, system)
    with disk_errors(path.parent, what="The service file", error=SettingsError):
        try:
            path.unlink()
        except FileNotFoundError:
            raise NotFound(f"There is no service {name}: {path} is not there.") from None
    return Written(path, stop_commands(name, system))


def start_commands(name: str, system: str = sys.platform) -> tuple[str, ...]:
    """The commands that start a service now and at each login."""
    if system == "darwin":
        return (f"launchctl bootstrap gui/{_user()} '{file_of(name, system)}'",)
    return ("systemctl --user daemon-reload", f"systemctl --user enable --now {name}")


def stop_commands(name: str, system: str = sys.platform) -> tuple[str, ...]:
    """The commands that stop a service whose file was removed."""
    if system == "darwin":
        return (f"launchctl bootout gui/{_user()}/{launchd.label(name)}",)
    return (f"systemctl --user disable --now {name}", "systemctl --user daemon-reload")


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0
