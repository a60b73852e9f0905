"""The process that renders templates. It ends with its standard input, and is ended by the system beyond its limits.

Processor time is counted by the system, since one call of Python's own code can hold the interpreter for ever.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from typing import IO, Any

from coblyn.chat import sandbox
from coblyn.chat.frames import read_frame, write_frame
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, run_here
from coblyn.errors import ModelBroken

__all__ = ["main"]

_MAX_MEMORY = 1 << 30
"""Bytes of address space that a rendering may take."""

_SPARE_SECONDS = 1.0
"""The sandbox looks at the clock itself and can say more than a signal; so it comes first."""


def main() -> None:
    """Render what comes, until no more does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit_memory()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (request := read_frame(requests)) is not None:
        source, variables = request
        _limit_seconds(sandbox.MAX_SECONDS + _SPARE_SECONDS)
        answer = _answer(source, variables)
        _limit_seconds(0.0)
        _send(answers, answer)


def _answer(source: str, variables: dict[str, Any]) -> tuple[str, str, str]:
    try:
        return "text", run_here(source, variables), ""
    except TemplateRefusal as error:
        return "refused", str(error), ""
    except BeyondLimits as error:
        return "limits", error.message, ""
    except ModelBroken as error:
        return "broken", error.message, error.hint
    except MemoryError:
        return "memory", "", ""


def _send(answers: IO[bytes], answer: tuple[str, str, str]) -> None:
    try:
        write_frame(answers, answer)
    except BrokenPipeError:
        sys.exit(0)


def _limit_seconds(seconds: float) -> None:
    """End this process after so much processor time; 0 for never."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit_memory() -> None:
    if sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            used = _address_space()
            resource.setrlimit(resource.RLIMIT_AS, (used + _MAX_MEMORY, used + _MAX_MEMORY))


def _address_space() -> int:
    import psutil

    return int(psutil.Process().memory_info().vms)


if __name__ == "__main__":
    main()
