"""What GLM 4.5 and later write."""

from __future__ import annotations

from coblyn.chat.formats.glm import GLM
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = GLM
MARKS = Reasoning("<think>", "</think>")


def call(name: str, line: str = "\n", **values: str) -> str:
    parts = "".join(
        f"{line}<arg_key>{key}</arg_key>{line}<arg_value>{value}</arg_value>"
        for key, value in values.items()
    )
    return f"<tool_call>{name}{parts}{line if values else ''}</tool_call>"


OSLO = call("weather", city="Oslo", days="2")
MEANT = ("weather", '{"city": "Oslo", "days": 2}')

CASES = [
    Case("No.", "No."),
    Case(OSLO, calls=[MEANT]),
    Case(call("weather", "", city="Oslo", days="2"), calls=[MEANT]),
    Case("\n" + OSLO, calls=[MEANT]),
    Case(f"Sure.\n{OSLO}{OSLO}", "Sure.", [MEANT, MEANT]),
    Case(call("now"), calls=[("now", "{}")]),
    Case("<tool_call>now\n</tool_call>", calls=[("now", "{}")]),
    Case("<tool_call>now", calls=[("now", "{}")]),
    Case("<tool_call>nothing of ours", "<tool_call>nothing of ours"),
    Case(call("write", content="true"), calls=[("write", '{"content": "true"}')]),
    Case(call("write", content=" a\n\n"), calls=[("write", '{"content": " a\\n\\n"}')]),
    Case(call("write", content='<b>"x"</b>'), calls=[("write", '{"content": "<b>\\"x\\"</b>"}')]),
    Case(
        call("search", options='{"a": [1]}', exact="true"),
        calls=[("search", '{"options": {"a": [1]}, "exact": true}')],
    ),
    Case(call("other", a="1"), calls=[("other", '{"a": "1"}')]),
    Case(f"\n<think>hm</think>\n{OSLO}", calls=[MEANT], reasoning="hm"),
    Case(f"hm</think>{OSLO}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case("</think>Yes.", "Yes."),
    Case(f"<think>{OSLO}</think>No.", "No.", reasoning=OSLO),
    Case(OSLO.removesuffix("</tool_call>"), calls=[MEANT]),
    Case(OSLO[:-30], OSLO[:-30]),
    Case(OSLO.replace("</arg_value>", ""), calls=[MEANT]),
    Case(OSLO.replace("</arg_value>", "") + call("now"), calls=[MEANT, ("now", "{}")]),
    Case(OSLO.replace("<arg_value>", ""), calls=[MEANT]),
    Case(OSLO.replace("\n", "\\n"), calls=[MEANT]),
    Case(OSLO.replace("\n", "\\n\n"), calls=[MEANT]),
    Case(call("notes\\new", path="a"), calls=[("notes\\new", '{"path": "a"}')]),
    Case("See <tool_call>C:\\notes.", "See <tool_call>C:\\notes."),
    Case(
        call("search", "\\n", tags=r"[{\"a\": \"b\"}]"),
        calls=[("search", '{"tags": [{"a": "b"}]}')],
    ),
    Case(
        call("write", "\\n", content="\\na\\n"),
        calls=[("write", r'{"content": "\\na\\n"}')],
    ),
    Case(
        call("write", path="a", content="x </tool_call> <arg_key> y"),
        calls=[("write", '{"path": "a", "content": "x </tool_call> <arg_key> y"}')],
    ),
    Case(
        call("write", path="<arg_key>k</arg_key>"),
        calls=[("write", '{"path": "<arg_key>k</arg_key>"}')],
    ),
]

REQUIRED = OSLO
