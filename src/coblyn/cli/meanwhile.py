"""Fetching a model in the background while something else takes its time."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coblyn.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.models.catalogue import Entry
    from coblyn.progress import Progress, Report

__all__ = ["pulled_meanwhile"]


@contextmanager
def pulled_meanwhile(entry: Entry) -> Iterator[None]:
    """Pull a model of the catalogue while the block runs, and wait for it behind the block.

    Progress is shown from then on: two bars at a time tell less than one. If the block fails, the pull ends with the
    process, and goes on where it stopped the next time.

    Raises:
        FetchError, DiskFull: It could not be pulled.
    """
    if entry.notice:
        print(entry.notice, file=sys.stderr)
    pulling = _Pulling(entry)
    pulling.start()
    yield
    pulling.finish()


class _Pulling(threading.Thread):
    """The pull, and who watches it."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(name=f"pull {entry.alias}", daemon=True)
        self._entry = entry
        self._report: Report = silent
        self._error: BaseException | None = None

    def run(self) -> None:
        """Pull; called in the thread."""
        from coblyn.models.pull import pull

        try:
            pull(self._entry.alias, report=self._tell)
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            self._error = error

    def finish(self) -> None:
        """Wait, with progress, and raise what went wrong."""
        from coblyn.cli.bar import bar

        if self.is_alive():
            with bar() as self._report:
                while self.is_alive():
                    self.join(0.2)  # Ctrl-C is heard in between
        self.join()
        if self._error is not None:
            raise self._error

    def _tell(self, progress: Progress) -> None:
        self._report(progress)
