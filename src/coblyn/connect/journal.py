"""Changes to files that can be undone: the old text of each file and the hash of the new text are stored.

A file that was changed since is not overwritten: the error says where its old text is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from coblyn import paths
from coblyn.connect.plan import Change
from coblyn.errors import NotFound, SettingsError
from coblyn.files import disk_errors, read_text, write_whole

__all__ = ["Done", "apply", "undo"]


@dataclass(frozen=True, slots=True)
class Done:
    """A file that was changed.

    Attributes:
        path: The file.
        before: Its previous text; None if it did not exist.
        after: Hash of the written text.
    """

    path: str
    before: str | None
    after: str


def apply(name: str, changes: Sequence[Change]) -> list[Path]:
    """Change files, after recording their previous text.

    Args:
        name: Name of the program that the files belong to.
        changes: The changes; nothing is written if one of them cannot be made.

    Returns:
        The files that were changed, without those that already had the content.

    Raises:
        SettingsError: A file cannot be read, changed or written.
    """
    texts = [(change.path, _read(change.path)) for change in changes]
    wanted = [
        (path, before, _changed(change, before or ""))
        for change, (path, before) in zip(changes, texts, strict=True)
    ]
    wanted = [each for each in wanted if each[1] != each[2]]
    if not wanted:
        return []
    done = [Done(str(path), before, _hash(after)) for path, before, after in wanted]
    _write(_journal(name), json.dumps([*_entries(name), [asdict(each) for each in done]]))
    for path, _, after in wanted:
        _write(path, after)
    return [path for path, _, _ in wanted]


def undo(name: str) -> list[Path]:
    """Undo the last change of a program's files.

    Returns:
        The restored files.

    Raises:
        NotFound: Nothing was changed.
        SettingsError: A file was changed since, so all remain as they are; or one cannot be written.
    """
    entries = _entries(name)
    if not entries:
        raise NotFound(f"Nothing was written for {name}.")
    done = [Done(**each) for each in entries[-1]]
    for each in done:
        now = _read(Path(each.path))
        if now not in (None, each.before) and _hash(now or "") != each.after:
            raise SettingsError(
                f"{each.path} has been changed since, and is left as it is.",
                hint=f"Its earlier content is in {_journal(name)}.",
            )
    for each in done:
        path = Path(each.path)
        if each.before is not None:
            _write(path, each.before)
        else:
            path.unlink(missing_ok=True)
    _write(_journal(name), json.dumps(entries[:-1]))
    return [Path(each.path) for each in done]


def _changed(change: Change, before: str) -> str:
    try:
        return change.change(before)
    except SettingsError as error:
        message = f"{change.path} cannot be changed. {error.message}"
        raise SettingsError(message, hint=error.hint) from error


def _journal(name: str) -> Path:
    return paths.data() / "connect" / f"{name}.json"


def _entries(name: str) -> list[list[dict[str, Any]]]:
    text = _read(_journal(name))
    if text is None:
        return []
    try:
        entries: list[list[dict[str, Any]]] = json.loads(text)
        for entry in entries:
            for each in entry:
                Done(**each)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{_journal(name)} cannot be read: {error}.") from error
    return entries


def _read(path: Path) -> str | None:
    try:
        return read_text(path)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}.") from error


def _write(path: Path, text: str) -> None:
    # A symbolic link is kept: many users keep their settings in a repository.
    path = path.resolve()
    with disk_errors(path.parent, what="Settings", error=SettingsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
        write_whole(path, text, mode=mode)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
