"""The text that models read to be observed or compared."""

from __future__ import annotations

from pathlib import Path

from coblyn.errors import BadRequest
from coblyn.files import read_small

__all__ = ["MAX_TEXT", "open_text", "require_text"]

MAX_TEXT = 64 << 20
"""Maximum size of a text in bytes. Its tokens take some ten times as much memory, and some hours to read."""


def require_text(text: Path) -> None:
    """Refuse what is no text of a usable size.

    Raises:
        BadRequest: There is no such file, it is a pipe or a device, or it is too large.
    """
    if not text.exists():
        raise BadRequest(f"There is no text {text}.", field="text")
    if not text.is_file():
        raise BadRequest(
            f"{text} is not a regular file.", field="text", hint="Save the text to a file first."
        )
    if text.stat().st_size > MAX_TEXT:
        raise BadRequest(
            f"The text {text} has more than {MAX_TEXT >> 20} MiB.",
            field="text",
            hint="Name a part of it: a few hundred chunks say as much as all of it.",
        )


def open_text(text: Path) -> str:
    """A text; bytes that are no UTF-8 become replacement characters, and all line ends newlines.

    Raises:
        OSError: It is not a regular file, is too large, or cannot be read.
    """
    content = read_small(text, MAX_TEXT).decode("utf-8", "replace")
    return content.replace("\r\n", "\n").replace("\r", "\n")
