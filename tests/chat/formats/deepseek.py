"""What DeepSeek V3, R1 and V3.1 write."""

from __future__ import annotations

from coblyn.chat.formats.deepseek import DEEPSEEK
from coblyn.chat.reasoning import Reasoning
from replies import Case

FORMAT = DEEPSEEK
MARKS = Reasoning("<think>", "</think>")
ARGUMENTS = '{"city": "Oslo", "days": 2}'
MEANT = ("weather", ARGUMENTS)


def old(name: str, arguments: str) -> str:
    return f"<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```<｜tool▁call▁end｜>"


def new(name: str, arguments: str) -> str:
    return f"<｜tool▁call▁begin｜>{name}<｜tool▁sep｜>{arguments}<｜tool▁call▁end｜>"


def block(*calls: str) -> str:
    return f"<｜tool▁calls▁begin｜>{''.join(calls)}<｜tool▁calls▁end｜>"


OSLO, NEW = old("weather", ARGUMENTS), new("weather", ARGUMENTS)

CASES = [
    Case("It says <｜tool▁output▁begin｜>rain<｜tool▁output▁end｜> today.", "It says rain today."),
    Case(block(new("weather", ARGUMENTS[:-1])), calls=[MEANT]),
    Case("No.", "No."),
    Case(block(OSLO), calls=[MEANT]),
    Case(block(OSLO + "\n" + OSLO), calls=[MEANT, MEANT]),
    Case(block(NEW), calls=[MEANT]),
    Case(block(NEW, new("now", "{}")), calls=[MEANT, ("now", "{}")]),
    Case(f"Well.\n{block(OSLO)}", "Well.", [MEANT]),
    Case(
        block(old("write", '{"content": "```json\\n{}\\n```"}')),
        calls=[("write", '{"content": "```json\\n{}\\n```"}')],
    ),
    Case(
        block(new("write", '{"content": "}<｜tool▁call▁end｜>"}')),
        calls=[("write", '{"content": "}<｜tool▁call▁end｜>"}')],
    ),
    Case(block(new("now", "")), calls=[("now", "{}")]),
    Case(f"hm</think>{block(NEW)}", calls=[MEANT], reasoning="hm", is_reasoning=True),
    Case(f"<think>hm</think>\n\n{block(OSLO)}", calls=[MEANT], reasoning="hm"),
    Case(block(OSLO).removesuffix("<｜tool▁calls▁end｜>"), calls=[MEANT]),
    Case(block(OSLO).removesuffix("<｜tool▁call▁end｜><｜tool▁calls▁end｜>"), calls=[MEANT]),
    Case(block(OSLO).removesuffix("\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>"), calls=[MEANT]),
    Case(NEW, calls=[MEANT]),
    Case(block(OSLO).replace("tool▁calls▁begin", "tool_calls_begin"), calls=[MEANT]),
    Case(block(OSLO)[:70], block(OSLO)[:70]),
    Case(block("no"), "<｜tool▁calls▁begin｜>no<｜tool▁calls▁end｜>"),
    Case(
        block("<｜tool▁call▁begin｜>weather<｜tool▁call▁end｜>", NEW, NEW),
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁call▁end｜>",
        [MEANT, MEANT],
    ),
]

REQUIRED = block(NEW)
VARIANTS = {"```json": block(OSLO)}
