"""Optional booleans of a request, as clients write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.errors import BadRequest

__all__ = ["read_flag"]

_WORDS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}
"""The texts that pydantic reads as booleans: one field must not mean different things to different readers."""


def read_flag(values: Mapping[str, Any], name: str, where: str = "") -> bool | None:
    """A boolean, which may also be written as 0 or 1, or as text; None if it is not given.

    Args:
        values: The fields.
        name: Of this one.
        where: What the fields belong to, such as ``tools[0]``.

    Raises:
        BadRequest: It is anything else; ``field`` names it.
    """
    value = values.get(name)
    if value is None:
        return None
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and (meant := _WORDS.get(value.lower())) is not None:
        return meant
    field = f"{where}.{name}" if where else name
    raise BadRequest(f"{field} must be true or false.", field=field)
