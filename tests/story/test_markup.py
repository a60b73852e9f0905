from __future__ import annotations

from coblyn.story.markup import Markup, tagged, woven
from coblyn.story.segment import Segment

CHATML = Markup(
    "<s>system\n", "<e>\n", "<s>user\n", "<e>\n", "<s>assistant\n", "<e>\n", "<s>assistant\n<t>"
)
TURNS = "{{[INPUT]}}\nHi\n{{[OUTPUT]}}\nHello\n{{[INPUT]}}\nMore\n{{[OUTPUT]}}\n"


def sent(text: str, markup: Markup = CHATML, *top: Segment) -> str:
    segments = tagged((*top, Segment("story", "main", text, 0, 0, 9)), markup, len)
    assert all(one.tokens == len(one.text) for one in segments if one.kind != "memory")
    return "".join(segment.text for segment in segments)


def test_each_turn_ends_where_the_next_begins() -> None:
    assert sent(TURNS) == (
        "<s>user\nHi<e>\n<s>assistant\nHello<e>\n<s>user\nMore<e>\n<s>assistant\n<t>"
    )
    assert CHATML.stops == ("<e>", "<s>user", "<s>assistant")


def test_what_stands_before_the_text_is_the_systems() -> None:
    memory = Segment("memory", "", "A mine.\n", 2)
    assert sent("{{[INPUT]}}\nHi", CHATML, memory) == "<s>system\nA mine.\n<e>\n<s>user\nHi"
    plain = Markup(user_start="### In:\n", assistant_start="### Out:\n")
    assert sent("{{[INPUT]}}\nHi", plain, memory) == "A mine.\n### In:\nHi"


def test_marks_of_ends_are_ends() -> None:
    text = "{{[INPUT]}}\nHi{{[INPUT_END]}}\n{{[OUTPUT]}}\nYo{{[OUTPUT_END]}}\n"
    assert sent(text) == "<s>user\nHi<e>\n<s>assistant\n<t>Yo<e>\n"


def test_turns_that_lie_in_two_segments_are_one_conversation() -> None:
    note = Segment("note", "", "[Dry.]\n", 7)
    parts = (
        Segment("story", "main", "{{[INPUT]}}\nHi\n", 0),
        note,
        Segment("story", "main", "{{[OUTPUT]}}\n", 0),
    )
    told = tagged(parts, CHATML, len)
    assert [one.text for one in told] == ["<s>user\nHi\n", "[Dry.]\n", "<e>\n<s>assistant\n<t>"]


def test_a_template_is_cut_into_its_parts() -> None:
    parts = [Segment("memory", "", "A mine.", 0), Segment("story", "main", "Hi", 0)]
    cut = woven("[sys]A mine.[/sys][u]Hi[/u][a]", parts, len)
    assert [(one.kind, one.text) for one in cut] == [
        ("template", "[sys]"),
        ("memory", "A mine."),
        ("template", "[/sys][u]"),
        ("story", "Hi"),
        ("template", "[/u][a]"),
    ]
    assert [one.tokens for one in cut] == [len(one.text) for one in cut]


def test_what_a_template_changed_is_the_templates() -> None:
    cut = woven(
        "[A MINE.]Hi", [Segment("memory", "", "A mine.", 0), Segment("story", "", "Hi", 0)], len
    )
    assert [(one.kind, one.text) for one in cut] == [("template", "[A MINE.]"), ("story", "Hi")]
