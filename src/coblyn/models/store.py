"""The local models: GGUF files in the models directory and in the user's folders.

There is no index: files may be added and removed by hand.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn import paths
from coblyn.errors import ModelError, ModelNotFound, SettingsError
from coblyn.files import disk_errors, existing_file
from coblyn.models.catalogue import CATALOGUE, lookup
from coblyn.models.check import check_model, require_writer
from coblyn.models.overrides import corrected
from coblyn.models.splits import first_part, is_later_part, part_names, plain_name

if TYPE_CHECKING:
    from coblyn.models.neighbours import Neighbour

__all__ = [
    "NotPulled",
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


class NotPulled(ModelNotFound):
    """A model that can be downloaded is not on this machine."""


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A local model.

    Attributes:
        name: Its name: the file's path in the models directory, without suffix.
        path: The file; for a split model, the first.
        size: Total size of its files in bytes.
        modified: When it was added.
    """

    name: str
    path: Path
    size: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """An entry of the models directory that should be a model but cannot be read.

    Attributes:
        name: The model's name.
        message: The error, as a sentence.
    """

    name: str
    message: str


def survey() -> tuple[tuple[StoredModel, ...], tuple[Trouble, ...]]:
    """All local models by name, and entries that cannot be read or lack a part."""
    roots = (paths.models(), *paths.model_folders())
    files = [(root, path) for root in roots for path in sorted(root.rglob("*"))]
    found = [_stored(root, path) for root, path in files if _is_model(path)]
    # Of two with the same name, one with all its parts wins, then the models directory, then the folder named first.
    stored = [each for each in reversed(found) if isinstance(each, StoredModel)]
    stored.sort(key=lambda model: _has_all_parts(model.path))
    models = list({each.name: each for each in stored}.values())
    models.sort(key=lambda model: model.name.lower())
    troubles = [each for each in found if isinstance(each, Trouble)]
    return tuple(models), (*troubles, *_incomplete(path for _, path in files))


def _incomplete(files: Iterable[Path]) -> Iterator[Trouble]:
    """Split models of which a part is missing, be it the first."""
    parts = [path for path in files if len(part_names(path.name)) > 1 and path.is_file()]
    for path in {first_part(path): path for path in parts}.values():
        if _has_all_parts(path):
            continue
        try:
            check_model(path)
        except ModelNotFound as error:
            yield Trouble(plain_name(path.name), error.message)
        except (ModelError, OSError):
            continue  # what is wrong with it otherwise is said when it is used


def _has_all_parts(path: Path) -> bool:
    return all(path.with_name(name).is_file() for name in part_names(path.name))


def installed() -> tuple[StoredModel, ...]:
    """All local models, by name."""
    return survey()[0]


def newest() -> Path | None:
    """The most recently added runnable model, ignoring adapters, projectors and incomplete files."""
    by_date = sorted(installed(), key=lambda model: model.modified, reverse=True)
    return next((model.path for model in by_date if _can_run(model.path)), None)


def _can_run(path: Path) -> bool:
    try:
        require_writer(corrected(check_model(path)))
    except (ModelError, SettingsError, OSError):
        return False
    return True


def path_of(name: str) -> Path:
    """The path of a model of this name, whether or not it exists."""
    return paths.models() / f"{name}.gguf"


def find(reference: str) -> Path:
    """The file of a model by path, name, alias, or an unambiguous beginning of a name.

    Models of other programs need their full names, as listed by ``coblyn models``.

    Raises:
        NotPulled: It can be downloaded, and is not here.
        ModelNotFound: There is no such model, or there are several.
    """
    path = existing_file(reference)
    if path is not None:
        return first_part(path) if first_part(path).is_file() else path
    models, troubles = survey()
    wanted = plain_name(reference).lower()
    for model in models:
        if model.name.lower() == wanted:
            return model.path
    for trouble in troubles:
        if trouble.name.lower() == wanted:
            raise ModelNotFound(trouble.message, hint="`coblyn models` lists those that are here.")
    if (neighbour := _neighbour(reference)) is not None:
        return neighbour.path
    if (pulled := _pulled(reference, models)) is not None:
        return pulled
    entry = lookup(reference)
    if entry is not None and path_of(entry.name).is_file():
        return path_of(entry.name)
    if entry is not None or _is_elsewhere(reference):
        raise _not_pulled(entry.alias if entry else reference)
    return _by_prefix(reference, wanted, models)


