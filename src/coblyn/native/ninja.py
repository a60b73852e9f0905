"""Ninja's progress out of its lines. Pure text."""

from __future__ import annotations

import re

__all__ = ["NinjaSteps", "ninja_step"]

_STEP = re.compile(r"\[(\d+)/(\d+)\] ?(.*)")


def ninja_step(line: str) -> tuple[int, int, str] | None:
    """Steps done, steps in all and what is done, from a line that begins with ``[1/20]``."""
    found = _STEP.match(line)
    return (int(found[1]), int(found[2]), found[3]) if found else None


class NinjaSteps:
    """Which of ninja's lines count.

    A step may run a ninja of its own (Vulkan's shader compiler is built so), whose counts are far
    smaller.
    """

    def __init__(self) -> None:
        self._most = 0

    def take(self, line: str) -> tuple[int, int, str] | None:
        """What `ninja_step` says of a line, if it is the outer ninja's and something was done."""
        step = ninja_step(line)
        if step is None or step[0] == 0:
            return None
        self._most = max(self._most, step[1])
        return step if 2 * step[1] >= self._most else None
