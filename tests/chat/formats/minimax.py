"""What MiniMax M2 writes."""

from __future__ import annotations

from coblyn.chat.formats.invokes import MINIMAX
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = MINIMAX
MARKS = Reasoning("<think>", "</think>")


def invoke(name: str, **values: str) -> str:
    parts = "".join(
        f'<parameter name="{key}">{value}</parameter>\n' for key, value in values.items()
    )
    return f'<invoke name="{name}">\n{parts}</invoke>\n'


def block(*invokes: str) -> str:
    return f"<minimax:tool_call>\n{''.join(invokes)}</minimax:tool_call>"


OSLO = invoke("weather", city="Oslo", days="2")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')

CASES = [
    Case("No.", "No."),
    Case(block(OSLO), calls=[MEANT]),
    Case(block(OSLO, invoke("now"), OSLO), calls=[MEANT, ("now", "{}"), MEANT]),
    Case(f"Let me see.\n\n{block(OSLO)}\n", "Let me see.", [MEANT]),
    Case(f"{block(OSLO)}\n{block(OSLO)}", calls=[MEANT, MEANT]),
    Case(block(OSLO.replace('"weather"', "'weather'")), calls=[MEANT]),
    Case(block(OSLO.replace('"city"', "city")), calls=[MEANT]),
    Case(
        block(invoke("write", content="a < b && c > d\n  e")),
        calls=[("write", '{"content": "a < b && c > d\\n  e"}')],
    ),
    Case(block(invoke("write", content="\na\n")), calls=[("write", '{"content": "a"}')]),
    Case(
        block(invoke("search", tags='["x"]', exact="true")),
        calls=[("search", '{"tags": ["x"], "exact": true}')],
    ),
    Case(block(invoke("write", content="null")), calls=[("write", '{"content": "null"}')]),
    Case(f"hm\n</think>\n\n{block(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"hm {block(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(block(OSLO).removesuffix("</minimax:tool_call>"), calls=[MEANT]),
    Case(block(OSLO).removesuffix("</invoke>\n</minimax:tool_call>"), calls=[MEANT]),
    Case(OSLO, calls=[MEANT]),
    Case(block(OSLO)[:70], block(OSLO)[:70]),
    Case(
        "<minimax:tool_call>\nno</minimax:tool_call>", "<minimax:tool_call>\nno</minimax:tool_call>"
    ),
    Case(block("<invoke>\n</invoke>\n", OSLO), "<minimax:tool_call>\n<invoke>\n</invoke>", [MEANT]),
]

REQUIRED = block(OSLO)
