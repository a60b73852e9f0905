"""What the page says of things that the server names: complete in each language. Needs neither Node nor a browser."""

from __future__ import annotations

import re
from pathlib import Path

from coblyn.engine.params import PARAMETERS
from coblyn.errors import CoblynError
from coblyn.service import stories  # with the errors of stories

WORDS = Path(__file__).parents[2] / "ui" / "src" / "words"


def test_all_samplers_have_a_chinese_name_and_meaning() -> None:
    text = (WORDS / "samplersZh.ts").read_text(encoding="utf-8")
    rows = re.findall(r'^  (\w+): \["([^"]+)", "([^"]+)"\],$', text, re.MULTILINE)
    assert {name for name, *_ in rows} == set(PARAMETERS)
    assert all(meaning.endswith("。") for *_, meaning in rows)


def kinds(root: type[CoblynError]) -> set[type[CoblynError]]:
    return {root}.union(*(kinds(child) for child in root.__subclasses__()))


def test_errors_have_a_chinese_sentence_that_ends() -> None:
    assert stories.__all__
    text = (WORDS / "errorsZh.ts").read_text(encoding="utf-8")
    rows = dict(re.findall(r'^  (\w+): "([^"]+)",$', text, re.MULTILINE))
    codes = {kind.code: kind.__module__ for kind in kinds(CoblynError)}
    common = {code for code, module in codes.items() if module == "coblyn.errors"}
    # Only the server's own sentence says what is wrong with a request or a file; a key is the page's own matter.
    common -= {"bad_request", "file_refused", "invalid_api_key"}
    assert common <= rows.keys() <= codes.keys()
    assert all(sentence.endswith("。") for sentence in rows.values())
