"""Where the shaders of a Metal backend are: without them, it cannot run anything.

ggml looks for them in this order: in the library itself (section ``__ggml_metallib``, with GGML_METAL_EMBED_LIBRARY),
``default.metallib`` beside it, ``ggml-metal.metal`` beside it as text.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coblyn.native.audit.inside import Backend
    from coblyn.native.binary.binary import Binary

__all__ = ["Shaders", "metal_shaders"]

_SHADER_FILES = (
    "default.metallib",
    "ggml-metal.metal",
    "ggml-metal.metallib",
    "ggml-metal-merged.metal",
)


class Shaders(StrEnum):
    """Where Metal's shaders are."""

    EMBEDDED = "embedded"
    BESIDE = "beside"
    MISSING = "missing"
    NONE = ""
    """There is no Metal backend that would need them."""


def metal_shaders(binary: Binary, backends: Iterable[Backend]) -> Shaders:
    """Where the shaders of a library or program are; looks beside the file.

    Args:
        binary: What a linker has made; in an object, shaders come with another object.
        backends: Those that are inside.
    """
    if not binary.is_linked or not any(each.name == "metal" for each in backends):
        return Shaders.NONE
    if binary.size_of("__ggml_metallib"):
        return Shaders.EMBEDDED
    folder = binary.path.parent
    is_beside = any((folder / name).is_file() for name in _SHADER_FILES)
    return Shaders.BESIDE if is_beside else Shaders.MISSING
