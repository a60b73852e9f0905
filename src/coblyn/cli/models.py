"""``coblyn models``: what is here, what can be pulled, and away with what is no longer wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.store import StoredModel, Trouble

__all__ = ["models"]


def models(
    remove: Annotated[str, typer.Option(metavar="NAME", help="Delete a model.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List the models that are here, or delete one."""
    from coblyn.models import store

    if remove:
        _show_removed(store.remove(remove), as_json=as_json)
    elif as_json:
        _print_json([_as_dict(model) for model in store.installed()])
    else:
        _show_list(*store.survey())


def _show_list(found: tuple[StoredModel, ...], troubles: tuple[Trouble, ...]) -> None:
    from coblyn.files import human_size
    from coblyn.models.catalogue import CATALOGUE

    width = max((len(shown(model.name)) for model in found), default=0)
    for model in found:
        when = model.modified.astimezone().strftime("%Y-%m-%d %H:%M")
        print(f"{shown(model.name):{width}}  {human_size(model.size):>9}  {when}")
    for trouble in troubles:
        print(shown(trouble.message), file=sys.stderr)
    here = {model.name for model in found}
    rest = [entry for entry in CATALOGUE.values() if entry.name not in here]
    if rest:
        print("Can be pulled:", file=sys.stderr)
    for entry in rest:
        size = human_size(entry.download_size)
        print(f"  {entry.alias}  {size}  {entry.license}  {entry.description}", file=sys.stderr)


def _show_removed(model: StoredModel, *, as_json: bool) -> None:
    from coblyn.files import human_size

    if as_json:
        _print_json(_as_dict(model))
    else:
        print(f"{shown(model.name)} is removed; {human_size(model.size)} are free again.")


def _as_dict(model: StoredModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "path": str(model.path),
        "size": model.size,
        "modified": model.modified.isoformat(timespec="seconds"),
    }


def _print_json(value: Any) -> None:
    import json

    print(json.dumps(value, indent=2))
