"""What Kimi K3 writes."""

from __future__ import annotations

from coblyn.chat.formats.xtml import KIMI_XTML
from replies import TOOLS, Case, make_tool

FORMAT = KIMI_XTML
MARKS = KIMI_XTML.reasoning
TOOLS_HERE = (*TOOLS, make_tool("R&D", **{'"q"': "string"}))

THINK_END, MESSAGE_END = "<|close|>think<|sep|>", "<|close|>message<|sep|>"


def response(text: str) -> str:
    return f"<|open|>response<|sep|>{text}<|close|>response<|sep|>"


def argument(key: str, kind: str, value: str) -> str:
    return f'<|open|>argument key="{key}" type="{kind}"<|sep|>{value}<|close|>argument<|sep|>'


def call(name: str, *arguments: str, index: int = 1) -> str:
    opening = f'<|open|>call tool="{name}" index="{index}"<|sep|>'
    return f"{opening}{''.join(arguments)}<|close|>call<|sep|>"


def tools(*calls: str) -> str:
    return f"<|open|>tools<|sep|>{''.join(calls)}<|close|>tools<|sep|>"


OSLO = call("weather", argument("city", "string", "Oslo"), argument("days", "number", "2"))
MEANT = ("weather", '{"city": "Oslo", "days": 2}')
WHOLE = '<|open|>json type="object"<|sep|>{"city": "Oslo", "days": 2}<|close|>json<|sep|>'
CUT = tools(OSLO, OSLO)[: len(tools(OSLO)) + 40]

CASES = [
    Case("No.", "No."),
    Case(f"{response('No.')}{MESSAGE_END}", "No."),
    Case(f"No.<|close|>response<|sep|>{MESSAGE_END}", "No."),
    Case(f"{response('')}{tools(OSLO)}{MESSAGE_END}", calls=[MEANT]),
    Case(f"{response('I look.')}{tools(OSLO)}{MESSAGE_END}", "I look.", [MEANT]),
    Case(tools(OSLO, call("now", index=2), OSLO), calls=[MEANT, ("now", "{}"), MEANT]),
    Case(tools(call("weather", WHOLE)), calls=[MEANT]),
    Case(
        f"hm{THINK_END}{response('I look.')}{tools(OSLO)}{MESSAGE_END}",
        "I look.",
        [MEANT],
        reasoning="hm",
        is_reasoning=True,
    ),
    Case(f"<|open|>think<|sep|>hm{THINK_END}{response('Yes.')}", "Yes.", reasoning="hm"),
    Case(f"{THINK_END}{response('Yes.')}", "Yes.", is_reasoning=True),
    Case(f"hm{tools(OSLO)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(
        tools(call("R&amp;D", argument("&quot;q&quot;", "string", "&quot;"))),
        calls=[("R&D", '{"\\"q\\"": "&quot;"}')],
    ),
    Case(
        tools(call("write", argument("content", "string", "\n a <b> \n"))),
        calls=[("write", '{"content": "\\n a <b> \\n"}')],
    ),
    Case(
        tools(
            call(
                "search",
                argument("options", "object", '{"a": [1, null]}'),
                argument("tags", "array", '["x"]'),
                argument("exact", "boolean", "true"),
                argument("query", "null", "null"),
            )
        ),
        calls=[
            (
                "search",
                '{"options": {"a": [1, null]}, "tags": ["x"], "exact": true, "query": null}',
            )
        ],
    ),
    Case(
        tools(call("search", argument("options", "object", "{no"))),
        calls=[("search", '{"options": "{no"}')],
    ),
    Case(
        tools(call("weather", argument("days", "integer", "2"))),
        calls=[("weather", '{"days": 2}')],
    ),
    Case(
        tools(call("search", '<|open|>argument key="exact"<|sep|>true<|close|>argument<|sep|>')),
        calls=[("search", '{"exact": true}')],
    ),
    Case(tools(OSLO).removesuffix("<|close|>tools<|sep|>"), calls=[MEANT]),
    Case(OSLO, calls=[MEANT]),
    Case(OSLO.removesuffix("<|close|>call<|sep|>"), calls=[MEANT]),
    Case(tools(OSLO)[:90], tools(OSLO)[:90]),
    Case(CUT, CUT[len(tools(OSLO)) - len("<|close|>tools<|sep|>") :], [MEANT]),
    Case(
        tools('<|open|>call index="1"<|sep|>'),
        tools('<|open|>call index="1"<|sep|>'),
    ),
]

REQUIRED = f"{tools(OSLO)}{MESSAGE_END}"
