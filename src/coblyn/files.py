"""Reading small files, and writing files atomically: limits, disk space, renaming, and readable errors.

Knows nothing of where bytes come from or what they mean.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from coblyn.errors import CoblynError, DiskFull

__all__ = [
    "alone",
    "disk_errors",
    "existing_file",
    "expanded",
    "human_size",
    "put_in_place",
    "read_small",
    "read_text",
    "real_path",
    "require_not_full",
    "require_space",
]

SMALL = 16 * 2**20
"""Bytes that a file of settings may have."""

MARGIN = 8 * 2**20
"""Bytes that a disk keeps free beyond what is asked for, for logs and locks."""

_ABANDONED = 3600.0
"""Seconds after which a small file that is still being written belongs to a writer that was killed."""

_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}
_DISK_HINT = "Free some space, or set COBLYN_HOME to a directory on a larger disk."


def human_size(size: int) -> str:
    """Bytes as people write them, in powers of 1000: ``76.6 MB``."""
    if size < 1000:
        return f"{size} bytes"
    value = float(size)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95:
            return f"{value:.1f} {unit}"
    return f"{value / 1000:.1f} TB"


def expanded(name: str) -> Path:
    """A path whose ``~`` is the user's home; ``~nobody`` stays as it is."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def existing_file(reference: str) -> Path | None:
    """The file that a user's words name; None if there is none, or they cannot be a path."""
    try:
        path = Path(reference).expanduser()
        return path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, ~nobody
        return None


def read_small(path: Path, limit: int = SMALL) -> bytes:
    """The bytes of a file that a setting names.

    Pipes and devices are refused: they may never end, or never begin.

    Args:
        path: The file.
        limit: Maximum number of bytes.

    Raises:
        OSError: It is not a regular file, is larger, or cannot be read.
        ValueError: No file can have such a name.
    """
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(errno.EFBIG, f"more than {limit >> 20} MiB", str(path))
    return content


def read_text(path: Path, limit: int = SMALL, *, encoding: str = "utf-8") -> str:
    """The text of a file that a setting names; all ends of lines become newlines.

    Raises:
        OSError: As ``read_small``.
        ValueError: As ``read_small``, or the text is not in this encoding.
    """
    content = read_small(path, limit).decode(encoding)
    return content.replace("\r\n", "\n").replace("\r", "\n")


def _at_once(name: str, flags: int) -> int:
    """Open a file without waiting for the writer of a pipe."""
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))


def real_path(path: str | Path) -> str:
    """The file that a path leads to, through all symbolic links; it need not exist."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):  # a loop of links on Windows, a zero byte
        return str(path)


def require_space(directory: Path, need: int, *, what: str) -> None:
    """Ask for ``need`` bytes in an existing directory before anything is written.

    Raises:
        DiskFull: There is less; the message says how much is needed and how much is there.
    """
    free = shutil.disk_usage(directory).free
    if need + MARGIN > free:
        raise DiskFull(
            f"{what} needs {human_size(need)} in {directory}, where {human_size(free)} are free.",
            hint=_DISK_HINT,
        )


def require_not_full(directory: Path, *, what: str) -> None:
    """Find out whether a full disk is why something failed that says nothing of it.

    Raises:
        DiskFull: It is full, but for what is always kept free.
    """
    if shutil.disk_usage(directory).free < MARGIN:
        raise DiskFull(f"{what}: no space left in {directory}.", hint=_DISK_HINT)


@contextlib.contextmanager
def disk_errors(
    directory: Path, *, what: str, error: type[CoblynError] = CoblynError
) -> Iterator[None]:
    """Say in our own words what the operating system refuses while files are written.

    Args:
        directory: Where the files are.
        what: What is being written, as the start of a sentence.
        error: Class for everything but a full disk, such as a directory that is read-only.

    Raises:
        DiskFull: No space, or the user's quota is used up.
    """
    try:
        yield
    except ConnectionError:  # a closed pipe is no matter of the disk
        raise
    except OSError as problem:
        if problem.errno in _FULL:
            raise DiskFull(f"{what}: no space left in {directory}.", hint=_DISK_HINT) from problem
        reason = problem.strerror or str(problem)
        raise error(
            f"{what}: {problem.filename or directory} cannot be written ({reason}).",
            hint="Check the directory's permissions, or set COBLYN_HOME to another directory.",
        ) from problem


@contextlib.contextmanager
def alone(target: Path, *, on_wait: Callable[[], None]) -> Iterator[None]:
    """Let one process at a time make the file ``target``; its directory must be there.

    Args:
        target: The file; the lock is ``<target>.lock`` beside it.
        on_wait: Called if another process has to be waited for.
    """
    from filelock import FileLock, Timeout

    path = target.with_name(target.name + ".lock")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        on_wait()
        lock.acquire(poll_interval=0.1)
    try:
        yield
    finally:
        # Where a part is left, others may be about to go on with it under the same lock.
        is_over = not target.with_name(target.name + ".part").exists()
        if os.name == "nt":  # which deletes no file that is open, here or by others
            lock.release()
        if is_over:
            # A lock that is deleted after its release could be held by two: by its old file, and by a new one.
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        lock.release()


def put_in_place(part: Path, target: Path) -> None:
    """Give a finished file its name in one step, after its bytes are on the disk.

    Both are in the same directory; a file that is at ``target`` is replaced.
    """
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    part.replace(target)
    if os.name == "posix":  # Windows cannot open directories, and needs no such step
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _forget_parts(path: Path) -> None:
    """Delete what writers left that were killed."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _ABANDONED:
                part.unlink()


def write_whole(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a small file that is there whole, old or new, whatever happens meanwhile; nothing else is left.

    Args:
        path: The file; its directory must be there.
        text: All that is to be in it.
        mode: Its permissions; None for the user's usual ones.

    Raises:
        OSError: It cannot be written.
    """
    # Of its own for each writer: two at once must not write into one file.
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.unlink(missing_ok=True)
        _forget_parts(path)
        access = os.O_CREAT | os.O_WRONLY | os.O_EXCL
        with os.fdopen(os.open(part, access, 0o666 if mode is None else mode), "wb") as file:
            file.write(text.encode())
        put_in_place(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
