"""What MiniMax M3 writes."""

from __future__ import annotations

from coblyn.chat.formats.nested import MINIMAX_NESTED
from coblyn.chat.reasoning import Reasoning
from replies import TOOLS, Case, make_tool

FORMAT = MINIMAX_NESTED
MARKS = Reasoning("<mm:think>", "</mm:think>")
M = "]<]minimax[>["

PLACE = {
    "type": "object",
    "properties": {"street": {"type": "string"}, "number": {"type": "integer"}},
    "required": ["street"],
}
STOPS = {"type": "array", "items": PLACE}
SPARE = {"type": "object", "additionalProperties": {"type": "string"}}
TOOLS_HERE = (
    *TOOLS,
    make_tool("stop", at={"oneOf": [{"type": "integer"}, {"anyOf": [PLACE]}]}),
    make_tool("drive", to=PLACE, stops=STOPS, spare=SPARE, any={"type": ["string", "null"]}),
)


def tag(name: str, value: str) -> str:
    return f"{M}<{name}>{value}{M}</{name}>"


def invoke(name: str, *values: str) -> str:
    return f'{M}<invoke name="{name}">{"".join(values)}{M}</invoke>'


def block(*invokes: str) -> str:
    return f"{M}<tool_call>\n{chr(10).join(invokes)}\n{M}</tool_call>"


OSLO = invoke("weather", tag("city", "Oslo"), tag("days", "2"))
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
PLACED = '{"street": "12", "number": 18}'
HOME = tag("street", "12") + tag("number", "018")
CUT = f'{M}<tool_call>\n{OSLO}\n{M}<invoke name="weather">{M}<city>Os'

CASES = [
    Case("No.", "No."),
    Case(block(OSLO), calls=[MEANT]),
    Case(block(OSLO, invoke("now"), OSLO), calls=[MEANT, ("now", "{}"), MEANT]),
    Case(f"Let me see.\n{block(OSLO)}\n", "Let me see.", [MEANT]),
    Case(f"{block(OSLO)}\n{block(OSLO)}", calls=[MEANT, MEANT]),
    Case(block(OSLO).replace(">\n", ">"), calls=[MEANT]),
    Case(block(OSLO).replace(f"{M}<c", f"{M} <c"), calls=[MEANT]),
    Case(
        block(invoke("write", tag("content", " a <b>\n </b> & </content> \n"))),
        calls=[("write", '{"content": " a <b>\\n </b> & </content> \\n"}')],
    ),
    Case(block(invoke("write", tag("content", "null"))), calls=[("write", '{"content": "null"}')]),
    Case(
        block(invoke("search", tag("tags", tag("item", "x") + tag("item", "2")))),
        calls=[("search", '{"tags": ["x", "2"]}')],
    ),
    Case(block(invoke("search", tag("tags", ""))), calls=[("search", '{"tags": []}')]),
    Case(
        block(invoke("search", tag("tags", '["x", 2]'), tag("exact", "true"))),
        calls=[("search", '{"tags": ["x", 2], "exact": true}')],
    ),
    Case(
        block(invoke("search", tag("options", tag("a", "1") + tag("b", tag("c", "x"))))),
        calls=[("search", '{"options": {"a": "1", "b": {"c": "x"}}}')],
    ),
    Case(
        block(invoke("search", tag("options", tag("a", "x") + tag("a", "y")))),
        calls=[("search", '{"options": {"a": ["x", "y"]}}')],
    ),
    Case(
        block(invoke("drive", tag("to", HOME), tag("stops", tag("item", HOME) * 2))),
        calls=[
            (
                "drive",
                f'{{"to": {PLACED}, "stops": [{PLACED}, {PLACED}]}}',
            )
        ],
    ),
    Case(
        block(invoke("drive", tag("spare", tag("tyre", "4")), tag("any", "null"))),
        calls=[("drive", '{"spare": {"tyre": "4"}, "any": null}')],
    ),
    Case(
        block(invoke("drive", f"\n{tag('to', f'{chr(10)}{HOME}{chr(10)}')}\n")),
        calls=[("drive", f'{{"to": {PLACED}}}')],
    ),
    Case(block(invoke("other", tag("a", "1"))), calls=[("other", '{"a": "1"}')]),
    Case(block(invoke("now", tag("a", tag("item", "1")))), calls=[("now", '{"a": ["1"]}')]),
    Case(f"hm\n</mm:think>\n\n{block(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"</mm:think>{block(OSLO)}", calls=[MEANT]),
    Case(block(OSLO).removesuffix(f"{M}</tool_call>"), calls=[MEANT]),
    Case(block(OSLO).removesuffix(f"{M}</invoke>\n{M}</tool_call>"), calls=[MEANT]),
    Case(OSLO, calls=[MEANT]),
    Case(f"plain {M}<tool_ca", f"plain {M}<tool_ca"),
    Case(block(OSLO)[:90], block(OSLO)[:90]),
    Case(CUT, CUT[CUT.index("\n", 30) :], [MEANT]),
    Case(f"{M}<tool_call>\n{M}</x> so", f"{M}<tool_call>\n{M}</x> so"),
    Case(block(invoke("stop", tag("at", HOME))), calls=[("stop", f'{{"at": {PLACED}}}')]),
    Case(block(invoke("stop", tag("at", "5"))), calls=[("stop", '{"at": 5}')]),
]

REQUIRED = f"{M}<tool_call>\n{OSLO}\n{M}</tool_call>"
