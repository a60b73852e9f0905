"""Keys in the settings file, which are reread while a server runs.

The file belongs to the user: everything else in it is preserved, including comments.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coblyn.errors import NotFound, SettingsError
from coblyn.files import alone, disk_errors, read_text, write_whole
from coblyn.keys.key import ApiKey

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = ["KeysOnDisk", "add", "remove"]

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0


def add(path: Path, key: ApiKey) -> None:
    """Write a key into a settings file, which is created if missing.

    Raises:
        SettingsError: There is a key of that name, or the file cannot be read or written.
    """

    def change(document: TOMLDocument) -> None:
        import tomlkit

        entries: Any = document.setdefault("keys", tomlkit.aot())
        if any(entry.get("name") == key.name for entry in entries):
            raise SettingsError(
                f"There is a key {key.name} already.",
                hint=f"Choose another name, or remove it: coblyn key remove {key.name}",
            )
        table = tomlkit.table()
        table.update({"name": key.name, "hash": key.hash, "scope": key.scope})
        table.update({name: value for name, value in asdict(key).items() if value})
        entries.append(table)

    _change(path, change)


def remove(path: Path, name: str) -> None:
    """Remove a key from a settings file.

    Raises:
        NotFound: There is no key of that name.
        SettingsError: The file cannot be read or written.
    """

    def change(document: TOMLDocument) -> None:
        entries: Any = document.get("keys", [])
        index = next((i for i, e in enumerate(entries) if e.get("name") == name), None)
        if index is None:
            raise NotFound(f"There is no key {name}.", hint="`coblyn key list` shows all.")
        del entries[index]
        if not entries:
            del document["keys"]

    _change(path, change)


def _change(path: Path, change: Callable[[TOMLDocument], None]) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with disk_errors(path.parent, what="The settings file", error=SettingsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with alone(path, on_wait=lambda: None):
            text = read_text(path) if path.exists() else ""
            try:
                document = tomlkit.parse(text)
            except TOMLKitError as error:
                raise SettingsError(f"The settings file {path} cannot be read: {error}.") from error
            change(document)
            mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
            write_whole(path, tomlkit.dumps(document), mode=mode)


class KeysOnDisk:
    """The current keys of a settings file; a removed key is refused within a second.

    Args:
        path: The file.
        read: Reads its keys; a ``SettingsError`` keeps the previous ones.
        clock: Gives monotonic seconds.
    """

    def __init__(
        self,
        path: Path,
        read: Callable[[], tuple[ApiKey, ...]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._read = read
        self._clock = clock
        self._state = self._look()
        self._keys = read()
        self._due = clock() + _LOOK_SECONDS

    def __call__(self) -> tuple[ApiKey, ...]:
        """The keys."""
        if self._clock() >= self._due:
            self._due = self._clock() + _LOOK_SECONDS
            state = self._look()
            if state != self._state:
                self._state = state
                self._refresh()
        return self._keys

    def _refresh(self) -> None:
        try:
            self._keys = self._read()
        except SettingsError as error:
            log.warning("The keys stay as they were: %s", error)
        else:
            log.info("Keys were read again: %s.", ", ".join(key.name for key in self._keys))

    def _look(self) -> tuple[int, ...]:
        with contextlib.suppress(OSError):
            stat = self._path.stat()
            return stat.st_mtime_ns, stat.st_size, stat.st_ino
        return ()
