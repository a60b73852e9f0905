"""What characters a few bytes may begin, in UTF-8 (RFC 3629, 3 and 4)."""

from __future__ import annotations

__all__ = ["characters_after"]

_LEAST = {2: 0x80, 3: 0x800, 4: 0x10000}
"""The first character of each length in bytes."""

_BEFORE_SURROGATES = 0xED
"""The first byte whose last characters would be surrogates, which are none."""


def characters_after(begun: bytes) -> range:
    """The characters whose bytes begin with some, as code points.

    Args:
        begun: The first bytes of a character, but not all of them.
    """
    lead = begun[0]
    length = 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
    bits = lead & (0x7F >> length)
    for byte in begun[1:]:
        bits = bits << 6 | byte & 0x3F
    shift = 6 * (length - len(begun))
    first, after = bits << shift, (bits + 1) << shift
    if lead == _BEFORE_SURROGATES:
        after = min(after, 0xD800)
    return range(max(first, _LEAST[length]), min(after, 0x110000))
