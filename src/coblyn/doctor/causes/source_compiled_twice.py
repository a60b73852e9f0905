"""One source, compiled into two objects that end up in one link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Pair,
    archive,
    carried,
    compiled_from,
    duplicates,
    file_name,
    pairs,
    stem,
    twice,
)
from coblyn.doctor.causes._links import source_twice
from coblyn.doctor.causes._tree import also
from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding

__all__ = ["CAUSE"]


def _diagnose(case: Case) -> Finding | None:
    found = duplicates(case.log) if case.log else ()
    if not found or not case.log:
        return None
    sources = compiled_from(case.log)
    for pair in pairs(found):
        source = _shown(pair, sources)
        if source or _named_alike(pair):
            return twice(
                CAUSE,
                case.log,
                pair,
                f"Both come from one source, {source or stem(pair.first)}, that is compiled twice.",
                CAUSE.explanation,
                confidence=Confidence.HIGH if source else Confidence.MEDIUM,
            )
    return None


def _shown(pair: Pair, sources: dict[str, str]) -> str:
    """The source that the compiler's commands show for both objects; empty if they do not."""
    one = sources.get(file_name(pair.first), "")
    other = sources.get(file_name(pair.second), "")
    return one if one == other and file_name(pair.first) != file_name(pair.second) else ""


def _named_alike(pair: Pair) -> bool:
    """CMake names an object after its source, in a directory or a library of each target."""
    if stem(pair.first) != stem(pair.second) or pair.first == pair.second:
        return False
    one, other = file_name(archive(pair.first)), file_name(archive(pair.second))
    if one and other:
        return one != other and not carried(pair)
    return "CMakeFiles/" in pair.first and "CMakeFiles/" in pair.second


CAUSE = Cause(
    id="source-compiled-twice",
    title="One source is compiled into two objects of one link",
    looks_like="Duplicate symbols: always the same two objects, with all that one source defines.",
    needs="Two objects of a link that come from one source: by the compiler's commands, or by their names.",
    explanation="A source is listed in two targets (or matched by a wildcard in both) that are linked together, so "
    "everything it defines is there twice.",
    fix="Keep the source in one target and link that one, or take one of the two objects out of the link; then clear "
    "the build directory and build again.",
    links=(
        "https://github.com/LostRuins/koboldcpp/issues/915",
        "https://github.com/ggml-org/llama.cpp/pull/10211",
    ),
    diagnose=_diagnose,
    explains=("duplicate-symbols",),
)

CAUSE = also(CAUSE, lambda case: source_twice(CAUSE, case))
