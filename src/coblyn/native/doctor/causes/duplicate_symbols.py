"""Symbols that are defined twice, when nothing tells why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.native.doctor.cause import Cause
from coblyn.native.doctor.causes._duplicates import count, duplicates, pairs
from coblyn.native.doctor.finding import Confidence, Finding

if TYPE_CHECKING:
    from coblyn.native.doctor.cause import Case

__all__ = ["CAUSE"]

_EVIDENCE = 4


def _diagnose(case: Case) -> Finding | None:
    found = pairs(duplicates(case.log)) if case.log else ()
    if not found or not case.log:
        return None
    pair = found[0]
    return CAUSE.finding(
        *(each.hit.evidence(case.log.name) for each in pair.duplicates[:_EVIDENCE]),
        story=(
            f"The link failed: {count(case.log, pair)} symbols are defined in both {pair.first} and {pair.second}.",
            CAUSE.explanation,
        ),
        confidence=Confidence.MEDIUM,
    )


CAUSE = Cause(
    id="duplicate-symbols",
    title="Two objects of one link define the same symbols",
    looks_like="`duplicate symbol`, `multiple definition of`, LNK2005.",
    needs="The linker's own words, with both places.",
    explanation="The linker got two definitions of the same name and can not choose. Both files are in "
    "the link: because they come from one source, or an old object was left over, or two libraries contain the "
    "same code.",
    fix="Clear what was built and build again (`make clean`, or a new build directory); if it stays, take one "
    "of the two files out of the link. `coblyn doctor` with the objects as arguments shows what they share.",
    links=("https://github.com/LostRuins/koboldcpp/issues/915",),
    diagnose=_diagnose,
)
