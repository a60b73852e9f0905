"""What Command R7B and North write."""

from __future__ import annotations

from coblyn.chat.formats.cohere import COMMAND_R
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = COMMAND_R
MARKS = Reasoning("<|START_THINKING|>", "<|END_THINKING|>", "")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"tool_call_id": "0", "tool_name": "weather", "parameters": {ARGUMENTS}}}'
OTHER = OSLO.replace('"0"', '"1"')


def action(*calls: str) -> str:
    return f"<|START_ACTION|>[\n    {', '.join(calls)}\n]<|END_ACTION|>"


THOUGHT = "<|START_THINKING|>hm<|END_THINKING|>"

CASES = [
    Case("No.", "No."),
    Case("<|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Yes."),
    Case("<|START_TEXT|>Yes.<|END_TEXT|>", "Yes."),
    Case(f"{THOUGHT}<|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Yes.", reasoning="hm"),
    Case(action(OSLO), calls=[MEANT]),
    Case(action(OSLO, OTHER), calls=[MEANT, MEANT]),
    Case(f"{THOUGHT}{action(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(f"{THOUGHT}{action(OSLO)}<|END_TEXT|>", calls=[MEANT], reasoning="hm"),
    Case(
        action('{"tool_call_id": "0", "tool_name": "now", "parameters": {}}'), calls=[("now", "{}")]
    ),
    Case(action('{"tool_name": "now"}'), calls=[("now", "{}")]),
    Case(action(OSLO).removesuffix("<|END_ACTION|>"), calls=[MEANT]),
    Case(action(OSLO).removesuffix("\n]<|END_ACTION|>"), calls=[MEANT]),
    Case("hm<|END_THINKING|><|START_TEXT|>Yes.", "Yes.", reasoning="hm", is_reasoning=True),
    Case("<|START_RESPONSE|>See <co>this</co: 0:[1]>.<|END_RESPONSE|>", "See this."),
    Case("See <co: 0>this</co: 0>, <co>that</co: 0:[1, 2],1:[3]>", "See this, that"),
    Case("<|START_THINKING|>a <co>b</co: 0:[1]> c<|END_THINKING|>No.", "No.", reasoning="a b c"),
    Case("<code>x</code> <co: it> <colour", "<code>x</code> <co: it> <colour"),
    Case("a <co: 0", "a <co: 0"),
    Case(
        action('{"tool_name": "write", "parameters": {"content": "<co>x</co: 0:[1]>"}}'),
        calls=[("write", '{"content": "<co>x</co: 0:[1]>"}')],
    ),
    Case(action(OSLO)[:100], action(OSLO)[:100]),
    Case(
        action('{"tool_name": "write", "parameters": {"content": "]<|END_ACTION|>}"}}'),
        calls=[("write", '{"content": "]<|END_ACTION|>}"}')],
    ),
]

REQUIRED = action(OSLO)
