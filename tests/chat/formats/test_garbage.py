"""Whatever a model writes is read to its end, the same however it is cut, and no text of it raises an error."""

from __future__ import annotations

from types import ModuleType
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from chat.formats.test_formats import FAMILIES
from coblyn.chat import reply
from replies import TOOLS, form_of, pieces, read

WORDS = ("weather", "city", '"', "{", "}", "[", "]", ":", ",", "(", ")", "=", "\\", "\n", " ", "2")


def _texts(family: ModuleType) -> st.SearchStrategy[str]:
    """Texts of the family's marks, parts of its cases, and what stands between them."""
    marks = [
        mark for mark in (*family.FORMAT.kept, family.MARKS.opening, family.MARKS.closing) if mark
    ]
    parts = [part for case in family.CASES for part in case.text.partition(">") if part]
    return st.lists(st.sampled_from([*WORDS, *marks, *parts]), max_size=8).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_garbage(data: Any) -> None:
    family = data.draw(st.sampled_from(FAMILIES))
    text = data.draw(_texts(family))
    is_reasoning = data.draw(st.booleans())
    tools = getattr(family, "TOOLS_HERE", TOOLS)
    form = form_of(family.FORMAT, family.MARKS, is_reasoning=is_reasoning, tools=tools)
    places = data.draw(st.lists(st.integers(0, 200), max_size=5))
    with patch.object(reply.log, "exception", side_effect=AssertionError):
        whole, cut = read([text], form), read(pieces(text, places), form)
    assert (cut.content, cut.reasoning) == (whole.content, whole.reasoning)
    calls = [(call.name, call.arguments) for call in whole.tool_calls]
    assert [(call.name, call.arguments) for call in cut.tool_calls] == calls
