"""A stale makefile that is included, and redefines targets of the project."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._duplicates import (
    Duplicate,
    Pair,
    defined_in_both,
    duplicates,
    file_name,
    pairs,
    stem,
    twice,
)
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import clear, joined, listed
from coblyn.doctor.causes.make._rivals import MERGE, rival_finding
from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity
from coblyn.doctor.tree.make.rivals import rivals

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.log.log import Log
    from coblyn.doctor.tree.tree import Tree

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
    """The finding from make's warnings, the linker's duplicate symbols, or both."""
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
    return CAUSE.finding(
        *(each.evidence for each in overrides[:_EVIDENCE]),
        *(each.hit.evidence(log.name) for each in pair.duplicates[:_EVIDENCE]),
        story=(
            defined_in_both(log, pair),
            f"{extra} defines {listed([each.target for each in overrides])} again, which {own} defines too.",
            _one_source_story(pair),
            f"{MERGE} `make clean` cannot help: it deletes objects, and {extra} stays.",
        ),
        fix=_move(extra),
    )


def _only_duplicates(log: Log, pair: Pair) -> Finding:
    return twice(
        CAUSE,
        log,
        pair,
        _one_source_story(pair),
        "Both rules are in force: most often since an old makefile is included, such as Makefile.local.",
        f"{MERGE} `make clean` cannot help: it deletes objects, and the rules stay.",
        fix=Fix(
            command="coblyn doctor .",
            text="Move an old Makefile.local, or any other old copy of the makefile, out of the source tree, then "
            "`make clean` and build again. `coblyn doctor` in the source tree names the file.",
        ),
    )


def _only_overrides(log: Log, overrides: list[_Override]) -> Finding:
    extra, own = overrides[0].extra, overrides[0].own
    return CAUSE.finding(
        *(each.evidence for each in overrides[:_EVIDENCE]),
        story=(
            f"{extra} defines {listed([each.target for each in overrides])} again, which {own} defines too.",
            "That may be meant; if it is an old copy of the makefile, it can break the link.",
        ),
        fix=_move(extra),
        confidence=Confidence.LOW,
        severity=Severity.RISK if log.failed else Severity.NOTE,
    )


def _one_source_story(pair: Pair) -> str:
    one, other = sorted((pair.first, pair.second), key=len)
    return (
        f"By their names, {file_name(one)} and {file_name(other)} both come from one source, {stem(one)}: an older "
        "rule makes the one, a newer rule the other."
    )


def _move(extra: str) -> Fix:
    return Fix(
        command=f"mv {shlex.quote(extra)} {shlex.quote(f'{extra}.aside')} && make clean",
        text=f"Move {extra} out of the way (keep only settings in it, no rules), then build again.",
    )


def from_tree(tree: Tree) -> Finding | None:
    """The finding from the makefiles of a tree: an included one redefines targets of the project's makefile."""
    found = [
        finding
        for rival in rivals(tree)
        if not rival.include.is_wildcard and (finding := rival_finding(CAUSE, tree, rival))
    ]
    return max(
        found, key=lambda each: (each.severity is Severity.FAILURE, each.confidence), default=None
    )


def _diagnose(case: Case) -> Finding | None:
    found = from_tree(case.tree) if case.tree else None
    logged = from_log(case.log) if case.log else None
    if found is None or logged is None or case.tree is None or case.log is None:
        return found or logged
    pair = _one_source(duplicates(case.log))
    both = joined(found, logged)
    return _told(case.tree, case.log, both, pair) if both and pair else both


def _told(tree: Tree, log: Log, found: Finding, pair: Pair) -> Finding:
    """The finding from a tree, with the symbols and objects seen in the log."""
    failed = defined_in_both(log, pair)
    objects = [file_name(pair.first), file_name(pair.second)]
    built = [name for name in tree.files.entries if file_name(name) in objects]
    steps = found.fix.steps
    if steps:
        known = {step.path for step in steps}
        more = clear(tree, built, "is in a link together with its twin")
        steps += tuple(step for step in more if step.path not in known)
    if any(pair.first in line and pair.second in line for line in found.story):
        story = (failed, *found.story[1:])
    else:
        again = found.story[0] if "again" in found.story[0] else found.story[1]
        story = (failed, again, _one_source_story(pair), MERGE)
    return replace(found, story=story, fix=replace(found.fix, steps=steps))


CAUSE: Cause = described(__name__, _diagnose)
