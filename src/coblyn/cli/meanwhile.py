"""Downloads a model in the background during other slow work."""

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
    """Download a model of the catalogue while the block runs, and wait for it afterwards.

    Its progress is shown only while waiting, to avoid two bars at a time. If the block fails, the download ends with
    the process, and continues where it stopped the next time.

    Raises:
        FetchError, DiskFull: It could not be downloaded.
    """
    if entry.notice:
        print(entry.notice, file=sys.stderr)
    pulling = _Pulling(entry)
    pulling.start()
    yield
    pulling.finish()


class _Pulling(threading.Thread):
    """The download and its progress receiver."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(name=f"pull {entry.alias}", daemon=True)
        self._entry = entry
        self._report: Report = silent
        self._error: BaseException | None = None

    def run(self) -> None:
        """Download; called in the thread."""
        from coblyn.models.pull import pull

        try:
            pull(self._entry.alias, report=self._tell)
        except BaseException as error:  # noqa: BLE001 - handed to who waits
            self._error = error

    def finish(self) -> None:
        """Wait with progress, and raise an error of the download."""
        from coblyn.cli.bar import bar

        if self.is_alive():
            with bar() as self._report:
                while self.is_alive():
                    self.join(0.2)  # Ctrl-C is handled in between
        self.join()
        if self._error is not None:
            raise self._error

    def _tell(self, progress: Progress) -> None:
        self._report(progress)
