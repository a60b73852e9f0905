"""A story as a file of NovelAI: the container that it came in while its text is the same, else a scenario.

NovelAI keeps the text of a story with its history, in a form that is not published; a scenario has plain text, and
NovelAI makes a story of it. A scenario does not say who wrote which words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coblyn.errors import BadRequest
from coblyn.story.interchange.document import read_document
from coblyn.story.interchange.novelai import (
    NOTE_PLACE,
    depth_of,
    mapping,
    novelai_lore_json,
    place_of,
)
from coblyn.story.state import State

__all__ = ["novelai_file"]

_CONFIG = {
    "prefix": "", "suffix": "\n", "tokenBudget": 2048, "reservedTokens": 0, "trimDirection": "trimBottom",
    "insertionType": "newline", "maximumTrimType": "sentence",
}  # fmt: skip
_MEMORY = {**_CONFIG, "budgetPriority": 800, "insertionPosition": 0}
_NOTE = {**_CONFIG, "reservedTokens": 2048, "budgetPriority": -400, "insertionPosition": NOTE_PLACE}
"""Where NovelAI places memory and author's note in a new story."""


def novelai_file(state: State, branch: str) -> tuple[dict[str, Any], str]:
    """A story or a scenario, and how the name of its file ends.

    Args:
        state: The story.
        branch: The branch whose text is written.

    Raises:
        BadRequest: There is no such branch.
    """
    text = state.text(branch).text
    kept = mapping(state.places, "kept/novelai")
    content = dict(mapping(kept, "content"))
    outer = {key: value for key, value in kept.items() if key != "content"}
    parts = _parts(state)
    story = state.places.get("kept/novelai.story")
    if "storyContainerVersion" in outer and text == _text_of(content, story):
        inner = {"story": story} if story is not None else {}
        about = _titled(mapping(outer, "metadata"), state)
        return {**outer, "metadata": about, "content": {**content, **inner, **parts}}, ".story"
    own = content if "scenarioVersion" in content else _scenario()
    return {**_titled(own, state), **parts, "prompt": text}, ".scenario"


def _scenario() -> dict[str, Any]:
    lists = ("tags", "placeholders", "ephemeralContext")
    return {"scenarioVersion": 3, "title": "", "description": "", "author": "", "settings": {}} | {
        name: list[Any]() for name in lists
    }


def _titled(about: Mapping[str, Any], state: State) -> dict[str, Any]:
    title = state.single("title")
    return {**about, **({"title": title} if title or "title" in about else {})}


def _text_of(content: Mapping[str, Any], story: Any) -> str | None:
    """The text that a container holds; None where that cannot be told."""
    if isinstance(story, Mapping):
        fragments = story.get("fragments")
        found = fragments if isinstance(fragments, list) else []
        texts = [one.get("data") for one in found if isinstance(one, Mapping)]
        return "".join(text for text in texts if isinstance(text, str))
    packed = content.get("document")
    try:
        return read_document(packed).text if isinstance(packed, str) and packed else None
    except BadRequest:
        return None


def _parts(state: State) -> dict[str, Any]:
    """Memory, author's note and lore; what else the file that the story came in says of them stays."""
    kept = state.places.get("kept/novelai.context")
    given = kept if isinstance(kept, list) else []
    contexts = [dict(one) for one in given if isinstance(one, Mapping)]
    note = state.single("note")
    words = note.get("text") if isinstance(note.get("text"), str) else ""
    for number, (text, config) in enumerate(((state.single("memory"), _MEMORY), (words, _NOTE))):
        if number < len(contexts):
            if text or "text" in contexts[number]:
                contexts[number]["text"] = text
        elif text or words:
            contexts.append({"text": text, "contextConfig": config})
    if words:
        contexts[1] = _placed(contexts[1], note.get("depth"))
    has_book = any(
        "lorebookVersion" in mapping(one, "fields") for one in state.collection("books").values()
    )
    has_lore = has_book or bool(state.collection("lore"))
    return ({"context": contexts} if contexts else {}) | (
        {"lorebook": novelai_lore_json(state)} if has_lore else {}
    )


def _placed(context: Mapping[str, Any], depth: Any) -> dict[str, Any]:
    if type(depth) is not int or depth == depth_of(context):
        return dict(context)
    config = mapping(context, "contextConfig")
    return {**context, "contextConfig": {**config, "insertionPosition": place_of(depth)}}
