"""Parses ninja's progress from its lines. Pure text."""

from __future__ import annotations

import re

__all__ = ["NinjaSteps", "ninja_step"]

_STEP = re.compile(r"\[(\d+)/(\d+)\] ?(.*)")


def ninja_step(line: str) -> tuple[int, int, str] | None:
    """Steps done, total steps and the current step, from a line that begins with ``[1/20]``."""
    found = _STEP.match(line)
    return (int(found[1]), int(found[2]), found[3]) if found else None


class NinjaSteps:
    """Decides which of ninja's lines count.

    A step may run its own ninja (Vulkan's shader compiler is built that way), whose counts are far
    smaller.
    """

    def __init__(self) -> None:
        self._most = 0

    def take(self, line: str) -> tuple[int, int, str] | None:
        """The result of `ninja_step` for a line, if the line is the outer ninja's and a step was done."""
        step = ninja_step(line)
        if step is None or step[0] == 0:
            return None
        self._most = max(self._most, step[1])
        return step if 2 * step[1] >= self._most else None
