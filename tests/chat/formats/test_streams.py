"""How calls come in streams."""

from __future__ import annotations

import pytest

from chat.formats.hermes import CALL
from coblyn.chat.formats.cohere import COMMAND_R
from coblyn.chat.formats.format import Format
from coblyn.chat.formats.hermes import HERMES
from coblyn.chat.formats.pythonic import LFM2
from coblyn.chat.outgoing import CallArguments, CallBegun, CallBroken, ContentText
from coblyn.chat.reply import ReplyReader
from replies import events_of, form_of


def test_a_call_that_is_cut_is_broken_and_its_text_is_kept() -> None:
    text = '<tool_call>\n{"name": "weather", "arguments": {"city": "Os'
    events = events_of([text], form_of(HERMES))
    begun, arguments, broken = events
    assert isinstance(begun, CallBegun)
    assert begun.name == "weather"
    assert arguments == CallArguments(0, '{"city": "Os')
    assert broken == CallBroken(0, text)


def test_arguments_are_given_as_they_come() -> None:
    reader = ReplyReader(form_of(HERMES))
    assert reader.push('<tool_call>{"name": "weather", "argu') == []
    (begun,) = reader.push('ments": ')
    assert isinstance(begun, CallBegun)
    assert reader.push('{"city": "O') == [CallArguments(0, '{"city": "O')]
    assert reader.push('slo"}') == [CallArguments(0, 'slo"}')]
    assert reader.has_calls is False
    assert reader.push("}</tool_call>") == []
    assert reader.has_calls is True


def test_without_tools_nothing_is_a_call() -> None:
    assert events_of([CALL], form_of(HERMES, tools=())) == [ContentText(CALL)]


@pytest.mark.parametrize(
    ("calls", "text", "arguments"),
    [
        (COMMAND_R, '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "weather",', ""),
        (LFM2, "<|tool_call_start|>[weather(", ""),
        (LFM2, "<|tool_call_start|>[weather(city=", '{"city": '),
        (LFM2, '<|tool_call_start|>[weather(city="Oslo", days=', '{"city": "Oslo", "days": '),
    ],
)
def test_a_call_is_given_once_its_name_is_known(calls: Format, text: str, arguments: str) -> None:
    begun, *rest = ReplyReader(form_of(calls)).push(text)
    assert isinstance(begun, CallBegun)
    assert begun.name == "weather"
    assert rest == ([CallArguments(0, arguments)] if arguments else [])
