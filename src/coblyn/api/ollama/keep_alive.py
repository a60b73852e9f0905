"""How long a model shall stay loaded, as Ollama's clients say it: seconds, or a duration of Go such as ``1h30m``."""

from __future__ import annotations

import math
import re
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["check_keep_alive"]

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)", re.ASCII)


def check_keep_alive(value: Any, warnings: dict[str, str]) -> None:
    """Whether a value is a duration. Here a model stays loaded as long as the server runs, which is at least as long.

    Args:
        value: As JSON gave it; null is "not given".
        warnings: Takes that it is not unloaded at once.

    Raises:
        BadRequest: It is none.
    """
    if value is None or value == "":
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_duration = isinstance(value, str) and (_DURATION.fullmatch(value) or _is_number(value))
    if not is_duration and not (is_number and math.isfinite(value)):
        raise BadRequest(
            "keep_alive must be seconds, or a duration such as 5m.", field="keep_alive"
        )
    if value in (0, "0") or (isinstance(value, str) and _is_zero(value)):
        warnings["keep_alive"] = "A model stays loaded as long as the server runs."


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?\d+(\.\d*)?", text, re.ASCII))


def _is_zero(text: str) -> bool:
    return not any(digit in "123456789" for digit in text)
