"""Names and kinds as lief returns them, which in damaged files are neither text nor known kinds."""

from __future__ import annotations

from typing import Any

__all__ = ["MAX_LENGTH", "name_of", "word"]

MAX_LENGTH = 4096
"""Maximum length of a name that is kept; C++ makes long ones, and hostile files longer ones."""


def name_of(thing: Any, attribute: str = "name") -> str:
    """The name of one of lief's objects, whatever its bytes are.

    Args:
        thing: The object.
        attribute: The attribute that is the name.
    """
    try:
        value = getattr(thing, attribute)
    except UnicodeDecodeError as error:
        value = error.object
    shown = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return shown[:MAX_LENGTH]


def word(kind: Any) -> str:
    """Name of one of lief's enumerated kinds; the number itself if lief does not know the kind."""
    return str(getattr(kind, "name", kind))
