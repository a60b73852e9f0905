"""What imports say: codes with values, which clients put into words of their language, and the English words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coblyn.errors import BadRequest, FileRefused

__all__ = ["PHRASES", "Phrase", "phrase", "phrase_of", "refused"]

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
    "tags": "tags of instructions",
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
    # What a refused file is, at the beginning of a sentence
    "the_file": "The file",
    "the_card": "The card",
    "the_card_in": "The card ({keyword})",
    "the_png_text": "The text {keyword}",
    "the_archive": "The card's archive",
    "the_story": "The story",
    "the_story_text": "The text of this story",
    "the_chat": "The chat",
    "the_chat_line": "Line {n} of the chat",
    "the_picture": "the picture",
    # Why a file is refused
    "no_json": "{what} is not JSON: the error is in line {line}, column {column}.",
    "no_json_number": "{what} has a number that is too long.",
    "no_utf8": "{what} is not UTF-8 text.",
    "no_base64": "{what} is not base64.",
    "no_archive": "{what} is not a zip archive.",
    "too_large": "{what} is larger than {n} MiB.",
    "too_large_unpacked": "{what} is larger than {n} MiB when it is unpacked.",
    "too_many_parts": "{what} has more than {n} parts.",
    "too_many_entries": "The file has more than {n} entries, branches and takes in all: split it.",
    "too_deep": "{what} is nested more than {n} deep.",
    "too_many_files": "{what} is not unpacked: it holds {files} files of {size} MiB in all, and at most {max_files} of "
    "{max_size} MiB are read.",
    "cut_short": "{what} is cut short.",
    "not_unpacked": "{what} cannot be unpacked.",
    "file_not_unpacked": "{what}: {name} cannot be unpacked.",
    "file_too_large": "{what}: {name} is larger than {n} MiB.",
    "damaged": "{what} is damaged, or of a form that is not known here.",
    "no_sections": "{what} is of a form that is not known here: it has no sections.",
    "unknown_file": "This file is of no kind that is known here.",
    "empty_file": "The file is empty.",
    "no_message": "There is no message in this chat.",
    "no_card_json": "There is no character card in this file: it has no card.json.",
    "no_card": "There is no character card in this picture.",
    "no_card_because": "There is no character card in this picture. {problem}",
    "card_damaged": "The card in this picture is damaged.",
    "card_no_object": "A card must be a JSON object.",
    "card_no_fields": "This is not a character card: it has neither a name nor a description.",
    "png_broken": "The picture is not a whole PNG file.",
    "whole_story": "This file is of another kind ({format}): import it as a new story.",
    "not_ours": "This is not a story of Coblyn: {name} says nothing of it.",
    "newer_story": "This story was written by a newer Coblyn: update to read it.",
    "journal_line": "Line {n} of the story's journal is damaged.",
    "journal_twice": "Two operations of the story's journal have the same id.",
    "newer_backup": "This backup was written by a newer Coblyn: update to read it.",
    "no_backup": "This is a database, but no backup of Coblyn's stories.",
    "backup_damaged": "The backup is damaged, and nothing was brought back: {problem}.",
}
"""By code; of two forms the first is for ``n`` = 1."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A code of `PHRASES` with the values of its slots, which may be phrases too. As a string it is English."""

    code: str
    values: Mapping[str, str | int | Phrase] = field(default_factory=dict)

    def __str__(self) -> str:
        form = PHRASES[self.code]
        if isinstance(form, tuple):
            form = form[0 if self.values["n"] == 1 else 1]
        return form.format(**self.values)

    def to_json(self) -> dict[str, Any]:
        """As clients get it."""
        values = {
            slot: value.to_json() if isinstance(value, Phrase) else value
            for slot, value in self.values.items()
        }
        return {"code": self.code, "values": values}


def phrase(code: str, **values: str | int | Phrase) -> Phrase:
    """A phrase."""
    return Phrase(code, values)


def refused(code: str, **values: str | int | Phrase) -> FileRefused:
    """The error of a file that cannot be imported."""
    said = Phrase(code, values)
    return FileRefused(str(said), said=said)


def phrase_of(error: BadRequest) -> Phrase:
    """What an error says, as a part of a report."""
    said = error.said if isinstance(error, FileRefused) else None
    return said if isinstance(said, Phrase) else phrase("given", text=error.message)
