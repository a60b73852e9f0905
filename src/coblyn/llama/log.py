"""The library's log lines, routed to Python's logging under ``coblyn.llama`` and otherwise silent.

The shim collects the lines on whatever thread they come from; they are taken over here, on ours.
"""

from __future__ import annotations

import ctypes
import logging
from collections import deque
from typing import Any

__all__ = ["LibraryLog"]

log = logging.getLogger("coblyn.llama")
log.addHandler(logging.NullHandler())

_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}
_ERROR = 4


class LibraryLog:
    """Takes the lines that wait, and remembers the last errors for a good message.

    Args:
        library: Anything with ``coblyn_log_take``.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self._buffer = ctypes.create_string_buffer(4096)
        self._errors: deque[str] = deque(maxlen=20)

    def drain(self) -> None:
        """Hand all waiting lines to Python's logging."""
        while level := self._library.coblyn_log_take(self._buffer, len(self._buffer)):
            text = self._buffer.value.decode(errors="replace")
            if level == _ERROR:
                self._errors.append(text)
            log.log(_LEVELS.get(level, logging.DEBUG), "%s", text)

    def take_errors(self) -> list[str]:
        """Error lines since the last call, oldest first."""
        self.drain()
        errors = list(self._errors)
        self._errors.clear()
        return errors
