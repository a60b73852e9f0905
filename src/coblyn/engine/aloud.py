"""Loading in a process that may crash: the library's log is passed on at once, before a crash can lose it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from coblyn.engine.config import EngineConfig
from coblyn.llama.library import open_library

__all__ = ["load_aloud"]

T = TypeVar("T")


def load_aloud(config: EngineConfig, load: Callable[[], T]) -> T:
    """Load with the library's log on standard error and with the crash handler installed.

    Args:
        config: The configuration, which names the bundle.
        load: Called to load.
    """
    library = open_library(Path(config.library))
    library.coblyn_crash_install()
    with library.log.listening(_say):
        return load()


def _say(line: str) -> None:
    os.write(2, f"{line}\n".encode(errors="replace"))
