"""Renders templates in processes that can be killed, a few of them, which stay warm."""

from __future__ import annotations

import atexit
import functools
import logging
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from coblyn.chat.frames import read_frame, write_frame
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, broken
from coblyn.errors import ModelBroken

__all__ = ["Renderers", "shared_renderers"]

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "coblyn.chat.child")

MAX_SECONDS = 30.0
"""Until a rendering is given up, whatever it does: on a crowded machine processor time is not all."""

_MAX_IDLE = 4


class Renderers:
    """Processes that render; one is started where none is idle. Any thread may use them.

    Args:
        command: Starts one.
        max_seconds: Until a rendering is given up.
    """

    def __init__(
        self, command: tuple[str, ...] = COMMAND, *, max_seconds: float = MAX_SECONDS
    ) -> None:
        self._command = command
        self._max_seconds = max_seconds
        self._idle: list[_Process] = []
        self._lock = threading.Lock()

    def warm_up(self) -> None:
        """Have one that is ready."""
        self.run("", {})

    def run(self, source: str, variables: Mapping[str, Any]) -> str:
        """Render a template, as ``Run`` says.

        Raises:
            TemplateRefusal: It refuses the conversation.
            ModelBroken: It is wrong, or beyond the limits.
        """
        process = self._take()
        answer = process.ask([source, variables], self._max_seconds)
        if answer is None or answer[0] == "memory":
            process.end()
            raise BeyondLimits(broken("it takes too much time or memory").message)
        self._give_back(process)
        kind, text, hint = answer
        if kind == "refused":
            raise TemplateRefusal(text)
        if kind == "limits":
            raise BeyondLimits(text)
        if kind == "broken":
            raise ModelBroken(text, hint=hint)
        return str(text)

    def close(self) -> None:
        """End all that are idle."""
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


@functools.cache
def shared_renderers() -> Renderers:
    """Those of this server; they end with it."""
    renderers = Renderers()
    atexit.register(renderers.close)
    return renderers


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

    def ask(self, request: Any, max_seconds: float) -> Any:
        """The answer; None if the process has ended, or had to be."""
        assert self._process.stdin
        assert self._process.stdout
        watch = threading.Timer(max_seconds, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            write_frame(self._process.stdin, request)
            return read_frame(self._process.stdout)
        except OSError as error:
            log.warning("a process that renders templates has ended: %s", error)
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
