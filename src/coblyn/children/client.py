"""A pool of warm child processes of one kind."""

from __future__ import annotations

import logging
import subprocess
import threading
from contextlib import suppress

from coblyn.children.blocks import read_block, write_block

__all__ = ["Children"]

log = logging.getLogger(__name__)

_MAX_IDLE = 4


class Children:
    """A pool of processes, extended when none is idle. Any thread may use it.

    Args:
        command: Starts one. It reads blocks from its standard input, and writes an answer to each.
        max_seconds: Seconds after which a question is abandoned, whatever the child does.
    """

    def __init__(self, command: tuple[str, ...], *, max_seconds: float) -> None:
        self._command = command
        self._max_seconds = max_seconds
        self._idle: list[_Process] = []
        self._lock = threading.Lock()

    def ask(self, question: bytes) -> bytes | None:
        """The answer; None if the child has ended or was killed."""
        process = self._take()
        answer = process.ask(question, self._max_seconds)
        if answer is None:
            process.end()
        else:
            self._give_back(process)
        return answer

    def close(self) -> None:
        """End all idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _take(self) -> _Process:
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.is_alive:
                    return process
                process.end()
        return _Process(self._command)

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            if len(self._idle) < _MAX_IDLE:
                self._idle.append(process)
                return
        process.end()


class _Process:
    def __init__(self, command: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, question: bytes, max_seconds: float) -> bytes | None:
        """The answer; None if the process has ended or was killed."""
        assert self._process.stdin
        assert self._process.stdout
        watch = threading.Timer(max_seconds, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            write_block(self._process.stdin, question)
            return read_block(self._process.stdout)
        except OSError as error:
            log.warning("a process that was asked something has ended: %s", error)
            return None
        finally:
            watch.cancel()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            with suppress(OSError):
                stream.close()
