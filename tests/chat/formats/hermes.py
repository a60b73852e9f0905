"""What models write that call tools as Hermes does."""

from __future__ import annotations

from coblyn.chat.formats.hermes import HERMES
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = HERMES
MARKS = Reasoning("<think>", "</think>")
OSLO = ("weather", '{"city": "Oslo", "days": 2}')
CALL = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}\n</tool_call>'

BROKEN = '<tool_call>\n{"name": "weather", "arguments": {city: Oslo}}\n</tool_call>'

CASES = [
    Case(BROKEN, BROKEN),
    Case("Look." + CALL + "\nDone.", "Look.\nDone.", [OSLO]),
    Case("No tool is needed.", "No tool is needed."),
    Case(CALL, calls=[OSLO]),
    Case(f"Let me look.\n\n{CALL}", "Let me look.", [OSLO]),
    Case(f"{CALL}\n{CALL}", calls=[OSLO, OSLO]),
    Case(f"{CALL}\nDone.", "Done.", [OSLO]),
    Case(f"<think>\nhm\n</think>\n\n{CALL}", calls=[OSLO], reasoning="hm"),
    Case(f"so I call it\n</think>\n{CALL}", "", [OSLO], "so I call it", is_reasoning=True),
    Case("<think>a <tool_call> is a call</think>No.", "No.", reasoning="a <tool_call> is a call"),
    Case('<tool_call>{"name":"now","arguments":{}}</tool_call>', calls=[("now", "{}")]),
    Case('<tool_call>{"name": "now"}</tool_call>', calls=[("now", "{}")]),
    Case('<tool_call>{"name": "now", "arguments": null}</tool_call>', calls=[("now", "{}")]),
    Case(
        '<tool_call>{"arguments": {"city": "Oslo"}, "name": "weather"}</tool_call>',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(
        '<tool_call>{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}</tool_call>',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(
        '<tool_call>{"name": "write", "arguments": {"content": "if (x) { y } </tool_call> \\"}\\""}}</tool_call>',
        calls=[("write", '{"content": "if (x) { y } </tool_call> \\"}\\""}')],
    ),
    Case('<tool_call>{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}', calls=[OSLO]),
    Case(
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo", "days": 2}</tool_call> ok',
        "ok",
        [OSLO],
    ),
    Case(f'<tool_call>{{"name": "now"}}{CALL}', calls=[("now", "{}"), OSLO]),
    Case(
        '<tool_call>{"name": "search", "parameters": {"options": {"a": [1, {}]}}}</tool_call>',
        calls=[("search", '{"options": {"a": [1, {}]}}')],
    ),
    Case('<tool_call>{"name": "unknown", "arguments": {}}</tool_call>', calls=[("unknown", "{}")]),
    Case("<tool_call>no JSON</tool_call> So.", "<tool_call>no JSON</tool_call> So."),
    Case('<tool_call>{"name": ', '<tool_call>{"name": '.rstrip() + " "),
    Case("2 <tool", "2 <tool"),
    *(
        Case(
            f'<tool_call>\n{{"name": "now", "arguments": "{text}"}}\n</tool_call>',
            calls=[("now", f'"{text}"')],
        )
        for text in ("{hello world}", "[oops", "{} and more")
    ),
]

REQUIRED = CALL
