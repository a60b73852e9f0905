"""What is known of files: where they came from, and the digests that these places named.

A model consists of its files in the models directory only; this record is optional and may be deleted.
"""

from __future__ import annotations

import json
from pathlib import Path

from coblyn import paths
from coblyn.files import alone, write_whole

__all__ = ["expected", "holder", "origin", "remember"]


_NOTHING = {"sha256": "", "from": ""}


def expected(path: Path) -> str:
    """The SHA-256 that the source stated for a file in the models directory; empty if unknown."""
    return _read().get(_name(path), _NOTHING)["sha256"]


def origin(path: Path) -> str:
    """The address from which a file below the models directory came; empty if that is not known."""
    return _read().get(_name(path), _NOTHING)["from"]


def holder(sha256: str, size: int | None) -> Path | None:
    """A file in the models directory that was stated to have that digest; whether it still has is not checked.

    Args:
        sha256: The digest; nothing has an empty one.
        size: Its size in bytes; None if unknown.
    """
    names = [name for name, each in _read().items() if sha256 and each["sha256"] == sha256.lower()]
    files = [paths.models() / name for name in names]
    return next(
        (each for each in files if each.is_file() and size in (None, each.stat().st_size)), None
    )


def remember(path: Path, sha256: str, source: str = "") -> None:
    """Keep what a file's digest is and where it came from, for as long as it is there.

    Args:
        path: The file.
        sha256: Its digest; empty if nobody said.
        source: An address without a login.

    Raises:
        OSError: It cannot be written.
    """
    memory = _memory()
    memory.parent.mkdir(parents=True, exist_ok=True)
    with alone(memory, on_wait=lambda: None):
        known = {name: each for name, each in _read().items() if (paths.models() / name).is_file()}
        known[_name(path)] = {"sha256": sha256.lower(), "from": source}
        write_whole(memory, json.dumps(known, indent=1, sort_keys=True) + "\n")


def _memory() -> Path:
    return paths.models().with_name("digests.json")


def _read() -> dict[str, dict[str, str]]:
    try:
        known = json.loads(_memory().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        {str(name): _entry(each) for name, each in known.items()} if isinstance(known, dict) else {}
    )


def _entry(value: object) -> dict[str, str]:
    """An entry, which was the digest alone in earlier versions."""
    if isinstance(value, dict):
        return {key: str(value.get(key, "")) for key in _NOTHING}
    return {**_NOTHING, "sha256": str(value)}


def _name(path: Path) -> str:
    try:
        return path.absolute().relative_to(paths.models().absolute()).as_posix()
    except ValueError:
        return path.absolute().as_posix()
