"""``coblyn connect``: shows, writes or undoes settings of other programs that connect them to the server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.connect.plan import Client, Plan
    from coblyn.connect.target import Target

__all__ = ["connect", "own_url"]


def connect(
    name: Annotated[
        str, typer.Argument(help="The program; without it all are listed.", show_default=False)
    ] = "",
    url: Annotated[
        str, typer.Option(help="Address of the server. Default: that of the settings.")
    ] = "",
    model: Annotated[str, typer.Option(help="Model. Default: the server's first.")] = "",
    key: Annotated[
        str,
        typer.Option(help="API key, for a server that requires one.", envvar="COBLYN_API_KEY"),
    ] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Write it into the program's own files.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Undo what was written last.")] = False,
) -> None:
    """Connect another program to the server: show its settings, write them into its files, or undo that."""
    from coblyn.connect.clients import CLIENTS
    from coblyn.errors import NotFound

    if not name:
        for client in CLIENTS.values():
            print(f"{client.name:14} {client.title}")
        return
    if name not in CLIENTS:
        raise NotFound(f"{name} is not known here.", hint=f"Known are: {', '.join(CLIENTS)}.")
    if undo:
        _undo(name)
        return
    from coblyn.connect.target import ask

    _connect(CLIENTS[name], ask(url or own_url(), key, model), is_written=write)


def own_url() -> str:
    """The address of the server according to this machine's settings."""
    from coblyn.settings import Settings

    settings = Settings.load()
    scheme = "https" if settings.tls_cert else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _connect(client: Client, target: Target, *, is_written: bool) -> None:
    from pathlib import Path

    plan = client.plan(target, Path.home())
    print(shown(f"{client.title}, with {target.model} of {target.url}:"), file=sys.stderr)
    if not target.is_reached:
        note = (
            "No server answers there yet, so neither the model's name nor its context was checked."
        )
        print(note, file=sys.stderr)
    if is_written and plan.changes:
        _write(client, plan)
    else:
        _show_changes(plan)
    _show_rest(plan)
    if plan.changes and not is_written:
        print("\n--write puts this into the files; --undo takes it back.", file=sys.stderr)


def _write(client: Client, plan: Plan) -> None:
    from coblyn.connect.journal import apply

    changed = apply(client.name, plan.changes)
    for path in changed:
        print(shown(f"{path} is written."))
    if not changed:
        print("All of it was written before.")


def _show_changes(plan: Plan) -> None:
    for change in plan.changes:
        print(shown(f"\n# In {change.path}:"))
        print(shown(change.change("").rstrip()))


def _show_rest(plan: Plan) -> None:
    if plan.variables:
        print("\n# In the environment:")
    for variable, value in plan.variables.items():
        print(shown(f"set {variable}={value}" if os.name == "nt" else _export(variable, value)))
    if plan.snippet:
        print(shown(f"\n{plan.snippet.rstrip()}"))
    if plan.steps:
        print()
    for step in plan.steps:
        print(shown(f"- {step}"))


def _export(variable: str, value: str) -> str:
    from shlex import quote

    return f"export {variable}={quote(value)}"


def _undo(name: str) -> None:
    from coblyn.connect.journal import undo

    for path in undo(name):
        print(shown(f"{path} is as it was."))
