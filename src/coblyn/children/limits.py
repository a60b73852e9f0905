"""Limits that a child sets on itself; the system kills it if it exceeds them.

The system counts processor time, since a call into C code can block the interpreter forever.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress

__all__ = ["limit_memory", "limit_seconds"]


def limit_seconds(seconds: float) -> None:
    """End this process after this much processor time; 0 for no limit."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def limit_memory(size: int) -> None:
    """Limit this process to this many bytes of address space more than it has now."""
    if sys.platform != "win32":
        import resource

        with suppress(OSError, ValueError):
            limit = _address_space() + size
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _address_space() -> int:
    import psutil

    return int(psutil.Process().memory_info().vms)
