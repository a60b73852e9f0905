"""Sliding windows: which earlier tokens a token attends to, and which of them a saved copy still has.

Some layers of some models attend only to a window. The library leaves cells before the window, counted from the end of
a sequence, out of every saved copy, and may reuse these cells. So such a sequence can be continued from its end, but it
can be cut only where the window below the cut is still present. Computing the missing part of a window again does not
help: in the second windowed layer each of its tokens attends to another window before it, and so on back to the first
token.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NO_WINDOW", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a model.

    Attributes:
        size: Length in tokens, the attending token included; 0 for a model without a window.
        is_chunked: Whether it begins at the last multiple of ``size``, instead of ``size`` tokens back.
        min_stride: Minimum number of tokens between two kept copies of the window of a long sequence.
    """

    size: int = 0
    is_chunked: bool = False
    min_stride: int = 512

    @property
    def stride(self) -> int:
        """Number of tokens between two copies of the window, and so the maximum to compute again after a cut."""
        return max(self.size, self.min_stride) if self.size else 0

    def needed(self, length: int) -> int:
        """First position that a token at position ``length`` attends to."""
        if not self.size:
            return 0
        return (
            length // self.size * self.size if self.is_chunked else max(0, length + 1 - self.size)
        )

    def saved(self, length: int) -> int:
        """First position of the window in a copy up to position ``length``.

        One more than the last token attended to.
        """
        if not self.size or not length:
            return 0
        if self.is_chunked:
            return (length - 1) // self.size * self.size
        return max(0, length - self.size)


NO_WINDOW = Window()
