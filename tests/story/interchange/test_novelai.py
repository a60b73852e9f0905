"""Stories of NovelAI and back again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from coblyn.story.changes import Change
from coblyn.story.interchange.files import export_file
from coblyn.story.operation import Edit, Put
from coblyn.story.state import MAIN, NEW, State, apply
from coblyn.story.text import Text
from story.files import KOBOLD, NOVELAI, NOVELAI_BOOK
from story.interchange.test_document import BUNDLED, UNFINISHED
from story.interchange.test_files import load

DOCUMENT = NOVELAI | {
    "content": {
        "storyContentVersion": 6,
        "document": BUNDLED,
        "context": [
            {"text": "A mine.", "contextConfig": {"insertionPosition": 0}},
            {
                "text": "Dark.",
                "contextConfig": {"insertionType": "newline", "insertionPosition": -3},
            },
        ],
        "lorebook": NOVELAI_BOOK,
        "ephemeralContext": [],
    }
}
SCENARIO = {
    "scenarioVersion": 3,
    "title": "Cwm",
    "author": "G.",
    "prompt": "The lamp went out.",
    "context": [{"text": "A mine.", "contextConfig": {"x": 1}}, {"text": "", "contextConfig": {}}],
    "lorebook": NOVELAI_BOOK,
    "placeholders": [{"key": "name"}],
}


def exported(state: State) -> tuple[dict[str, Any], str]:
    file = export_file(state, "novelai")
    return json.loads(file.data), file.suffix


def changed(state: State, *operations: Any) -> State:
    for operation in operations:
        state, _ = apply(state, operation)
    return state


@pytest.mark.parametrize(
    ("value", "suffix"),
    [
        (NOVELAI, ".story"),
        (DOCUMENT, ".story"),
        (DOCUMENT | {"content": {"document": UNFINISHED}}, ".story"),
        (SCENARIO, ".scenario"),
    ],
)
def test_what_was_not_changed_goes_out_as_it_came(value: dict[str, Any], suffix: str) -> None:
    assert exported(load(value)) == (value, suffix)


def test_memory_note_and_title_can_change_without_the_text() -> None:
    state = changed(
        load(DOCUMENT),
        Put("memory", "A mill."),
        Put("note", {"text": "Bright.", "depth": 0}),
        Put("title", "The Mill"),
    )
    assert load(DOCUMENT).single("note")["depth"] == 2
    value, suffix = exported(state)
    assert (suffix, value["metadata"]["title"]) == (".story", "The Mill")
    memory, note = value["content"]["context"]
    assert (memory["text"], note["text"]) == ("A mill.", "Bright.")
    assert note["contextConfig"] == {"insertionType": "newline", "insertionPosition": -1}
    assert value["content"]["document"] == BUNDLED


@pytest.mark.parametrize("value", [NOVELAI, DOCUMENT, SCENARIO, KOBOLD])
def test_a_text_that_was_changed_is_a_scenario(value: dict[str, Any]) -> None:
    before = load(value)
    state = changed(before, Edit(MAIN, (Change(0, 0, Text.of("Once. ")),)))
    written, suffix = exported(state)
    assert (suffix, written["prompt"]) == (".scenario", state.text(MAIN).text)
    again = load(written)
    assert again.text(MAIN).text == state.text(MAIN).text
    for place in ("title", "memory"):
        assert again.single(place) == before.single(place)
    assert again.single("note").get("text", "") == before.single("note").get("text", "")
    assert [one["content"] for one in again.collection("lore").values()] == [
        one["content"] for one in before.collection("lore").values()
    ]


@pytest.mark.parametrize("kind", ["novelai", "kobold"])
def test_kept_parts_of_other_kinds_are_left_out(kind: str) -> None:
    """Clients may keep there what they like."""
    kept = {"kept/novelai.context": [None, 5], "kept/kobold": {"rest": 5, "settings": [1]}}
    lore = Put("settings/lore", {"scan_depth": 5})
    state = changed(NEW, lore, *[Put(place, value) for place, value in kept.items()])
    written = json.loads(export_file(state, kind).data)
    assert "context" not in written
    assert written["prompt"] == ""


def test_a_story_of_its_own_is_a_scenario() -> None:
    state = changed(NEW, Edit(MAIN, (Change(0, 0, Text.of("Once.")),)))
    value, suffix = exported(state)
    assert (suffix, value["prompt"], value["scenarioVersion"]) == (".scenario", "Once.", 3)
    assert "lorebook" not in value
    noted = changed(state, Put("note", {"text": "Dark.", "depth": 5}))
    again = load(exported(noted)[0])
    assert (again.single("memory"), again.single("note")["depth"]) == ("", 5)
