from __future__ import annotations

from dataclasses import replace

from coblyn.chat.messages import Message
from coblyn.chat.placeholders import (
    Tags,
    fill_placeholders,
    fill_stops,
    read_tags,
    write_chat,
)

TAGS = Tags(
    system_start="<S>", system_end="</S>", user_start="<U>", user_end="</U>",
    assistant_start="<A>", assistant_end="</A>", assistant_gen="<A!>",
)  # fmt: skip


def test_text_without_placeholders_stays() -> None:
    assert fill_placeholders("m", "a {{x}} b", TAGS) == ("m", "a {{x}} b")


def test_turns_without_ends_get_those_of_the_turn_before() -> None:
    prompt = "{{[INPUT]}}a{{[OUTPUT]}}b{{[INPUT]}}c{{[OUTPUT]}}"
    assert fill_placeholders("{{[SYSTEM]}}s", prompt, TAGS) == (
        "<S>s",
        "<U>a</U><A>b</A><U>c<A!>",
    )


def test_first_input_may_stand_in_memory() -> None:
    memory, prompt = fill_placeholders("{{[INPUT]}}m", "{{[INPUT]}}a{{[OUTPUT]}}", TAGS)
    assert (memory, prompt) == ("<U>m", "</A><U>a<A!>")


def test_turns_with_ends_are_replaced_one_to_one() -> None:
    prompt = "{{[INPUT]}}a{{[INPUT_END]}}{{[OUTPUT]}}b{{[OUTPUT_END]}}{{[OUTPUT]}}"
    assert fill_placeholders("{{[SYSTEM]}}s{{[SYSTEM_END]}}", prompt, TAGS) == (
        "<S>s</S>",
        "<U>a</U><A>b</A><A!>",
    )


def test_alpaca_is_the_default() -> None:
    _, prompt = fill_placeholders("", "{{[INPUT]}}hi{{[OUTPUT]}}", Tags())
    assert prompt == "\n### Instruction:\nhi\n### Response:\n"


def test_stops_lose_the_space_around_their_tags() -> None:
    assert fill_stops(["{{[INPUT]}}", "x", "{{[INPUT_END]}}"], Tags()) == ("### Instruction:", "x")


CONVERSATION = (
    Message("system", "Be brief."),
    Message("user", "One"),
    Message("assistant", "Two"),
    Message("tool", "Three"),
)


def test_a_conversation_stands_between_tags() -> None:
    tags = replace(TAGS, chat_start="START")
    before = "START<S>Be brief.</S><U>One</U><A>Two</A><U>Three</U>"
    assert write_chat(CONVERSATION, tags, continues_last=False) == before + "<A!>"
    unmarked = replace(tags, assistant_gen="")
    assert write_chat(CONVERSATION, unmarked, continues_last=False) == before + "<A>"
    continued = write_chat(CONVERSATION[:3], tags, continues_last=True)
    assert continued == "START<S>Be brief.</S><U>One</U><A>Two"


def test_an_adapter_without_tags_has_none() -> None:
    assert read_tags({"temperature": 1, "user_start": 5}) is None
    assert read_tags("no object") is None
    assert read_tags({"user_start": "U:"}) == Tags(user_start="U:")


def test_somebody_elses_tag_ends_an_answer() -> None:
    assert Tags().stops == ("### Instruction:", "### Response:")
    assert Tags(user_start=" \n", assistant_start="A: ").stops == ("A:",)
