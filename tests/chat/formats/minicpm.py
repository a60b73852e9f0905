"""What MiniCPM 5 writes."""

from __future__ import annotations

from coblyn.chat.formats.invokes import MINICPM
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = MINICPM
MARKS = Reasoning("<think>", "</think>")


def call(name: str, **values: str) -> str:
    parts = "".join(f'<param name="{key}">{value}</param>' for key, value in values.items())
    return f'<function name="{name}">{parts}</function>'


def data(text: str) -> str:
    return f"<![CDATA[{text}]]>"


OSLO = call("weather", city="Oslo", days="2")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
SPACED = OSLO.replace("><", ">\n  <")
JOINED = OSLO.replace(" name=", "name=")
NAMELESS = OSLO.replace('<param name="city">', "<param>")

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(call("weather", properties="{'city': 'Oslo', 'days': 2}"), calls=[MEANT]),
    Case(SPACED, calls=[MEANT]),
    Case(JOINED, calls=[MEANT]),
    Case(f"{JOINED}\n{JOINED} {OSLO}", calls=[MEANT] * 3),
    Case("a <functionname> of x", "a <functionname> of x"),
    Case(f"I look.\n{OSLO}\nDone.\n", "I look.\n\nDone.", [MEANT]),
    Case(f"{OSLO}\n{call('now')}{OSLO}", calls=[MEANT, ("now", "{}"), MEANT]),
    Case(f"First\n{OSLO}\nthen\n{OSLO}", "First\n\nthen", [MEANT, MEANT]),
    Case(OSLO.replace('"', "'"), calls=[MEANT]),
    Case(call("write", content="A & B < C"), calls=[("write", '{"content": "A & B < C"}')]),
    Case(
        call("write", content=data("\n<b>a & b</param>\n</function>\n")),
        calls=[("write", '{"content": "\\n<b>a & b</param>\\n</function>\\n"}')],
    ),
    Case(call("write", content=data("a]] >]")), calls=[("write", '{"content": "a]] >]"}')]),
    Case(
        call("search", tags='["x"]', exact="True", options=data('{"a": "<"}')),
        calls=[("search", '{"tags": ["x"], "exact": true, "options": {"a": "<"}}')],
    ),
    Case(call("write", content="null"), calls=[("write", '{"content": "null"}')]),
    Case(call("write", content=""), calls=[("write", '{"content": ""}')]),
    Case(call("other", a="1"), calls=[("other", '{"a": "1"}')]),
    Case(f"hm\n</think>\n\n{OSLO}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"hm {OSLO}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(OSLO.removesuffix("</function>"), calls=[MEANT]),
    Case(OSLO[:40], OSLO[:40]),
    Case(NAMELESS, NAMELESS),
    Case(f"{NAMELESS}{OSLO}", NAMELESS, [MEANT]),
    Case("a <function> of x, <function names>", "a <function> of x, <function names>"),
]

REQUIRED = OSLO
VARIANTS = {"data": OSLO.replace("Oslo", data("Oslo"))}
