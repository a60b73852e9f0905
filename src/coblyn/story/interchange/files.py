"""Which program a file is of, and a story as the file of another program."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.bounded import Archive, decoded, json_of
from coblyn.story.cards.file import is_picture, read_card_file
from coblyn.story.interchange.books import (
    aidungeon_json,
    card_json,
    import_agnai,
    import_aidungeon,
    import_lorebook,
    import_world,
    is_aidungeon,
    world_json,
)
from coblyn.story.interchange.characters import import_card
from coblyn.story.interchange.kobold import import_kobold, is_kobold, kobold_json
from coblyn.story.interchange.novelai import (
    import_novelai,
    import_novelai_lore,
    is_novelai,
    novelai_lore_json,
)
from coblyn.story.interchange.pictures import charx_of, picture_card
from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.interchange.tavern import import_tavern, is_tavern, tavern_jsonl
from coblyn.story.interchange.to_novelai import novelai_file
from coblyn.story.operation import Branch, Operation, Put
from coblyn.story.phrases import phrase, refused
from coblyn.story.state import State

__all__ = ["FORMATS", "Exported", "export_file", "import_file"]


MAX_ENTRIES = 20_000
"""Of lore, with branches and takes, in one import: each is a step of the story's journal, and ten times as many would
occupy the server for minutes."""

_MAX_OTHERS = 20_000
"""Parts that are none of these, such as the title, books, and the files of a card."""


def import_file(data: bytes, name: str = "") -> Imported:
    """A file of another program, as what has to happen to a new story.

    Args:
        data: The file.
        name: What it is called.

    Raises:
        FileRefused: It is damaged, too large, or of no kind that is known.
    """
    imported = _imported(data, name)
    operations = (*imported.operations, *imported.beginning)
    num_entries = sum(_is_entry(operation) for operation in operations)
    if num_entries > MAX_ENTRIES:
        raise refused("too_many_entries", n=MAX_ENTRIES)
    if len(operations) - num_entries > _MAX_OTHERS:
        raise refused("too_many_parts", what=phrase("the_file"), n=_MAX_OTHERS)
    return imported


def _is_entry(operation: Operation) -> bool:
    """Whether it is what a file may have any number of."""
    if isinstance(operation, Put):
        return operation.place.startswith(("lore/", "takes/"))
    return isinstance(operation, Branch)


def _imported(data: bytes, name: str) -> Imported:
    title = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if not data.strip():
        raise refused("empty_file")
    if is_picture(data):
        return import_card(read_card_file(data, name))
    if data.startswith(b"PK"):
        return _of_archive(data, name, title)
    if is_tavern(data) or name.endswith(".jsonl"):
        return import_tavern(data, title)
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and not name.endswith(
        (".txt", ".md")
    ):
        return _of_json(json_of(data, phrase("the_file")), data, name, title)
    return _of_text(decoded(data, phrase("the_file")), name, title)


def _of_archive(data: bytes, name: str, title: str) -> Imported:
    with Archive(data, phrase("the_file")) as archive:
        if "story.json" in archive.names:  # a .kaistory
            value = json_of(archive.read("story.json"), "story.json")
            if is_kobold(value):
                return import_kobold(value, title)
    return import_card(read_card_file(data, name))


def _of_json(value: Any, data: bytes, name: str, title: str) -> Imported:
    if is_aidungeon(value):
        return import_aidungeon(value, title)
    if not isinstance(value, Mapping):
        raise refused("unknown_file")
    if is_novelai(value):
        return import_novelai(value, title)
    if "lorebookVersion" in value:
        return import_novelai_lore(value, title)
    if is_kobold(value):
        return import_kobold(value, title)
    if value.get("kind") == "memory":
        return import_agnai(value, title)
    entries = value.get("entries")
    if value.get("spec") == "lorebook_v3":
        return import_lorebook(value, title)
    if isinstance(entries, dict | list):
        first: Any = next(iter(entries.values() if isinstance(entries, dict) else entries), {})
        is_book = isinstance(first, Mapping) and "keys" in first
        return import_lorebook(value, title) if is_book else import_world(value, title)
    return import_card(read_card_file(data, name))


def _of_text(text: str, name: str, title: str) -> Imported:
    writer = Writer("format_markdown" if name.endswith(".md") else "format_text")
    if "\0" in text:
        raise refused("unknown_file")
    plain = text.replace("\r\n", "\n")
    writer.text(plain)
    writer.put("title", title)
    writer.put("mode", "story")
    if plain != text and plain.replace("\n", "\r\n") == text:
        writer.keep("text", {"newline": "\r\n"}, "newline")
    return writer.done()


@dataclass(frozen=True, slots=True)
class Exported:
    """A file.

    Attributes:
        data: Its content.
        media_type: What that is.
        suffix: How its name ends.
    """

    data: bytes
    media_type: str
    suffix: str


def _json(value: Any, indent: int | None = 4) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


def _text(state: State, branch: str) -> bytes:
    kept = state.places.get("kept/text")
    newline = kept.get("newline", "\n") if isinstance(kept, Mapping) else "\n"
    text = state.text(branch).text
    return (text.replace("\n", "\r\n") if newline == "\r\n" else text).encode()


def _novelai(state: State, branch: str) -> Exported:
    value, suffix = novelai_file(state, branch)
    return Exported(_json(value, None), "application/json", suffix)


_JSON, _PLAIN = "application/json", "text/plain; charset=utf-8"

FORMATS: Mapping[str, Callable[[State, str, str], Exported]] = {
    "text": lambda state, branch, _: Exported(_text(state, branch), _PLAIN, ".txt"),
    "markdown": lambda state, branch, _: Exported(_text(state, branch), _PLAIN, ".md"),
    "kobold": lambda state, branch, _: Exported(
        _json(kobold_json(state, branch), None), _JSON, ".json"
    ),
    "tavern": lambda state, branch, _: Exported(
        tavern_jsonl(state, branch).encode(), "application/jsonl", ".jsonl"
    ),
    "novelai": lambda state, branch, _: _novelai(state, branch),
    "lorebook": lambda state, _, which: Exported(
        _json(world_json(state, which or None)), _JSON, ".json"
    ),
    "novelai-lorebook": lambda state, _, __: Exported(
        _json(novelai_lore_json(state)), _JSON, ".lorebook"
    ),
    "aidungeon": lambda state, _, __: Exported(_json(aidungeon_json(state)), _JSON, ".json"),
    "card": lambda state, _, which: Exported(_json(card_json(state, which)), _JSON, ".json"),
    "card-png": lambda state, _, which: Exported(picture_card(state, which), "image/png", ".png"),
    "charx": lambda state, _, which: Exported(charx_of(state, which), "application/zip", ".charx"),
}
"""The files that a story can be written as: each of a state, a branch, and the id of a book or a character."""


def export_file(state: State, kind: str, branch: str = "", which: str = "") -> Exported:
    """A story as a file of another program.

    Args:
        state: The story.
        kind: One of `FORMATS`.
        branch: Which branch; empty for the one that is written on.
        which: The id of a book or a character, for files that hold one.

    Raises:
        BadRequest: There is no such format, branch or character.
    """
    if kind not in FORMATS:
        raise BadRequest(
            f"There is no format {kind!r}: it is {', '.join(FORMATS)}.", field="format"
        )
    return FORMATS[kind](state, branch or state.selected, which)
