"""What imports say: each phrase has its slots, in both languages of the page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from coblyn.story.phrases import PHRASES, phrase

CHINESE = Path(__file__).parents[2] / "ui" / "src" / "words" / "reportsZh.ts"
VALUES = {"n": 1, "text": "t", "name": "N", "version": "2", "keyword": "k", "problem": "P."}
VALUES |= {
    "what": "W",
    "line": 3,
    "column": 4,
    "files": 5,
    "size": 6,
    "max_files": 7,
    "max_size": 8,
}
VALUES |= {"format": phrase("format_text")}


def slots(form: str | tuple[str, str]) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", form if isinstance(form, str) else "".join(form)))


def chinese() -> dict[str, str]:
    pairs = re.findall(r"^  (\w+): (\".*\"),$", CHINESE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code: json.loads(words) for code, words in pairs}


def test_chinese_has_the_same_phrases_with_the_same_slots() -> None:
    assert {code: slots(form) for code, form in chinese().items()} == {
        code: slots(form) for code, form in PHRASES.items()
    }


@pytest.mark.parametrize("code", PHRASES)
def test_each_phrase_can_be_said(code: str) -> None:
    values = {slot: VALUES[slot] for slot in slots(PHRASES[code])}
    said = str(phrase(code, **values))
    assert said
    assert "{" not in said


def test_one_is_not_many() -> None:
    assert str(phrase("num_branches", n=1)) == "1 branch"
    assert str(phrase("num_branches", n=0)) == "0 branches"
