"""Finds the file of an untrusted model name, which is never taken as a path on this machine."""

from __future__ import annotations

from pathlib import Path

from coblyn import paths
from coblyn.errors import BadRequest, ModelError
from coblyn.models import created, store
from coblyn.models.catalogue import lookup
from coblyn.models.created import Name
from coblyn.models.modelfile import Modelfile
from coblyn.models.setup import Setup
from coblyn.models.splits import plain_name

__all__ = ["LATEST", "file_of", "made_of", "names_of", "plain", "setup_of", "stored_file"]

LATEST = ":latest"
"""Ollama's default tag."""


def plain(name: str) -> str:
    """Normalize a name for comparison: lower case, without suffix and default tag."""
    return name.lower().removesuffix(LATEST).removesuffix(".gguf")


def file_of(name: str) -> Path | None:
    """The file of the model of this name, if it is in the models directory.

    Args:
        name: A full name, an alias of the catalogue, or the name of a model made from another by settings.
    """
    setup = setup_of(name)
    return setup.path if setup else None


def setup_of(name: str) -> Setup | None:
    """What the model of this name is loaded with, if it is in the models directory; see ``file_of``."""
    if path := stored_file(name):
        return Setup(path)
    made = made_of(name)
    base = stored_file(made.base) if made else None
    return Setup(base, least_context=made.least_context) if made and base else None


def stored_file(name: str) -> Path | None:
    """The file of this name or alias."""
    entry = lookup(plain(name))
    wanted = {plain(name), plain(entry.name) if entry else ""}
    return next((each.path for each in store.installed() if plain(each.name) in wanted), None)


def names_of(path: Path) -> tuple[str, ...]:
    """What a model's file is called: as the list of models has it, and by the name of the file alone."""
    alone = plain_name(path.name)
    for folder in (paths.models(), *paths.model_folders()):
        if path.is_relative_to(folder):
            return (path.relative_to(folder).with_name(alone).as_posix(), alone)
    return (alone,)


def made_of(name: str) -> Modelfile | None:
    """The settings of the model of that name that is made from another; None if there is none, or it is damaged."""
    try:
        made = created.find(Name.of(name))
    except (BadRequest, ModelError):
        return None
    return made.modelfile if made else None
