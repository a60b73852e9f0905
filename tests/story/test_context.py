from __future__ import annotations

from typing import Any

import pytest

from coblyn.errors import BadRequest
from coblyn.story.book import entries_of, lore_settings_of
from coblyn.story.changes import Change
from coblyn.story.context import Context, assemble, messages_of
from coblyn.story.lore.entry import read_entry
from coblyn.story.lore.fire import fire
from coblyn.story.lore.scene import Scene
from coblyn.story.lore.verdict import Lore
from coblyn.story.macros import Names, filled
from coblyn.story.operation import Edit, Put
from coblyn.story.parts import Call, Parts, parts_of
from coblyn.story.state import NEW, State, apply
from coblyn.story.text import Text
from coblyn.story.turns import speakers_of


def story(text: str, **places: Any) -> State:
    state, _ = apply(NEW, Edit("main", (Change(0, 0, Text.of(text)),)))
    for place, value in places.items():
        state, _ = apply(state, Put(place.replace("__", "/"), value))
    return state


def words(text: str) -> int:
    return len(text.split())


def context(state: State, room: int = 1000, lore: Lore | None = None) -> Context:
    return assemble(state, "main", lore or Lore(), words, room)


def test_everything_stands_in_its_order() -> None:
    book = {
        "before": {"position": 0}, "after": {"position": 1}, "deep": {"position": 4, "depth": 2},
        "around": {"position": 2}, "beneath": {"position": 3}, "examples": {"position": 6},
    }  # fmt: skip
    entries = [read_entry(k, {"constant": True, "content": k.upper()} | v) for k, v in book.items()]
    card = {"name": "Tomos", "description": "{{char}} digs.", "mes_example": "<START>"}
    state = story(
        "One.\n\nTwo.\nThree.\nFour.",
        memory="A mine.",
        note={"text": "Dark.", "depth": 1, "template": "[Note: <|>]"},
        characters__t={"card": card},
        personas__me={"name": "Gwen", "description": "{{user}} listens."},
    )
    answer = context(state, lore=fire(entries, Scene(["Four."]), count=words))
    assert answer.prompt == (
        "A mine.\nBEFORE\nTomos digs.\nGwen listens.\nAFTER\n<START>\nEXAMPLES\n"
        "One.\n\nTwo.\nDEEP\nThree.\nAROUND\n[Note: Dark.]\nBENEATH\nFour."
    )
    kinds = [segment.kind for segment in answer.segments]
    assert kinds[:7] == ["memory", "lore", "character", "persona", "lore", "examples", "lore"]
    text = "".join(s.text for s in answer.segments if s.kind == "story")
    assert text == state.text("main").text
    for segment in answer.segments:
        if segment.start is not None:
            assert state.text("main").cut(segment.start, segment.end or 0).text == segment.text


def test_a_chat_is_messages_too() -> None:
    book = [
        read_entry("lamp", {"constant": True, "content": "It knocks.", "position": 4, "depth": 1})
    ]
    state = story(
        "A mine.\nGwen: Who knocks?\nNobody\u2028Tomos: answers.\nTomos: The lamp.\nSee: it is out.\nGwen: Oh.",
        mode="chat",
        memory="Cwm Carreg.",
        personas__me={"name": "Gwen"},
        characters__t={"card": {"name": "Tomos"}},
    )
    answer = context(state, lore=fire(book, Scene([]), count=words))
    assert [message.to_json() for message in answer.messages] == [
        {"role": "system", "content": "Cwm Carreg."},
        {"role": "system", "content": "A mine."},
        {"role": "user", "content": "Who knocks?\nNobody\u2028Tomos: answers.", "name": "Gwen"},
        {"role": "assistant", "content": "The lamp.\nSee: it is out.", "name": "Tomos"},
        {"role": "system", "content": "It knocks."},
        {"role": "user", "content": "Oh.", "name": "Gwen"},
    ]
    speakers = speakers_of(state)
    assert messages_of(state.text("main").text, speakers)[:2] == [
        "Oh.",
        "The lamp.\nSee: it is out.",
    ]


def test_instructions_are_messages_too() -> None:
    text = "\n{{[INPUT]}}\nWho knocks?\n{{[INPUT_END]}}\n{{[OUTPUT]}}\nA coblyn.\n{{[INPUT]}}\nWhy?\n{{[OUTPUT]}}\n"
    answer = context(story(text, mode="instruct"))
    assert [(message.role, message.text) for message in answer.messages] == [
        ("user", "Who knocks?"),
        ("assistant", "A coblyn."),
        ("user", "Why?"),
    ]
    assert context(story(text, mode="story")).messages == ()


def test_a_note_at_the_very_end_stands_on_a_line_of_its_own() -> None:
    state = story("One.\nTwo", note={"text": "Dark.", "depth": 0})
    assert context(state).prompt == "One.\nTwo\nDark.\n"


def test_old_text_is_cut_at_paragraphs_and_in_steps() -> None:
    text, cuts = "", set()
    for number in range(400):
        text += f"Paragraph {number} has some more words in it.\n"
        answer = context(story(text, memory="Kept."), room=300)
        assert answer.prompt.startswith("Kept.\n")
        assert sum(segment.tokens for segment in answer.segments) <= 300
        assert answer.prompt.endswith(text[answer.dropped :])
        assert answer.dropped == 0 or text[answer.dropped - 1] == "\n"
        cuts.add(answer.dropped)
    assert len(cuts) < 60  # of 400: the beginning mostly stays where it was


