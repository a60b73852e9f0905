"""What Llama 3.1 to 3.3 write."""

from __future__ import annotations

from coblyn.chat.formats.llama3 import LLAMA3
from coblyn.chat.reasoning import NO_REASONING
from replies import TOOLS, Case, make_tool

FORMAT = LLAMA3
MARKS = NO_REASONING
CODE = make_tool("python", code="string")
TOOLS_HERE = (*TOOLS, CODE)
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "parameters": {ARGUMENTS}}}'
LESS = '{"name": "weather", "parameters": {"city": "Oslo"}}'
NAMED = f'{{"name": "weather", "about": "the sky", "parameters": {ARGUMENTS}}}'

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(f"\n{OSLO}", calls=[MEANT]),
    Case(f"<|python_tag|>{OSLO}", calls=[MEANT]),
    Case(OSLO.replace("parameters", "arguments"), calls=[MEANT]),
    Case(f'{{"type": "function", {OSLO[1:]}', calls=[MEANT]),
    Case(f"{OSLO}; {OSLO}", calls=[MEANT, MEANT]),
    Case(f"{OSLO}\n{OSLO}", calls=[MEANT, MEANT]),
    Case('{"name": "now", "parameters": {}}', calls=[("now", "{}")]),
    Case('{"name": "Bob", "parameters": {}}', '{"name": "Bob", "parameters": {}}'),
    Case('{"answer": 42} it is', '{"answer": 42} it is'),
    Case('{"name": "weather"', '{"name": "weather"'),
    Case('{"name": "weather", "parameters": {"ci', '{"name": "weather", "parameters": {"ci'),
    Case('<|python_tag|>weather.call(city="Oslo", days=2)', calls=[MEANT]),
    Case(
        "<|python_tag|>print('a (b')\nx = 1",
        calls=[("python", '{"code": "print(\'a (b\')\\nx = 1"}')],
    ),
    Case(f"Look: {OSLO}", "Look:", [MEANT]),
    Case(f"I look.\n\n{OSLO}; {OSLO} Shall I go on?", "I look.\n\n Shall I go on?", [MEANT, MEANT]),
    Case(f"Look: {LESS}", f"Look: {LESS}"),
    Case(f"Look: {NAMED}", f"Look: {NAMED}"),
    Case(f"Look: {OSLO[:-9]}", f"Look: {OSLO[:-9]}"),
    Case(
        f"Look: {OSLO.replace('weather', 'climate')}", f"Look: {OSLO.replace('weather', 'climate')}"
    ),
    Case(f"{OSLO} and text", "and text", [MEANT]),
    Case("{", "{"),
]

REQUIRED = OSLO
