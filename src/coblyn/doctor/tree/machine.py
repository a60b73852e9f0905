"""Facts about a machine that only the doctor uses: compiler versions, Xcode tools."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.doctor.tree.environment import program
from coblyn.native.facts import Fact
from coblyn.native.probe import MAC_TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coblyn.native.probe import Prober

__all__ = ["compiler_facts"]

_GCC = re.compile(
    r"\((?:GCC|Debian|Ubuntu|conda|Red Hat|SUSE|Gentoo)[^)]*\) (\d+(?:\.\d+)*)|gcc version (\d+(?:\.\d+)*)"
)
_CLANG = re.compile(r"\bclang version (\d+(?:\.\d+)*)")


def compiler_facts(prober: Prober, environ: Mapping[str, str]) -> Iterator[Fact]:
    """The compilers that a build would use, as "gcc 13.2.0" or "clang 17.0.6", and Xcode's Metal compiler."""
    yield from _compiler(prober, environ, "cc", "CC", "gcc")
    yield from _compiler(prober, environ, "cxx", "CXX", "g++")
    xcrun = Path("/usr/bin/xcrun")
    if xcrun.exists():
        metal = prober.ask([xcrun, "--find", "metal"], watch=MAC_TOOLS).strip()
        yield Fact("metal.compiler", metal, "xcrun", "" if metal else "needs the full Xcode")


def _compiler(
    prober: Prober, environ: Mapping[str, str], fact: str, variable: str, other: str
) -> Iterator[Fact]:
    named = program(environ, variable)
    default = "c++" if fact == "cxx" else "cc"
    found = shutil.which(named or default) or shutil.which(other) or ""
    answer = prober.ask([found, "--version"]) if found else ""
    yield Fact(fact, found, variable if named else "PATH")
    # A name such as c++ may resolve to another compiler after an update.
    yield Fact(f"{fact}.real", os.path.realpath(found) if found else "", found)
    yield Fact(f"{fact}.version", _version(answer), found)


def _version(answer: str) -> str:
    if clang := _CLANG.search(answer):
        return f"clang {clang[1]}"
    gcc = _GCC.search(answer)
    return f"gcc {gcc[1] or gcc[2]}" if gcc else ""
