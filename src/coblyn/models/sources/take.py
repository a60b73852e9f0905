"""Downloads a model's file under a temporary name, checks it, and moves it to its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coblyn.errors import FetchError, ModelError
from coblyn.fetch.download import fetch, sha256_of
from coblyn.fetch.network import Network, without_credentials
from coblyn.files import alone, disk_errors, put_in_place
from coblyn.models.digests import holder, remember
from coblyn.models.gguf import read_header
from coblyn.progress import Progress, Report

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


def take_in(
    file: RemoteFile,
    folder: Path,
    report: Report,
    network: Network | None = None,
    *,
    may_link: bool = True,
) -> Path:
    """Download a file into a folder unless it is there with the right digest.

    If another model of the store has the same content, its file gets a second name instead.

    Raises:
        ModelBroken, ModelUnsupported: It is not a valid GGUF file; nothing of it is kept.
        DiskFull, FetchError: It cannot be downloaded or written.
    """
    target = folder / file.name
    waiting = Progress(f"Fetching {file.name}", 0, None, "bytes", "waiting for another process")
    before = _identity(target)
    with (
        disk_errors(folder, what=f"Pulling {file.name}", error=FetchError),
        alone(target, on_wait=lambda: report(waiting)),
    ):
        # What another process has put there meanwhile is taken, if nobody can say what it should be.
        has_come = not file.sha256 and _identity(target) not in (None, before)
        if not (has_come or _is_there(file, target, report)):
            unchecked = target.with_name(target.name + ".unchecked")
            if not (may_link and _is_linked(file, unchecked, report)):
                _fetch(file, unchecked, report, network or Network())
            _accept(file, unchecked, target)
    return target


def _identity(path: Path) -> tuple[int, int] | None:
    """What changes when a file is replaced; None if there is none."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_ino, state.st_mtime_ns


def _is_there(file: RemoteFile, target: Path, report: Report) -> bool:
    if not (file.sha256 and target.is_file()):
        return False
    return sha256_of(target, report=report) == file.sha256.lower()


def _accept(file: RemoteFile, unchecked: Path, target: Path) -> None:
    try:
        read_header(unchecked)
    except ModelError as problem:
        unchecked.unlink()
        message = problem.message.replace(str(unchecked), "What came from there")
        raise type(problem)(message, hint=problem.hint) from problem
    put_in_place(unchecked, target)
    remember(target, file.sha256, without_credentials(file.url))


def _fetch(file: RemoteFile, target: Path, report: Report, network: Network) -> None:
    fetch(
        file.url,
        target,
        sha256=file.sha256,
        size=file.size,
        report=report,
        what=file.name,
        headers=file.headers,
        network=network,
        login_hint=file.login_hint,
    )


def _is_linked(file: RemoteFile, target: Path, report: Report) -> bool:
    """Give a file that has the same content another name; not every file system can."""
    twin = holder(file.sha256, file.size)
    if twin is None or twin.name == file.name:  # this very file, which is no longer what it was
        return False
    try:
        target.unlink(missing_ok=True)
        os.link(twin, target)
        if sha256_of(target, report=report) == file.sha256.lower():
            return True
        target.unlink()
    except OSError:
        pass
    return False
