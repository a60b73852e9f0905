"""pip's settings (indexes, certificates, proxy), and pip's own download as a last resort.

Does not depend on the purpose of packages.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from coblyn import run
from coblyn.errors import FetchError, ProgramFailed
from coblyn.fetch.network import Network
from coblyn.fetch.offline import is_offline, pack_links
from coblyn.progress import Progress, Report

__all__ = ["IndexSettings", "download", "from_file_url", "index_settings", "is_there"]

_CONFIG_SECONDS = 30.0
_DOWNLOAD_SECONDS = 3600.0
_TRUE = {"1", "true", "yes", "on"}
_SECTIONS = ("global", "install", "download", ":env:")  # later ones win
_UV_LISTS = ("UV_INDEX", "UV_EXTRA_INDEX_URL")


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Where packages are searched for.

    Attributes:
        indexes: URLs of indexes with the simple repository API; they may contain a login.
        links: Local directories that contain package files.
        network: How to reach them.
    """

    indexes: tuple[str, ...]
    links: tuple[Path, ...]
    network: Network


def is_there() -> bool:
    """Whether this Python has pip; environments created by uv do not."""
    return importlib.util.find_spec("pip") is not None


def index_settings(
    environment: Mapping[str, str] | None = None, config: str | None = None
) -> IndexSettings:
    """Where pip and uv would search, from their environment variables and pip's configuration files.

    Args:
        environment: The variables; those of this process if None.
        config: Output of ``pip config list``; if None, pip is run.
    """
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    environment = os.environ if environment is None else environment
    pip = _merged(_ask_pip() if config is None else config, environment)
    main = pip.get("index-url") or environment.get("UV_DEFAULT_INDEX")
    main = main or environment.get("UV_INDEX_URL") or PYPI_SIMPLE_ENDPOINT
    extra = pip.get("extra-index-url", "").split()
    for name in _UV_LISTS:
        extra += environment.get(name, "").split()
    indexes = [_as_url(index) for index in (main, *extra)]
    if is_offline() or pip.get("no-index", "").lower() in _TRUE:
        indexes = []
    links = [*pack_links(), *map(from_file_url, pip.get("find-links", "").split())]
    return IndexSettings(
        indexes=tuple(dict.fromkeys(indexes)),
        links=tuple(dict.fromkeys(link for link in links if link is not None)),
        network=Network(certificates=pip.get("cert", ""), proxy=pip.get("proxy", "")),
    )


def from_file_url(place: str) -> Path | None:
    """The path that a file URL or a plain path names; None for any other URL."""
    if place.lower().startswith("file:"):
        return Path(url2pathname(urlsplit(place).path))
    return None if "://" in place else Path(place).expanduser()


def download(project: str, version: str, *, is_sdist: bool, folder: Path, report: Report) -> Path:
    """Let pip download one release, without its dependencies, and return the file.

    Raises:
        FetchError: pip failed.
    """
    kind = ["--no-binary", ":all:"] if is_sdist else ["--only-binary", ":all:"]
    bar = "raw" if _pip_version() >= (24, 1) else "off"
    quick = ["--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--no-input"]
    options = ["--no-deps", "--progress-bar", bar, *quick, *kind]
    last = ""

    def read(line: str) -> None:
        nonlocal last
        step = re.fullmatch(r"Progress (\d+) of (\d+)", line.strip())
        if step:
            done, total = map(int, step.groups())
            report(Progress(f"Fetching {project}", done, total or None, "bytes", "through pip"))
        elif line.startswith("ERROR:"):
            last = line.removeprefix("ERROR:").strip()

    with tempfile.TemporaryDirectory(prefix="pip-", dir=folder) as temporary:
        argv = [sys.executable, "-m", "pip", "download", *options, "--dest", temporary]
        try:
            run.stream([*argv, f"{project}=={version}"], read, timeout=_DOWNLOAD_SECONDS)
        except ProgramFailed as problem:
            raise FetchError(
                f"pip cannot download it either: {last or problem.message}"
            ) from problem
        files = list(Path(temporary).iterdir())
        if len(files) != 1:
            raise FetchError(f"pip download left {len(files)} files instead of one.")
        return files[0].replace(folder / f"{files[0].name}.pip")


def _pip_version() -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version("pip"))[:2])


def _ask_pip() -> str:
    if not is_there():
        return ""
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    try:
        return run.run(argv, timeout=_CONFIG_SECONDS).output
    except ProgramFailed:  # a broken pip must not prevent use of the default index
        return ""


def _merged(config: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Options of ``pip config list``, lines like ``section.name='value'``; the strongest wins."""
    found: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in config.splitlines():
        match = re.fullmatch(r"([\w:]+)\.([\w-]+)=(['\"].*['\"])", line.strip())
        if match and match[1] in found:
            found[match[1]][match[2]] = str(ast.literal_eval(match[3]))
    for name, value in environment.items():  # pip lists them too, but may not be installed
        if name.startswith("PIP_") and value:
            found[":env:"][name.removeprefix("PIP_").lower().replace("_", "-")] = value
    merged: dict[str, str] = {}
    for section in _SECTIONS:
        merged |= found[section]
    return merged


def _as_url(index: str) -> str:
    """An index as a URL: pip takes paths too, and uv puts ``name=`` before."""
    named = re.fullmatch(r"[\w.-]+=(\w+://.*)", index)
    index = named[1] if named else index
    path = from_file_url(index)
    return index if path is None else path.absolute().as_uri()
