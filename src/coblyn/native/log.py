"""What went wrong in a build, found in its log. Pure text; knows no files and no processes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LogError", "NinjaSteps", "first_error", "ninja_step"]

_CONTEXT = 8
_STEP = re.compile(r"\[(\d+)/(\d+)\] ?(.*)")

# In the order of how much each explains: a full disk or memory breaks whatever compiler comes next,
# and a compiler's own message says more than the linker's or ninja's.
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "disk",
        re.compile(
            r"No space left on device|Disk quota exceeded|not enough space on the disk",
            re.IGNORECASE,
        ),
    ),
    (
        "memory",
        re.compile(
            r"Killed signal terminated program|out of memory|virtual memory exhausted"
            r"|unable to execute command: Killed|C1060|std::bad_alloc"
        ),
    ),
    ("cmake", re.compile(r"^CMake Error")),
    (
        "compiler",
        re.compile(
            r"^.+?:\d+(?::\d+)?: (?:fatal )?error\b|^.+?\(\d+(?:,\d+)?\)\s?: (?:fatal )?error\b"
            r"|internal compiler error|^error: |^nvcc fatal|^cl : .*error"
            r"|^(?:\S*/)?(?:cc1plus|cc1|g?cc|[gc]\+\+|clang\S*|nvcc|ptxas\s*|zig): "
            r"(?:fatal )?error\b"
        ),
    ),
    (
        "linker",
        re.compile(
            r"undefined reference to|multiple definition of|Undefined symbols for architecture"
            r"|duplicate symbol|LNK\d{4}|^collect2: "
            r"|^(?:\S*/)?(?:ld|ld\.\w+|lld|lld-link|ld64\.lld): (?!warning)"
        ),
    ),
    ("ninja", re.compile(r"^ninja: (?:error|fatal)|^FAILED: ")),
)


@dataclass(frozen=True, slots=True)
class LogError:
    """The first error in a log.

    Attributes:
        kind: "disk", "memory", "cmake", "compiler", "linker", "ninja" or "unknown".
        lines: The line that says it, and what belongs to it.
    """

    kind: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def first_error(lines: Sequence[str]) -> LogError:
    """Find the first real error of the kind that explains most; the last lines if none is known."""
    for kind, pattern in _KINDS:
        for number, line in enumerate(lines):
            if pattern.search(line):
                return LogError(kind, _with_context(lines, number, kind))
    return LogError("unknown", tuple(line for line in lines if line.strip())[-_CONTEXT:])


def ninja_step(line: str) -> tuple[int, int, str] | None:
    """Steps done, steps in all and what is done, from a line that begins with ``[1/20]``."""
    found = _STEP.match(line)
    return (int(found[1]), int(found[2]), found[3]) if found else None


class NinjaSteps:
    """Ninja's progress out of its lines.

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


def _with_context(lines: Sequence[str], number: int, kind: str) -> tuple[str, ...]:
    block = [lines[number].rstrip()]
    # Ninja shows the command, often thousands of letters, before what it wrote.
    start = number + (2 if block[0].startswith("FAILED: ") else 1)
    for line in lines[start : start + _CONTEXT]:
        if ninja_step(line) or line.startswith(("FAILED: ", "ninja: ", "$ ", "# ")):
            break
        # A block of CMake's is indented and may have an empty line after its head; of what an
        # unknown program wrote, nothing is known.
        if not line.strip() and kind != "ninja" and (kind != "cmake" or len(block) > 2):
            break
        block.append(line.rstrip())
    return tuple(line for line in block if line)
