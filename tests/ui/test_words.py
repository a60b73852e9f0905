"""What the page says of things that the server names: complete in each language. Needs neither Node nor a browser."""

from __future__ import annotations

import re
from pathlib import Path

from coblyn.engine.params import PARAMETERS

WORDS = Path(__file__).parents[2] / "ui" / "src" / "words"


def test_all_samplers_have_a_chinese_name_and_meaning() -> None:
    text = (WORDS / "samplersZh.ts").read_text(encoding="utf-8")
    rows = re.findall(r'^  (\w+): \["([^"]+)", "([^"]+)"\],$', text, re.MULTILINE)
    assert {name for name, *_ in rows} == set(PARAMETERS)
    assert all(meaning.endswith("。") for *_, meaning in rows)
