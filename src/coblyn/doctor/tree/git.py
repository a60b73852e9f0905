"""Git's status of a few files.

Runs only ``ls-files``: it reads the index and the ignore files, and starts no filter, as ``git status`` may. What a
repository's own configuration could make git start is turned off: the file system monitor, hooks and pagers by ``-c``,
and everything in the environment that points git somewhere else is removed.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from coblyn.errors import ProgramFailed
from coblyn.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Git", "read_git"]

_SECONDS = 10.0
_MAX_NAMES = 500
_SAFE = (
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", "core.untrackedCache=false"),
    *("-c", "core.pager=cat"),
    *("-c", "safe.bareRepository=explicit"),
)
_ENVIRONMENT: Mapping[str, str | None] = {
    **dict.fromkeys(
        ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF", "GIT_CONFIG_PARAMETERS")
    ),
    **dict.fromkeys(("GIT_CONFIG_COUNT", "GIT_TRACE", "GIT_TRACE2", "GIT_EXEC_PATH", "GIT_PAGER")),
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


@dataclass(frozen=True, slots=True)
class Git:
    """Git's status of the queried files.

    Attributes:
        is_repository: Whether the tree is in a repository that git could read.
        tracked: Files that git tracks.
        ignored: Files that it ignores.
    """

    is_repository: bool = False
    tracked: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()

    def says(self, name: str) -> Literal["tracked", "ignored", "untracked", ""]:
        """Git's status of a queried file; empty outside a repository."""
        if not self.is_repository:
            return ""
        if name in self.tracked:
            return "tracked"
        return "ignored" if name in self.ignored else "untracked"


def read_git(root: Path, names: Sequence[str]) -> Git:
    """Query git about files.

    Args:
        root: The tree.
        names: Paths relative to the root; absolute paths are not queried.
    """
    program = shutil.which("git")
    asked = [name for name in dict.fromkeys(names) if not name.startswith(("/", ".."))][:_MAX_NAMES]
    if program is None or not _is_in_repository(root):
        return Git()
    try:
        tracked = _ask(program, root, ["--cached"], asked)
        ignored = _ask(program, root, ["--others", "--ignored", "--exclude-standard"], asked)
    except ProgramFailed:
        # One case is a repository of another user, which git does not trust.
        return Git()
    return Git(is_repository=True, tracked=tracked, ignored=ignored - tracked)


def _is_in_repository(root: Path) -> bool:
    return any(os.path.lexists(folder / ".git") for folder in (root, *root.parents))


def _ask(program: str, root: Path, options: Sequence[str], names: Sequence[str]) -> frozenset[str]:
    if not names:
        return frozenset()
    patterns = [f":(literal){name}" for name in names]
    argv = [program, *_SAFE, "ls-files", "-z", *options, "--", *patterns]
    done = run(argv, cwd=root, env=_ENVIRONMENT, timeout=_SECONDS)
    told = done.output.rstrip("\n").split("\0")
    # Warnings are separate lines before a name.
    return frozenset(
        each for name in told for each in (name, name.rpartition("\n")[2])
    ) & frozenset(names)
