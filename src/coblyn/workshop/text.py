"""The text that models read to be observed or compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coblyn.errors import BadRequest
from coblyn.files import read_small

__all__ = ["MAX_TEXT", "Excerpt", "open_text", "require_text"]

MAX_TEXT = 64 << 20
"""Maximum size of a text in bytes. Its tokens take some ten times as much memory, and some hours to read."""

_MIN_LENGTH = 32


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is read of a text.

    Attributes:
        text: A file of text in UTF-8.
        length: Tokens of a chunk, 32 or more.
        max_chunks: Maximum number of chunks; 0 for the whole text.
    """

    text: Path
    length: int = 512
    max_chunks: int = 0

    def check(self) -> None:
        """Refuse what cannot be read.

        Raises:
            BadRequest: The text is not usable, or the chunks are too short.
        """
        require_text(self.text)
        if self.length < _MIN_LENGTH:
            raise BadRequest(f"A chunk has at least {_MIN_LENGTH} tokens.", field="chunk")

    def to_json(self) -> dict[str, Any]:
        """Its part of a job's request."""
        return {"text": str(self.text), "length": self.length, "max_chunks": self.max_chunks}


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
