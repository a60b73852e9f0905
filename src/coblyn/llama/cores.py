"""The default number of compute threads: the physical cores that this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import psutil

__all__ = ["count_cores", "quota", "usable_cores"]

_TOPOLOGY = Path("/sys/devices/system/cpu")
_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def usable_cores() -> int:
    """Number of physical cores available to this process, limited by its share of processor time; at least 1.

    More threads would only wait for each other: a container with two cores' time on a machine with 64 gets two.
    Affinity and control groups exist only on Linux; elsewhere this is the number of physical cores.
    """
    has_mask = hasattr(os, "sched_getaffinity")
    allowed = os.sched_getaffinity(0) if has_mask else ()
    cores = count_cores(allowed, _TOPOLOGY) if allowed else psutil.cpu_count(logical=False) or 1
    share = quota(_OWN_GROUPS, _GROUPS)
    return max(1, min(cores, math.floor(share + 0.5) if share < cores else cores))


def count_cores(logical: Collection[int], topology: Path) -> int:
    """Physical cores behind logical ones, by the lists of siblings that Linux keeps; one each where there are none."""
    return len({_siblings(number, topology) for number in logical})


def _siblings(number: int, topology: Path) -> str:
    try:
        path = topology / f"cpu{number}" / "topology" / "thread_siblings_list"
        return path.read_text("ascii").strip() or str(number)
    except (OSError, ValueError):
        return str(number)


def quota(own_groups: Path, groups: Path) -> float:
    """Cores' worth of time that control groups grant, infinite without a limit.

    Args:
        own_groups: The process's list of its groups (``/proc/self/cgroup``).
        groups: Where control groups of version 2, and the folders of those of version 1, are mounted.
    """
    try:
        lines = own_groups.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return math.inf
    return min((limit for line in lines for limit in _limits(line, groups)), default=math.inf)


def _limits(line: str, groups: Path) -> Iterator[float]:
    """Limits of the group that a line names, and of all above it. In a container only the topmost may be visible."""
    _, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if controllers and "cpu" not in controllers.split(","):
        return
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts) + 1):
        below = parts[:depth]
        if controllers:
            yield _version_1(groups.joinpath(controllers, *below))
            yield _version_1(groups.joinpath("cpu", *below))
        else:
            yield _version_2(groups.joinpath(*below))
            yield _version_2(groups.joinpath("unified", *below))


def _version_2(group: Path) -> float:
    return _share(_words(group / "cpu.max"))


def _version_1(group: Path) -> float:
    return _share([*_words(group / "cpu.cfs_quota_us"), *_words(group / "cpu.cfs_period_us")])


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except (OSError, ValueError):
        return []


def _share(words: list[str]) -> float:
    """Quota by period, both in microseconds; "max", -1 and what is not a number mean that there is no limit."""
    if len(words) != 2 or not all(word.isdigit() for word in words):
        return math.inf
    granted, period = map(int, words)
    return granted / period if granted and period else math.inf
