"""What Kimi K2 writes."""

from __future__ import annotations

from coblyn.chat.formats.kimi import KIMI
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = KIMI
MARKS = Reasoning("<think>", "</think>")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)


def call(name: str, arguments: str) -> str:
    return f"<|tool_call_begin|>{name}<|tool_call_argument_begin|>{arguments}<|tool_call_end|>"


def block(*calls: str) -> str:
    return f"<|tool_calls_section_begin|>{''.join(calls)}<|tool_calls_section_end|>"


OSLO = call("functions.weather:0", ARGUMENTS)
OTHER = call("functions.weather:1", ARGUMENTS)

CASES = [
    Case("Yes.<|tool_calls_section_end|>", "Yes."),
    Case("A <|tool_call_argument_begin|>b.", "A b."),
    Case("No.", "No."),
    Case(block(OSLO), calls=[MEANT]),
    Case(block(OSLO, OTHER), calls=[MEANT, MEANT]),
    Case(f"I look.{block(OSLO)}", "I look.", [MEANT]),
    Case(block(call("functions.a.b:3", "{}")), calls=[("a.b", "{}")]),
    Case(block(call("weather:0", ARGUMENTS)), calls=[MEANT]),
    Case(block(call("functions.weather", ARGUMENTS)), calls=[MEANT]),
    Case(block(call("functions.now:0", "")), calls=[("now", "{}")]),
    Case(block(call(" functions.now:0 ", " {} ")), calls=[("now", "{}")]),
    Case(OSLO, calls=[MEANT]),
    Case(f"<think>hm</think>{block(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(f"<think>hm {block(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(f"<think>hm {OSLO}</think>", calls=[MEANT], reasoning="hm", content="</think>"),
    Case(block(OSLO).removesuffix("<|tool_calls_section_end|>"), calls=[MEANT]),
    Case(block(OSLO).replace("<|tool_call_end|>", ""), calls=[MEANT]),
    Case(
        block(call("functions.write:0", '{"content": "<|tool_call_end|>"}')),
        calls=[("write", '{"content": "<|tool_call_end|>"}')],
    ),
    Case(block(OSLO)[:100], block(OSLO)[:100]),
    Case(f"{block(OSLO)} Done.", "Done.", [MEANT]),
    Case(block(call("0", ARGUMENTS)), calls=[MEANT]),
    Case(block(call("0", '{"content": "x"}')), block(call("0", '{"content": "x"}'))),
    Case(block(call("7", "{}")), calls=[("now", "{}")]),
    Case(
        block(call("functions.weather:0", '{"city": "Oslo'), OTHER),
        block(call("functions.weather:0", '{"city": "Oslo'), OTHER),
    ),
    Case(
        block(call("functions.weather:0", '{"city": Oslo'), OTHER),
        block(call("functions.weather:0", '{"city": Oslo')).removesuffix(
            "<|tool_calls_section_end|>"
        ),
        [MEANT],
    ),
    Case(
        block(call("functions.weather:0", '{"city": "Oslo"'), OTHER),
        calls=[("weather", '{"city": "Oslo"}'), MEANT],
    ),
    Case(
        block(call("functions.search:0", '{"query": "[", "tags": ["a", "b"')),
        calls=[("search", '{"query": "[", "tags": ["a", "b"]}')],
    ),
    Case(
        block(call("functions.write:0", '{"content": 1 <|tool_call 2}')),
        block(call("functions.write:0", '{"content": 1 <|tool_call 2}')),
    ),
    Case(block(call("functions.weather.0", ARGUMENTS)), calls=[MEANT]),
    Case(
        block(call("functions.other.0", ARGUMENTS), OTHER),
        block(call("functions.other.0", ARGUMENTS)).removesuffix("<|tool_calls_section_end|>"),
        [MEANT],
    ),
    Case(block(call("0", ARGUMENTS[:-9])), block(call("0", ARGUMENTS[:-9]))),
]

REQUIRED = block(OSLO)
