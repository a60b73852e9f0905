"""What Functionary 3.1 writes."""

from __future__ import annotations

from coblyn.chat.formats.functionary import FUNCTIONARY
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = FUNCTIONARY
MARKS = NO_REASONING
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f"<function=weather>{ARGUMENTS}</function>"

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(OSLO + OSLO, calls=[MEANT, MEANT]),
    Case(f"{OSLO}\n{OSLO}", calls=[MEANT, MEANT]),
    Case("Yes. " + OSLO, "Yes.", [MEANT]),
    Case("<function=now>{}</function>", calls=[("now", "{}")]),
    Case("<function=now></function>", calls=[("now", "{}")]),
    Case("<function=weather> " + ARGUMENTS + " </function>", calls=[MEANT]),
    Case(OSLO.removesuffix("</function>"), calls=[MEANT]),
    Case(
        '<function=write>{"content": "</function>}"}</function>',
        calls=[("write", '{"content": "</function>}"}')],
    ),
    Case(
        '<function=write>{"content": "a\\"b"}</function>', calls=[("write", '{"content": "a\\"b"}')]
    ),
    Case("<function=other>{}</function>", calls=[("other", "{}")]),
    Case(OSLO[:30], OSLO[:30]),
    Case("<function=", "<function="),
    Case("<func", "<func"),
]

REQUIRED = OSLO
