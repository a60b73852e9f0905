"""Models by address, on the web or on this machine; checked before they are stored."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from coblyn.errors import BadRequest
from coblyn.files import existing_file
from coblyn.models.sources.take import RemoteFile, take_in
from coblyn.models.splits import part_names
from coblyn.progress import Report

__all__ = ["address_of", "file_names", "pull"]

_SCHEMES = ("http://", "https://", "file:")

_PAGE = re.compile(r"^(https?://(?:huggingface\.co|hf\.co)/[^/]+/[^/]+)/blob/")
"""Hugging Face's page of a file, whose address users often copy instead of the file's."""


def address_of(reference: str) -> str | None:
    """The URL of a reference that is one or names a local file; otherwise None."""
    if reference.lower().startswith(_SCHEMES):
        return _PAGE.sub(r"\1/resolve/", reference)
    path = existing_file(reference)
    return None if path is None else path.absolute().as_uri()


def file_names(url: str) -> tuple[str, ...]:
    """File names of the model at an address; several if it is split.

    Raises:
        BadRequest: The address does not end in a file's name.
    """
    name = re.split(r"[/\\]", unquote(urlsplit(url).path))[-1].strip()
    name = re.sub(r'[\x00-\x1f<>:"|?*]', "_", name).lstrip(".")
    if not name:
        raise BadRequest(f"{url} names no file.", field="reference")
    return part_names(name if name.lower().endswith(".gguf") else f"{name}.gguf")


def pull(url: str, folder: Path, *, sha256: str, report: Report) -> Path:
    """Download the model at an address into a folder, with all its files if it is split.

    Args:
        url: Address of the file, or of any part.
        folder: Target folder; existing files are replaced.
        sha256: Hex digest, or empty.
        report: Called with the progress in bytes.

    Returns:
        The file, or the first one.

    Raises:
        BadRequest: A digest was given for a model of several files.
        ModelBroken, ModelUnsupported: It is not a valid GGUF file; nothing is kept.
        DiskFull, FetchError: It cannot be downloaded or written.
    """
    names = file_names(url)
    if sha256 and len(names) > 1:
        raise BadRequest("A split model has a digest for each of its files.", field="sha256")
    here = unquote(urlsplit(url).path).rpartition("/")[2]
    for name in names:
        address = url if len(names) == 1 else _sibling(url, here, name)
        take_in(RemoteFile(address, name, sha256=sha256), folder, report)
    return folder / names[0]


def _sibling(url: str, here: str, name: str) -> str:
    parts = urlsplit(url)
    stem, _, _ = parts.path.rpartition("/")
    return parts._replace(path=f"{stem}/{name}").geturl() if here else url
