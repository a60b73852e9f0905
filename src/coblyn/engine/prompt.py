"""Token ids as bytes: 32-bit integers, the lowest byte first, as they cross every border."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable

from coblyn.errors import BadRequest

__all__ = ["pack_ids", "unpack_ids"]

_IS_SWAPPED = sys.byteorder == "big"


def pack_ids(ids: Iterable[int]) -> bytes:
    """Token ids as bytes.

    Raises:
        BadRequest: One is no integer of 32 bits.
    """
    try:
        values = array("i", ids)
    except (OverflowError, TypeError) as error:
        raise BadRequest(f"Token ids are integers from 0 to {2**31 - 1}.", field="ids") from error
    if _IS_SWAPPED:
        values.byteswap()
    return values.tobytes()


def unpack_ids(data: bytes) -> array[int]:
    """The token ids that ``pack_ids`` packed."""
    values = array("i")
    values.frombytes(data)
    if _IS_SWAPPED:
        values.byteswap()
    return values
