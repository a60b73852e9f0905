"""What GigaChat 3 writes."""

from __future__ import annotations

from coblyn.chat.formats.json_list import GIGACHAT
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = GIGACHAT
MARKS = NO_REASONING
BEGIN, END = "<|function_call|>", ""
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'
TRICKY = f'{{"content": "}}]{END}"}}'

CASES = [
    Case("No.", "No."),
    Case(f"{BEGIN}[{OSLO}]{END}", calls=[MEANT]),
    Case(f"{BEGIN}{OSLO}{END}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO}, {OSLO}]{END}", calls=[MEANT, MEANT]),
    Case(f"{BEGIN}{OSLO}{END}\n{BEGIN}{OSLO}{END}", calls=[MEANT, MEANT]),
    Case(f"Yes.\n{BEGIN}{OSLO}{END}", "Yes.", [MEANT]),
    Case(f"{BEGIN}\n{OSLO}\n{END}", calls=[MEANT]),
    Case(f"{BEGIN}{OSLO}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO}", calls=[MEANT]),
    Case(BEGIN + '{"name": "now", "arguments": {}}' + END, calls=[("now", "{}")]),
    Case(BEGIN + '{"name": "now"}' + END, calls=[("now", "{}")]),
    Case(f'{BEGIN}{{"name": "write", "arguments": {TRICKY}}}{END}', calls=[("write", TRICKY)]),
    Case(f"{BEGIN}{OSLO}{END} Done.", "Done.", [MEANT]),
    Case(f"{BEGIN}{OSLO[:-9]}", f"{BEGIN}{OSLO[:-9]}"),
    Case(f"{BEGIN}none{END}", f"{BEGIN}none{END}"),
    *(
        Case(BEGIN + text, calls=[("now", "{}")])
        for text in (
            '{"name": "now", "arguments": []}',
            '{"name": "now", "arguments": null}',
            '{"arguments": [ ], "name": "now"}',
        )
    ),
]

REQUIRED = f"<|message_sep|>\n\nfunction call<|role_sep|>\n{OSLO}"
VARIANTS = {"<|function_call|>": f"{BEGIN}{OSLO}"}
