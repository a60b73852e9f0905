"""This very installation of Coblyn as a wheel, whether pip installed it or it runs from a checkout."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import coblyn
from coblyn.errors import FetchError
from coblyn.native.wheel_file import WheelEntry, write_wheel_file

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["write_own_wheel"]


def write_own_wheel(folder: Path) -> Path:
    """Write it into a directory that is there.

    Raises:
        FetchError: Coblyn is not installed, or its metadata are of another version.
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
    path = folder / f"coblyn-{coblyn.__version__}-py3-none-any.whl"
    write_wheel_file(path, [*_package(), *_info(distribution)], is_pure=True)
    return path


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
