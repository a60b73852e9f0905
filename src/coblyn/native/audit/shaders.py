"""Finds the shaders of a Metal backend: without them, it cannot run anything.

ggml searches in this order: in the library itself (section ``__ggml_metallib``, with GGML_METAL_EMBED_LIBRARY),
``default.metallib`` next to it, ``ggml-metal.metal`` next to it as text.
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
    """Location of Metal's shaders."""

    EMBEDDED = "embedded"
    BESIDE = "beside"
    MISSING = "missing"
    NONE = ""
    """There is no Metal backend that would need them."""


def metal_shaders(binary: Binary, backends: Iterable[Backend]) -> Shaders:
    """Location of the shaders of a library or program; also searches the directory of the file.

    Args:
        binary: A linked binary; the shaders of an object come with another object.
        backends: The backends that it contains.
    """
    if not binary.is_linked or not any(each.name == "metal" for each in backends):
        return Shaders.NONE
    if binary.size_of("__ggml_metallib"):
        return Shaders.EMBEDDED
    folder = binary.path.parent
    is_beside = any((folder / name).is_file() for name in _SHADER_FILES)
    return Shaders.BESIDE if is_beside else Shaders.MISSING
