"""What DeepSeek V3.2 and V4 write."""

from __future__ import annotations

from coblyn.chat.formats.invokes import DSML
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = DSML
MARKS = Reasoning("<think>", "</think>")


def invoke(name: str, **values: tuple[str, bool]) -> str:
    parts = "".join(
        f'<｜DSML｜parameter name="{key}" string="{str(is_text).lower()}">{value}</｜DSML｜parameter>\n'
        for key, (value, is_text) in values.items()
    )
    return f'<｜DSML｜invoke name="{name}">\n{parts}</｜DSML｜invoke>\n'


def block(*invokes: str, name: str = "function_calls") -> str:
    return f"<｜DSML｜{name}>\n{''.join(invokes)}</｜DSML｜{name}>"


OSLO = invoke("weather", city=("Oslo", True), days=("2", False))
MEANT = ("weather", '{"city": "Oslo", "days": 2}')

CASES = [
    Case("No.", "No."),
    Case(block(OSLO), calls=[MEANT]),
    Case(block(invoke("weather", arguments=(MEANT[1], False))), calls=[MEANT]),
    Case(
        block(invoke("weather", arguments=('{"sky": 1}', False))),
        calls=[("weather", '{"arguments": "{\\"sky\\": 1}"}')],
    ),
    Case(block(invoke("now", input=("{}", True))), calls=[("now", '{"input": "{}"}')]),
    Case(block(OSLO, name="tool_calls"), calls=[MEANT]),
    Case(f"\n\n{block(OSLO)}", calls=[MEANT]),
    Case(block(OSLO, invoke("now")), calls=[MEANT, ("now", "{}")]),
    Case(f"I shall.\n\n{block(OSLO, OSLO)}", "I shall.", [MEANT, MEANT]),
    Case(block(invoke("other", a=("1", False))), calls=[("other", '{"a": 1}')]),
    Case(block(invoke("other", a=("1", True))), calls=[("other", '{"a": "1"}')]),
    Case(
        block(invoke("write", content=("\na\n", True))), calls=[("write", '{"content": "\\na\\n"}')]
    ),
    Case(
        block(invoke("search", options=('{"a": {"b": []}}', False))),
        calls=[("search", '{"options": {"a": {"b": []}}}')],
    ),
    Case(block(invoke("weather", days=("[1", False))), calls=[("weather", '{"days": "[1"}')]),
    Case(block(OSLO).replace(' string="true"', "").replace(' string="false"', ""), calls=[MEANT]),
    Case(f"hm</think>{block(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"<think>hm</think>\n\n{block(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(block(OSLO).removesuffix("</｜DSML｜function_calls>"), calls=[MEANT]),
    Case(block(OSLO)[:90], block(OSLO)[:90]),
    Case("<｜DSML｜unknown>", "<｜DSML｜unknown>"),
    Case(
        block(invoke("weather", city=("1", True), days=("2", True))),
        calls=[("weather", '{"city": "1", "days": 2}')],
    ),
    Case(
        block(
            '<｜DSML｜invoke name="weather">\n{"city": "Oslo", "days": 2}\n</｜DSML｜invoke>\n',
            OSLO,
        ),
        calls=[MEANT, MEANT],
    ),
]

REQUIRED = block(OSLO)
VARIANTS = {"tool_calls": block(OSLO, name="tool_calls")}