def test_a_deleted_word_does_not_move_the_cut() -> None:
    lines = [f"Paragraph {number} has some more words in it." for number in range(400)]
    moved = 0
    for number in range(300, 400, 5):
        before = context(story("\n".join(lines)), room=300)
        shorter = [*lines]
        shorter[number - 250] = "Paragraph has some more words in it."
        after = context(story("\n".join(shorter)), room=300)
        moved += before.segments[-1].text[:40] != after.segments[-1].text[:40]
    assert moved <= 2


def test_positions_count_utf_16_units() -> None:
    lines = [f"🐉 {number} word word word word\n" for number in range(200)]
    state = story("".join(lines))
    answer = context(state, room=100)
    assert answer.dropped > 0
    assert state.text("main").cut(answer.dropped, state.text("main").length).text == answer.prompt


def test_one_long_line_is_cut_too() -> None:
    answer = context(story("word " * 5000), room=500)
    assert 100 < words(answer.prompt) <= 500


def test_what_leaves_no_room_is_told() -> None:
    with pytest.raises(BadRequest, match="take 50 of 20 tokens"):
        context(story("text", memory="word " * 50), room=20)


def test_an_empty_story_is_an_empty_prompt() -> None:
    assert context(story("")).prompt == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{char}} and {{USER}}, <bot> and <User>", "T and G, T and G"),
        ("{{ char }}{{// a remark }}{{comment: x}}{{hidden_key:y}}", "T"),
        ("{{reverse:abc}} {{unknown}} {{", "cba {{unknown}} {{"),
        ("{{random:only}} {{pick:a\\,b}}", "only a,b"),
        ("{{roll:d1}} {{roll:0}}", "1 {{roll:0}}"),
    ],
)
def test_placeholders(text: str, expected: str) -> None:
    assert filled(text, Names("T", "G")) == expected


def test_chance_in_placeholders_is_seeded() -> None:
    text = "{{roll:d100}} {{random:a,b,c}}"
    assert len({filled(text, Names(seed=seed)) for seed in range(20)}) > 5
    assert filled(text, Names(seed=3)) == filled(text, Names(seed=3))
    assert len({filled("{{pick:a,b,c}}", Names(seed=seed)) for seed in range(20)}) == 1


def test_a_turn_ends_where_somebody_elses_begins() -> None:
    card = {"card": {"name": "Tomos"}}
    assert context(story("You: Hi", mode="chat", characters__t=card)).stops == (
        "\nTomos:",
        "\nYou:",
    )
    assert context(story("> Go", mode="adventure")).stops == ("\n>",)
    assert context(story("Once")).stops == ()


def test_reasoning_and_calls_are_told_apart_from_what_is_said() -> None:
    text = (
        "{{[INPUT]}}\nHow deep?\n{{[OUTPUT]}}\n<think>\nI must look.\n</think>\nA moment."
        '\n<tool_call>\n{"id": "c1", "name": "depth", "arguments": {"level": 3}}\n</tool_call>\n'
        '{{[INPUT]}}\n<tool_response id="c1">\n90 m\n</tool_response>\n{{[OUTPUT]}}\n'
    )
    answer = context(story(text, mode="assistant"))
    function = {"name": "depth", "arguments": '{"level": 3}'}
    assert [message.to_json() for message in answer.messages] == [
        {"role": "user", "content": "How deep?"},
        {
            "role": "assistant",
            "content": "A moment.",
            "reasoning_content": "I must look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "content": "90 m", "tool_call_id": "c1"},
    ]


def test_what_only_looks_like_a_call_stays_text() -> None:
    assert parts_of("<tool_call>no</tool_call> x").text == "<tool_call>no</tool_call> x"
    assert parts_of('<tool_call>{"name": 3}</tool_call>').calls == ()
    assert parts_of("<think>Hm") == Parts("", "Hm")
    assert parts_of('<tool_call>{"name": "a"}</tool_call>').calls == (Call("call_0", "a", "{}"),)


def test_who_does_not_take_part_any_more_has_said_what_it_said() -> None:
    absent = {"card": {"name": "Tomos"}, "is_absent": True}
    answer = context(story("You: Hi\nTomos: Yes.", mode="chat", characters__t=absent))
    assert [message.name for message in answer.messages] == ["You", "Tomos"]


def test_images_of_a_turn_are_shown_with_it() -> None:
    url = "data:image/png;base64,AAAA"
    text = "{{[INPUT]}}\nWhat is ![a map](image:m1)\n\n![gone](image:m2)this?"
    places = {
        "mode": "assistant",
        "settings__image.m1": url,
        "settings__image.m3": "http://x/y.png",
    }
    (message,) = context(story(text, **places)).messages
    assert message.to_json()["content"] == [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "text", "text": "What is \n\nthis?"},
    ]


@pytest.mark.parametrize(
    ("mode", "is_fired"), [("story", True), ("adventure", True), ("chat", False)]
)
def test_a_key_is_looked_for_further_back_in_paragraphs_than_in_turns(
    mode: str, is_fired: bool
) -> None:
    """A turn of a chat is as long as many paragraphs."""
    text = "\n".join(["You: A lamp.", *(f"You: {n}" for n in range(8))])
    lore = {"key": ["lamp"], "content": "It burns blue."}
    state = story(text, mode=mode, lore__a=lore, personas__me={"name": "You"})
    scene = Scene(messages_of(text, speakers_of(state)))
    assert bool(fire(entries_of(state), scene, lore_settings_of(state)).fired) is is_fired
    wide = story(text, mode=mode, lore__a=lore, settings__lore={"scan_depth": 50})
    assert fire(entries_of(wide), scene, lore_settings_of(wide)).fired
