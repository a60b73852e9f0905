"""What Command R+ writes."""

from __future__ import annotations

from coblyn.chat.formats.cohere import COMMAND_R_PLUS
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = COMMAND_R_PLUS
MARKS = NO_REASONING
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"tool_name": "weather", "parameters": {ARGUMENTS}}}'
DIRECT = '{"tool_name": "directly-answer", "parameters": {}}'


def action(*calls: str) -> str:
    return f"Action:\n```json\n[\n{', '.join(calls)}\n]```"


CASES = [
    Case("No.", "No."),
    Case(action(OSLO), calls=[MEANT]),
    Case(action(OSLO) + "\n", calls=[MEANT]),
    Case(action(OSLO, OSLO), calls=[MEANT, MEANT]),
    Case(action(DIRECT), ""),
    Case(action(DIRECT, OSLO), calls=[MEANT]),
    Case("Plan: look.\n" + action(OSLO), "Plan: look.", [MEANT]),
    Case(f"Action: ```json\n[{OSLO}]\n```", calls=[MEANT]),
    Case(f"Action:\n[{OSLO}]", calls=[MEANT]),
    Case(action('{"tool_name": "now", "parameters": {}}'), calls=[("now", "{}")]),
    Case(action('{"tool_name": "now"}'), calls=[("now", "{}")]),
    Case(action(OSLO).removesuffix("\n]```"), action(OSLO).removesuffix("\n]```"), [MEANT]),
    Case(
        action('{"tool_name": "write", "parameters": {"content": "]```"}}'),
        calls=[("write", '{"content": "]```"}')],
    ),
    Case("Action:\n```json\nnothing", "Action:\n```json\nnothing"),
    Case("Act", "Act"),
]

REQUIRED = action(OSLO)
