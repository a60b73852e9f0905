"""A part of the context that a model reads, and its origin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Kind", "Segment"]

Kind = Literal["memory", "lore", "character", "persona", "examples", "note", "story", "template"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the context.

    Attributes:
        kind: Its origin.
        id: Of the entry, the character or the branch; empty where there is one only.
        text: The text sent to the model.
        tokens: Of that text alone.
        start, end: For text of the story: where it stands in the branch, in UTF-16 units.
    """

    kind: Kind
    id: str
    text: str = field(repr=False)
    tokens: int
    start: int | None = None
    end: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        about: dict[str, Any] = {"kind": self.kind, "id": self.id, "text": self.text}
        about["tokens"] = self.tokens
        return about if self.start is None else about | {"start": self.start, "end": self.end}
