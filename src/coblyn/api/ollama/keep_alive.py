"""How long a model should stay loaded, in Ollama's format: seconds, or a Go duration such as ``1h30m``."""

from __future__ import annotations

import math
import re
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["read_keep_alive"]

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_DURATION = re.compile(rf"(?P<sign>[+-]?)(?P<parts>0|(?:{_PART.pattern})+|\d+\.?\d*)", re.ASCII)


def read_keep_alive(value: Any) -> float | None:
    """Seconds; infinity for any negative duration, which means forever; None if not given.

    Args:
        value: The parsed JSON value.

    Raises:
        BadRequest: It is not a duration.
    """
    if value is None or value == "":
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    seconds = float(value) if is_number else _seconds(value) if isinstance(value, str) else None
    if seconds is None or math.isnan(seconds):
        raise BadRequest(
            "keep_alive must be seconds, or a duration such as 5m.", field="keep_alive"
        )
    return seconds if seconds >= 0 else math.inf


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    parts = match["parts"]
    found = _PART.findall(parts)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in found) if found else float(parts)
    return -seconds if match["sign"] == "-" else seconds
