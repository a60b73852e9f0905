"""Every cause of the catalogue: complete, recognised by what it looks like, and silent elsewhere."""

from __future__ import annotations

import ast
import functools
import io
import time
from pathlib import Path

import pytest

from coblyn.doctor import causes
from coblyn.doctor.cause import Case, Cause
from coblyn.doctor.causes import catalogue
from coblyn.doctor.causes._sign import pattern_of
from coblyn.doctor.causes._table import TABLE, table
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity
from coblyn.doctor.log.log import Log
from coblyn.doctor.log.reader import read_log

HERE = Path(__file__).parent
FIXTURES = sorted((HERE / "fixtures").glob("*.log"))
HEALTHY = sorted((HERE / "fixtures" / "healthy").glob("*.log"))
# Why an entry has no public thread to point to.
WITHOUT_THREAD = {
    "tool-missing": "Every program has threads of its own; the shell's words are always the same.",
    "xcode-license": "Apple's own words say what to do, so that nobody asks.",
}
# Why an entry is never the answer to a log: what it says is tested in test_variants.py.
NEVER_SURE = {
    "pip-build-failed": "It says that the cause is not in the log, and is no more than a guess."
}
CAUSES = {each.id: each for each in catalogue()}
FAMILIES = sorted(path.parent for path in Path(causes.__file__).parent.glob(f"*/{TABLE}"))


def name_of(fixture: Path) -> str:
    """``<id>.log``, or ``<id>.<variant>.log`` for the words of another tool."""
    return fixture.name.split(".")[0]


@functools.cache
def ids_in_other_tests() -> frozenset[str]:
    """Ids that tests of trees and of object files expect: each is a text there that equals the id."""
    words: set[str] = set()
    for folder in (
        HERE / "tree",
        HERE.parent / "native" / "binary",
        HERE.parent / "native" / "audit",
    ):
        for path in folder.rglob("test_*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    words.add(node.value)
    return frozenset(words)


def read(text: str) -> Log:
    return read_log(io.BytesIO(text.encode()))


def stem(fixture: Path) -> str:
    return fixture.stem


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_an_entry_is_complete(cause: Cause) -> None:
    assert cause.id == cause.id.lower()
    assert "_" not in cause.id
    for text in (cause.title, cause.looks_like, cause.needs, cause.explanation, cause.fix):
        assert text
        assert text == text.strip()
    for prose in (cause.title, cause.needs, cause.explanation, cause.fix):
        assert "  " not in prose
    assert not cause.title.endswith(".")
    assert len(cause.title) < 80
    assert bool(cause.links) is (cause.id not in WITHOUT_THREAD)
    for link in cause.links:
        assert link.startswith("https://")
        assert " " not in link
    assert set(cause.explains) <= set(CAUSES), "a symptom that is not a cause"
    assert cause.id not in cause.explains


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_the_signs_of_an_entry_fit_together(cause: Cause) -> None:
    for each in cause.signs:
        said = dict.fromkeys(pattern_of(each.words).groupindex, "it")
        for text in (each.story, each.command, each.text, each.package):
            assert text.format_map(said) or not text
            assert text == text.strip()
        for words in (each.also, each.unless):
            assert pattern_of(words)
        assert not (each.command and each.package)
    assert len(set(cause.signs)) == len(cause.signs)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_what_is_no_sign_has_a_module(family: Path) -> None:
    """A module beside the table is the cause of its name; an entry without signs has one."""
    entries = table(family)
    modules = {path.stem.replace("_", "-") for path in family.glob("[!_]*.py")}
    assert modules <= entries.keys()
    assert {name for name, entry in entries.items() if not entry.signs} <= modules
    assert list(entries) == sorted(entries)


def test_an_entry_is_in_one_family() -> None:
    assert sum(len(table(family)) for family in FAMILIES) == len(CAUSES)


@pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES)
def test_an_entry_has_evidence_to_show(cause: Cause) -> None:
    names = {name_of(fixture) for fixture in FIXTURES}
    known = names | set(NEVER_SURE) | ids_in_other_tests()
    assert cause.id in known, "no fixture, and no test of a tree or of object files expects it"


