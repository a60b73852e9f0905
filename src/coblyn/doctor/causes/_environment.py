"""Facts from environment variables, used by several causes."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

from coblyn.doctor.causes._machine import is_apple_silicon
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.finding import Confidence, Evidence, Finding, Severity
from coblyn.doctor.tree.environment import program
from coblyn.doctor.tree.files import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.cause import Case, Cause

__all__ = ["conda_compiler", "family", "setting"]

_CONDA = re.compile(r"[\w-]+-(?:conda[\w-]*-linux-gnu|apple-darwin[\d.]+)-")


def setting(case: Case, name: str) -> Evidence:
    """A variable as evidence. Only its value is shown, without the path of the home directory."""
    value = case.environ.get(name, "")
    home = case.environ.get("HOME") or case.environ.get("USERPROFILE") or ""
    hidden = value.replace(home, "~") if len(home) > 1 else value
    return Evidence("environment", 0, printable(f"{name}={hidden}"))


def family(name: str) -> str:
    """The compiler family according to a program's name: "clang", "gcc", or "" if the name does not tell."""
    base = PurePath(name.replace("\\", "/")).name
    if re.search(r"(?:^|-)clang(?:\+\+)?(?:-\d+)?(?:\.exe)?$", base):
        return "clang"
    return "gcc" if re.search(r"(?:^|-)g(?:cc|\+\+)(?:-\d+)?(?:\.exe)?$", base) else ""


def conda_compiler(cause: Cause, case: Case) -> Finding | None:
    """A conda compiler that the environment names. On Apple silicon, an Intel one can build only for Intel."""
    found = list(_conda_programs(case))
    if not found or case.machine is None:
        return None
    name, compiler = found[0]
    wrong = is_apple_silicon(case.machine) and "x86_64-apple" in compiler
    return cause.finding(
        setting(case, name),
        story=(
            f"{name} names conda's compiler {shown(PurePath(compiler).name)}"
            + (", which builds for Intel, on Apple silicon." if wrong else "."),
            cause.explanation,
        ),
        confidence=Confidence.HIGH if wrong else Confidence.LOW,
        severity=Severity.RISK if wrong else Severity.NOTE,
    )


def _conda_programs(case: Case) -> Iterator[tuple[str, str]]:
    prefix = case.environ.get("CONDA_PREFIX", "")
    for name in ("CC", "CXX"):
        found = program(case.environ, name)
        if found and (_CONDA.search(found) or (len(prefix) > 1 and found.startswith(prefix))):
            yield name, found
