"""What images and sounds take beside a model: its projector, and what is kept of them."""

from __future__ import annotations

from contextlib import suppress

from coblyn.engine.beside import projector_of
from coblyn.engine.config import EngineConfig

__all__ = ["kept_media", "projector_size"]

_CACHES = 2
"""One of what is prepared, and one of what is encoded."""


def projector_size(config: EngineConfig) -> int:
    """Bytes of the projector's file, which are its weights; 0 if there is none."""
    path = None if config.embeds else projector_of(config)
    with suppress(OSError):
        return path.stat().st_size if path else 0
    return 0


def kept_media(config: EngineConfig) -> int:
    """Bytes that keep images and sounds; 0 for a model that takes none."""
    return _CACHES * config.media_memory * 2**20 if projector_size(config) else 0
