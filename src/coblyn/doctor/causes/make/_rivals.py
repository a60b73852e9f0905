"""Findings about a makefile that defines targets of another makefile, shared by two causes."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from coblyn.doctor.causes._tree import aside, at, clear, listed, move, shown
from coblyn.doctor.finding import Confidence, Finding, Fix, Severity, Step, StepKind
from coblyn.native.trace.link import is_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coblyn.doctor.cause import Cause
    from coblyn.doctor.finding import Evidence
    from coblyn.doctor.tree.make.rivals import Merged, Missing, Rival
    from coblyn.doctor.tree.tree import Tree

__all__ = ["MERGE", "is_backup", "rival_finding"]

MERGE = (
    "When a target is defined twice, make takes the last recipe but merges the prerequisites of both, "
    "and the recipe links all of them ($^), so both objects end up in one link."
)
_MAX_EVIDENCE = 3
_MAX_NAMED = 20
# A wildcard that matches a file with any suffix appended to its name.
_OPEN_END = re.compile(r"[*?\]](?=[\s)},]|$)")
_BACKUP = re.compile(
    r"(?i)(~$|\.(?:bak|backup|orig|old|save|rej|swp|tmp|prev|disabled)\b|[ _.-](?:old|copy|backup|bak|orig|save)\b"
    r"|\(\d+\)|\bcopy of |^#.*#$|\.\d{4}-?\d\d-?\d\d|[ ]\d+\.\w+$)"
)


def is_backup(name: str) -> bool:
    """Whether a file's name suggests that it is a copy of another."""
    return bool(_BACKUP.search(name.rpartition("/")[2]))


def rival_finding(cause: Cause, tree: Tree, rival: Rival) -> Finding | None:
    """The finding for a rival; None if it only replaces recipes, which may be intended."""
    merged = _goal_first(rival)
    if merged:
        return _two_objects(cause, tree, rival, merged)
    if rival.missing and rival.is_copy:
        return _nothing_to_make(cause, tree, rival, rival.missing)
    if rival.is_copy and tree.git.says(rival.path) != "tracked":
        return _copy(cause, tree, rival)
    return None


def _goal_first(rival: Rival) -> list[Merged]:
    """The links of the default goal come first."""
    targets = [name for name in rival.database.rules if not name.startswith(".")]
    goals = {targets[0], *rival.database.prerequisites(targets[0])} if targets else set()
    return sorted(rival.merged, key=lambda each: each.target not in goals)


def _two_objects(cause: Cause, tree: Tree, rival: Rival, merged: list[Merged]) -> Finding:
    first = merged[0]
    old, new = first.twins.first, first.twins.second
    targets = list(dict.fromkeys(each.target for each in merged))
    pairs = list(
        {(each.twins.first.object, each.twins.second.object): each for each in merged}.values()
    )
    one_source = [
        f"{shown(each.twins.first.source)} is compiled into {shown(each.twins.first.object)} "
        f"({shown(each.twins.first.place) or rival.path}) and into {shown(each.twins.second.object)} "
        f"({shown(each.twins.second.place)})"
        for each in pairs[:_MAX_EVIDENCE]
    ]
    is_known = tree.git.says(rival.path) == "tracked"
    sure = rival.is_copy or first.target in rival.common or (first.is_proved and not is_known)
    return cause.finding(
        *_definitions(merged),
        at(old.place, f"{old.object} is compiled from {old.source}"),
        at(new.place, f"{new.object} is compiled from {new.source}"),
        _included(rival),
        story=(
            (
                f"The link of {listed(targets)} fails: {shown(old.object)} and {shown(new.object)} are both in it and "
                "define the same symbols."
            ),
            _again(rival, targets),
            f"Both objects come from one source: {'; '.join(one_source)}.",
            (
                f"{MERGE} `make clean` cannot help: it removes objects, not {shown(rival.path)}, "
                "and the next make reads that again."
            ),
        ),
        fix=_fix(tree, rival),
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
    )


def _definitions(merged: Sequence[Merged]) -> list[Evidence]:
    found = {each.target: each for each in merged}
    return [
        at(place, f"defines {each.target}{words}")
        for each in list(found.values())[:_MAX_EVIDENCE]
        for place, words in ((each.rival, " again"), (each.own, ""))
    ]


