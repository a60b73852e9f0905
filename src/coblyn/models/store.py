"""Models that are here: the GGUF files below the models directory and the folders that the user names.

The directories are all there is to it: files may be put there and taken away by hand.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.errors import ModelError, ModelNotFound
from coblyn.files import disk_errors, existing_file
from coblyn.models.catalogue import CATALOGUE, lookup
from coblyn.models.check import check_model, require_writer
from coblyn.models.splits import first_part, is_later_part, part_names, plain_name

if TYPE_CHECKING:
    from coblyn.models.neighbours import Neighbour

__all__ = [
    "StoredModel",
    "Trouble",
    "find",
    "installed",
    "newest",
    "not_found",
    "path_of",
    "remove",
    "survey",
]


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model that is here.

    Attributes:
        name: What to call it: the file's name without ending, below the models directory.
        path: The file; of a split model, the first.
        size: Bytes of all its files.
        modified: When it was put there.
    """

    name: str
    path: Path
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """An entry of the models directory that should be a model and cannot be looked at.

    Attributes:
        name: What the model would be called.
        message: What is wrong with it, as a sentence.
    """

    name: str
    message: str


def survey() -> tuple[tuple[StoredModel, ...], tuple[Trouble, ...]]:
    """All models that are here, by name, and what cannot be looked at."""
    found = [
        _stored(root, path)
        for root in (paths.models(), *paths.model_folders())
        for path in sorted(root.rglob("*"))
        if _is_model(path)
    ]
    # Of two with one name, the own directory and the folder that is named first win.
    by_name = {each.name: each for each in reversed(found) if isinstance(each, StoredModel)}
    models = list(by_name.values())
    models.sort(key=lambda model: model.name.lower())
    return tuple(models), tuple(each for each in found if isinstance(each, Trouble))


def installed() -> tuple[StoredModel, ...]:
    """All models that are here, by name."""
    return survey()[0]


def newest() -> Path | None:
    """The model that came last, of those that can be run: adapters, projectors and half files are none."""
    by_date = sorted(installed(), key=lambda model: model.modified, reverse=True)
    return next((model.path for model in by_date if _can_run(model.path)), None)


def _can_run(path: Path) -> bool:
    try:
        require_writer(check_model(path))
    except (ModelError, OSError):
        return False
    return True


def path_of(name: str) -> Path:
    """Where a model of that name is, or will be."""
    return paths.models() / f"{name}.gguf"


def find(reference: str) -> Path:
    """The file of a model: by path, by name, by alias, or by the beginning of one name only.

    Models of other programs have to be named whole, as ``coblyn models`` lists them.

    Raises:
        ModelNotFound: There is none, or there are several.
    """
    path = existing_file(reference)
    if path is not None:
        return first_part(path) if first_part(path).is_file() else path
    models, troubles = survey()
    wanted = plain_name(reference).lower()
    for trouble in troubles:
        if trouble.name.lower() == wanted:
            raise ModelNotFound(trouble.message, hint="`coblyn models` lists those that are here.")
    for model in models:
        if model.name.lower() == wanted:
            return model.path
    if (neighbour := _neighbour(reference)) is not None:
        return neighbour.path
    entry = lookup(reference)
    if entry is not None:
        if path_of(entry.name).is_file():
            return path_of(entry.name)
        raise ModelNotFound(
            f"The model {entry.alias} is not here yet.", hint=f"Get it: coblyn pull {entry.alias}"
        )
    return _by_prefix(reference, wanted, models)


def _neighbour(reference: str) -> Neighbour | None:
    """The model of another program that has this name; Ollama's latest tag need not be named."""
    from coblyn.models.neighbours import find_all  # only where none of ours has the name

    wanted = {reference.lower(), f"{reference.lower()}:latest"}
    return next((each for each in find_all() if each.name.lower() in wanted), None)


