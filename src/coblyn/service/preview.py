"""What an import would bring, told before anything is made of it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from coblyn.story.interchange.report import Imported, Report, line
from coblyn.story.phrases import phrase
from coblyn.story.state import NEW, State, apply_all
from coblyn.story.store.restore import Found, Restored
from coblyn.story.store.transfer import StoryFile

__all__ = ["Preview", "of_backup", "of_file", "of_story", "report_of"]

_BEGINNING = 600
"""Characters of a text that are shown."""

_NAMED = 20
"""Stories of a backup that are named."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A file, before it is imported.

    Attributes:
        kind: A ``story``, ``parts`` for one (cards, lore), or a ``backup`` of many stories.
        title: What the story will be called; empty where the file does not say.
        beginning: How its text begins.
        report: What an import would say.
    """

    kind: Literal["story", "parts", "backup"]
    title: str
    beginning: str
    report: Report

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        about = {"kind": self.kind, "title": self.title, "beginning": self.beginning}
        return about | {"report": self.report.to_json()}


def of_file(imported: Imported) -> Preview:
    """A file of another program."""
    state, _ = apply_all(NEW, (*imported.operations, *imported.beginning))
    return _of_state("story" if imported.has_text else "parts", state, imported.report)


def of_story(file: StoryFile) -> Preview:
    """A story of Coblyn, with its journal."""
    report = Report(phrase("format_own"), [line("all", "journal")])
    return _of_state("story", file.state, report)


def _of_state(kind: Literal["story", "parts"], state: State, report: Report) -> Preview:
    text = state.texts[state.selected].text
    return Preview(kind, state.single("title"), text[:_BEGINNING], report)


def of_backup(found: Sequence[Found]) -> Preview:
    """A backup of many stories."""
    new = [one for one in found if one.file and not one.is_here]
    num_here = sum(one.file is not None and one.is_here for one in found)
    damaged = [one.title or one.id for one in found if one.file is None]
    report = _report([one.title for one in new], num_here, damaged)
    return Preview("backup", "", "", report)


def report_of(restored: Restored) -> Report:
    """What became of a backup."""
    titles = [shelf.title for shelf in restored.stories]
    return _report(titles, restored.num_here, restored.damaged)


def _report(titles: Sequence[str], num_here: int, damaged: Sequence[str]) -> Report:
    report = Report(phrase("format_backup"))
    if titles:
        named = [title for title in titles if title][:_NAMED]
        more = ["…"] if len(named) < len(titles) else []
        what = phrase("num_stories", n=len(titles))
        report.understood.append(line(what, phrase("given", text=", ".join(named + more))))
    if num_here:
        report.notes.append(phrase("stories_here", n=num_here))
    report.dropped += [line(phrase("given", text=one), "damaged_journal") for one in damaged]
    return report
