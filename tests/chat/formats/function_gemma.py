"""What FunctionGemma writes."""

from __future__ import annotations

from coblyn.chat.formats.gemma import FUNCTION_GEMMA
from coblyn.chat.reasoning import NO_REASONING
from replies import Case

FORMAT = FUNCTION_GEMMA
MARKS = NO_REASONING
Q = "<escape>"


def call(text: str) -> str:
    return f"<start_function_call>call:{text}<end_function_call>"


OSLO = call(f"weather{{city:{Q}Oslo{Q},days:2}}")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(OSLO + OSLO, calls=[MEANT, MEANT]),
    Case("Well. " + OSLO, "Well.", [MEANT]),
    Case(call("now{}"), calls=[("now", "{}")]),
    Case(
        call(f"search{{tags:[{Q}a{Q}],exact:false}}"),
        calls=[("search", '{"tags": ["a"], "exact": false}')],
    ),
    Case(call("search{options:{a:1}}"), calls=[("search", '{"options": {"a": 1}}')]),
    Case(call(f"write{{content:{Q}a}}b,{{{Q}}}"), calls=[("write", '{"content": "a}b,{"}')]),
    Case(call(f"write{{content:{Q}{Q}}}"), calls=[("write", '{"content": ""}')]),
    Case(call("weather{city:Oslo,days:2}"), calls=[MEANT]),
    Case(OSLO.removesuffix("<end_function_call>"), calls=[MEANT]),
    Case(OSLO + " Done.", "Done.", [MEANT]),
    Case(OSLO[:40], OSLO[:40]),
    Case("<start_function_call>x", "<start_function_call>x"),
    Case("<start_fun", "<start_fun"),
]

REQUIRED = OSLO
