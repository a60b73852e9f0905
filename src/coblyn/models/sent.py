"""Files that clients send so that models are made of them, named by their content until then.

``sent/sha256-HEX`` below the models directory is whole, as its name is its digest; what is still coming has another
name, and is deleted if it does not come to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import time
from pathlib import Path
from typing import Self

from coblyn import paths
from coblyn.errors import BadRequest, ModelError, NotFound
from coblyn.files import disk_errors, put_in_place, require_space
from coblyn.models.check import check_model, require_writer
from coblyn.models.digests import remember
from coblyn.models.names import plain

__all__ = ["Incoming", "adopt", "is_here", "sweep"]

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_WHAT = "Keeping a file that was sent"
_COMING = "coming-"
_FORGOTTEN = 3600.0
"""Seconds after which a file that nothing was added to will never be whole: its server was killed."""

_UNUSED = 24 * 3600.0
"""Seconds for which a whole file waits for the model that is made of it; clients make it in the next request."""


def is_here(digest: str) -> bool:
    """Whether the file of that digest was sent, and no model was made of it yet.

    Raises:
        BadRequest: It is no digest.
    """
    return _path(digest).is_file()


class Incoming:
    """A file that is coming; a context manager, which leaves nothing behind unless ``finish`` was called.

    Args:
        digest: What it claims to be: ``sha256:`` and 64 hexadecimal digits.
        size: Bytes that are announced; 0 if that is not known.

    Raises:
        BadRequest: It is no digest.
        DiskFull, ModelError: There is no room, or the directory cannot be written.
    """

    def __init__(self, digest: str, size: int = 0) -> None:
        self._target = _path(digest)
        self._digest = digest
        self._found = hashlib.sha256()
        directory = self._target.parent
        with disk_errors(directory, what=_WHAT, error=ModelError):
            directory.mkdir(parents=True, exist_ok=True)
            require_space(directory, size, what="The file that is sent")
            sweep()
            self._part = directory / f"{_COMING}{secrets.token_hex(8)}"
            self._file = self._part.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        """Add what came.

        Raises:
            DiskFull, ModelError: It cannot be written.
        """
        self._found.update(data)
        with disk_errors(self._part.parent, what=_WHAT, error=ModelError):
            self._file.write(data)

    def finish(self) -> None:
        """Keep it: all has come.

        Raises:
            BadRequest: It is not what it claims to be.
            DiskFull, ModelError: It cannot be written.
        """
        found = f"sha256:{self._found.hexdigest()}"
        if found != self._digest.replace("-", ":", 1):
            raise BadRequest(
                f"digest mismatch, expected {self._digest!r}, got {found!r}",
                hint="Send the file again.",
            )
        with disk_errors(self._part.parent, what=_WHAT, error=ModelError):
            self._file.close()
            put_in_place(self._part, self._target)


def adopt(name: str, digest: str) -> str:
    """Make a model of a file that was sent.

    Args:
        name: What the file was called where it came from.
        digest: Of the file.

    Returns:
        The model's name: the file's, and the beginning of its digest.

    Raises:
        BadRequest: It is no digest.
        NotFound: It was not sent.
        ModelError: The file is no model; it is not kept then.
    """
    source = _path(digest)
    stem = re.sub(r"[^\w.-]+", "-", plain(Path(name).name), flags=re.ASCII).strip("-.") or "model"
    model = f"{stem[:100]}-{source.name.removeprefix('sha256-')[:8]}"
    target = paths.models() / f"{model}.gguf"
    if source.is_file():
        try:
            _require_model(source)
            _move(source, target)
        except ModelError:
            if source.is_file() or not target.is_file():
                raise  # otherwise another request has made the model meanwhile
    elif not target.is_file():
        raise NotFound(f"{digest} was not sent.", hint="Send it first: POST /api/blobs/DIGEST")
    return model


def _require_model(source: Path) -> None:
    try:
        require_writer(check_model(source))
    except ModelError:
        source.unlink(missing_ok=True)
        raise


def _move(source: Path, target: Path) -> None:
    with disk_errors(target.parent, what=_WHAT, error=ModelError):
        source.replace(target)
        remember(target, source.name.removeprefix("sha256-"))


def sweep() -> None:
    """Delete files that did not come to their end, and whole ones of which no model was made."""
    # A directory that is not ours to change says so when a file comes.
    with contextlib.suppress(OSError):
        for file in (paths.models() / "sent").glob("*"):
            _forget_if_old(file)


def _forget_if_old(file: Path) -> None:
    # It came to its end meanwhile, or is a model now; or it cannot be deleted, and the others still can.
    with contextlib.suppress(OSError):
        age = time.time() - file.stat().st_mtime
        if age > (_FORGOTTEN if file.name.startswith(_COMING) else _UNUSED):
            file.unlink()


def _path(digest: str) -> Path:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise BadRequest(f"{digest[:100]!r} is not a digest: sha256: and 64 hexadecimal digits.")
    return paths.models() / "sent" / f"sha256-{match[1]}"
