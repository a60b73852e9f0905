"""What Phi-4-mini writes."""

from __future__ import annotations

from coblyn.chat.formats.json_list import PHI
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = PHI
MARKS = NO_REASONING
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'

CASES = [
    Case("No.", "No."),
    Case(f"<|tool_call|>{OSLO}<|/tool_call|>", calls=[MEANT]),
    Case(f"<|tool_call|>[{OSLO}]<|/tool_call|>", calls=[MEANT]),
    Case(f"<|tool_call|>[{OSLO}, {OSLO}]<|/tool_call|>", calls=[MEANT, MEANT]),
    Case(f"functools[{OSLO}]", calls=[MEANT]),
    Case(f"functools[{OSLO}, {OSLO}]", calls=[MEANT, MEANT]),
    Case(f"Yes. <|tool_call|>[{OSLO}]<|/tool_call|>", "Yes.", [MEANT]),
    Case(f"<|tool_call|>[{OSLO}]", calls=[MEANT]),
    Case(f"<|tool_call|>\n[{OSLO}]\n<|/tool_call|> ok", "ok", [MEANT]),
    Case('functools[{"name": "now", "arguments": {}}]', calls=[("now", "{}")]),
    Case('functools[{"name": "now"}]', calls=[("now", "{}")]),
    Case("Python has functools.", "Python has functools."),
    Case("functools are tools", "functools are tools"),
    Case(f"<|tool_call|>[{OSLO[:-9]}", f"<|tool_call|>[{OSLO[:-9]}"),
    Case("<|tool_call|>none<|/tool_call|>", "<|tool_call|>none<|/tool_call|>"),
]

REQUIRED = f"<|tool_call|>[{OSLO}]<|/tool_call|>"
