"""Names in constant data: what is left to recognise a library by when its symbols are stripped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_BYTES", "words_in"]

MAX_BYTES = 64 * 2**20
"""How many bytes of constant data are looked at, a binary."""

_MAX_WORDS = 20_000

# Names of functions that ggml puts into its messages (GGML_ASSERT, GGML_LOG with __func__), its shader files, and what
# it begins its messages with.
_WORD = re.compile(rb"(?:ggml[_-][A-Za-z0-9_.-]{2,60}:?|default\.metallib)")


def words_in(parts: Iterable[memoryview]) -> frozenset[str]:
    """All names of ggml's in some pieces of constant data."""
    found: set[bytes] = set()
    room = MAX_BYTES
    for part in parts:
        for match in _WORD.finditer(part[:room]):
            found.add(match[0])
            if len(found) >= _MAX_WORDS:
                break
        room -= len(part)
        if room <= 0:
            break
    return frozenset(word.decode("ascii") for word in found)