def _nothing_to_make(
    cause: Cause, tree: Tree, rival: Rival, missing: tuple[Missing, ...]
) -> Finding:
    # A missing source is stronger evidence than a missing header.
    first = min(missing, key=lambda each: each.name.endswith((".h", ".hpp", ".cuh")))
    return cause.finding(
        *(
            at(each.rival, f"{each.needed_by} needs {each.name}")
            for each in missing[:_MAX_EVIDENCE]
        ),
        _included(rival),
        story=(
            (
                f"The build of {shown(first.target)} fails: {shown(first.needed_by)} needs {shown(first.name)}, "
                "which is not there and which no rule makes."
            ),
            _again(rival, [first.target]),
            f"Only {shown(rival.path)} asks for it: it was written for an older layout of the sources.",
            (
                "When a target is defined twice, make merges the prerequisites of both. `make clean` cannot help: it "
                f"removes objects, not {shown(rival.path)}, and the next make reads that again."
            ),
        ),
        fix=_fix(tree, rival),
    )


def _copy(cause: Cause, tree: Tree, rival: Rival) -> Finding:
    return cause.finding(
        _included(rival),
        *(
            at(rule.place, f"defines {target} again")
            for target in rival.common[:_MAX_EVIDENCE]
            for rule in rival.database.recipes(target)
            if rule.place.file == rival.path
        ),
        story=(
            f"{_again(rival, rival.common)} It holds {rival.share:.0%} of its rules: it is a copy.",
            "The build may pass today; with the next change of either file, make merges what does not belong together.",
        ),
        fix=_fix(tree, rival),
        confidence=Confidence.MEDIUM,
        severity=Severity.RISK,
    )


def _again(rival: Rival, targets: Sequence[str]) -> str:
    path, include = shown(rival.path), shown(rival.include.place)
    again = [name for name in targets if name in rival.common]
    again += [name for name in rival.common if name not in targets]
    if not again:
        return f"{path}, which {include} includes, brings the first of them."
    return (
        f"{path} defines {listed(again)} again, which {shown(rival.other)} defines too; "
        f"{include} includes it."
    )


def _included(rival: Rival) -> Evidence:
    return at(rival.include.place, rival.include.text)


def _fix(tree: Tree, rival: Rival) -> Fix:
    path = shown(rival.path)
    if tree.git.says(rival.path) == "tracked":
        return Fix(
            text=f"{path} belongs to the repository: take the rules that "
            f"{shown(rival.other)} has too out of one of the two."
        )
    reason = f"defines {listed(rival.common, 1)} again" if rival.common else "is an old makefile"
    made = clear(tree, _objects(tree, rival), f"built by a rule of {path}")
    names = [tree.files.name(str(step.path.relative_to(tree.root))) for step in made]
    if rival.include.is_needed:
        return Fix(
            command=f"{move(tree, rival.path)} && touch {shlex.quote(path)}{_cleaning(rival, names)}",
            text=f"Rename {path} and leave an empty file in its place, since {shown(rival.include.place)} stops "
            "without one; settings of your own (variables, no rules) can go into that. Then build again.",
        )
    if rival.include.is_wildcard and _OPEN_END.search(rival.include.text):
        folder = posixpath.join(posixpath.dirname(rival.path), f"old-{tree.today}")
        moved = f"mkdir -p {shlex.quote(folder)} && mv {shlex.quote(path)} {shlex.quote(folder)}/"
        return Fix(
            command=moved + _cleaning(rival, names),
            text=f"Move {path} to a place where the wildcard does not find it, and build again.",
            steps=(Step(StepKind.CLEAR, tree.files.path(rival.path), reason), *made),
        )
    return Fix(
        command=move(tree, rival.path) + _cleaning(rival, names),
        text=f"Rename {path}, so that it is no longer included, and build again. "
        "Settings of your own (variables, no rules) can go into a new file of that name.",
        steps=(aside(tree, rival.path, reason), *made),
    )


def _objects(tree: Tree, rival: Rival) -> list[str]:
    """Objects that the rival adds, or that make builds by its rules."""
    last = {
        target: rules[-1].place.file
        for target in rival.database.rules
        if (rules := rival.database.recipes(target))
    }
    made = [
        tree.name(rival.database, target)
        for target, file in last.items()
        if file == rival.path and is_object(target)
    ]
    return [*(each.twins.first.object for each in rival.merged), *made]


def _cleaning(rival: Rival, made: Sequence[str]) -> str:
    """The rest of a command: the project's own clean target, or else removal of what the rival built."""
    if any(rule.place.file != rival.path for rule in rival.database.recipes("clean")):
        folder = posixpath.dirname(rival.database.makefile)
        return f" && make -C {shlex.quote(folder)} clean" if folder else " && make clean"
    return f" && rm -f {shlex.join(made)}" if made and len(made) <= _MAX_NAMED else ""
