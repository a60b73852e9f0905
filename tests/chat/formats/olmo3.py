"""What OLMo 3 writes."""

from __future__ import annotations

from coblyn.chat.formats.pythonic import OLMO3
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = OLMO3
MARKS = Reasoning("<think>", "</think>")
BEGIN, END = "<function_calls>", "</function_calls>"
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
OSLO = 'weather(city="Oslo", days=2)'
SEARCH = 'search(query="a", options={"b": [1, null]}, tags=["x"], exact=true)'
SEARCHED = '{"query": "a", "options": {"b": [1, null]}, "tags": ["x"], "exact": true}'


def calls(*texts: str) -> str:
    lines = "\n".join(texts)
    return f"{BEGIN}{lines}{END}"


CASES = [
    Case("No.", "No."),
    Case(calls(OSLO), calls=[MEANT]),
    Case(calls(OSLO, "now()", OSLO), calls=[MEANT, ("now", "{}"), MEANT]),
    Case(f"{BEGIN}\n{OSLO}\n{END}", calls=[MEANT]),
    Case(f"{BEGIN}[{OSLO}, now()]{END}", calls=[MEANT, ("now", "{}")]),
    Case("I shall. " + calls(OSLO), "I shall.", [MEANT]),
    Case(calls(OSLO) + "\nSo.", "So.", [MEANT]),
    Case(calls(OSLO) + calls("now()"), calls=[MEANT, ("now", "{}")]),
    Case(calls(SEARCH), calls=[("search", SEARCHED)]),
    Case(
        calls(SEARCH.replace("null", "None").replace("true", "True")), calls=[("search", SEARCHED)]
    ),
    Case(calls("weather(city='Oslo', days=2)"), calls=[MEANT]),
    Case(
        calls(r'write(path="say \"hi\"", content="a\n(b)]")'),
        calls=[("write", r'{"path": "say \"hi\"", "content": "a\n(b)]"}')],
    ),
    Case(calls("unknown(a=1)"), calls=[("unknown", '{"a": 1}')]),
    Case(f"{BEGIN}{OSLO}", calls=[MEANT]),
    Case(calls(OSLO)[:32], calls(OSLO)[:32]),
    Case(f"{BEGIN}{END}", f"{BEGIN}{END}"),
    Case(calls("no call"), calls("no call")),
    Case(calls("no call", OSLO), f"{BEGIN}no call", [MEANT]),
    Case(calls("oh no(", "print()", OSLO), f"{BEGIN}oh no(\nprint()", [MEANT]),
    Case("<think>hm</think>" + calls(OSLO), calls=[MEANT], reasoning="hm"),
    Case(f"<think>{calls(OSLO)}</think>No.", "No.", reasoning=calls(OSLO)),
]

REQUIRED = calls(OSLO)
