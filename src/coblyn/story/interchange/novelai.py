"""Stories, scenarios and lorebooks of NovelAI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.errors import FileRefused
from coblyn.story.interchange.books import digest_of
from coblyn.story.interchange.document import read_document
from coblyn.story.interchange.report import Imported, Writer
from coblyn.story.lore.entry import strings
from coblyn.story.phrases import phrase, phrase_of
from coblyn.story.state import State
from coblyn.story.text import EMPTY, Text

__all__ = [
    "NOTE_PLACE",
    "depth_of",
    "import_novelai",
    "import_novelai_lore",
    "is_novelai",
    "mapping",
    "novelai_lore_json",
    "place_of",
]

NOTE_PLACE = -4
"""Where NovelAI inserts the author's note of a new story: -1 is the end, and each paragraph up counts one more."""


def is_novelai(value: Any) -> bool:
    """Whether a JSON value is a story or a scenario."""
    return isinstance(value, Mapping) and (
        "storyContainerVersion" in value or "scenarioVersion" in value
    )


def import_novelai(value: Mapping[str, Any], name: str) -> Imported:
    """A story or a scenario."""
    is_scenario = "scenarioVersion" in value
    writer = Writer("format_novelai_scenario" if is_scenario else "format_novelai_story")
    content = value if is_scenario else mapping(value, "content")
    about = value if is_scenario else mapping(value, "metadata")
    _text(writer, content, is_scenario=is_scenario)
    title = about.get("title")
    writer.put("title", title if isinstance(title, str) and title else name, "title")
    writer.put("mode", "story")
    _contexts(writer, content)
    lorebook = content.get("lorebook")
    if isinstance(lorebook, Mapping):
        _lore(writer, lorebook, name)
    rest = {
        key: one for key, one in content.items() if key not in ("context", "lorebook", "prompt")
    }
    rest.pop("story", None)
    outer = {} if is_scenario else {key: one for key, one in value.items() if key != "content"}
    writer.keep(
        "novelai", {"content": rest, **outer}, phrase("given", text=", ".join([*rest, *outer]))
    )
    return writer.done()


def _text(writer: Writer, content: Mapping[str, Any], *, is_scenario: bool) -> None:
    """The text: a scenario's prompt, or the fragments of a story, of which each says whose it is."""
    if is_scenario:
        prompt = content.get("prompt")
        writer.text(prompt if isinstance(prompt, str) else "")
        return
    story = mapping(content, "story")
    fragments = story.get("fragments")
    if isinstance(fragments, list):
        parts = [_fragment(index, one) for index, one in enumerate(fragments)]
        writer.text(EMPTY.plus(*parts))
        writer.keep("novelai.story", dict(story), "novelai_history")
        return
    packed = content.get("document")
    if not isinstance(packed, str) or not packed:
        writer.text("")
        return
    try:
        document = read_document(packed)
    except FileRefused as error:
        writer.text("")
        writer.dropped("novelai_no_text", phrase("novelai_no_text_note", problem=phrase_of(error)))
        return
    writer.text(document.text)
    writer.kept("novelai_document", "novelai_document_note")
    if document.num_others:
        writer.kept(phrase("novelai_sections", n=document.num_others), "novelai_sections_note")
    if document.is_unfinished:
        writer.report.notes.append(phrase("novelai_unfinished"))


def _fragment(index: int, value: Any) -> Text:
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), str):
        return EMPTY
    return Text.of(value["data"], f"novelai-{index}" if value.get("origin") == "ai" else "")


def _contexts(writer: Writer, content: Mapping[str, Any]) -> None:
    """The first context is the memory, the second the author's note."""
    given = content.get("context")
    contexts = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    texts = [one.get("text") for one in contexts[:2]]
    if texts and isinstance(texts[0], str) and texts[0]:
        writer.put("memory", texts[0], "memory")
    if len(texts) > 1 and isinstance(texts[1], str) and texts[1]:
        writer.put("note", {"text": texts[1], "depth": depth_of(contexts[1])}, "note")
    if contexts:
        writer.keep("novelai.context", contexts, "novelai_context")


def import_novelai_lore(value: Mapping[str, Any], name: str) -> Imported:
    """A lorebook."""
    writer = Writer("format_novelai_lore")
    _lore(writer, value, name)
    return writer.done()


def _lore(writer: Writer, lorebook: Mapping[str, Any], name: str) -> None:
    book = digest_of(lorebook)
    given = lorebook.get("entries")
    entries = [one for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []
    fields = {key: one for key, one in lorebook.items() if key != "entries"}
    writer.put(f"books/{book}", {"name": name, "source": "global", "fields": fields})
    writer.lore({str(n): _entry(one) for n, one in enumerate(entries)}, f"{book}.", book)
    if entries:
        writer.kept("novelai_lore", "novelai_lore_note")


def _entry(one: Mapping[str, Any]) -> dict[str, Any]:
    config = mapping(one, "contextConfig")
    priority = config.get("budgetPriority")
    return {
        "key": list(strings(one.get("keys"))),
        "content": one.get("text") if isinstance(one.get("text"), str) else "",
        "comment": one.get("displayName") if isinstance(one.get("displayName"), str) else "",
        "disable": one.get("enabled") is False,
        "constant": bool(one.get("forceActivation")),
        "order": priority if type(priority) is int else 400,
        "novelai": dict(one),
    }


def novelai_lore_json(state: State) -> dict[str, Any]:
    """The lore of a story as a lorebook of NovelAI."""
    fields: dict[str, Any] = {"lorebookVersion": 5}
    for about in state.collection("books").values():
        own = about.get("fields")
        fields |= own if isinstance(own, dict) and "lorebookVersion" in own else {}
    return fields | {"entries": [_novelai_entry(one) for one in state.collection("lore").values()]}


def _novelai_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = mapping(entry, "novelai")
    config = dict(mapping(kept, "contextConfig"))
    if "order" in entry and (kept == {} or config.get("budgetPriority", 400) != entry["order"]):
        config["budgetPriority"] = entry["order"]
    own = {
        "text": entry.get("content", ""),
        "displayName": entry.get("comment", ""),
        "keys": list(strings(entry.get("key"))),
        "enabled": not entry.get("disable", False),
        "forceActivation": bool(entry.get("constant")),
    }
    config_field = {"contextConfig": config} if config or "contextConfig" in kept else {}
    return {
        **kept,
        **{key: one for key, one in own.items() if one or key in kept or not kept},
        **config_field,
    }


def depth_of(context: Mapping[str, Any]) -> int:
    """How many paragraphs before the end a context stands."""
    config = mapping(context, "contextConfig")
    place = config.get("insertionPosition")
    if type(place) is int and place < 0 and config.get("insertionType") == "newline":
        return -1 - place
    return -1 - NOTE_PLACE


def place_of(depth: int) -> int:
    """The place of a context so many paragraphs before the end."""
    return -1 - depth


def mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object inside another; empty if there is none."""
    inner = value.get(name)
    return inner if isinstance(inner, Mapping) else {}
