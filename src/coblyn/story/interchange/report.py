"""The report of an import; nothing is left out silently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from coblyn.story.changes import Change
from coblyn.story.operation import Edit, Operation, Put
from coblyn.story.phrases import Phrase, phrase
from coblyn.story.state import MAIN
from coblyn.story.text import Text
from coblyn.story.words import num_words

__all__ = ["Imported", "Line", "Report", "Writer", "line"]

Fate = Literal["understood", "kept", "dropped"]


@dataclass(frozen=True, slots=True)
class Line:
    """The report about one part.

    Attributes:
        what: The part, such as ``memory`` or ``17 entries of lore``.
        note: An additional sentence.
    """

    what: Phrase
    note: Phrase | None = None

    def to_json(self) -> dict[str, Any]:
        """As clients get it: in English, and as codes."""
        note = {"note_code": self.note.to_json()} if self.note else {}
        about = {"what": str(self.what), "note": str(self.note or "")}
        return about | {"what_code": self.what.to_json()} | note


def line(what: Phrase | str, note: Phrase | str | None = None) -> Line:
    """A line; a string is the code of a phrase without values."""
    return Line(_phrase(what), None if note is None else _phrase(note))


def _phrase(given: Phrase | str) -> Phrase:
    return phrase(given) if isinstance(given, str) else given


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

    format: Phrase
    understood: list[Line] = field(default_factory=list)
    kept: list[Line] = field(default_factory=list)
    dropped: list[Line] = field(default_factory=list)
    notes: list[Phrase] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""

        def lines(part: Sequence[Line]) -> list[dict[str, Any]]:
            return [one.to_json() for one in part]

        return {
            "format": str(self.format),
            "format_code": self.format.to_json(),
            "understood": lines(self.understood),
            "kept": lines(self.kept),
            "dropped": lines(self.dropped),
            "notes": [str(note) for note in self.notes],
            "note_codes": [note.to_json() for note in self.notes],
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
        kind: Description of the file's format; a string is the code of a phrase.
    """

    def __init__(self, kind: Phrase | str) -> None:
        self.operations: list[Operation] = []
        self.report = Report(_phrase(kind))

    def text(self, text: str | Text, what: Phrase | str = "text") -> None:
        """The text of the story."""
        value = Text.of(text) if isinstance(text, str) else text
        self.operations.append(Edit(MAIN, (Change(0, 0, value),)))
        self.understood(what, phrase("num_words", n=num_words(value.text)))

    def put(
        self, place: str, value: Any, what: Phrase | str = "", note: Phrase | str | None = None
    ) -> None:
        """Add an operation; without ``what`` it is not reported."""
        self.operations.append(Put(place, value))
        if what:
            self.understood(what, note)

    def keep(self, name: str, value: Any, what: Phrase | str) -> None:
        """Add a part that is stored but not used."""
        self.operations.append(Put(f"kept/{name}", value))
        self.kept(what)

    def understood(self, what: Phrase | str, note: Phrase | str | None = None) -> None:
        """Report a part that is used."""
        self.report.understood.append(line(what, note))

    def kept(self, what: Phrase | str, note: Phrase | str | None = None) -> None:
        """Report a part that is stored but not used."""
        self.report.kept.append(line(what, note))

    def dropped(self, what: Phrase | str, note: Phrase | str | None = None) -> None:
        """Report a part that is lost."""
        self.report.dropped.append(line(what, note))

    def lore(self, entries: dict[str, dict[str, Any]], prefix: str, book: str = "") -> None:
        """Add lore entries in SillyTavern's format."""
        for name, entry in entries.items():
            value = entry | ({"book": book} if book else {})
            self.operations.append(Put(f"lore/{prefix}{name}", value))
        if entries:
            off = sum(bool(entry.get("disable")) for entry in entries.values())
            note = phrase("num_off", n=off) if off else None
            self.understood(phrase("num_lore", n=len(entries)), note)

    def done(self) -> Imported:
        """The result."""
        return Imported(tuple(self.operations), self.report)
