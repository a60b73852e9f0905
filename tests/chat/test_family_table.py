"""The table of families says what is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from coblyn.native.bundle import Bundle
from family_models import FAMILIES
from more_family_models import MORE_FAMILIES
from projector_models import FAMILY_KINDS

ROOT = Path(__file__).resolve().parents[2]
ROWS = tomllib.loads((ROOT / "scripts" / "families.toml").read_text("utf-8"))["family"]
PAGE = (ROOT / "docs" / "families.md").read_text("utf-8")


def test_what_was_tried_is_what_the_tests_try() -> None:
    tried = set(re.findall(r"\| `([\w-]+)` \|[^\n]*\| yes \|", PAGE))
    assert tried == {tiny.architecture for tiny in (*FAMILIES, *MORE_FAMILIES)}
    seeing = {row["projector"] for row in ROWS if "projector" in row}
    assert seeing == {*FAMILY_KINDS, "gemma3"}


@pytest.mark.native
@pytest.mark.parametrize(("library", "key"), [("llama", "architecture"), ("mtmd", "projector")])
def test_the_engine_has_all_that_is_named(bundle: Bundle, library: str, key: str) -> None:
    path = next(bundle.lib_dir.glob(f"*{library}.*"))
    data = path.read_bytes()
    names = {row[key] for row in ROWS if key in row}
    assert names
    assert [name for name in sorted(names) if name.encode() + b"\0" not in data] == []
