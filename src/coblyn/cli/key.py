"""``coblyn key``: API keys, made, listed and removed. A key itself is shown once; only its hash is kept."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli import options
from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.keys.key import ApiKey

__all__ = ["key"]


class Action(StrEnum):
    """The actions on keys."""

    add = "add"
    list = "list"
    remove = "remove"


class KeyScope(StrEnum):
    """What a key allows."""

    generate = "generate"
    admin = "admin"


def key(
    action: Annotated[Action, typer.Argument(help="add, list or remove.")],
    name: Annotated[str, typer.Argument(help="Name of the key, as used in logs.")] = "",
    scope: Annotated[
        KeyScope,
        typer.Option(
            help="generate: use models. admin: also manage them, and see metrics of others."
        ),
    ] = KeyScope.generate,
    requests_per_minute: Annotated[
        int, typer.Option(min=0, help="Maximum number of requests per minute; 0 for no limit.")
    ] = 0,
    tokens_per_minute: Annotated[
        int,
        typer.Option(
            min=0, help="Maximum number of tokens per minute, read and written; 0 for no limit."
        ),
    ] = 0,
    max_running: Annotated[
        int, typer.Option(min=0, help="Maximum number of running requests; 0 for no limit.")
    ] = 0,
    config: options.Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Make, list and remove API keys. Programs on other machines need one."""
    from coblyn import paths
    from coblyn.errors import SettingsError

    file = config or paths.config()
    if action is Action.list:
        _list(config, as_json=as_json)
    elif not name:
        raise SettingsError(f"Which key? Write: coblyn key {action.value} NAME")
    elif action is Action.remove:
        from coblyn.keys.file import remove

        remove(file, name)
        print(f"The key {shown(name)} is removed; a running server refuses it within a second.")
    else:
        limits = {
            "requests_per_minute": requests_per_minute,
            "tokens_per_minute": tokens_per_minute,
            "max_running": max_running,
        }
        _add(file, name, scope, limits, as_json=as_json)


def _add(file: Path, name: str, scope: KeyScope, limits: dict[str, int], *, as_json: bool) -> None:
    import json

    import msgspec

    from coblyn.errors import SettingsError
    from coblyn.keys.file import add
    from coblyn.keys.key import ApiKey, hash_of, new_secret

    secret = new_secret()
    values = {"name": name, "hash": hash_of(secret.encode()), "scope": scope.value, **limits}
    try:
        entry = msgspec.convert(values, ApiKey)
    except msgspec.ValidationError as error:
        raise SettingsError(
            f"{name!r} cannot be the name of a key.",
            hint="At most 40 letters, digits, dots, hyphens and underscores, the first a letter or digit.",
        ) from error
    add(file, entry)
    if as_json:
        print(json.dumps({"name": name, "scope": scope.value, "key": secret, **limits}, indent=2))
        return
    print(secret)
    print(
        f"This is the key {name}, shown this once; {file} has its hash.",
        "Clients send it as their API key; a browser asks for it as a password.",
        sep="\n",
        file=sys.stderr,
    )


def _list(config: Path | None, *, as_json: bool) -> None:
    import json

    from coblyn.settings import Settings

    keys = Settings.load(config).keys
    if as_json:
        print(json.dumps([_as_dict(each) for each in keys], indent=2))
        return
    if not keys:
        print("There are no keys. `coblyn key add NAME` makes one.", file=sys.stderr)
    width = max((len(each.name) for each in keys), default=0)
    for each in keys:
        print(f"{each.name:{width}}  {each.scope:8}  {_limits(each)}".rstrip())


def _limits(entry: ApiKey) -> str:
    parts = (
        (entry.requests_per_minute, "requests per minute"),
        (entry.tokens_per_minute, "tokens per minute"),
        (entry.max_running, "running"),
    )
    return ", ".join(f"at most {number} {what}" for number, what in parts if number)


def _as_dict(entry: ApiKey) -> dict[str, Any]:
    from dataclasses import asdict

    return {name: value for name, value in asdict(entry).items() if name != "hash"}
