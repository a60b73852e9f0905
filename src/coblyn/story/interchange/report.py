"""The report of an import; nothing is left out silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.story.changes import Change
from coblyn.story.operation import Edit, Operation, Put
from coblyn.story.state import MAIN
from coblyn.story.text import Text

__all__ = ["Imported", "Line", "Report", "Writer"]

Fate = Literal["understood", "kept", "dropped"]


@dataclass(frozen=True, slots=True)
class Line:
    """The report about one part.

    Attributes:
        what: The part, such as ``memory`` or ``17 entries of lore``.
        note: An additional sentence, or empty.
    """

    what: str
    note: str = ""


@dataclass(slots=True)
class Report:
    """The report about a file.

    Attributes:
        format: Description of the file's format.
        understood: Parts that are used.
        kept: Parts that are stored and exported, but not used.
        dropped: Parts that are lost.
        notes: Problems of the file, as sentences.
    """

    format: str
    understood: list[Line] = field(default_factory=list)
    kept: list[Line] = field(default_factory=list)
    dropped: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""

        def lines(part: Sequence[Line]) -> list[dict[str, str]]:
            return [{"what": line.what, "note": line.note} for line in part]

        return {
            "format": self.format,
            "understood": lines(self.understood),
            "kept": lines(self.kept),
            "dropped": lines(self.dropped),
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported file as operations on a story.

    Attributes:
        operations: In order, for a new story.
        report: The report.
        beginning: Additional operations if it becomes a new story: a card begins with its greeting.
    """

    operations: tuple[Operation, ...] = field(repr=False)
    report: Report
    beginning: tuple[Operation, ...] = field(default=(), repr=False)

    @property
    def has_text(self) -> bool:
        """Whether it contains a story's text, not only additions to one."""
        return any(isinstance(operation, Edit) for operation in self.operations)


class Writer:
    """Collects the operations of a file and its report.

    Args:
        kind: Description of the file's format.
    """

    def __init__(self, kind: str) -> None:
        self.operations: list[Operation] = []
        self.report = Report(kind)

    def text(self, text: str | Text, what: str = "text") -> None:
        """The text of the story."""
        value = Text.of(text) if isinstance(text, str) else text
        self.operations.append(Edit(MAIN, (Change(0, 0, value),)))
        self.report.understood.append(Line(what, f"{len(value.text.split())} words"))

    def put(self, place: str, value: Any, what: str = "", note: str = "") -> None:
        """Add an operation; without ``what`` it is not reported."""
        self.operations.append(Put(place, value))
        if what:
            self.report.understood.append(Line(what, note))

    def keep(self, name: str, value: Any, what: str, note: str = "") -> None:
        """Add a part that is stored but not used."""
        self.operations.append(Put(f"kept/{name}", value))
        self.report.kept.append(Line(what, note))

    def lore(self, entries: dict[str, dict[str, Any]], prefix: str, book: str = "") -> None:
        """Add lore entries in SillyTavern's format."""
        for name, entry in entries.items():
            value = entry | ({"book": book} if book else {})
            self.operations.append(Put(f"lore/{prefix}{name}", value))
        if entries:
            off = sum(bool(entry.get("disable")) for entry in entries.values())
            note = f"{off} of them switched off" if off else ""
            self.report.understood.append(Line(f"{len(entries)} entries of lore", note))

    def done(self) -> Imported:
        """The result."""
        return Imported(tuple(self.operations), self.report)
