"""What Nemotron Nano 2 and Super 1.5 write."""

from __future__ import annotations

from coblyn.chat.formats.json_list import NEMOTRON
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = NEMOTRON
MARKS = Reasoning("<think>", "</think>")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'

CASES = [
    Case("No.", "No."),
    Case(f"<TOOLCALL>[{OSLO}]</TOOLCALL>", calls=[MEANT]),
    Case(f"<TOOLCALL>[{OSLO}, {OSLO}]</TOOLCALL>", calls=[MEANT, MEANT]),
    Case(
        '<TOOLCALL>[{"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}]</TOOLCALL>',
        calls=[("weather", '{"city": "Oslo"}')],
    ),
    Case(f"Sure.\n<TOOLCALL>[{OSLO}]</TOOLCALL>", "Sure.", [MEANT]),
    Case(f"<TOOLCALL>{OSLO}</TOOLCALL>", calls=[MEANT]),
    Case(f"<TOOLCALL>[\n{OSLO}\n]\n</TOOLCALL>\n", calls=[MEANT]),
    Case('<TOOLCALL>[{"name": "now", "arguments": {}}]</TOOLCALL>', calls=[("now", "{}")]),
    Case(
        f"hm\n</think>\n\n<TOOLCALL>[{OSLO}]</TOOLCALL>",
        calls=[MEANT],
        reasoning="hm",
        is_reasoning=True,
    ),
    Case(f"<think>\nhm\n</think>\n<TOOLCALL>[{OSLO}]</TOOLCALL>", calls=[MEANT], reasoning="hm"),
    Case("<think></think>Yes.", "Yes."),
    Case(f"<TOOLCALL>[{OSLO}]", calls=[MEANT]),
    Case(f"<TOOLCALL>[{OSLO}", calls=[MEANT]),
    Case(f"<TOOLCALL>[{OSLO[:-9]}", f"<TOOLCALL>[{OSLO[:-9]}"),
    Case("<TOOLCALL>none</TOOLCALL>", "<TOOLCALL>none</TOOLCALL>"),
]

REQUIRED = f"<TOOLCALL>[{OSLO}]</TOOLCALL>"
