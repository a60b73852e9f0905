"""``coblyn service``: a server that runs while its user is logged in. It writes files; the user starts the service."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli import options
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.daemon.command import Command
    from coblyn.daemon.manager import Written

__all__ = ["service"]


class Action(StrEnum):
    """The actions on a service."""

    install = "install"
    remove = "remove"
    status = "status"


def service(
    action: Annotated[Action, typer.Argument(help="install, remove or status.")],
    model: options.Model = None,
    name: Annotated[str, typer.Option(help="Name of the service.")] = "coblyn",
    config: options.Config = None,
    dry_run: Annotated[
        bool, typer.Option("--print", help="Show the file instead of writing it.")
    ] = False,
) -> None:
    """Write, remove or show the file by which systemd or launchd runs `coblyn serve`.

    The server's behaviour is defined by the settings file. Nothing is started; the commands for that are shown.
    """
    from coblyn.daemon import manager
    from coblyn.errors import SettingsError

    if not name.replace("-", "").isalnum() or not name.isascii():
        raise SettingsError(f"{name!r} is not a name for a service: letters, digits and hyphens.")
    if action is Action.install:
        command = _command(name, model, config)
        if dry_run:
            print(manager.text_of(command), end="")
        else:
            _tell("written", manager.install(command))
    elif action is Action.remove:
        _tell("removed", manager.remove(name))
    else:
        _status(name)


def _command(name: str, model: str | None, config: Path | None) -> Command:
    import os

    from coblyn.daemon.command import Command
    from coblyn.files import existing_file
    from coblyn.settings import Settings

    settings = Settings.load(config)  # errors there must not surface only at the next login
    argv = [sys.executable, "-m", "coblyn", "serve", "--yes"]
    if config:
        argv += ["--config", str(config.absolute())]
    if model:
        _require_model(model)
        file = existing_file(model)
        argv += ["--", str(file.absolute()) if file else model]
    environment = {"PYTHONUNBUFFERED": "1"}
    if home := os.environ.get("COBLYN_HOME"):
        environment["COBLYN_HOME"] = str(Path(home).expanduser().absolute())
    return Command(name, tuple(argv), environment, stop_seconds=settings.drain_seconds + 15)


def _require_model(name: str) -> None:
    """Refuse a name that a server could not begin with: nobody sees its error at the next login.

    Raises:
        CoblynError: There is no such model, or it cannot be loaded; one of the catalogue is fetched at the start.
    """
    from coblyn.cli.choose import missing_model, resolve_model
    from coblyn.cli.foreign import read_foreign

    foreign = read_foreign(name)
    reference = foreign.model
    if [*foreign.several.models] and not reference:
        return
    if not missing_model(reference):
        resolve_model(reference, any_kind=True)


def _tell(what: str, written: Written) -> None:
    print(shown(f"{written.path} is {what}. Now run:"))
    for command in written.commands:
        print(shown(f"  {command}"))


def _status(name: str) -> None:
    import shutil

    from coblyn.daemon import manager
    from coblyn.errors import NotFound, ProgramFailed
    from coblyn.run import run

    path = manager.file_of(name)
    if not path.is_file():
        raise NotFound(
            f"There is no service {name}: {path} is not there.",
            hint="`coblyn service install` writes it.",
        )
    print(shown(f"{path} is there."))
    asked = ["systemctl", "--user", "is-active", name]
    if sys.platform == "darwin":
        from coblyn.daemon.launchd import label

        asked = ["launchctl", "list", label(name)]
    if not shutil.which(asked[0]):
        print(f"Whether it runs is not known: there is no {asked[0]}.", file=sys.stderr)
        return
    try:
        done = run(asked, timeout=10, check=False)
    except ProgramFailed as error:
        print(shown(str(error)), file=sys.stderr)
        return
    print(shown(done.output.strip() or f"{asked[0]} says nothing of it."))
