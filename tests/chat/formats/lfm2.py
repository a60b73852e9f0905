"""What LFM2 and LFM2.5 write."""

from __future__ import annotations

from coblyn.chat.formats.pythonic import LFM2
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = LFM2
MARKS = Reasoning("<think>", "</think>")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
OSLO = 'weather(city="Oslo", days=2)'


def calls(*texts: str) -> str:
    return f"<|tool_call_start|>[{', '.join(texts)}]<|tool_call_end|>"


CASES = [
    Case(
        "<|tool_call_start|><|tool_call_start|>[now()]<|tool_call_end|><|tool_call_end|>",
        calls=[("now", "{}")],
    ),
    Case("No.", "No."),
    Case("No.<|tool_call_start|> <|tool_call_end|>", "No."),
    Case(calls(), ""),
    Case(calls(OSLO), calls=[MEANT]),
    Case(calls(OSLO, "now()", OSLO), calls=[MEANT, ("now", "{}"), MEANT]),
    Case(calls(OSLO) + "Let me look.", "Let me look.", [MEANT]),
    Case("I shall. " + calls(OSLO), "I shall.", [MEANT]),
    Case(calls("weather(city='Oslo', days=2)"), calls=[MEANT]),
    Case(
        calls('search(options={"a": [1, None]}, tags=["x"], exact=True)'),
        calls=[("search", '{"options": {"a": [1, null]}, "tags": ["x"], "exact": true}')],
    ),
    Case(calls("search(exact=true)"), calls=[("search", '{"exact": true}')]),
    Case(
        calls('write(content="a, (b)] \\"c\\"\\n")'),
        calls=[("write", '{"content": "a, (b)] \\"c\\"\\n"}')],
    ),
    Case(calls('weather("Oslo", 2)'), calls=[MEANT]),
    Case(calls("weather(days=-2.5)"), calls=[("weather", '{"days": -2.5}')]),
    Case(f"[{OSLO}]", calls=[MEANT]),
    Case(f"<|tool_call_start|>[{OSLO}]", calls=[MEANT]),
    Case(f"<|tool_call_start|>[{OSLO}", calls=[MEANT]),
    Case(f"<|tool_call_start|>{OSLO}<|tool_call_end|>", calls=[MEANT]),
    Case(f"Let me look.[{OSLO}]", "Let me look.", [MEANT]),
    Case("[1, 2] is a list", "[1, 2] is a list"),
    Case("[link](address)", "[link](address)"),
    Case("<think>hm</think>" + calls(OSLO), calls=[MEANT], reasoning="hm"),
    Case(f"<think>{calls(OSLO)}</think>No.", "No.", reasoning=calls(OSLO)),
    Case(calls('weather(city="Os')[:40], calls('weather(city="Os')[:40]),
    Case(calls("unknown(a=1)"), calls=[("unknown", '{"a": 1}')]),
    Case(calls("no call"), calls("no call")),
    Case(calls("search(tags={'b', 'a'})"), calls=[("search", '{"tags": ["b", "a"]}')]),
    Case(calls("weather(city='Oslo', days=02)"), calls=[MEANT]),
    Case(
        calls("write(content='sed -n '1,2p' a, b', path='it's')"),
        calls=[("write", '{"content": "sed -n \'1,2p\' a, b", "path": "it\'s"}')],
    ),
    Case(calls("write(content='f(g('\\,'))')"), calls("write(content='f(g('\\,'))')")),
    Case(calls('{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}'), calls=[MEANT]),
    Case(
        '<|tool_call_start|>{"name": "weather", "arguments": {"city": "Oslo", "days": 2}}<|tool_call_end|>',
        calls=[MEANT],
    ),
    Case(f"{calls(OSLO)}[{OSLO}]<|tool_call_end|> So.", "So.", [MEANT]),
    Case(f"{calls(OSLO)}[1] is a note", "[1] is a note", [MEANT]),
]

REQUIRED = calls(OSLO)
