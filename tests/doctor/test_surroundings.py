"""Every failure of the catalogue once more as it comes: in the middle of a long log, in colours, among "
"parallel jobs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from coblyn.doctor.cause import Case
from coblyn.doctor.examine import examine
from coblyn.doctor.finding import Confidence, Severity
from coblyn.doctor.log.reader import read_log

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.log"))
JOBS = 1500
# What is known only where the log begins or ends with it.
ALONE = {"rosetta-python", "pip-cached-wheel"}


def job(number: int) -> str:
    # No build system by name: what a plain makefile does must not look like CMake's.
    return f"[{number}/{2 * JOBS}] Compiling src/part{number % 7}/unit{number}.cpp"


def coloured(line: str) -> str:
    """As gcc and clang paint it on a terminal."""
    line = re.sub(r"\b((?:fatal )?error: )", "\x1b[0m\x1b[01;31m\x1b[K\\1\x1b[m\x1b[K", line)
    return re.sub(r"^(\S+:\d+:\d+:)", "\x1b[1m\\1\x1b[0m", line)


def surrounded(text: str) -> str:
    before = [job(number) for number in range(1, JOBS)]
    after = [job(number) for number in range(JOBS, JOBS + 500)]
    return "\n".join([*before, *map(coloured, text.splitlines()), *after]) + "\n"


def cases() -> list[object]:
    """Each quick look takes half a second, so most are marked as slow."""
    quick = re.compile(
        r"makefile-local|project-|cuda-only|vector-op|install-|resource-|options-|amx-|process-|fortran"
    )
    return [
        pytest.param(each, id=each.stem, marks=[] if quick.match(each.stem) else [pytest.mark.slow])
        for each in FIXTURES
    ]


@pytest.mark.parametrize("fixture", cases())
def test_the_middle_of_a_long_log(fixture: Path) -> None:
    name = fixture.name.split(".")[0]
    if name in ALONE:
        pytest.skip("the sign is where a log begins")
    text = fixture.read_text(encoding="utf-8", errors="replace")
    diagnosis = examine(Case(log=read_log(io.BytesIO(surrounded(text).encode()))))
    found = [(each.cause, each.confidence.name) for each in diagnosis.findings]
    assert found, "nothing was recognised"
    assert found[0][0] == name, found
    sure = [
        each.cause
        for each in diagnosis.findings
        if each.confidence is Confidence.HIGH and each.severity is Severity.FAILURE
    ]
    assert set(sure) <= {name}