def _neighbour(reference: str) -> Neighbour | None:
    """The model of another program with this name; Ollama's tag ``latest`` may be omitted."""
    from coblyn.models.neighbours import find_all  # only where none of ours has the name

    wanted = {reference.lower(), f"{reference.lower()}:latest"}
    return next((each for each in find_all() if each.name.lower() in wanted), None)


def _pulled(reference: str, models: tuple[StoredModel, ...]) -> Path | None:
    """The file that was pulled from an address or a repository of Hugging Face's hub, or that its cache has.

    Raises:
        NotPulled: None of the repository is here.
        ModelNotFound: Several are here.
    """
    from coblyn.models import digests
    from coblyn.models.neighbours import find_all
    from coblyn.models.sources.huggingface import repository_of
    from coblyn.models.sources.offer import quantization_of

    repository = repository_of(reference)
    if repository is None:
        return _at_address(reference)
    wanted, middle = repository.wanted.lower(), f"/{repository.name}/resolve/".lower()
    found = []
    for model in models:
        origin = digests.origin(model.path)
        known = {"", origin.rpartition("/")[2].lower(), quantization_of(origin).lower()}
        if middle in origin.lower() and wanted in known:
            found.append(model.path)
    start = f"hf:{repository.name}:".lower()
    if not wanted:
        found += [each.path for each in find_all() if each.name.lower().startswith(start)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(path.name for path in found)
        raise ModelNotFound(f"{reference} may be each of {names}.", hint="Name one of them.")
    raise _not_pulled(reference)


def _at_address(reference: str) -> Path | None:
    """The file that was pulled from a web address: a pull does not fetch a file whose name is there, either."""
    from coblyn.models.sources import url

    if not _is_address(reference):
        return None
    here = [paths.models() / name for name in url.file_names(reference)]
    return here[0] if all(path.is_file() for path in here) else None


def _is_address(reference: str) -> bool:
    return reference.lower().startswith(("http://", "https://"))


def _is_elsewhere(reference: str) -> bool:
    """Whether it names a model by a place on the network, other than a repository of Hugging Face's hub."""
    from coblyn.models.sources import modelscope, ollama

    image = modelscope.repository_of(reference) or ollama.image_of(reference)
    return _is_address(reference) or image is not None


def _not_pulled(reference: str) -> NotPulled:
    return NotPulled(f"{reference} is not here yet.", hint=f"Get it: coblyn pull {reference}")


def remove(name: str) -> StoredModel:
    """Delete all files of a model in the models directory.

    Args:
        name: Its full name or its alias; the beginning of a name is not accepted.

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
        # The first file is deleted last: until then, the model is listed and deletion can be repeated.
        for part in reversed(part_names(path.name)):
            path.with_name(part).unlink(missing_ok=True)
    return model


def not_found(reference: str) -> ModelNotFound:
    """The error for an unknown name, with similar names."""
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
    """Explain a path that is not a file.

    Raises:
        ModelNotFound: It is not a file.
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
    """A stored model; None if the file was deleted meanwhile."""
    folder = path.parent.relative_to(root).as_posix()
    name = plain_name(path.name) if folder == "." else f"{folder}/{plain_name(path.name)}"
    try:
        state = path.stat()
        size = sum(file.stat().st_size for file in _files(path))
    except OSError as error:
        return _trouble(name, path, error)
    if not stat.S_ISREG(state.st_mode):  # opening a pipe would wait for a writer
        return Trouble(name, f"{path} is not a file, but a pipe, a socket or a device.")
    if not state.st_size:
        return Trouble(name, f"{path} is empty.")
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
