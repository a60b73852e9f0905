"""What the objects of one link record about their compilation, used by several causes."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from coblyn.doctor.causes._links import is_kept
from coblyn.doctor.causes._tree import clear
from coblyn.doctor.finding import Fix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coblyn.doctor.tree.recorded import Record
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.trace.link import Compiled, Link

__all__ = ["compile_again", "major", "recorded"]

_LANGUAGES = {
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".C"), "C++"),
    ".c": "C",
    ".m": "Objective-C",
    ".mm": "Objective-C++",
}
"""Language of a source by its extension, for languages that one compiler handles on every system."""


def recorded(tree: Tree, link: Link) -> Iterator[tuple[Compiled, Record, str]]:
    """Objects of a link that a build would keep, with their records and languages."""
    for each in link.objects:
        record = tree.records.get(each.object)
        language = _LANGUAGES.get(posixpath.splitext(each.source)[1])
        if record and language and is_kept(tree, each.object, each.source):
            yield each, record, language


def major(compiler: str) -> str:
    """Vendor and major version: "gcc 12" from "gcc 12.2.0"."""
    name, _, version = compiler.partition(" ")
    return f"{name} {version.partition('.')[0]}"


def compile_again(tree: Tree, objects: Sequence[str], reason: str) -> Fix:
    """Clear everything that was built, or only some objects."""
    return Fix(
        command="make clean" if tree.makes else "",
        text="Compile everything again: clear what was built (make clean, or a fresh build directory), then build "
        "with the same options from beginning to end.",
        steps=clear(tree, objects, reason),
    )
