"""What became of a file: nothing is left out silently."""

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
    """What became of one part.

    Attributes:
        what: The part, such as ``memory`` or ``17 entries of lore``.
        note: A sentence more, or empty.
    """

    what: str
    note: str = ""


@dataclass(slots=True)
class Report:
    """What became of a file.

    Attributes:
        format: What kind of file it is, in words.
        understood: What is used.
        kept: What stays in the story and goes out with an export, but is not used.
        dropped: What is lost.
        notes: What was wrong with the file, as sentences.
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
    """A file as what has to happen to a story.

    Attributes:
        operations: In order, for a new story.
        report: What became of the parts.
        beginning: What happens besides where it becomes a story of its own: a card begins with its greeting.
    """

    operations: tuple[Operation, ...] = field(repr=False)
    report: Report
    beginning: tuple[Operation, ...] = field(default=(), repr=False)

    @property
    def has_text(self) -> bool:
        """Whether it is a story, rather than something for one."""
        return any(isinstance(operation, Edit) for operation in self.operations)


class Writer:
    """Collects the operations of a file and its report.

    Args:
        kind: What kind of file it is, in words.
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
        """Something that is understood; without ``what`` it is not mentioned."""
        self.operations.append(Put(place, value))
        if what:
            self.report.understood.append(Line(what, note))

    def keep(self, name: str, value: Any, what: str, note: str = "") -> None:
        """Something that stays with the story but is not used."""
        self.operations.append(Put(f"kept/{name}", value))
        self.report.kept.append(Line(what, note))

    def lore(self, entries: dict[str, dict[str, Any]], prefix: str, book: str = "") -> None:
        """Entries of lore, in SillyTavern's form."""
        for name, entry in entries.items():
            value = entry | ({"book": book} if book else {})
            self.operations.append(Put(f"lore/{prefix}{name}", value))
        if entries:
            off = sum(bool(entry.get("disable")) for entry in entries.values())
            note = f"{off} of them switched off" if off else ""
            self.report.understood.append(Line(f"{len(entries)} entries of lore", note))

    def done(self) -> Imported:
        """All of it."""
        return Imported(tuple(self.operations), self.report)
