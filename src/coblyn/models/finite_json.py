"""JSON without the numbers that only Python's own has: NaN and infinity."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["finite"]


def finite(text: str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: It is none, or a number in it is NaN, infinite, or too large for a float.
        RecursionError: It is too deep.
    """
    value = json.loads(text)
    json.dumps(value, allow_nan=False)
    return value
