"""Finds the files of a tree that define a symbol, by searching text; compiles nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn.doctor.finding import Evidence
from coblyn.doctor.tree.files import read_text
from coblyn.doctor.tree.headers import HEADER_ENDINGS
from coblyn.native.trace.link import SOURCE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.tree.tree import Tree

__all__ = ["bare_name", "definitions", "is_in_a_link"]

_MAX_FILES = 4_000
_MAX_BYTES = 4_000_000
_MAX_FOUND = 20
_NAME = re.compile(r"[A-Za-z_]\w*")
_TEMPLATE = re.compile(r"<[^<>]*>")


def bare_name(symbol: str) -> str:
    """The unqualified name of a symbol: ``load`` for ``void ns::load<int>(int)``; empty if there is none."""
    plain, count = _TEMPLATE.subn("", symbol)
    while count:
        plain, count = _TEMPLATE.subn("", plain)
    names = _NAME.findall(plain.partition("(")[0].partition("[abi:")[0])
    return names[-1] if names else ""


def definitions(tree: Tree, symbol: str) -> list[Evidence]:
    """Where sources and headers of a tree define a function or a variable; the first few places."""
    name = bare_name(symbol)
    if not name:
        return []
    found: list[Evidence] = []
    for file in _sources(tree):
        text = read_text(tree.files.path(file), _MAX_BYTES)
        if name in text and (line := _line_of_definition(text, name)):
            found.append(Evidence(file, line, f"defines {name}"))
        if len(found) >= _MAX_FOUND:
            break
    return found


def is_in_a_link(tree: Tree, file: str) -> bool:
    """Whether a link of the tree has an object of this source."""
    return any(each.source == file for link in tree.links for each in link.objects)


def _sources(tree: Tree) -> Iterator[str]:
    names = [
        name for name in tree.files.entries if name.endswith((*SOURCE_ENDINGS, *HEADER_ENDINGS))
    ]
    yield from sorted(names, key=lambda name: name.endswith(HEADER_ENDINGS))[:_MAX_FILES]


def _line_of_definition(text: str, name: str) -> int:
    word = re.escape(name)
    function = (
        rf"^(?![ \t]*(?:return|else|if|while|#|//|\*))[^\n;=(]{{0,300}}\b{word}[ \t]*"
        rf"\([^;{{}}]{{0,2000}}\)[^;{{}}()]{{0,200}}\{{"
    )
    variable = (
        rf"^(?![ \t]*(?:extern|return|#|//|\*|typedef|using))"
        rf"(?:[\w:<>,*&]+[ \t]+){{1,5}}\**{word}[ \t]*(?:=|;|\[|\{{)"
    )
    found = re.search(function, text, re.MULTILINE) or re.search(variable, text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 0
