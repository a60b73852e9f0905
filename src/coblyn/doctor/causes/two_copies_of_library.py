"""Two packages that bring the same library, in one program."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Pair,
    archive,
    carried,
    duplicates,
    pairs,
    stem,
    twice,
)

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    if not case.log:
        return None
    for pair in pairs(duplicates(case.log)):
        library = carried(pair)
        if library and _apart(pair):
            return twice(
                CAUSE, case.log, pair, f"Each brings its own copy of {library}.", CAUSE.explanation
            )
    return None


def _apart(pair: Pair) -> bool:
    one, other = archive(pair.first), archive(pair.second)
    if one and other:
        return one != other
    first, second = stem(pair.first), stem(pair.second)
    return not (first.startswith(second) or second.startswith(first))


CAUSE = Cause(
    id="two-copies-of-library",
    title="Two packages bring the same library",
    looks_like="Duplicate symbols of one library (ggml_..., stbi_...) in the objects of two packages.",
    needs="Symbols of a library that projects carry with them, in two objects or libraries that do not "
    "belong together.",
    explanation="Both packages contain a copy of the same library (llama.cpp and whisper.cpp both contain "
    "ggml), and one program links both. Even where a linker lets that pass, two versions in one program crash.",
    fix="Let both use one copy: build it once, make the packages link that (CMake: one add_subdirectory or "
    "find_package(ggml)), or load one of them as a shared library that hides its symbols.",
    links=(
        "https://github.com/eastriverlee/LLM.swift/issues/32",
        "https://github.com/llvm/llvm-project/issues/67442",
    ),
    diagnose=_diagnose,
    explains=("duplicate-symbols",),
)
