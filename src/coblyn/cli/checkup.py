"""``coblyn doctor MODEL.gguf``: faults of a model's file, and their corrections beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.cli.text import shown

if TYPE_CHECKING:
    from coblyn.checkup.examine import Checkup
    from coblyn.checkup.finding import Finding

__all__ = ["examine_file", "model_among"]

_WEIGHTS = {"grave": "error", "light": "warning", "note": "note"}


def model_among(names: list[str]) -> Path | None:
    """The model's file if the argument is a GGUF file or the name of a local model."""
    from coblyn.files import existing_file
    from coblyn.models.names import stored_file

    if len(names) != 1:
        return None
    path = existing_file(names[0])
    if path is None:
        try:
            return None if Path(names[0]).exists() else stored_file(names[0])
        except OSError:  # too long for a name; the doctor of other files refuses it
            return None
    with path.open("rb") as file:
        is_model = file.read(4) == b"GGUF" or path.suffix.lower() == ".gguf"
    return path if is_model else None


def examine_file(path: Path, *, deep: bool, fix: bool, as_json: bool) -> bool:
    """Check a model's file and show the findings. Gives whether there is no fault.

    Args:
        path: The file.
        deep: Whether to check every weight.
        fix: Whether to write corrections beside it.
        as_json: Whether to print JSON.

    Raises:
        CoblynError: The file cannot be read, or the corrections cannot be written.
    """
    import json

    from coblyn.checkup.examine import examine, set_right
    from coblyn.cli.bar import bar, later

    with bar() as report:
        checkup = examine(path, deep=deep, report=later(report))
    written = set_right(checkup) if fix and checkup.can_fix else None
    if as_json:
        print(json.dumps(checkup.to_json() | {"written": str(written or "")}, indent=2))
    else:
        print(shown("\n".join(_lines(checkup, written, fixes=fix))))
    return checkup.is_sound


def _lines(checkup: Checkup, written: Path | None, *, fixes: bool) -> Iterator[str]:
    for name in checkup.overrides.names:
        yield f"set right beside the file: {name}"
    for each in checkup.findings:
        yield from _finding(each)
    if not checkup.findings:
        yield f"{checkup.path.name}: nothing is wrong."
    if written:
        yield f"Written: {written}. It counts whenever the model is loaded; delete it to take it back."
    elif checkup.can_fix:
        yield f"Set that right beside the file, which stays as it is: coblyn doctor {checkup.path} --fix"
    elif fixes:
        yield "Nothing was written: there is nothing that can be set right beside the file."


def _finding(each: Finding) -> Iterator[str]:
    yield f"{_WEIGHTS[each.weight]}: {each.cause} [{each.id}]"
    yield f"  {each.consequence}"
    if each.fix:
        yield f"  fix: {each.fix}"
