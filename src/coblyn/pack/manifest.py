"""The manifest of a pack with digests, and its verification."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from coblyn.errors import FetchError
from coblyn.fetch.download import sha256_of
from coblyn.files import human_size
from coblyn.progress import Progress, Report, silent

__all__ = ["FILE_NAME", "SUMS", "Manifest", "PackedFile", "check", "files_of", "write_manifest"]

FILE_NAME = "manifest.json"
SUMS = "SHA256SUMS"
"""The same digests as ``sha256sum -c`` reads them."""

_FORMAT = 1
_PHASE = "Checking the pack"


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file of a pack: its path in the pack, its size in bytes, and its hex SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a pack.

    Attributes:
        coblyn: Version of Coblyn.
        llama: Version of llama.cpp.
        created: ISO 8601 in UTC.
        backend: Its backend; "auto" lets the machine choose.
        python: Version of Python that its packages are for, "3.11".
        platforms: Platform tags that its packages are for; those of the machine that made it if empty.
        extras: Included optional dependencies of Coblyn.
        models: Names of the models in it.
        files: All files but the manifest itself and the file of sums.
        format: Version of this format.
    """

    coblyn: str
    llama: str
    created: str
    backend: str
    python: str
    platforms: tuple[str, ...]
    extras: tuple[str, ...]
    models: tuple[str, ...]
    files: tuple[PackedFile, ...]
    format: int = _FORMAT

    @property
    def size(self) -> int:
        """Total size of all files in bytes."""
        return sum(file.size for file in self.files)


def files_of(folder: Path, *, report: Report = silent) -> tuple[PackedFile, ...]:
    """All files in a directory tree, by path, without manifest and checksums."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in found}
    files: list[PackedFile] = []
    for name, path in names.items():
        if name not in (FILE_NAME, SUMS):
            report(Progress(_PHASE, len(files), None, detail=name))
            files.append(PackedFile(name, path.stat().st_size, sha256_of(path)))
    return tuple(files)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and the checksums, which completes the pack."""
    sums = "".join(f"{file.sha256}  {file.name}\n" for file in manifest.files)
    (folder / SUMS).write_text(sums, "utf-8", newline="\n")
    text = json.dumps(asdict(manifest), indent=2)
    (folder / FILE_NAME).write_text(text + "\n", "utf-8", newline="\n")


def check(folder: Path, *, report: Report = silent) -> Manifest:
    """Compare every file with the manifest.

    Raises:
        FetchError: It is not a pack, or files are missing or damaged; the message names them.
    """
    manifest = _read(folder)
    wrong = []
    for number, file in enumerate(manifest.files):
        report(Progress(_PHASE, number, len(manifest.files), detail=file.name))
        if not _is_whole(folder / file.name, file):
            wrong.append(file.name)
    if wrong:
        names = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise FetchError(
            f"The pack {folder} is damaged: {names}.",
            hint=f"Copy it again ({human_size(manifest.size)}), or make it again with coblyn pack.",
        )
    return manifest


def _read(folder: Path) -> Manifest:
    try:
        raw = json.loads((folder / FILE_NAME).read_text("utf-8"))
        raw["files"] = tuple(PackedFile(**file) for file in raw["files"])
        return Manifest(
            **raw | {name: tuple(raw[name]) for name in ("platforms", "extras", "models")}
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise FetchError(
            f"{folder} is not a pack, or was not finished: {FILE_NAME} cannot be read ({error}).",
            hint="Make one: coblyn pack DIR",
        ) from error


def _is_whole(path: Path, file: PackedFile) -> bool:
    try:
        return path.stat().st_size == file.size and sha256_of(path) == file.sha256
    except OSError:
        return False
