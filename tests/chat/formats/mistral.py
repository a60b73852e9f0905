"""What Mistral's models write."""

from __future__ import annotations

from coblyn.chat.formats.mistral import MISTRAL
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = MISTRAL
MARKS = Reasoning("[THINK]", "[/THINK]")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = '{"name": "weather", "arguments": {"city": "Oslo", "days": 2}, "id": "abcdefghi"}'
OTHER = OSLO.replace("abcdefghi", "123456789")

CASES = [
    Case("No.", "No."),
    Case(f"[TOOL_CALLS][{OSLO}]", calls=[MEANT]),
    Case(f"[TOOL_CALLS] [{OSLO}, {OTHER}]", calls=[MEANT, MEANT]),
    Case('[TOOL_CALLS][{"name": "now", "arguments": {}}]', calls=[("now", "{}")]),
    Case(
        '[TOOL_CALLS][{"arguments": {"city": "Oslo"}, "name": "weather"}]',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(f"Hm.[TOOL_CALLS][{OSLO}]", "Hm.", [MEANT]),
    Case(f"[TOOL_CALLS]{OSLO}", calls=[MEANT]),
    Case(f"[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{ARGUMENTS}", calls=[MEANT]),
    Case(f"[TOOL_CALLS]weather[ARGS]{ARGUMENTS}", calls=[MEANT]),
    Case(
        f"[TOOL_CALLS]weather[ARGS]{ARGUMENTS}[TOOL_CALLS]now[ARGS]{{}}",
        calls=[MEANT, ("now", "{}")],
    ),
    Case(f"[TOOL_CALLS]weather{ARGUMENTS}", calls=[MEANT]),
    Case(f"[TOOL_CALLS]weather[ARGS] {ARGUMENTS} ", calls=[MEANT]),
    Case(f"Yes.[TOOL_CALLS]weather[ARGS]{ARGUMENTS}", "Yes.", [MEANT]),
    Case("[THINK]hm[/THINK]Yes.", "Yes.", reasoning="hm"),
    Case(f"[THINK]hm[/THINK][TOOL_CALLS]weather[ARGS]{ARGUMENTS}", calls=[MEANT], reasoning="hm"),
    Case(
        "[THINK]a [TOOL_CALLS]now[ARGS]{} b[/THINK]No.",
        "No.",
        reasoning="a [TOOL_CALLS]now[ARGS]{} b",
    ),
    Case(
        '[TOOL_CALLS]write[ARGS]{"content": "[TOOL_CALLS]} \\" ]"}',
        calls=[("write", '{"content": "[TOOL_CALLS]} \\" ]"}')],
    ),
    Case('[TOOL_CALLS]weather[ARGS]{"city": "Os', '[TOOL_CALLS]weather[ARGS]{"city": "Os'),
    Case("[TOOL_CALLS]no call", "[TOOL_CALLS]no call"),
    Case(f"[TOOL_CALLS][{OSLO}", calls=[MEANT]),
    Case(f"[TOOL_CALLS] so [{OSLO}] and", "and", [MEANT]),
    Case(f"[TOOL_CALLS] so I call {OSLO}", calls=[MEANT]),
    Case(f"[TOOL_CALLS][{OSLO} {OTHER}]", calls=[MEANT, MEANT]),
    Case("[TOOL_CALLS] as in [1]", "[TOOL_CALLS] as in [1]"),
    Case("[TOOL_CALLS]so so[TOOL_CALLS]now[ARGS]{}", "[TOOL_CALLS]so so", [("now", "{}")]),
]

REQUIRED = '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}]'
VARIANTS = {
    "[ARGS]": f"[TOOL_CALLS]weather[ARGS]{ARGUMENTS}",
    "[ARGS][CALL_ID]": f"[TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{ARGUMENTS}",
}
