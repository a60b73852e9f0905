"""What models without a format of calls write when they are told of one."""

from __future__ import annotations

from coblyn.chat.formats.generic import GENERIC
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = GENERIC
MARKS = Reasoning("<think>", "</think>")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)
OSLO = f'{{"name": "weather", "arguments": {ARGUMENTS}}}'


def calls(*texts: str) -> str:
    return f'{{"tool_calls": [{", ".join(texts)}]}}'


CASES = [
    Case("No.", "No."),
    Case(calls(OSLO), calls=[MEANT]),
    Case(f"\n{calls(OSLO, OSLO)}\n", calls=[MEANT, MEANT]),
    Case(f'{{ "tool_calls" : [ {OSLO} ] }}', calls=[MEANT]),
    Case(calls('{"name": "now"}'), calls=[("now", "{}")]),
    Case(f"```json\n{calls(OSLO)}\n```", calls=[MEANT]),
    Case(OSLO, calls=[MEANT]),
    Case(f"[{OSLO}, {OSLO}]", calls=[MEANT, MEANT]),
    Case(f"```json\n{OSLO}\n```", calls=[MEANT]),
    Case(OSLO.replace("arguments", "parameters"), calls=[MEANT]),
    Case('```tool_code\n[weather(city="Oslo", days=2)]\n```', calls=[MEANT]),
    Case('[weather(city="Oslo", days=2), now()]', calls=[MEANT, ("now", "{}")]),
    Case(f"<think>hm</think>{calls(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(f"hm</think>\n{calls(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case('{"answer": 42}', '{"answer": 42}'),
    Case('```json\n{"answer": 42}\n```', '```json\n{"answer": 42}\n```'),
    Case("```python\nprint(1)\n```", "```python\nprint(1)\n```"),
    Case("[1, 2]", "[1, 2]"),
    Case('{"name": "Bob", "age": 3}', '{"name": "Bob", "age": 3}'),
    Case(calls('{"name": "Bob", "arguments": {}}'), calls('{"name": "Bob", "arguments": {}}')),
    Case(calls(OSLO)[:60], calls(OSLO)[:60]),
    Case('{"tool_', '{"tool_'),
    Case(f"So: {calls(OSLO)}", f"So: {calls(OSLO)}"),
    Case('```tool_code\nweather(city="Oslo", days=2)\n```', calls=[MEANT]),
    Case('```python\nprint("Oslo")\n```', '```python\nprint("Oslo")\n```'),
]

REQUIRED = calls(OSLO)
