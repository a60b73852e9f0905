"""What Seed-OSS writes."""

from __future__ import annotations

from coblyn.chat.formats.qwen_xml import SEED
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = SEED
MARKS = Reasoning("<seed:think>", "</seed:think>")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')


def call(name: str, *, line: str = "", **values: str) -> str:
    parts = "".join(
        f"<parameter={key}>{line}{value}{line}</parameter>\n" for key, value in values.items()
    )
    return f"<seed:tool_call>\n<function={name}>\n{parts}</function>\n</seed:tool_call>"


OSLO = call("weather", city="Oslo", days="2")

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(call("weather", line="\n", city="Oslo", days="2"), calls=[MEANT]),
    Case(OSLO + "\n" + OSLO, calls=[MEANT, MEANT]),
    Case("First.\n" + OSLO, "First.", [MEANT]),
    Case(call("now"), calls=[("now", "{}")]),
    Case(call("search", exact="True"), calls=[("search", '{"exact": true}')]),
    Case(call("search", options="{'a': 'b'}"), calls=[("search", '{"options": {"a": "b"}}')]),
    Case(call("search", tags="[1]"), calls=[("search", '{"tags": [1]}')]),
    Case(call("write", content="a\nb"), calls=[("write", '{"content": "a\\nb"}')]),
    Case(call("write", content="a\n"), calls=[("write", '{"content": "a\\n"}')]),
    Case("<seed:think>\nhm\n</seed:think>\n" + OSLO, calls=[MEANT], reasoning="hm"),
    Case(
        "<seed:think>a<seed:cot_budget_reflect>b</seed:cot_budget_reflect></seed:think>Yes.",
        "Yes.",
        reasoning="a<seed:cot_budget_reflect>b</seed:cot_budget_reflect>",
    ),
    Case(OSLO.removesuffix("</seed:tool_call>"), calls=[MEANT]),
    Case(OSLO.removeprefix("<seed:tool_call>\n"), calls=[MEANT]),
    Case("<seed:tool_call>\n<function", "<seed:tool_call>\n<function"),
    Case("<seed:tool", "<seed:tool"),
]

REQUIRED = OSLO
