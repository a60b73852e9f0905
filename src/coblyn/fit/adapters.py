"""Memory that adapters take."""

from __future__ import annotations

from contextlib import suppress

from coblyn.engine.config import EngineConfig
from coblyn.models.adapter import AdapterSpec

__all__ = ["adapters_size"]


def adapters_size(config: EngineConfig) -> int:
    """Total size of the adapters' files in bytes, which are loaded completely.

    A missing file is reported when it is loaded.
    """
    total = 0
    for text in (*config.adapters, *config.control_vectors, *config.added_adapters):
        with suppress(OSError):
            total += AdapterSpec.of(text).path.stat().st_size
    return total
