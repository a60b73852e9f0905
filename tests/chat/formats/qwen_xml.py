"""What Qwen3-Coder, Qwen 3.5 and their like write."""

from __future__ import annotations

from coblyn.chat.formats.qwen_xml import QWEN_XML
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = QWEN_XML
MARKS = Reasoning("<think>", "</think>")


def call(name: str, **values: str) -> str:
    parts = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items())
    return f"<tool_call>\n<function={name}>\n{parts}</function>\n</tool_call>"


OSLO = call("weather", city="Oslo", days="2")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
CODE = "if x < 2:\n    print(\"<b>\", '\\n')\n"

CASES = [
    Case(call("other", text="\n\na\n\n"), calls=[("other", '{"text": "\\n\\na\\n\\n"}')]),
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(f"I look.\n{OSLO}\n{OSLO}", "I look.", [MEANT, MEANT]),
    Case(call("now"), calls=[("now", "{}")]),
    Case("<tool_call>\n<function=now></function>\n</tool_call>", calls=[("now", "{}")]),
    Case(
        call("write", content=CODE),
        calls=[("write", '{"content": "if x < 2:\\n    print(\\"<b>\\", \'\\\\n\')\\n"}')],
    ),
    Case(call("write", content="\n\na\n\n"), calls=[("write", '{"content": "\\n\\na\\n\\n"}')]),
    Case(call("write", content="42"), calls=[("write", '{"content": "42"}')]),
    Case(call("write", content=""), calls=[("write", '{"content": ""}')]),
    Case(call("search", exact="True"), calls=[("search", '{"exact": true}')]),
    Case(call("search", exact="false"), calls=[("search", '{"exact": false}')]),
    Case(
        call("search", tags='["a", "b"]', options="{'a': None}"),
        calls=[("search", '{"tags": ["a", "b"], "options": {"a": null}}')],
    ),
    Case(call("weather", days="many"), calls=[("weather", '{"days": "many"}')]),
    Case(
        call("weather", days="12345678901234567890"),
        calls=[("weather", '{"days": 12345678901234567890}')],
    ),
    Case(call("other", a="1"), calls=[("other", '{"a": "1"}')]),
    Case(OSLO.removeprefix("<tool_call>\n"), calls=[MEANT]),
    Case(OSLO.removesuffix("\n</tool_call>"), calls=[MEANT]),
    Case(OSLO.removesuffix("</function>\n</tool_call>"), calls=[MEANT]),
    Case(OSLO.replace("</parameter>\n<parameter=days>", "<parameter=days>"), calls=[MEANT]),
    Case(OSLO.replace("</parameter>\n</function>", "</function>"), calls=[MEANT]),
    Case('<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>', calls=[("now", "{}")]),
    Case(f"hm\n</think>\n\n{OSLO}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"<think>\nhm {OSLO} no\n</think>\nYes.", "Yes.", reasoning=f"hm {OSLO} no"),
    Case(f"hm\n{OSLO}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case("I may <tool_call> later", reasoning="I may <tool_call> later", is_reasoning=True),
    Case(OSLO[:60], OSLO[:60]),
    Case("<tool_call>\n<func", "<tool_call>\n<func"),
]

REQUIRED = OSLO
