"""``coblyn models``: lists local and available models, and deletes models."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.models.created import Created
    from coblyn.models.neighbours import Neighbour
    from coblyn.models.store import StoredModel, Trouble

__all__ = ["models"]


def models(
    remove: Annotated[str, typer.Option(metavar="NAME", help="Delete a model.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List local models, or delete one."""
    from coblyn.models import created, store
    from coblyn.models.created import Name
    from coblyn.models.neighbours import find_all

    if remove and _is_made(remove):
        created.remove(Name.of(remove))
        print(shown(f"{remove} is removed."))
    elif remove:
        _show_removed(store.remove(remove), as_json=as_json)
    elif as_json:
        own = [_as_dict(model) | {"program": "coblyn"} for model in store.installed()]
        own += [_of_made(made) for made in created.installed()]
        _print_json(own + [_of_neighbour(each) for each in find_all()])
    else:
        _show_list(*store.survey())
        _show_made(created.installed())
        _show_neighbours(find_all())


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
        print("Available for download:", file=sys.stderr)
    for entry in rest:
        size = human_size(entry.download_size)
        print(f"  {entry.alias}  {size}  {entry.license}  {entry.description}", file=sys.stderr)


def _is_made(name: str) -> bool:
    """Whether a model of this name is made by settings and there is no file of this name."""
    from coblyn.errors import BadRequest
    from coblyn.models.created import Name
    from coblyn.models.names import stored_file

    try:
        return Name.of(name).path.is_file() and stored_file(name) is None
    except BadRequest:
        return False


def _show_made(found: tuple[Created, ...]) -> None:
    for made in found:
        print(f"{shown(str(made.name))}  made from {shown(made.modelfile.base)}")


def _of_made(made: Created) -> dict[str, Any]:
    return {
        "name": str(made.name),
        "path": str(made.name.path),
        "size": made.size,
        "modified": made.modified.isoformat(timespec="seconds"),
        "from": made.modelfile.base,
        "program": "coblyn",
    }


def _show_neighbours(found: tuple[Neighbour, ...]) -> None:
    from coblyn.files import human_size

    width = max((len(shown(each.name)) for each in found), default=0)
    for each in found:
        size = human_size(each.path.stat().st_size)
        print(f"{shown(each.name):{width}}  {size:>9}  in {each.program}")


def _of_neighbour(neighbour: Neighbour) -> dict[str, Any]:
    return {
        "name": neighbour.name,
        "path": str(neighbour.path),
        "size": neighbour.path.stat().st_size,
        "program": neighbour.program,
    }


def _show_removed(model: StoredModel, *, as_json: bool) -> None:
    from coblyn.files import human_size

    if as_json:
        _print_json(_as_dict(model))
    else:
        print(f"{shown(model.name)} is removed; {human_size(model.size)} are free now.")


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
