"""What Granite 3 writes."""

from __future__ import annotations

from coblyn.chat.formats.json_list import GRANITE
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = GRANITE
MARKS = Reasoning("<think>", "</think>")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'

CASES = [
    Case("No.", "No."),
    Case(f"<|tool_call|>[{OSLO}]", calls=[MEANT]),
    Case(f"<tool_call>[{OSLO}]", calls=[MEANT]),
    Case(f"<|tool_call|> [{OSLO}, {OSLO}]\n", calls=[MEANT, MEANT]),
    Case(f"<|tool_call|>{OSLO}", calls=[MEANT]),
    Case('<|tool_call|>[{"name": "now", "arguments": {}}]', calls=[("now", "{}")]),
    Case('<|tool_call|>[{"name": "now"}]', calls=[("now", "{}")]),
    Case(f"I shall.\n<|tool_call|>[{OSLO}]", "I shall.", [MEANT]),
    Case(f"<|tool_call|>[{OSLO}", calls=[MEANT]),
    Case(f"<|tool_call|>[{OSLO},", calls=[MEANT]),
    Case("<think>hm</think><response>Yes.</response>", "Yes.", reasoning="hm"),
    Case("<think>hm</think>\nYes.", "Yes.", reasoning="hm"),
    Case(
        '<|tool_call|>[{"name": "write", "arguments": {"content": "]}<|tool_call|>"}}]',
        calls=[("write", '{"content": "]}<|tool_call|>"}')],
    ),
    Case("<|tool_call|>[]", ""),
    Case(f"<|tool_call|>[{OSLO[:40]}", f"<|tool_call|>[{OSLO[:40]}"),
    Case("<|tool_call|>no", "<|tool_call|>no"),
]

REQUIRED = f"<|tool_call|>[{OSLO}]"
