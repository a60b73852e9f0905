"""New model files, written under a temporary name and renamed when complete."""

from __future__ import annotations

import contextlib
import glob
import secrets
from collections.abc import Iterator
from pathlib import Path

from coblyn.errors import BadRequest, CoblynError
from coblyn.files import alone, disk_errors, put_in_place
from coblyn.progress import Progress, Report, silent

__all__ = ["new_file"]


@contextlib.contextmanager
def new_file(
    target: Path, *, what: str, source: Path | None = None, report: Report = silent
) -> Iterator[Path]:
    """Give a path to write to; after the block, its file is on disk under the target's name.

    If the block raises, or this process is interrupted, nothing is left. A kill leaves ``TARGET.….part``, which no
    program takes for a model and the next run deletes. Processes that write the same file wait for each other.

    Args:
        target: The file; an existing one is replaced. Its directory must exist.
        what: The action, as the start of a sentence.
        source: The file that it is made from, which must differ from the target.
        report: Told if another process has to be waited for.

    Raises:
        BadRequest: The target is the source, or cannot be a file.
        DiskFull: No space is left.
        CoblynError: The directory cannot be written to.
    """
    _check_target(target, source)
    waiting = Progress(what, 0, None, detail="waiting for another process that writes this file")
    # Of its own for each run: a program that this one started may outlive its kill, and go on writing.
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    with (
        disk_errors(target.parent, what=what, error=CoblynError),
        alone(target, on_wait=lambda: report(waiting)),
    ):
        for old in target.parent.glob(f"{glob.escape(target.name)}.*.part"):
            old.unlink(missing_ok=True)
        try:
            yield part
            put_in_place(part, target)
        finally:
            part.unlink(missing_ok=True)


def _check_target(target: Path, source: Path | None) -> None:
    if target.is_dir():
        raise BadRequest(f"{target} is a directory.", field="out", hint="Name the new file in it.")
    if not target.parent.is_dir():
        raise BadRequest(f"There is no directory {target.parent}.", field="out")
    if source is not None and target.exists() and target.samefile(source):
        raise BadRequest(
            f"{target} is the file that is read.", field="out", hint="Name another one with --out."
        )
