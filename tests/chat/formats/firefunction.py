"""What Firefunction 2 writes."""

from __future__ import annotations

from coblyn.chat.formats.json_list import FIREFUNCTION
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = FIREFUNCTION
MARKS = NO_REASONING
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'
CUT = f"functools[{OSLO}, {OSLO[:-9]}"

CASES = [
    Case("No.", "No."),
    Case(f"functools[{OSLO}]", calls=[MEANT]),
    Case(f" functools[{OSLO}]", calls=[MEANT]),
    Case(f"functools[{OSLO}, {OSLO}]", calls=[MEANT, MEANT]),
    Case(f"functools[\n  {OSLO},\n  {OSLO}\n]", calls=[MEANT, MEANT]),
    Case(f"I will look.\n\nfunctools[{OSLO}]", "I will look.", [MEANT]),
    Case(f"functools[{OSLO}", calls=[MEANT]),
    Case(f"functools[{OSLO}] Done.", "Done.", [MEANT]),
    Case('functools[{"name": "now", "arguments": {}}]', calls=[("now", "{}")]),
    Case('functools[{"name": "now"}]', calls=[("now", "{}")]),
    Case(f'functools[{{"arguments": {ARGUMENTS}, "name": "weather"}}]', calls=[MEANT]),
    Case(
        'functools[{"name": "write", "arguments": {"content": "functools[]"}}]',
        calls=[("write", '{"content": "functools[]"}')],
    ),
    Case("Python has functools, with a cache.", "Python has functools, with a cache."),
    Case("functools [x] are tools", "functools [x] are tools"),
    Case("functools[x] is no call", "functools[x] is no call"),
    Case(f"functools[{OSLO[:-9]}", f"functools[{OSLO[:-9]}"),
    Case(CUT, f", {OSLO[:-9]}", [MEANT]),
]

REQUIRED = f"functools[{OSLO}]"
