"""Symbols that nothing in a link defines, with no more specific cause."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import shown
from coblyn.doctor.causes._undefined import undefined
from coblyn.doctor.causes.link._definitions import bare_name, definitions, is_in_a_link
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix
from coblyn.doctor.tree.headers import HEADER_ENDINGS

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.tree.tree import Tree

__all__ = ["CAUSE"]

_EVIDENCE = 4
# Conclusions from single names: pattern, what happened, what to do.
_WHY: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"(?:w?WinMain|main|wmain|SDL_main)(?:$|@|\()"),
        (
            "The program has no function main that the linker sees: the source that has it is not in the link, or a "
            "header (SDL's) has renamed it."
        ),
        "Put the source with main into the link; with SDL link SDL2main before SDL2, or define SDL_MAIN_HANDLED.",
    ),
    (
        re.compile(r"__aarch64_(?:ldadd|cas|swp|ldclr|ldset|ldeor)\d"),
        (
            "GCC 10 and later call these helpers of its own library (libgcc), and the link takes an older "
            "libgcc, or none."
        ),
        "Compile with -mno-outline-atomics, or link with the same GCC (g++) that compiled.",
    ),
    (
        re.compile(r"__cpu_(?:model|indicator_init|features2)"),
        "That is in libgcc, which this link leaves out or hides.",
        "Link with g++ (or clang++ --rtlib=libgcc), and with -lgcc at the end.",
    ),
    (
        re.compile(r"(?:vtable|typeinfo|VTT) for "),
        (
            "A class's virtual functions are compiled into one object, that of its first virtual function; that "
            "object, or that function's body, is not there, or the class comes from a library compiled without RTTI."
        ),
        (
            "Make sure that the source with the class's functions is in the list of what is built, that every virtual "
            "function has a body or is = 0, and that all is compiled with the same -fno-rtti or none."
        ),
    ),
)


def _diagnose(case: Case) -> Finding | None:
    found = undefined(case.log) if case.log else ()
    if not found or not case.log:
        return None
    names = ", ".join(each.symbol for each in found[:3])
    by = f" It is asked for by {found[0].by}." if found[0].by else ""
    seen = tuple(each.hit.evidence(case.log.name) for each in found[:_EVIDENCE])
    missing = f"Nothing in the link defines {names}.{by}"
    if case.tree:
        return _of_tree(case.tree, found[0].symbol, missing, seen)
    why = next((say for pattern, *say in _WHY if pattern.match(found[0].symbol)), None)
    return CAUSE.finding(
        *seen,
        story=(missing, why[0] if why else CAUSE.explanation),
        fix=Fix(text=why[1])
        if why
        else Fix(command="coblyn doctor build.log .", text=f"{_ASK} {CAUSE.fix}"),
        confidence=Confidence.MEDIUM,
    )


def _of_tree(tree: Tree, symbol: str, missing: str, seen: tuple[Evidence, ...]) -> Finding:
    """Evidence of which file of the tree defines it, or that none does."""
    places = definitions(tree, symbol)
    name = bare_name(symbol)
    outside = [each for each in places if not is_in_a_link(tree, each.source)]
    knows_links = any(each.source for link in tree.links for each in link.objects)
    sure = Confidence.MEDIUM
    if not places:
        why = f"No file of this tree defines {name}."
        text = (
            "If it is the project's own, the checkout is incomplete or of two releases (git status, git pull, git "
            "submodule update --init); if it is a library's, that library has to be linked."
        )
    elif all(each.source.endswith(HEADER_ENDINGS) for each in places):
        why = (
            f"{_at(places[0])} has the body of {name}, in a header: the source that makes an instance of it is "
            "missing."
        )
        text = (
            "Make sure that every source that instantiates it is there and is built (template-instances/ in "
            "ggml-cuda): an older makefile does not know new files. Bring tree and makefile to one "
            "release, and build afresh."
        )
    elif len(outside) == len(places) and knows_links:
        why = f"{_at(outside[0])} defines {name}, and no link of this tree has an object of that file."
        text = f"Put {shown(outside[0].source)} into the list of what is built: the makefile does not know it."
        sure = Confidence.HIGH
    else:
        why = f"{_at(places[0])} defines {name}."
        text = (
            "Its object is older than the source, or the definition stands inside of an #if that is off, or "
            "the file is "
            "not in this link: clear what was built, build again, and look at the condition around it."
        )
    return CAUSE.finding(
        *seen, *places[:_EVIDENCE], story=(missing, why), fix=Fix(text=text), confidence=sure
    )


def _at(place: Evidence) -> str:
    return f"{shown(place.source)}:{place.line}"


_ASK = "Give the tree with the log: the doctor says then which file defines it, or that none does."

CAUSE: Cause = described(__name__, _diagnose)
