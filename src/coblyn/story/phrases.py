"""What imports say: codes with values, which clients put into words of their language, and the English words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PHRASES", "Phrase", "phrase"]

PHRASES: Mapping[str, str | tuple[str, str]] = {
    "given": "{text}",
    # Kinds of files
    "format_own": "story of Coblyn",
    "format_backup": "backup of Coblyn",
    "format_kobold": "KoboldAI Lite save",
    "format_tavern": "SillyTavern chat",
    "format_world": "SillyTavern lorebook",
    "format_lorebook": "lorebook of character cards",
    "format_agnai": "memory book of Agnaistic",
    "format_aidungeon": "world info of AI Dungeon",
    "format_novelai_story": "NovelAI story",
    "format_novelai_scenario": "NovelAI scenario",
    "format_novelai_lore": "NovelAI lorebook",
    "format_card": "character card, version {version}",
    "format_text": "text",
    "format_markdown": "Markdown",
    # Parts of a story
    "all": "all of it",
    "journal": "with its journal",
    "text": "text",
    "num_words": ("{n} word", "{n} words"),
    "num_messages": ("{n} message", "{n} messages"),
    "title": "title",
    "mode": "mode",
    "mode_story": "story",
    "mode_adventure": "adventure",
    "mode_chat": "chat",
    "mode_instruct": "instruct",
    "memory": "memory",
    "note": "author's note",
    "note_place": ("{n} paragraph before the end", "{n} paragraphs before the end"),
    "user_name": "name of the writer",
    "other_names": "names of the others",
    "num_branches": ("{n} branch", "{n} branches"),
    "num_takes": ("{n} swipe", "{n} swipes"),
    "num_takes_note": "They are takes.",
    "num_lore": ("{n} entry of lore", "{n} entries of lore"),
    "num_off": "{n} of them switched off",
    "scan_depth": "how far back lore is looked for",
    "newline": "ends of lines as Windows has them",
    "book_fields": "fields of the book",
    "message_fields": "all fields of the messages",
    # What is left out
    "num_entries": ("{n} entry", "{n} entries"),
    "num_entries_note": "They are not objects.",
    "num_lines": ("{n} line", "{n} lines"),
    "num_lines_note": "They are not messages.",
    "last_line": "the last line",
    "last_line_note": "It is cut short.",
    "unfinished_pictures": "marks of pictures that were never finished",
    "secrets_note": "Secrets and addresses of services.",
    "no_header": "The chat has no header line.",
    # NovelAI
    "novelai_history": "history of the text",
    "novelai_no_text": "the text",
    "novelai_no_text_note": "{problem} Export the story as text too.",
    "novelai_document": "document",
    "novelai_document_note": "its history, and who wrote which words",
    "novelai_sections": ("{n} section without text", "{n} sections without text"),
    "novelai_sections_note": "Only text is read. The document is kept as it was.",
    "novelai_unfinished": "The editor had not finished some changes, and they do not fit: the text is as it was before "
    "them.",
    "novelai_context": "placement of memory and author's note",
    "novelai_lore": "what only NovelAI's lore has",
    "novelai_lore_note": "search ranges, biases and insertion: kept with each entry",
    # Cards
    "card": "card of {name}",
    "greetings": "greetings",
    "num": "{n}",
    "portrait": "portrait",
    "card_files": ("{n} file of the card", "{n} files of the card"),
    "card_file_note": "It is too large, damaged, or not where files of an archive may be.",
    "card_nameless": "The card has no name; it is called {name}.",
    "card_no_data": "The card names a version but has no data; its outer fields were read.",
    "card_no_version": "The card does not say its version; it was read as version 2.",
    "card_newer": "The card is of version {version}, which is newer than what is known here.",
    "card_not_text": "{name} is not text and is not used.",
    "card_no_book": "character_book is not a book and is not used.",
    "png_checksum": "The checksum of the text {keyword} is wrong.",
    "png_cut": "The picture is cut short.",
    "png_no_end": "The picture has no end.",
    # Backups
    "num_stories": ("{n} story", "{n} stories"),
    "stories_here": (
        "{n} story is here already, and left unchanged.",
        "{n} stories are here already, and left unchanged.",
    ),
    "damaged_journal": "Its journal is damaged.",
}
"""By code; of two forms the first is for ``n`` = 1."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A code of `PHRASES` with the values of its slots. As a string it is English."""

    code: str
    values: Mapping[str, str | int] = field(default_factory=dict)

    def __str__(self) -> str:
        form = PHRASES[self.code]
        if isinstance(form, tuple):
            form = form[0 if self.values["n"] == 1 else 1]
        return form.format(**self.values)

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        return {"code": self.code, "values": dict(self.values)}


def phrase(code: str, **values: str | int) -> Phrase:
    """A phrase."""
    return Phrase(code, values)
