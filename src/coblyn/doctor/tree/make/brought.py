"""What an included makefile adds to links, found by rereading the makefiles without it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import read_text
from coblyn.doctor.tree.make.database import Place
from coblyn.doctor.tree.make.functions import stem
from coblyn.doctor.tree.make.links import links_of
from coblyn.doctor.tree.make.reader import read_makefile
from coblyn.doctor.tree.make.syntax import collapsed, logical_lines, without_comment
from coblyn.native.trace.link import Twins, twins

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from coblyn.doctor.tree.files import Files
    from coblyn.doctor.tree.make.database import Include, MakeDatabase
    from coblyn.doctor.tree.make.value import Budget
    from coblyn.native.trace.link import Compiled, Link

__all__ = ["Brought", "brought"]

_MAX_READINGS = 12
_MAX_BYTES = 4_000_000
_BETWEEN = re.compile(r"[\s:;=()$,|]+")
_MAKES_NAMES = re.compile(r"\$[({](?:addsuffix|addprefix|foreach|patsubst|join) ")


@dataclass(frozen=True, slots=True)
class Brought:
    """A second object of one source that is in a link only because a makefile is included.

    Attributes:
        path: The included makefile.
        rule: The make target that is linked, with or without that makefile.
        twins: The two objects; the first is the one that the included makefile adds.
        place: Where the included makefile names the object, or its source.
    """

    path: str
    rule: str
    twins: Twins
    place: Place


def brought(
    files: Files, database: MakeDatabase, environ: Mapping[str, str], budget: Budget
) -> Iterator[Brought]:
    """Every object that one included makefile alone adds to a link that has another one of the same source.

    Args:
        files: The tree.
        database: Definitions of the makefiles with all their includes.
        environ: Environment that make would see.
        budget: Limit of the work.
    """
    doubled = [
        (link, pair)
        for link in links_of(database, files)
        if link.rule and not link.is_archive
        for pair in twins(link)
    ]
    for include in _included(database)[:_MAX_READINGS] if doubled else ():
        text = read_text(files.path(include.path), _MAX_BYTES)
        named = [
            (link, pair)
            for link, pair in doubled
            if _line(text, pair.first) or _line(text, pair.second)
        ]
        if not named:
            continue
        apart = read_makefile(
            files,
            database.makefile,
            environ=environ,
            budget=budget,
            without=frozenset({include.path}),
        )
        if budget.is_spent:
            return
        left = {link.rule: link for link in links_of(apart, files)}
        for link, pair in named:
            only = _only_with(left.get(link.rule), pair)
            if only is None or not _is_sure(files, database, link.rule, only.first.object):
                continue
            if line := _line(text, only.first):
                yield Brought(include.path, link.rule, only, Place(include.path, line))


def _included(database: MakeDatabase) -> Sequence[Include]:
    found = {each.path: each for each in database.includes if each.is_found}
    return [
        each
        for each in found.values()
        if not each.is_dependencies and each.path != database.makefile
    ]


def _only_with(link: Link | None, pair: Twins) -> Twins | None:
    """The pair, first the object that is not in the link without the makefile; None unless the other still is."""
    there = {each.object for each in link.objects} if link else set()
    first, second = pair.first, pair.second
    if first.object in there:
        first, second = second, first
    is_alone = first.object not in there and second.object in there
    return Twins(first, second, pair.target, pair.is_same) if is_alone else None


def _is_sure(files: Files, database: MakeDatabase, target: str, name: str) -> bool:
    """Whether a link certainly gets an object, not only if some branch is taken."""
    folder = posixpath.dirname(database.makefile)
    return any(
        files.name(posixpath.join(folder, each)) == name and each not in rule.maybe
        for rule in database.rules[target]
        if not rule.is_maybe
        for each in rule.prerequisites
    )


def _line(text: str, made: Compiled) -> int:
    """The line of a makefile that names an object, its source, or a matching pattern; 0 if none does."""
    names = {made.object, made.source} - {""}
    names |= {name.rpartition("/")[2] for name in names}
    bare = {name.rpartition(".")[0] for name in names}
    wanted = names | bare if _MAKES_NAMES.search(text) else names
    for line in logical_lines(text):
        words = _BETWEEN.split(without_comment(collapsed(line.text)))
        if line.text[:1] != "\t" and any(_fits(word, wanted) for word in words if word):
            return line.number
    return 0


def _fits(word: str, names: set[str]) -> bool:
    plain = word.removeprefix("./")
    return plain in names or ("%" in plain and any(stem(plain, name) for name in names))
