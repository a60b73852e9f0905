"""A header of the project itself is not in the tree: the checkout is incomplete, or mixes two releases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._table import described
from coblyn.doctor.causes._tree import listed, shown
from coblyn.doctor.finding import Confidence, Evidence, Fix

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Finding
    from coblyn.doctor.log.log import Hit, Log
    from coblyn.doctor.tree.tree import Tree

__all__ = ["CAUSE"]

_MISSING = re.compile(
    r"(?m)^[ \t]*(?:\d+>)?(?P<by>[^\s:(][^:(\n]{0,200})(?::\d+(?::\d+)?:|\(\d+(?:,\d+)?\) ?:) fatal error[^\n]{0,12}: "
    r"(?:'(?P<clang>[^'\n]{1,200})' file not found|(?P<gcc>[^\s:]{1,200}): No such file or directory"
    r"|[^\n]{0,60}?'(?P<msvc>[^'\n]{1,200})')"
)
# Headers included with quotes that may not belong to the project itself.
_OF_OTHERS = re.compile(
    r"[/\\]|^(?:Python|windows|jni|omp|cblas|zlib|curl|config|version|spawn|stdafx)\.h$"
)
_MAX_EVIDENCE = 4
_MAX_HITS = 200


def _diagnose(case: Case) -> Finding | None:
    if case.log is None:
        return None
    missing: dict[str, list[Hit]] = {}
    for hit in case.log.hits(_MISSING, limit=_MAX_HITS):
        missing.setdefault(hit["clang"] or hit["gcc"] or hit["msvc"], []).append(hit)
    for header, hits in missing.items():
        users = list(dict.fromkeys(hit["by"].rpartition("/")[2] for hit in hits))
        if _OF_OTHERS.search(header) or not _is_quoted(case.log, header):
            continue
        if case.tree:
            if found := _of_tree(case.tree, case.log, header, hits):
                return found
        elif len(users) > 1:
            return _finding(case.log, header, users, hits, Confidence.MEDIUM)
    return None


def _is_quoted(log: Log, header: str) -> bool:
    return f'"{header}"' in log and f"<{header}>" not in log


def _of_tree(tree: Tree, log: Log, header: str, hits: list[Hit]) -> Finding | None:
    """High confidence if nothing in the tree has that name, and nothing generates it."""
    if any(name.rpartition("/")[2] == header for name in tree.files.entries):
        return None
    is_made = any(header in target for database in tree.makes for target in database.rules)
    is_template = any(
        name.endswith((f"{header}.in", f"{header}.cmake")) for name in tree.files.entries
    )
    users = list(dict.fromkeys(hit["by"] for hit in hits))
    sure = Confidence.MEDIUM if is_made or is_template else Confidence.HIGH
    return _finding(log, header, users, hits, sure, tree)


def _finding(
    log: Log,
    header: str,
    users: list[str],
    hits: list[Hit],
    sure: Confidence,
    tree: Tree | None = None,
) -> Finding:
    where = (
        "no directory of the tree has it"
        if tree
        else "several of the project's own sources include it"
    )
    seen = () if tree is None else (Evidence(str(tree.root), 0, f"holds no file {header}"),)
    return CAUSE.finding(
        *(hit.evidence(log.name) for hit in hits[:_MAX_EVIDENCE]),
        *seen,
        story=(
            f"{listed(users)} {'include' if len(users) > 1 else 'includes'} {shown(header)}, and {where}.",
            CAUSE.explanation,
        ),
        fix=Fix(command="git status && git submodule update --init --recursive", text=CAUSE.fix),
        confidence=sure,
    )


CAUSE: Cause = described(__name__, _diagnose)
