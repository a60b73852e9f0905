"""Every format reads what its models write, however it is cut."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coblyn.chat.formats import FORMATS, GENERIC
from coblyn.chat.reply import ReplyForm
from replies import TOOLS, Case, check, form_of

FAMILIES = [
    import_module(f"chat.formats.{name}")
    for name in (
        "apertus",
        "apriel",
        "command_r",
        "command_r_plus",
        "deepseek",
        "dsml",
        "firefunction",
        "function_gemma",
        "functionary",
        "functionary_blocks",
        "gemma",
        "generic",
        "gigachat",
        "glm",
        "granite",
        "harmony",
        "hermes",
        "kimi",
        "kimi_xtml",
        "lfm2",
        "llama3",
        "minicpm",
        "minimax",
        "minimax_nested",
        "mistral",
        "muse",
        "nemotron",
        "olmo3",
        "phi",
        "qwen_xml",
        "seed",
    )
]
PAIRS = [(family, case) for family in FAMILIES for case in family.CASES]


def form(family: ModuleType, case: Case) -> ReplyForm:
    tools = getattr(family, "TOOLS_HERE", TOOLS)
    return form_of(family.FORMAT, family.MARKS, is_reasoning=case.is_reasoning, tools=tools)


@pytest.mark.parametrize(
    ("family", "case"), PAIRS, ids=[f"{f.FORMAT.name}:{c.text[:60]!r}" for f, c in PAIRS]
)
def test_cases(family: ModuleType, case: Case) -> None:
    check(case, form(family, case))
    check(case, form(family, case), range(len(case.text)))
    check(case, form(family, case), range(0, len(case.text), 3))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PAIRS), st.lists(st.integers(0, 300), max_size=6))
def test_however_the_text_is_cut(pair: tuple[ModuleType, Case], places: list[int]) -> None:
    family, case = pair
    check(case, form(family, case), places)


def test_every_format_has_cases() -> None:
    names = [family.FORMAT.name for family in FAMILIES]
    assert sorted(names) == sorted(each.name for each in (*FORMATS, GENERIC))
    assert all(len(family.CASES) >= 15 for family in FAMILIES)
