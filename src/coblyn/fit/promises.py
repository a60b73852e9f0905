"""Memory that engines will still take: pages of a context are allocated only when they are first written."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

import psutil

from coblyn.engine.config import EngineConfig
from coblyn.errors import CoblynError
from coblyn.fit.estimate import SHARE_OF_MEMORY, estimate
from coblyn.fit.header import facts_of, headers_of
from coblyn.fit.ladder import wished
from coblyn.fit.need import MAIN

__all__ = ["promised", "taken"]


def promised(engines: Iterable[tuple[EngineConfig, int]]) -> int:
    """Approximate number of bytes of main memory that engines may still take.

    Args:
        engines: The configuration of each and the id of its process; 0 while it has none.
    """
    total = 0
    for config, pid in engines:
        # An engine that has ended, or whose file cannot be read, takes nothing more.
        with suppress(CoblynError, OSError, psutil.Error):
            if pid and config.library:
                total += max(0, _held(config) - _taken(pid))
    return total


def taken(pids: Iterable[int]) -> int:
    """Bytes of main memory that come free when processes end; 0 stands for none, and one that is gone has none."""
    total = 0
    for pid in pids:
        with suppress(OSError, psutil.Error):
            total += _taken(pid) if pid else 0
    return total


def _held(config: EngineConfig) -> int:
    headers = headers_of(config)
    wish = wished(config, facts_of(config, headers))
    need = estimate(wish, headers).on(MAIN)
    is_large = need.cache > psutil.virtual_memory().total // SHARE_OF_MEMORY
    if wish.shared_cells is None and is_large:
        need = estimate(replace(wish, shared_cells=True), headers).on(MAIN)
    return need.held


def _taken(pid: int) -> int:
    """Anonymous memory of a process in bytes."""
    memory = psutil.Process(pid).memory_info()
    return int(memory.rss) - int(getattr(memory, "shared", 0))
