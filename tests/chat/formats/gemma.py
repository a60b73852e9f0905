"""What Gemma 4 writes."""

from __future__ import annotations

from coblyn.chat.formats.gemma import GEMMA
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = GEMMA
MARKS = Reasoning("<|channel>thought\n", "<channel|>", "")
Q = '<|"|>'


def call(text: str) -> str:
    return f"<|tool_call>call:{text}<tool_call|>"


OSLO = call(f"weather{{city:{Q}Oslo{Q},days:2}}")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(OSLO + OSLO, calls=[MEANT, MEANT]),
    Case("Let me look." + OSLO, "Let me look.", [MEANT]),
    Case(call("now{}"), calls=[("now", "{}")]),
    Case(call("now"), calls=[("now", "{}")]),
    Case(
        call(f"search{{options:{{a:{{b:{Q}c{Q}}}}},tags:[{Q}x{Q},{Q}y{Q}],exact:true}}"),
        calls=[("search", '{"options": {"a": {"b": "c"}}, "tags": ["x", "y"], "exact": true}')],
    ),
    Case(
        call(f'write{{content:{Q}}}, {{ [ "q" \\ \n, a:b{Q}}}'),
        calls=[("write", '{"content": "}, { [ \\"q\\" \\\\ \\n, a:b"}')],
    ),
    Case(call("search{tags:[],options:{}}"), calls=[("search", '{"tags": [], "options": {}}')]),
    Case(call("weather{days:-1.5e3}"), calls=[("weather", '{"days": -1.5e3}')]),
    Case(call("weather{days:null}"), calls=[("weather", '{"days": null}')]),
    Case(call("weather{days:NaN}"), calls=[("weather", '{"days": "NaN"}')]),
    Case(call("weather{city:Oslo}"), calls=[("weather", '{"city": "Oslo"}')]),
    Case(call('weather{"city": "Oslo", "days": 2}'), calls=[MEANT]),
    Case(OSLO + "<tool_call|>", calls=[MEANT]),
    Case(OSLO.removesuffix("<tool_call|>"), calls=[MEANT]),
    Case("<|channel>thought\nhm<channel|>Yes.", "Yes.", reasoning="hm"),
    Case("<|channel>thought\nhm<channel|>" + OSLO, calls=[MEANT], reasoning="hm"),
    Case("<|channel>thought\n<channel|>Yes.", "Yes."),
    Case("<|channel>hm<channel|>Yes.", "Yes.", reasoning="hm"),
    Case("<|channel><|channel>thought\nhm<channel|>Yes.", "Yes.", reasoning="hm"),
    Case(OSLO + "<|tool_response>Done.", "Done.", [MEANT]),
    Case("hm<channel|>Yes.", "Yes.", reasoning="hm", is_reasoning=True),
    Case("Yes.<channel|>", "Yes."),
    Case(
        "<|channel>thought\na<channel|>Yes.<|channel>thought\nb<channel|>", "Yes.", reasoning="a\nb"
    ),
    Case(OSLO[:35], OSLO[:35]),
    Case("<|tool_call>no<tool_call|>", "<|tool_call>no<tool_call|>"),
    Case("Look." + OSLO + " Done.", "Look. Done.", [MEANT]),
    Case(OSLO.replace("call:", ":"), calls=[MEANT]),
    Case(call(f"weather{{city:{Q}Oslo{Q},days:2"), calls=[MEANT]),
    Case(
        call(f"weather{{days:2,city:{Q}Oslo}}"), calls=[("weather", '{"days": 2, "city": "Oslo"}')]
    ),
    Case(call(f"write{{content:{Q}ls}}") + OSLO, calls=[("write", '{"content": "ls"}'), MEANT]),
    Case(
        call(f"write{{content:{Q}a}}<tool_call|>b{Q}}}"),
        calls=[("write", '{"content": "a}<tool_call|>b"}')],
    ),
    Case(call("weather{city:'Oslo',days:2}"), calls=[MEANT]),
    Case(call(f"weather{{city:'Oslo'{Q},days:2}}"), calls=[MEANT]),
    Case(
        call("write{content:'it's',path:''}"), calls=[("write", '{"content": "it\'s", "path": ""}')]
    ),
    Case(call("write{content:'it}"), calls=[("write", '{"content": "\'it"}')]),
    Case(
        call("write{content:\n\n# A, `b`: {c}, and d"),
        calls=[("write", '{"content": "\\n\\n# A, `b`: {c}, and d"}')],
    ),
    Case(
        call(f"write{{content:hello, you,path:{Q}a{Q}}}"),
        calls=[("write", '{"content": "hello, you", "path": "a"}')],
    ),
    Case(call("weather{city: Oslo, days:2}"), calls=[MEANT]),
    Case(call("weather{city:,days:2}"), calls=[("weather", '{"city": "", "days": 2}')]),
    Case(call("weather{city:12,days:2}"), calls=[("weather", '{"city": 12, "days": 2}')]),
    Case(
        "<|tool_call>call:weather{days:2,city:Oslo}",
        calls=[("weather", '{"days": 2, "city": "Oslo"}')],
    ),
    Case("<|tool_call>call:weather{days:2,city:Osl", "<|tool_call>call:weather{days:2,city:Osl"),
    Case(
        call("search{options:{a:108.,b:.5}}"),
        calls=[("search", '{"options": {"a": 108.0, "b": 0.5}}')],
    ),
]

REQUIRED = OSLO
