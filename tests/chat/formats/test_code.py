"""Calls whose arguments are code, in every format: whole, without their closing mark, and cut anywhere."""

from __future__ import annotations

import json
from types import ModuleType

import pytest

from chat.formats import (
    dsml,
    function_gemma,
    gemma,
    glm,
    harmony,
    kimi_xtml,
    lfm2,
    minicpm,
    minimax,
    minimax_nested,
    muse,
    olmo3,
    qwen_xml,
    seed,
)
from chat.formats.test_formats import FAMILIES
from coblyn.chat.reply import ReplyForm
from replies import TOOLS, form_of, pieces, read

CODES = (
    "if (x) { y }",
    "while (a[i] != '}') { i++; }",
    'f("{", \'[\', "\\\\", "]}")  # {{',
    "def f(x):\n    return {k: [v] for k, v in x}\n",
    "if a < b && c > d { <b>e</b> }",
)
ARGUMENTS = '{"city": "Oslo", "days": 2}'


def call_texts(family: ModuleType, code: str) -> list[str]:
    """A call of ``write`` with some code, in each way that a family writes calls."""
    values = {"path": "a.c", "content": code}
    if family in (glm, qwen_xml, seed):
        return [
            family.call("write", line="\n", **values)
            if family is seed
            else family.call("write", **values)
        ]
    if family in (minimax, muse):
        return [family.block(family.invoke("write", **values))]
    if family is minicpm:
        marked = {key: family.data(value) for key, value in values.items()}
        return [family.call("write", **marked), family.call("write", **values)]
    if family is minimax_nested:
        tags = (family.tag(key, value) for key, value in values.items())
        return [family.block(family.invoke("write", *tags))]
    if family is kimi_xtml:
        written = (family.argument(key, "string", value) for key, value in values.items())
        return [family.tools(family.call("write", *written))]
    if family is dsml:
        inner = dsml.invoke("write", path=("a.c", True), content=(code, True))
        return [dsml.block(inner), dsml.block(inner, name="tool_calls")]
    if family in (gemma, function_gemma):
        return [
            family.call(f"write{{path:{family.Q}a.c{family.Q},content:{family.Q}{code}{family.Q}}}")
        ]
    if family in (lfm2, olmo3):
        return [family.calls(f'write(path="a.c", content={json.dumps(code)})')]
    texts = [family.REQUIRED, *getattr(family, "VARIANTS", {}).values()]
    assert all(ARGUMENTS in text for text in texts), "its arguments are JSON"
    return [
        text.replace(ARGUMENTS, json.dumps(values)).replace("weather", "write") for text in texts
    ]


CASES = [
    pytest.param(family, code, text, id=f"{family.FORMAT.name}:{code[:12]}:{number}")
    for family in FAMILIES
    for code in CODES
    for number, text in enumerate(call_texts(family, code))
]


def form(family: ModuleType) -> ReplyForm:
    return form_of(family.FORMAT, family.MARKS, tools=getattr(family, "TOOLS_HERE", TOOLS))


@pytest.mark.parametrize(("family", "code", "text"), CASES)
def test_code_ends_nothing(family: ModuleType, code: str, text: str) -> None:
    for parts in ([text], pieces(text, range(len(text)))):
        message = read(parts, form(family))
        [call] = message.tool_calls
        written = json.loads(call.arguments)
        assert (call.name, written["path"]) == ("write", "a.c")
        assert written["content"].rstrip("\n") == code.rstrip("\n")
        assert message.content == ""


@pytest.mark.parametrize(
    ("family", "code", "text"), [each for each in CASES if each.values[1] == CODES[2]]
)
def test_a_cut_call_is_whole_or_text(family: ModuleType, code: str, text: str) -> None:
    """Never half an argument, and never an empty answer."""
    whole = read([text], form(family)).tool_calls[0]
    for end in range(1, len(text)):
        message = read([text[:end]], form(family))
        calls = [(call.name, call.arguments) for call in message.tool_calls]
        assert calls in ([], [(whole.name, whole.arguments)]), text[:end]
        is_head = family is harmony and "{" not in text[:end]  # of a message, which is no text
        assert calls or message.content or is_head, repr(text[:end])
