"""The process of an engine: started when it is needed, or early, before anyone knows what it will load.

Knows nothing of frames, so that a command can start one before it imports anything else.
"""

from __future__ import annotations

import atexit
import sys
from subprocess import PIPE

from coblyn.llama.environment import engine_environment

__all__ = ["COMMAND", "Child", "begin", "take"]

if sys.platform == "win32":  # an event loop can wait only for such pipes there
    from asyncio.windows_utils import Popen
else:
    from subprocess import Popen

Child = Popen[bytes]
"""A process with unbuffered pipes."""

COMMAND = (sys.executable, "-m", "coblyn.engine.worker")

_early: list[Child] = []


def begin() -> None:
    """Start a process that imports what an engine needs, and waits for ``take``; unused, it ends with this one."""
    if not _early:
        _early.append(_start("early"))
        atexit.register(_discard)


def take() -> Child:
    """A process that waits for its first frame: the one that was begun early, or a new one.

    Its standard streams are unbuffered pipes. Call it on the main thread: on Linux the process ends with the thread
    that started it.
    """
    while _early:
        process = _early.pop()
        if process.poll() is None:
            return process
        _close(process)
    return _start()


def _start(*arguments: str) -> Child:
    return Popen(  # noqa: S603 - our own interpreter
        [*COMMAND, *arguments],
        bufsize=0,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env=engine_environment(),
    )


def _discard() -> None:
    while _early:
        process = _early.pop()
        process.kill()
        process.wait()
        _close(process)


def _close(process: Child) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe:
            pipe.close()
