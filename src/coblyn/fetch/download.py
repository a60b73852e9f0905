"""Downloads: resumed after a kill, verified by SHA-256, and present only when complete.

Handles URLs and files; does not depend on their content or on the indexes that list them.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from coblyn.errors import ChecksumMismatch, FetchError
from coblyn.fetch.network import (
    AGAIN,
    Network,
    explain,
    is_untrusted,
    open_client,
    without_credentials,
)
from coblyn.fetch.offline import require_network
from coblyn.fetch.part import Part
from coblyn.files import alone, disk_errors, human_size, require_space
from coblyn.progress import Progress, Report, silent

if TYPE_CHECKING:
    import httpx

__all__ = ["fetch", "sha256_of"]

_BLOCK = 2**20
_MIN_PROGRESS = 2**20
_RETRY_STATUS = {408, 425, 429, 500, 502, 503, 504}
_MAX_WAIT = 30.0
_REPORT_SECONDS = 0.05
_DEFAULT = Network()


def fetch(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    size: int | None = None,
    report: Report = silent,
    what: str = "",
    headers: Mapping[str, str] | None = None,
    network: Network = _DEFAULT,
    login_hint: str = "",
) -> Path:
    """Download ``url`` to ``target`` unless the file exists with the right checksum.

    An interrupted download continues where it stopped if the server still has the same file. If several processes want
    the same target, one downloads and the others wait.

    Args:
        url: An http, https or file URL; it may contain a user and a password.
        target: The target file; parent directories are created.
        sha256: Hex digest of the whole file; None or empty accepts any content and downloads it each time.
        size: Its size in bytes, if known; a server that announces another size is rejected at once.
        report: Gets the progress in bytes.
        what: What the file is, for progress and errors; the file's name if empty.
        headers: Sent with each request; an ``Authorization`` is not forwarded to another host.
        network: How to reach the server.
        login_hint: What to do if the server requires a login.

    Returns:
        ``target``.

    Raises:
        ChecksumMismatch: The downloaded file differs; nothing of it is kept.
        DiskFull: There is not enough space for it.
        FetchError: It cannot be downloaded or written.
    """
    wanted = (sha256 or "").lower() or None
    job = _Job(
        url,
        target,
        wanted,
        size,
        report,
        what or target.name,
        dict(headers or {}),
        network,
        login_hint,
    )
    job.check_scheme()
    with disk_errors(target.parent, what=f"Fetching {job.what}", error=FetchError):
        target.parent.mkdir(parents=True, exist_ok=True)
        with alone(target, on_wait=job.wait):
            if not job.is_there():
                job.check_network()
                _bring(job)
    return target


def sha256_of(path: Path, *, report: Report = silent, what: str = "") -> str:
    """Hex SHA-256 of a file; ``what`` names it for progress."""
    digest = hashlib.sha256()
    size, done = path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(Progress(f"Checking {what or path.name}", done, size, "bytes", path.name))
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class _Job:
    """A requested download."""

    url: str
    target: Path
    sha256: str | None
    size: int | None
    report: Report
    what: str
    headers: dict[str, str]
    network: Network
    login_hint: str

    @property
    def place(self) -> str:
        return without_credentials(self.url)

    def tell(self, done: int, total: int | None, note: str = "") -> None:
        detail = note or self.target.name
        self.report(Progress(f"Fetching {self.what}", done, total, "bytes", detail))

    def wait(self) -> None:
        self.tell(0, None, "waiting for another process that fetches it")

    def check_scheme(self) -> None:
        if not self.url.lower().startswith(("http://", "https://", "file:")):
            raise FetchError(f"{self.place} cannot be fetched: only http, https and file URLs can.")

    def check_network(self) -> None:
        if not self.url.lower().startswith("file:"):
            require_network(self.place)

    def is_there(self) -> bool:
        if self.sha256 is None or not self.target.is_file():
            return False
        return sha256_of(self.target, report=self.report, what=self.what) == self.sha256

    def mismatch(self, why: str) -> ChecksumMismatch:
        return ChecksumMismatch(
            f"{self.place} is not the file that was expected: {why}.",
            hint="A proxy or mirror may have sent something else, or the file there has changed.",
        )


class _DroppedError(Exception):
    """An attempt ended early; another may get further. Never leaves this module."""

    def __init__(self, error: FetchError, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error = error
        self.wait = wait


def _bring(job: _Job) -> None:
    """Fetch the file and put it in place, or leave only a part that can be resumed."""
    part = Part(job.target, sha256=job.sha256, source=job.place)
    try:
        _fill(job, part)
        if part.was_resumed and job.sha256 not in (None, part.digest()):
            part.restart(
                ""
            )  # the part of an earlier process may be the cause: try once more from the start
            _fill(job, part)
        if job.sha256 not in (None, part.digest()):
            raise job.mismatch(f"its SHA-256 is {part.digest()}, not {job.sha256}")
        part.finish()
    except (
        ChecksumMismatch,
        OSError,
    ):  # OSError: for example, the disk is full, and the part only takes up space
        part.discard()
        raise
    finally:
        part.close()
        if part.path.exists() and part.path.stat().st_size == 0:
            part.discard()


def _fill(job: _Job, part: Part) -> None:
    if job.url.lower().startswith("file:"):
        _copy(job, part)
        return
    has_login = any(name.lower() == "authorization" for name in job.headers)
    with open_client(job.network, job.url, use_netrc=not has_login) as client:
        _download(client, job, part)


def _copy(job: _Job, part: Part) -> None:
    source = Path(url2pathname(urlsplit(job.url).path))
    part.restart("")
    try:
        size = source.stat().st_size
        file = source.open("rb")
    except OSError as problem:
        raise FetchError(f"{source} cannot be read: {problem.strerror}.") from problem
    with file:
        require_space(job.target.parent, size, what=f"Fetching {job.what}")
        while block := file.read(_BLOCK):
            part.append(block)
            job.tell(part.done, size)


def _download(client: httpx.Client, job: _Job, part: Part) -> None:
    """Try until the file is complete; counts failures without progress in between."""
    failures, best = 0, part.done
    while True:
        try:
            return _try_once(client, job, part)
        except _DroppedError as drop:
            has_progress = part.done >= best + _MIN_PROGRESS
            failures = 1 if has_progress else failures + 1
            best = max(best, part.done)
            if failures >= job.network.tries:
                raise drop.error from drop
            wait = drop.wait or job.network.backoff * 2.0 ** (failures - 1)
            job.tell(part.done, None, f"connection lost, try {failures + 1} of {job.network.tries}")
            time.sleep(min(wait, _MAX_WAIT))


def _try_once(client: httpx.Client, job: _Job, part: Part) -> None:
    """Request the missing bytes and append them.

    Raises:
        _DroppedError: The connection or the server failed in a possibly temporary way.
    """
    import httpx

    try:
        with client.stream("GET", job.url, headers=job.headers | part.range_headers()) as response:
            total = _admit(response, job, part)
            _receive(response, job, part, total)
    except (httpx.TooManyRedirects, httpx.UnsupportedProtocol, httpx.InvalidURL) as problem:
        raise explain(problem, job.url) from problem
    except httpx.TransportError as problem:
        error = explain(problem, job.url)
        raise error if is_untrusted(problem) else _DroppedError(error) from problem


def _admit(response: httpx.Response, job: _Job, part: Part) -> int | None:
    """Make the part match the response headers; return the size of the whole file if known."""
    if response.status_code == 206:
        start, total = _content_range(response)
        if start != part.done:
            part.restart("")
            raise _DroppedError(
                FetchError(f"{job.place} answered with a different range than requested.")
            )
    elif response.status_code == 200:
        part.restart(_validator(response))
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
    elif response.status_code == 416:
        return _admit_past_end(response, job, part)
    else:
        raise _refused(response, job)
    if job.size is not None and total not in (None, job.size):
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        raise job.mismatch(f"it has {total} bytes, not {job.size}" + (f" ({kind})" if kind else ""))
    total = total or job.size
    if total is not None:
        require_space(job.target.parent, total - part.done, what=f"Fetching {job.what}")
    return total


def _admit_past_end(response: httpx.Response, job: _Job, part: Part) -> int:
    """The server has no bytes after those already here: the file is complete, or a different one."""
    _, total = _content_range(response)
    if total == part.done:
        return part.done
    part.restart("")
    raise _DroppedError(FetchError(f"{job.place} changed while it was fetched.", hint=AGAIN))


def _receive(response: httpx.Response, job: _Job, part: Part, total: int | None) -> None:
    if response.status_code == 416:
        return
    told = 0.0
    job.tell(part.done, total)
    for block in response.iter_raw():
        part.append(block)
        if total is not None and part.done > total:
            raise job.mismatch(f"it is longer than the {human_size(total)} that were announced")
        now = time.monotonic()
        if now - told > _REPORT_SECONDS:
            told = now
            job.tell(part.done, total)
    if total is not None and part.done < total:
        raise _DroppedError(
            FetchError(f"{job.place} ended {total - part.done} bytes early.", hint=AGAIN)
        )
    job.tell(part.done, total)


def _content_range(response: httpx.Response) -> tuple[int, int | None]:
    """Start and size of ``Content-Range: bytes START-END/SIZE``; start is -1 if there is none."""
    _, _, value = response.headers.get("Content-Range", "").partition(" ")
    span, _, size = value.partition("/")
    start = span.partition("-")[0]
    return int(start) if start.isdecimal() else -1, int(size) if size.isdecimal() else None


def _validator(response: httpx.Response) -> str:
    """The validator of this version of the file: a strong ETag, else its date."""
    etag: str = response.headers.get("ETag", "")
    if etag and not etag.startswith("W/"):
        return etag
    return str(response.headers.get("Last-Modified", ""))


def _refused(response: httpx.Response, job: _Job) -> FetchError | _DroppedError:
    status, reason = response.status_code, response.reason_phrase
    hint = {
        401: "It needs a login: put user and password into the URL or into .netrc.",
        403: "The server or a proxy forbids it; a login may be needed.",
        404: "Check the address; the file may have been moved or withdrawn.",
        407: "The proxy needs a login: HTTPS_PROXY=http://user:password@host:port.",
    }.get(status, AGAIN)
    if job.login_hint and status in (401, 403):
        hint = job.login_hint
    error = FetchError(
        f"{job.place} cannot be fetched: the server answers {status} {reason}.", hint=hint
    )
    if status not in _RETRY_STATUS:
        return error
    after = response.headers.get("Retry-After", "")
    return _DroppedError(error, float(after) if after.isdecimal() else 0.0)
