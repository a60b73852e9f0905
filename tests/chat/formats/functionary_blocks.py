"""What Functionary 3.2 writes: the prompt has ended with ``>>>``."""

from __future__ import annotations

from coblyn.chat.formats.functionary import FUNCTIONARY_BLOCKS
from coblyn.chat.reasoning import NO_REASONING
from replies import TOOLS, Case, make_tool

FORMAT = FUNCTIONARY_BLOCKS
MARKS = NO_REASONING
TOOLS_HERE = (*TOOLS, make_tool("python", code="string"))
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)

CASES = [
    Case("all\nYes.", "Yes."),
    Case(f"weather\n{ARGUMENTS}", calls=[MEANT]),
    Case(f">>>weather\n{ARGUMENTS}", calls=[MEANT]),
    Case(f"all\nI look.>>>weather\n{ARGUMENTS}", "I look.", [MEANT]),
    Case(f"weather\n{ARGUMENTS}>>>weather\n{ARGUMENTS}", calls=[MEANT, MEANT]),
    Case(f"weather\n{ARGUMENTS}\n>>>now\n{{}}", calls=[MEANT, ("now", "{}")]),
    Case("now\n{}", calls=[("now", "{}")]),
    Case(f"weather{ARGUMENTS}", calls=[MEANT]),
    Case("python\nprint(1)\nprint(2)", calls=[("python", '{"code": "print(1)\\nprint(2)"}')]),
    Case('write\n{"content": ">>>all\\n}"}', calls=[("write", '{"content": ">>>all\\n}"}')]),
    Case("all\na >> b", "a >> b"),
    Case("all\n", ""),
    Case("plain text", "plain text"),
    Case("other\n{}", "other\n{}"),
    Case('weather\n{"city": "O', 'weather\n{"city": "O'),
]

REQUIRED = f"weather\n{ARGUMENTS}"
