"""Names in constant data: the only way to recognise a library whose symbols are stripped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_BYTES", "words_in"]

MAX_BYTES = 64 * 2**20
"""Maximum number of bytes of constant data examined per binary."""

_MAX_WORDS = 20_000

# Names of functions that ggml puts into its messages (GGML_ASSERT, GGML_LOG with __func__), its shader files, and the
# prefixes of its messages.
_WORD = re.compile(rb"(?:ggml[_-][A-Za-z0-9_.-]{2,60}:?|default\.metallib)")


def words_in(parts: Iterable[memoryview]) -> frozenset[str]:
    """All names of ggml in some pieces of constant data."""
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
