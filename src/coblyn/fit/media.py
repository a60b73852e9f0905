"""Memory for images and sounds: the projector, and the caches."""

from __future__ import annotations

from contextlib import suppress

from coblyn.engine.beside import projector_of
from coblyn.engine.config import EngineConfig

__all__ = ["kept_media", "projector_size"]

_CACHES = 2
"""The caches of prepared and of encoded media."""


def projector_size(config: EngineConfig) -> int:
    """Size of the projector's file in bytes, which is that of its weights; 0 if there is none."""
    path = None if config.embeds else projector_of(config)
    with suppress(OSError):
        return path.stat().st_size if path else 0
    return 0


def kept_media(config: EngineConfig) -> int:
    """Size of the media caches in bytes; 0 for a model without media."""
    return _CACHES * config.media_memory * 2**20 if projector_size(config) else 0