def test_the_exceptions_are_of_entries_that_there_are() -> None:
    assert set(CAUSES) >= set(WITHOUT_THREAD) | set(NEVER_SURE)
    assert not set(NEVER_SURE) & {name_of(fixture) for fixture in FIXTURES}


@pytest.mark.parametrize("fixture", FIXTURES, ids=stem)
def test_a_failing_log_is_named_rightly(fixture: Path) -> None:
    diagnosis = examine(Case(log=read_log(fixture)))
    found = [(each.cause, each.confidence.name) for each in diagnosis.findings]
    assert found, "nothing was recognised"
    top = diagnosis.findings[0]
    assert top.cause == name_of(fixture), found
    assert top.confidence >= Confidence.MEDIUM
    assert top.evidence
    assert all(each.text for each in top.evidence)
    assert top.story
    assert top.fix.text or top.fix.command
    if top.severity is Severity.FAILURE:
        assert diagnosis.failed


@pytest.mark.parametrize("fixture", FIXTURES, ids=stem)
def test_no_other_cause_is_sure_of_it(fixture: Path) -> None:
    diagnosis = examine(Case(log=read_log(fixture)))
    sure = {
        each.cause
        for each in diagnosis.findings
        if each.confidence is Confidence.HIGH and each.severity is Severity.FAILURE
    }
    assert sure <= {name_of(fixture)}


@pytest.mark.parametrize("fixture", FIXTURES, ids=stem)
def test_the_log_of_a_failure_has_a_first_error(fixture: Path) -> None:
    """The reader sees by itself that it failed, so that an unknown cause is not taken for health."""
    log = read_log(fixture)
    top = examine(Case(log=log)).findings[0]
    assert log.failed or top.severity is not Severity.FAILURE
    assert bool(log.first_error) == log.failed


@pytest.mark.parametrize("fixture", HEALTHY, ids=stem)
def test_a_healthy_log_gets_a_clean_bill(fixture: Path) -> None:
    diagnosis = examine(Case(log=read_log(fixture)))
    assert not diagnosis.failed
    assert [each for each in diagnosis.findings if each.severity is not Severity.NOTE] == []


def test_nothing_known_is_an_empty_diagnosis() -> None:
    assert examine(Case()).findings == ()
    assert examine(Case()).is_clean


HOSTILE = {
    "spaces": " " * 1500,
    "tabs and newlines": "\t" * 700 + " \r" * 300,
    "letters": "a" * 1500,
    "colons": "a:" * 700,
    "digits": "1:2:" * 400,
    "paths": "../" * 500,
    "quotes": "`'\"" * 500,
    "brackets": "([{<" * 400,
    "errors": "error: " * 200,
    "files": "a.o:(b) " * 190,
    "duplicates": "duplicate symbol: " * 80,
    "undefined": "undefined reference to `" * 60,
    "targets": "x: warning: overriding recipe for target '" * 35,
    "escapes": "\x1b[\ud7ff\u202e" * 200,
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_hostile_lines_cost_little(line: str) -> None:
    """A pattern that tries again and again would take minutes here."""
    log = read("\n".join([line] * 300) + "\nmake: *** [x] Error 1\n")
    for cause in CAUSES.values():
        started = time.process_time()
        cause.diagnose(Case(log=log))
        assert time.process_time() - started < 20, cause.id


def test_a_full_log_ends() -> None:
    """Whatever the machine: a pattern that is not linear would take hours."""
    lines = [fixture.read_text(encoding="utf-8", errors="replace") for fixture in FIXTURES]
    log = read("".join(lines) * (1_000_000 // sum(map(len, lines)) + 1))
    started = time.process_time()
    examine(Case(log=log))
    assert time.process_time() - started < 60
