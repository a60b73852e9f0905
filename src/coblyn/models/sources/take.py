"""Downloads a model's file under a temporary name, checks it, and moves it to its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.errors import FetchError, ModelError
from coblyn.fetch.download import fetch, sha256_of
from coblyn.fetch.network import Network, without_credentials
from coblyn.files import disk_errors, put_in_place
from coblyn.models.digests import remember
from coblyn.models.gguf import read_header
from coblyn.progress import Report

__all__ = ["RemoteFile", "take_in"]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to download.

    Attributes:
        url: Its address.
        name: Its local name.
        size: Its size in bytes; None if unknown.
        sha256: Hex digest; empty if unknown.
        headers: Headers of the request, such as a login.
        login_hint: What to do if the server requires a login, or refuses it.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    login_hint: str = ""


def take_in(file: RemoteFile, folder: Path, report: Report, network: Network | None = None) -> Path:
    """Download a file into a folder unless it is there with the right digest.

    Raises:
        ModelBroken, ModelUnsupported: It is not a valid GGUF file; nothing of it is kept.
        DiskFull, FetchError: It cannot be downloaded or written.
    """
    target = folder / file.name
    if file.sha256 and target.is_file() and sha256_of(target, report=report) == file.sha256.lower():
        return target
    unchecked = target.with_name(target.name + ".unchecked")
    fetch(
        file.url,
        unchecked,
        sha256=file.sha256,
        size=file.size,
        report=report,
        what=file.name,
        headers=file.headers,
        network=network or Network(),
        login_hint=file.login_hint,
    )
    with disk_errors(target.parent, what=f"Pulling {file.name}", error=FetchError):
        try:
            read_header(unchecked)
        except ModelError as problem:
            unchecked.unlink()
            message = problem.message.replace(str(unchecked), "What came from there")
            raise type(problem)(message, hint=problem.hint) from problem
        put_in_place(unchecked, target)
        remember(target, file.sha256, without_credentials(file.url))
    return target
