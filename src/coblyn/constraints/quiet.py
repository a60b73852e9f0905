"""Parts of a free text in which triggers are only text, such as a model's reasoning."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Quiet", "Silence"]


class Silence(NamedTuple):
    """Where a text is.

    Attributes:
        is_quiet: It is between the marks.
        tail: Its end, as much of it as the mark that comes next may begin with.
    """

    is_quiet: bool
    tail: bytes = b""


class Quiet:
    """The marks around such parts. They are looked for in bytes, wherever tokens begin and end.

    Args:
        marks: An opening and a closing one; or none, and then nothing is quiet.
    """

    def __init__(self, marks: tuple[str, ...]) -> None:
        self._opening, self._closing = (mark.encode() for mark in marks or ("", ""))

    def behind(self, before: Silence, piece: bytes) -> tuple[Silence, bytes]:
        """Where a text is behind a further piece, and what of the piece is not quiet.

        Of several parts in one piece only what follows the last is given.
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
