"""Writes this installation of Coblyn as a wheel, whether pip installed it or it runs from a checkout."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import coblyn
from coblyn.errors import FetchError
from coblyn.native.wheel_file import WheelEntry, write_wheel_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["write_own_wheel"]

_PROJECT = Path(coblyn.__file__).parents[2] / "pyproject.toml"
"""The checkout's pyproject.toml; missing if pip installed the package."""


def write_own_wheel(folder: Path) -> Path:
    """Write it into an existing directory.

    Raises:
        FetchError: Coblyn is not installed, or its metadata is older than the running code.
    """
    try:
        distribution = metadata.distribution("coblyn")
    except metadata.PackageNotFoundError:
        distribution = None
    if distribution is None or distribution.version != coblyn.__version__:
        raise FetchError(
            f"Coblyn {coblyn.__version__} runs, but it is not what is installed.",
            hint="Install it: pip install .",
        )
    missing = _missing(distribution)
    if missing:
        raise FetchError(
            f"Coblyn was installed from this checkout before it needed {', '.join(missing)}.",
            hint="Install it again: pip install -e .",
        )
    path = folder / f"coblyn-{coblyn.__version__}-py3-none-any.whl"
    write_wheel_file(path, [*_package(), *_info(distribution)], is_pure=True)
    return path


def _missing(distribution: metadata.Distribution) -> list[str]:
    """Dependencies of the checkout that are missing in the metadata of its installation."""
    try:
        project = tomllib.loads(_PROJECT.read_text("utf-8"))["project"]
    except (OSError, ValueError, KeyError):
        return []
    if project.get("name") != "coblyn":
        return []
    known = {_name(text) for text in distribution.requires or ()}
    return [_words(text) for text in project.get("dependencies", ()) if _name(text) not in known]


def _name(requirement: str) -> str:
    """The package's normalized name."""
    return re.sub(r"[-_.]+", "-", _words(requirement)).lower()


def _words(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]


def _package() -> Iterator[WheelEntry]:
    root = Path(coblyn.__file__).parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield WheelEntry(path.relative_to(root.parent).as_posix(), path.read_bytes())


def _info(distribution: metadata.Distribution) -> Iterator[WheelEntry]:
    folder = f"coblyn-{coblyn.__version__}.dist-info"
    for name in ("METADATA", "entry_points.txt", "licenses/LICENSE"):
        text = distribution.read_text(name)
        if text:
            yield WheelEntry(f"{folder}/{name}", text.encode())
