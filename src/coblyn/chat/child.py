"""The process that renders templates. It ends when its standard input ends, or when it exceeds the system's limits."""

from __future__ import annotations

import json
import signal
import sys
from typing import IO, Any

from coblyn.chat import sandbox
from coblyn.chat.refusal import TemplateRefusal
from coblyn.chat.renderer import BeyondLimits, run_here
from coblyn.children.blocks import read_block, write_block
from coblyn.children.limits import limit_memory, limit_seconds
from coblyn.errors import ModelBroken

__all__ = ["main"]

_MAX_MEMORY = 1 << 30
"""Maximum address space of a rendering in bytes."""

_SPARE_SECONDS = 1.0
"""Longer than the sandbox's own limit, whose error says more than a signal."""


def main() -> None:
    """Render requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    limit_memory(_MAX_MEMORY)
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while (request := read_block(requests)) is not None:
        source, variables = json.loads(request)
        limit_seconds(sandbox.MAX_SECONDS + _SPARE_SECONDS)
        answer = _answer(source, variables)
        limit_seconds(0.0)
        _send(answers, answer)
        if answer[0] == "memory":
            return


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
        write_block(answers, json.dumps(answer).encode())
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
