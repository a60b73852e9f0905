"""Where make searches for files (``vpath``, ``VPATH``), and which files outside a tree are read."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.value import is_certain

if TYPE_CHECKING:
    from coblyn.doctor.tree.files import Files

__all__ = ["VPATH", "SearchPaths", "looks_like_makefile"]

VPATH = re.compile(r"\s*vpath(?:\s+(?P<pattern>\S+)(?:\s+(?P<folders>.*))?)?\s*$")
"""A line with the ``vpath`` directive."""

_MAKEFILE = re.compile(
    r"(?i)(?:gnu)?makefile(?:$|[.-])|makefile$|\.(?:mk|mak|make|rules|defs|d|p?[lo]o|dep|deps|depend)$"
)
_MAX_FOLDERS = 100
_MAX_PATTERNS = 1_000


class SearchPaths:
    """The search paths so far, in the order given."""

    def __init__(self) -> None:
        self._items: list[tuple[str, tuple[str, ...]]] = []

    @property
    def items(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Patterns of names, each with its search directories."""
        return tuple(self._items)

    def take(self, line: str) -> None:
        """Process a line: one without directories clears those of its pattern, a bare one clears all."""
        found = VPATH.match(line)
        if found is None:
            return
        pattern, folders = found["pattern"], (found["folders"] or "").strip()
        if not folders:
            self._items = [each for each in self._items if pattern and each[0] != pattern]
        elif is_certain(pattern) and len(self._items) < _MAX_PATTERNS:
            words = re.split(rf"[\s{re.escape(os.pathsep)}]+", folders)
            sure = tuple(word for word in words if word and is_certain(word))
            self._items.append((pattern, sure[:_MAX_FOLDERS]))


def looks_like_makefile(files: Files, name: str) -> bool:
    """Whether an included file may be read: it is in the tree, or its name is that of a makefile.

    An untrusted makefile can include any of the user's files, or a link in the tree that leads to one, and
    parts of the file would appear in the doctor's output.
    """
    real = os.path.realpath(files.path(name))
    root = os.path.realpath(files.root)
    if Path(real).is_relative_to(root):
        return True
    return bool(_MAKEFILE.search(posixpath.basename(Path(real).as_posix())))
