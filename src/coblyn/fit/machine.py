"""Main memory available to this process: the system's free memory within the limits of its control groups.

Swap does not count, since a swapped model is unusably slow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from coblyn.fit.need import MAIN, Space

__all__ = ["main_memory"]

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


@dataclass(frozen=True, slots=True)
class _Files:
    """The files of a version of control groups.

    Attributes:
        limits: Files with a limit in bytes; the smallest counts.
        used: File with the bytes that are in use.
        reclaimable: Entries of ``memory.stat`` that the system can reclaim.
    """

    limits: tuple[str, ...]
    used: str
    reclaimable: tuple[str, ...]


# Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux.
_VERSION_2 = _Files(
    ("memory.max", "memory.high"),
    "memory.current",
    ("active_file", "inactive_file", "slab_reclaimable"),
)
_VERSION_1 = _Files(
    ("memory.limit_in_bytes",),
    "memory.usage_in_bytes",
    ("total_active_file", "total_inactive_file"),
)


def main_memory(own_groups: Path = _OWN_GROUPS, groups: Path = _GROUPS) -> Space:
    """Available main memory, without swap.

    Args:
        own_groups: The process's list of its groups (``/proc/self/cgroup``); there is none but on Linux.
        groups: Where control groups of version 2, and the folders of those of version 1, are mounted.
    """
    memory = psutil.virtual_memory()
    free, total = int(memory.available), int(memory.total)
    for limit, used in _limits(own_groups, groups):
        free, total = min(free, max(0, limit - used)), min(total, limit)
    return Space(MAIN, free, total, "main memory")


def _limits(own_groups: Path, groups: Path) -> Iterator[tuple[int, int]]:
    """Limit and use, without reclaimable memory, of each limited group of this process."""
    for directory, files in _directories(own_groups, groups):
        limit = min((n for n in map(_number, _paths(directory, files.limits)) if n), default=0)
        if limit:
            used = _number(directory / files.used)
            yield limit, max(0, used - _reclaimable(directory / "memory.stat", files.reclaimable))


def _paths(directory: Path, names: tuple[str, ...]) -> Iterator[Path]:
    return (directory / name for name in names)


def _directories(own_groups: Path, groups: Path) -> Iterator[tuple[Path, _Files]]:
    """The group that each line names and all above it; in a container only the topmost may be visible."""
    for line in _text(own_groups).splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        parts = [part for part in path.split("/") if part not in ("", "..")]
        files, roots = (
            (_VERSION_1, (groups / controllers, groups / "memory"))
            if controllers
            else (_VERSION_2, (groups, groups / "unified"))
        )
        for root in dict.fromkeys(roots):
            for depth in range(len(parts) + 1):
                yield root.joinpath(*parts[:depth]), files


def _reclaimable(path: Path, names: tuple[str, ...]) -> int:
    entries = (line.partition(" ") for line in _text(path).splitlines())
    return sum(int(value) for name, _, value in entries if name in names and value.isdecimal())


def _number(path: Path) -> int:
    """A number of bytes; 0 where there is none, as in "max"."""
    text = _text(path).strip()
    return int(text) if text.isdecimal() else 0


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace")
    except OSError:
        return ""
