"""Prompts as flat lists while they are cut to length: token ids, and negative numbers for cells of media. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from coblyn.engine.prompt import Media, Span, Tokens

__all__ = ["Mosaic"]


class Mosaic:
    """Turns spans into lists of one number per cell, and such lists back into spans.

    A token is its id. The cells of the n-th image or sound are -n each, counted from 1 over all calls of ``lay``.
    """

    def __init__(self) -> None:
        self._media: list[Media] = []

    def lay(self, spans: Iterable[Span]) -> list[int]:
        """The numbers of the cells of spans."""
        cells: list[int] = []
        for span in spans:
            if isinstance(span, Media):
                self._media.append(span)
                cells += [-len(self._media)] * span.cells
            else:
                cells += span.ids
        return cells

    def whole(self, cells: Sequence[int]) -> list[int]:
        """Cells without those of images and sounds that are incomplete."""
        if not self._media:
            return list(cells)
        kept: list[int] = []
        for number, run in groupby(cells, key=lambda cell: min(cell, 0)):
            part = list(run)
            if number == 0 or len(part) == self._media[-number - 1].cells:
                kept += part
        return kept

    def spans(self, cells: Sequence[int]) -> tuple[Span, ...]:
        """The spans of a list without incomplete media; neighbouring tokens become one span."""
        if not self._media:
            return (Tokens.of(cells),)
        return tuple(
            Tokens.of(run) if number == 0 else self._media[-number - 1]
            for number, run in groupby(cells, key=lambda cell: min(cell, 0))
        )
