"""Parts of free text in which triggers have no effect, such as a model's reasoning."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Quiet", "Silence"]


class Silence(NamedTuple):
    """The state of a text.

    Attributes:
        is_quiet: Whether it is between the marks.
        tail: The end of the text that may begin the next mark.
    """

    is_quiet: bool
    tail: bytes = b""


class Quiet:
    """The marks around such parts, found in bytes regardless of token boundaries.

    Args:
        marks: An opening and a closing mark; or none, and then no part is quiet.
    """

    def __init__(self, marks: tuple[str, ...]) -> None:
        self._opening, self._closing = (mark.encode() for mark in marks or ("", ""))

    def behind(self, before: Silence, piece: bytes) -> tuple[Silence, bytes]:
        """The state after another piece of text, and the part of the piece that is not quiet.

        If there are several parts in one piece, only what follows the last is given.
        """
        is_quiet, text, loud = before.is_quiet, before.tail + piece, piece
        while (mark := self._closing if is_quiet else self._opening) and mark in text:
            loud = text = text[text.find(mark) + len(mark) :]
            is_quiet = not is_quiet
        return Silence(is_quiet, _tail(text, mark)), b"" if is_quiet else loud


def _tail(text: bytes, mark: bytes) -> bytes:
    lengths = range(min(len(mark) - 1, len(text)), 0, -1)
    longest = next((length for length in lengths if text.endswith(mark[:length])), 0)
    return text[len(text) - longest :]
