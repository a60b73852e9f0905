"""What the page's sources may not hold, and what its lock file must. Needs neither Node nor a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

UI = Path(__file__).parents[2] / "ui"
SOURCES = [
    UI / "index.html",
    *sorted(path for path in (UI / "src").rglob("*") if path.suffix in {".ts", ".svelte", ".css"}),
]
MAX_LINES = 300

FORBIDDEN = {
    "raw HTML": r"\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write",
    "code from text": r"\beval\(|new Function\(",
    "something from elsewhere": r"""(?:src|href|from|import|url)\s*[=(]?\s*["'(]?\s*(?:https?:)?//\w""",
    "an inline style, which the page's policy forbids": r"<[^>]*\sstyle=|<style[^>]*>[^<]*@import",
    "an inline script": r"<script(?![^>]*\b(?:src|lang)=)",
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(UI).as_posix())
def test_sources_hold_nothing_forbidden(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = [what for what, pattern in FORBIDDEN.items() if re.search(pattern, text)]
    assert found == []
    if ".test." not in path.name and path.suffix != ".css" and path.parent.name != "words":
        assert len(text.splitlines()) <= MAX_LINES


LITERAL = re.compile(
    r""">[^<>{}]*[A-Za-z]{2,}[^<>{}]*<|(?:aria-label|title|placeholder)="[^"{]*[A-Za-z]"""
)
"""Words in the markup of a component: they belong into a language's file."""
NAMES = {"Coblyn"}


@pytest.mark.parametrize("path", sorted(UI.rglob("src/views/*.svelte")), ids=lambda path: path.name)
def test_components_hold_no_words(path: Path) -> None:
    found = literals(path.read_text(encoding="utf-8"))
    assert found == []


def literals(source: str) -> list[str]:
    markup = re.sub(r"<(script|style)\b.*?</\1>|<!--.*?-->", "", source, flags=re.DOTALL)
    while re.search(r"\{[^{}]*\}", markup):
        markup = re.sub(r"\{[^{}]*\}", "", markup)
    found = [match.strip("<> \n") for match in LITERAL.findall(markup)]
    return [words for words in found if words not in NAMES]


def test_a_word_in_a_component_is_found() -> None:
    assert literals("<p>{say().stop} Stop</p>") == ["Stop"]
    assert literals('<b title="Stop this">{x}</b>') != []
    assert literals("<p>{say().stop}</p><script>const a = 'Stop';</script>") == []


@pytest.mark.parametrize(
    "bad",
    [
        "{@html text}",
        "node.innerHTML = text",
        '<img src="https://elsewhere.example/a.png">',
        'import x from "https://elsewhere.example/x.js"',
        "background: url(//elsewhere.example/x.png)",
        '<p style="color: red">',
        "<script>alert(1)</script>",
    ],
)
def test_the_patterns_find_what_they_are_for(bad: str) -> None:
    assert any(re.search(pattern, bad) for pattern in FORBIDDEN.values())


def lock() -> dict[str, dict[str, object]]:
    packages = json.loads((UI / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return {name: facts for name, facts in packages.items() if name}


def test_lock_has_a_checksum_for_all_and_an_address_for_none() -> None:
    assert [name for name, facts in lock().items() if "integrity" not in facts] == []
    assert [name for name, facts in lock().items() if "resolved" in facts] == []


@pytest.mark.parametrize("platform", ["linux-x64-gnu", "linux-arm64-gnu", "linux-x64-musl"])
@pytest.mark.parametrize("package", ["@rolldown/binding-", "lightningcss-"])
def test_lock_knows_the_native_packages_of_linux(package: str, platform: str) -> None:
    assert f"node_modules/{package}{platform}" in lock()


@pytest.mark.parametrize(
    "platform", ["darwin-arm64", "darwin-x64", "win32-x64-msvc", "win32-arm64-msvc"]
)
@pytest.mark.parametrize("package", ["@rolldown/binding-", "lightningcss-"])
def test_lock_knows_the_native_packages_of_others(package: str, platform: str) -> None:
    assert f"node_modules/{package}{platform}" in lock()


def test_direct_dependencies_are_pinned_exactly() -> None:
    facts = json.loads((UI / "package.json").read_text(encoding="utf-8"))
    versions = facts["dependencies"] | facts["devDependencies"]
    assert [name for name, version in versions.items() if not version[0].isdigit()] == []
    assert len(facts["dependencies"]) <= 10
