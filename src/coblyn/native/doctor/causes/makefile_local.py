"""A stale makefile that is included, and defines targets of the project's own again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.native.doctor.cause import Cause
from coblyn.native.doctor.causes._duplicates import (
    Duplicate,
    Pair,
    count,
    duplicates,
    file_name,
    pairs,
    stem,
)
from coblyn.native.doctor.causes._rivals import rival_finding
from coblyn.native.doctor.causes._tree import joined
from coblyn.native.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.native.doctor.tree.make.rivals import rivals

if TYPE_CHECKING:
    from coblyn.native.doctor.cause import Case
    from coblyn.native.doctor.log.log import Log
    from coblyn.native.doctor.tree.tree import Tree

__all__ = ["CAUSE", "from_log", "from_tree"]

_MAX_WARNINGS = 200
_EVIDENCE = 3

# GNU make 4 says "recipe", 3.81 (macOS) "commands".
_OVERRIDE = re.compile(
    r"(?m)^[ \t]*(?:\S*make(?:\[\d+\])?: )?(?P<new>[^\s:][^:\n]*):\d+: warning: overriding (?:recipe|commands) "
    r"for target [`'](?P<target>[^'\n]+)'\n"
    r"[ \t]*(?:\S*make(?:\[\d+\])?: )?(?P<old>[^\s:][^:\n]*):\d+: warning: ignoring old (?:recipe|commands) for"
)
_MAIN = re.compile(r"(?i)(?:^|/)(?:gnu)?makefile$")


@dataclass(frozen=True, slots=True)
class _Override:
    """A target whose recipe is in two makefiles."""

    target: str
    own: str
    extra: str
    evidence: Evidence


def from_log(log: Log) -> Finding | None:
    """What make's warnings and the linker's duplicates say together, or each alone."""
    overrides = _overrides(log)
    pair = _one_source(duplicates(log))
    if overrides and pair:
        return _merged(log, overrides, pair)
    if pair:
        return _only_duplicates(log, pair)
    return _only_overrides(log, overrides) if overrides else None


def _overrides(log: Log) -> list[_Override]:
    """Targets that two different makefiles define; make's own rules and repeated warnings are left out."""
    if "ignoring old" not in log:
        return []
    found: dict[str, _Override] = {}
    for hit in log.hits(_OVERRIDE, limit=_MAX_WARNINGS):
        new, old = hit["new"], hit["old"]
        if new != old:
            own, extra = (old, new) if _MAIN.search(old) else (new, old)
            found.setdefault(
                hit["target"], _Override(hit["target"], own, extra, hit.evidence(log.name))
            )
    return list(found.values())


def _one_source(found: tuple[Duplicate, ...]) -> Pair | None:
    """The two objects that are named after one source: ``ggml-backend.o`` and ``ggml-backend_default.o``."""
    for pair in pairs(found):
        one, other = sorted((stem(pair.first), stem(pair.second)), key=len)
        if one != other and other.startswith(f"{one}_") and len(pair.duplicates) > 1:
            return pair
    return None


def _merged(log: Log, overrides: list[_Override], pair: Pair) -> Finding:
    extra, own = overrides[0].extra, overrides[0].own
    one, other = sorted((pair.first, pair.second), key=len)
    return CAUSE.finding(
        *(each.evidence for each in overrides[:_EVIDENCE]),
        *(each.hit.evidence(log.name) for each in pair.duplicates[:_EVIDENCE]),
        story=(
            f"The link failed: {count(log, pair)} symbols are defined in both {one} and {other}.",
            f"{extra} defines {_listed([each.target for each in overrides])} again, which {own} defines too.",
            _ONE_SOURCE.format(one=file_name(one), other=file_name(other), source=stem(one)),
            f"{_MERGE} `make clean` can not help: it deletes objects, and {extra} stays.",
        ),
        fix=_move(extra),
    )


def _only_duplicates(log: Log, pair: Pair) -> Finding:
    one, other = sorted((pair.first, pair.second), key=len)
    return CAUSE.finding(
        *(each.hit.evidence(log.name) for each in pair.duplicates[:_EVIDENCE]),
        story=(
            f"The link failed: {count(log, pair)} symbols are defined in both {one} and {other}.",
            _ONE_SOURCE.format(one=file_name(one), other=file_name(other), source=stem(one)),
            "Both rules are in force: most often since an old makefile is included, such as Makefile.local.",
            f"{_MERGE} `make clean` can not help: it deletes objects, and the rules stay.",
        ),
        fix=Fix(
            command="coblyn doctor .",
            text="Move an old Makefile.local, or any other old copy of the makefile, out of the source tree, then "
            "`make clean` and build again. `coblyn doctor` in the source tree names the file.",
        ),
        confidence=Confidence.MEDIUM,
    )


def _only_overrides(log: Log, overrides: list[_Override]) -> Finding:
    extra, own = overrides[0].extra, overrides[0].own
    return CAUSE.finding(
        *(each.evidence for each in overrides[:_EVIDENCE]),
        story=(
            f"{extra} defines {_listed([each.target for each in overrides])} again, which {own} defines too.",
            "That may be meant; if it is an old copy of the makefile, it can break the link.",
        ),
        fix=_move(extra),
        confidence=Confidence.LOW,
        severity=Severity.RISK if log.failed else Severity.NOTE,
    )


_ONE_SOURCE = (
    "By their names, {one} and {other} both come from one source, {source}: an older rule makes the one, "
    "a newer rule the other."
)
_MERGE = (
    "When a target is defined twice, make takes the last recipe but merges the prerequisites of both, "
    "and the recipe links all of them ($^), so both objects end up in one link."
)


def _move(extra: str) -> Fix:
    aside = f"{extra}.aside"
    return Fix(
        command=f'mv "{extra}" "{aside}" && make clean',
        text=f"Move {extra} out of the way (keep only settings in it, no rules), then build again.",
    )


def _listed(targets: list[str]) -> str:
    names = ", ".join(targets[:3])
    return names if len(targets) <= 3 else f"{names} and {len(targets) - 3} more"


def from_tree(tree: Tree) -> Finding | None:
    """What the makefiles of a tree say: an included one has targets that the project's own has too."""
    found = [
        finding
        for rival in rivals(tree)
        if not rival.include.is_wildcard and (finding := rival_finding(CAUSE, tree, rival))
    ]
    return max(
        found, key=lambda each: (each.severity is Severity.FAILURE, each.confidence), default=None
    )


def _diagnose(case: Case) -> Finding | None:
    return joined(
        from_tree(case.tree) if case.tree else None, from_log(case.log) if case.log else None
    )


CAUSE = Cause(
    id="makefile-local",
    title="An old makefile is included and defines targets again",
    looks_like="Duplicate symbols at the link, in two objects that are named after one source; before it, make's "
    "warnings about overriding recipes (GNU make 3.81: commands).",
    needs="Two objects of one source in a link, or a target with rules in more than one makefile.",
    explanation="The project's makefile includes a file beside it (KoboldCPP: Makefile.local) that is meant for "
    "settings, but holds an old copy of the makefile with all its rules. " + _MERGE,
    fix="Move the old makefile out of the way, then `make clean` and build again.",
    links=("https://github.com/LostRuins/koboldcpp/issues/915",),
    diagnose=_diagnose,
    explains=("duplicate-symbols", "source-compiled-twice", "overridden-recipe"),
)
