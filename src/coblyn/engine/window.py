"""Sliding windows: which earlier tokens a token looks at, and which of them a saved copy still has.

Some layers of some models look only a window back. The library leaves what lies behind the window, counted from the
end of a sequence, out of every saved copy, and may give these cells to others. So such a sequence can go on from its
end, but a cut is right only where the window below it is still there. To compute the missing part of a window again
does not help: in the second layer with a window each of its tokens looks another window back, and so on down to the
first token.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NO_WINDOW", "Window"]


@dataclass(frozen=True, slots=True)
class Window:
    """The window of a model.

    Attributes:
        size: Tokens that it holds, the one that looks among them; 0 for a model that looks at everything.
        is_chunked: It begins at the last multiple of ``size``, instead of ``size`` tokens back.
        min_stride: Least tokens between two copies of the window that are kept of a long sequence.
    """

    size: int = 0
    is_chunked: bool = False
    min_stride: int = 512

    @property
    def stride(self) -> int:
        """Tokens between two copies of the window: the most that have to be computed again below a cut."""
        return max(self.size, self.min_stride) if self.size else 0

    def needed(self, length: int) -> int:
        """First position that what follows at position ``length`` looks at."""
        if not self.size:
            return 0
        return (
            length // self.size * self.size if self.is_chunked else max(0, length + 1 - self.size)
        )

    def saved(self, length: int) -> int:
        """First position of the window in a copy up to position ``length``: what was looked at last, and one more."""
        if not self.size or not length:
            return 0
        if self.is_chunked:
            return (length - 1) // self.size * self.size
        return max(0, length - self.size)


NO_WINDOW = Window()