def remove(name: str) -> StoredModel:
    """Delete a model below the models directory, all files of it.

    Args:
        name: Its whole name, or its alias; the beginning of a name is not enough here.

    Raises:
        ModelNotFound: There is none of that name.
        ModelError: It cannot be deleted.
    """
    entry = lookup(name)
    wanted = {plain_name(name).lower(), entry.name.lower() if entry else ""}
    model = next((model for model in installed() if model.name.lower() in wanted), None)
    if model is None and (neighbour := _neighbour(name)) is not None:
        raise ModelError(
            f"{neighbour.name} belongs to {neighbour.program}, and stays.", hint="Remove it there."
        )
    if model is None:
        raise not_found(name)
    path = model.path
    if not path.is_relative_to(paths.models()):
        raise ModelError(
            f"{model.name} lies in a folder of yours, {path.parent}, and stays.",
            hint="Remove it there.",
        )
    with disk_errors(path.parent, what=f"Removing {model.name}", error=ModelError):
        # The first file goes last: while it is there, the model is listed and can be removed again.
        for part in reversed(part_names(path.name)):
            path.with_name(part).unlink(missing_ok=True)
    return model


def not_found(reference: str) -> ModelNotFound:
    """Nothing has that name: say what has a similar one."""
    names = [model.name for model in installed()]
    known = {name.lower(): name for name in (*names, *CATALOGUE)}
    close = difflib.get_close_matches(plain_name(reference).lower(), known, n=3, cutoff=0.5)
    if Path(reference).name.lower().endswith(".gguf"):
        message = f"There is no model file {reference}."
    else:
        message = f"There is no model {reference}."
    if close:
        return ModelNotFound(
            message, hint=f"Did you mean {' or '.join(known[name] for name in close)}?"
        )
    here = f"Here are: {', '.join(names[:8])}. " if names else ""
    can = ", ".join([*CATALOGUE, "hf:OWNER/REPO", "ollama:NAME"])
    return ModelNotFound(message, hint=f"{here}Can be pulled: {can}, or a web address.")


def _by_prefix(reference: str, wanted: str, models: tuple[StoredModel, ...]) -> Path:
    matches = [model for model in models if wanted and model.name.lower().startswith(wanted)]
    if len(matches) == 1:
        return matches[0].path
    if matches:
        names = ", ".join(model.name for model in matches)
        raise ModelNotFound(f"{reference} may be each of {names}.", hint="Write more of the name.")
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        if reference:
            _explain_path(Path(reference).expanduser())
    raise not_found(reference)


def _explain_path(path: Path) -> None:
    """Say what a path is that is not a file.

    Raises:
        ModelNotFound: It is something else.
    """
    if path.is_dir():
        raise _is_directory(path)
    if path.is_symlink() and not path.exists():
        raise ModelNotFound(
            f"{path} is a link to {path.readlink()}, which is not there.",
            hint="Fetch the file again.",
        )
    if path.exists():
        raise ModelNotFound(
            f"{path} is not a file, but a pipe, a socket or a device.", hint="Name a model's file."
        )


def _is_directory(path: Path) -> ModelNotFound:
    try:
        files = sorted(file.name for file in path.glob("*.gguf") if not is_later_part(file.name))
    except OSError as error:
        return ModelNotFound(f"{path} is a directory that cannot be read: {error.strerror}.")
    inside = (
        f"Name one of the files in it: {', '.join(files[:8])}"
        if files
        else "It holds no GGUF file."
    )
    return ModelNotFound(f"{path} is a directory, not a model file.", hint=inside)


def _is_model(path: Path) -> bool:
    name = path.name.lower()
    is_candidate = name.endswith(".gguf") and not name.startswith(("mmproj", "."))
    is_part = is_later_part(path.name) and first_part(path).is_file()
    return is_candidate and not is_part and not path.is_dir()


def _stored(root: Path, path: Path) -> StoredModel | Trouble | None:
    """None if the file is gone meanwhile."""
    folder = path.parent.relative_to(root).as_posix()
    name = plain_name(path.name) if folder == "." else f"{folder}/{plain_name(path.name)}"
    try:
        state = path.stat()
        size = sum(file.stat().st_size for file in _files(path))
    except OSError as error:
        return _trouble(name, path, error)
    return StoredModel(name, path, size, datetime.fromtimestamp(state.st_mtime, UTC))


def _trouble(name: str, path: Path, error: OSError) -> Trouble | None:
    if error.errno == errno.ELOOP:
        return Trouble(name, f"{path} is a link that leads to itself.")
    if path.is_symlink():
        return Trouble(name, f"{path} is a link to {path.readlink()}: {error.strerror or error}.")
    if isinstance(error, FileNotFoundError):
        return None
    return Trouble(name, f"{path} cannot be looked at: {error.strerror or error}.")


def _files(path: Path) -> list[Path]:
    parts = [path.with_name(name) for name in part_names(path.name)]
    return [part for part in parts if part.is_file()]
