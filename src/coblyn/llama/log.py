"""The library's log lines, routed to Python's logging under ``coblyn.llama`` and otherwise silent.

The shim collects the lines on any thread, and they are read here on the caller's thread. Only a process that may crash
listens directly.
"""

from __future__ import annotations

import ctypes
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from coblyn.llama import bindings

__all__ = ["LibraryLog"]

log = logging.getLogger("coblyn.llama")
log.addHandler(logging.NullHandler())

_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.WARNING, 4: logging.ERROR}
_ERROR = 4
_CONTINUES = 5
"""``GGML_LOG_LEVEL_CONT``: the text goes on where the last one ended."""


class LibraryLog:
    """Reads waiting lines, and keeps the last errors for messages.

    Args:
        library: Anything with ``coblyn_log_take``.
    """

    def __init__(self, library: Any) -> None:
        self._library = library
        self._buffer = ctypes.create_string_buffer(4096)
        self._errors: deque[str] = deque(maxlen=20)
        self._lines: deque[str] = deque(maxlen=2000)
        self._callback: Any = None
        self._is_listening = self._hears_media = False
        self._turn = threading.RLock()

    def drain(self) -> None:
        """Hand all waiting lines to Python's logging."""
        with self._turn:
            while level := self._library.coblyn_log_take(self._buffer, len(self._buffer)):
                text = self._buffer.value.decode(errors="replace")
                self._keep(level, text)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Drop earlier lines and errors, and keep other threads from reading lines written within the block.

        The library has a single log, so concurrent loads would otherwise read each other's lines.
        """
        with self._turn:
            self.take_lines()
            self.take_errors()
            yield

    def listen(self, hear: Callable[[str], object]) -> None:
        """From now on pass on every line when it is written, on its thread.

        Nothing is lost if the library ends the process, but each line costs a call into Python.
        """
        mutex, open_line, open_level = threading.Lock(), "", 0

        def receive(level: int, text: bytes, _: object) -> None:
            nonlocal open_line, open_level
            with mutex:
                if level != _CONTINUES:
                    open_level = level
                *lines, open_line = (open_line + text.decode(errors="replace")).split("\n")
                for line in filter(None, lines):
                    hear(line)
                    self._keep(open_level, line)

        self._callback = bindings.ggml_log_callback(receive)
        self._is_listening = True
        self._library.llama_log_set(self._callback, None)
        self._route_media()

    @contextmanager
    def listening(self, hear: Callable[[str], object]) -> Iterator[None]:
        """``listen`` for the block only; from then on the shim collects the lines again."""
        self.listen(hear)
        try:
            yield
        finally:
            self._is_listening = False
            self._library.coblyn_log_install()
            self._route_media()

    def hear_media(self) -> None:
        """From now on take the lines of libmtmd too, which has a log of its own."""
        self._hears_media = True
        self._route_media()

    def _route_media(self) -> None:
        if not self._hears_media:
            return
        receiver = self._callback
        if not self._is_listening:
            receiver = bindings.ggml_log_callback(self._library.coblyn_log_receiver())
        self._library.mtmd_helper_log_set(receiver, None)

    def take_lines(self) -> list[str]:
        """All lines since the last call, oldest first, but at most the last 2000."""
        with self._turn:
            self.drain()
            lines = list(self._lines)
            self._lines.clear()
            return lines

    def take_errors(self) -> list[str]:
        """Error lines since the last call, oldest first."""
        with self._turn:
            self.drain()
            errors = list(self._errors)
            self._errors.clear()
            return errors

    def _keep(self, level: int, text: str) -> None:
        self._lines.append(text)
        if level == _ERROR:
            self._errors.append(text)
        log.log(_LEVELS.get(level, logging.DEBUG), "%s", text)
