"""Makefiles that define the same targets in one read, and the consequences. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.functions import stem
from coblyn.native.trace.link import Twins, twins

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coblyn.doctor.tree.make.database import Include, MakeDatabase, Place
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.trace.link import Link

__all__ = ["Merged", "Missing", "Rival", "rivals"]


@dataclass(frozen=True, slots=True)
class Merged:
    """A link that gets two objects of one source because two makefiles name its prerequisites.

    Attributes:
        target: The target that is linked.
        twins: The two objects; the first is the rival's, the second the other makefile's.
        rival: Where the rival defines the target, or names its object.
        own: Where the other makefile defines the target.
        is_proved: Whether the link has only one of the two without the rival.
    """

    target: str
    twins: Twins
    rival: Place
    own: Place
    is_proved: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """A prerequisite that only the rival requires, and that cannot be made.

    Attributes:
        target: The target that both define.
        name: What is missing.
        needed_by: What needs it: the target, or an object between them.
        rival: Where the rival requires it.
    """

    target: str
    name: str
    needed_by: str
    rival: Place


@dataclass(frozen=True, slots=True)
class Rival:
    """An included makefile that shares recipes for a target, or an object, with another makefile of the read.

    Attributes:
        database: The database of the read.
        include: The line that includes it.
        other: The makefile that has the same targets.
        common: Targets for which both have a recipe, sorted.
        share: Fraction of the rival's recipes that the other one also has, 0 to 1.
        merged: Links that get two objects of one source because of it.
        missing: Prerequisites that it requires and that cannot be made.
    """

    database: MakeDatabase
    include: Include
    other: str
    common: tuple[str, ...]
    share: float
    merged: tuple[Merged, ...] = ()
    missing: tuple[Missing, ...] = ()

    @property
    def path(self) -> str:
        """The included makefile."""
        return self.include.path

    @property
    def is_copy(self) -> bool:
        """Whether it has most of the other makefile's content: an older or newer copy of it."""
        return len(self.common) >= 3 and self.share >= 0.5


def rivals(tree: Tree) -> Iterator[Rival]:
    """Every rival in a tree; each makefile has at most one, the most similar."""
    for database in tree.makes:
        own = {name: database.recipe_targets(name) for name in database.makefiles()}
        for include in _read_includes(database):
            others = [name for name in own if name != include.path]
            best = max(others, key=lambda name: len(own[name] & own[include.path]), default="")
            common = own[include.path] & own.get(best, frozenset())
            merged = tuple(_merged(tree, database, include.path))
            if common or (merged and _may_go(tree, include)):
                share = len(common) / max(len(own[include.path]), 1)
                best = best if common else database.makefile
                missing = tuple(_missing(tree, database, include.path))
                yield Rival(database, include, best, tuple(sorted(common)), share, merged, missing)


def _may_go(tree: Tree, include: Include) -> bool:
    """Whether a makefile is not a fixed part of the project, according to git or the line that includes it."""
    kind = tree.git.says(include.path)
    return kind in ("untracked", "ignored") or (not kind and not include.is_needed)


def _read_includes(database: MakeDatabase) -> Sequence[Include]:
    found = {each.path: each for each in database.includes if each.is_found}
    return [
        each
        for each in found.values()
        if not each.is_dependencies and each.path != database.makefile
    ]


def _from(database: MakeDatabase, target: str, path: str) -> frozenset[str]:
    """Prerequisites that one makefile certainly gives a target."""
    return frozenset(
        name
        for rule in database.rules.get(target, ())
        if rule.place.file == path and not rule.is_maybe
        for name in rule.prerequisites
        if name not in rule.maybe
    )


def _places(database: MakeDatabase, target: str, path: str) -> tuple[Place, Place] | None:
    """Where a makefile and another one define a target; None unless both do."""
    places = [rule.place for rule in database.rules.get(target, ()) if not rule.is_double_colon]
    mine = [place for place in places if place.file == path]
    others = [place for place in places if place.file != path]
    return (mine[0], others[-1]) if mine and others else None


def _merged(tree: Tree, database: MakeDatabase, path: str) -> Iterator[Merged]:
    """Links with two objects of one source: from two makefiles that both define the link, or from one include alone."""
    proved = [each for each in tree.brought if each.path == path and each.rule in database.rules]
    seen = set()
    for each in proved:
        places = _places(database, each.rule, path)
        rules = database.recipes(each.rule)
        own = next((rule.place for rule in rules if rule.place.file != path), None)
        if own:
            seen.add((each.rule, each.twins.first.object, each.twins.second.object))
            rival, own = places or (each.place, own)
            yield Merged(each.rule, each.twins, rival, own, is_proved=True)
    for link in tree.links:
        places = _places(database, link.rule, path) if link.rule else None
        if places is None or link.is_archive:
            continue
        for pair in _pairs(tree, database, link, path):
            if (link.rule, pair.first.object, pair.second.object) not in seen:
                yield Merged(link.rule, pair, *places)


def _pairs(tree: Tree, database: MakeDatabase, link: Link, path: str) -> Iterator[Twins]:
    mine = {tree.name(database, name) for name in _from(database, link.rule, path)}
    others = {
        tree.name(database, name)
        for rule in database.rules[link.rule]
        if rule.place.file != path
        for name in rule.prerequisites
    }
    for pair in twins(link):
        first, second = pair.first, pair.second
        if second.object in mine - others:
            first, second = second, first
        if first.object in mine - others and second.object in others - mine:
            yield Twins(first, second, pair.target, pair.is_same)


def _missing(tree: Tree, database: MakeDatabase, path: str) -> Iterator[Missing]:
    for target in database.rules:
        places = _places(database, target, path)
        if places is None:
            continue
        only = _from(database, target, path) - {
            name
            for rule in database.rules[target]
            if rule.place.file != path
            for name in rule.prerequisites
        }
        for name in sorted(only):
            if not _can_be(tree, database, name):
                yield Missing(target, name, target, places[0])
                continue
            for below in sorted(_from(database, name, path)):
                if not _can_be(tree, database, below):
                    yield Missing(target, below, name, places[0])


def _can_be(tree: Tree, database: MakeDatabase, name: str) -> bool:
    if name in database.rules or name in database.commands:
        return True
    # Does not check whether the pattern's prerequisites can be made in turn: that would need make.
    fits = any(stem(rule.target, name) for rule in database.patterns if rule.has_recipe)
    searched = any(folders for _, folders in database.searched)
    return fits or searched or tree.files.exists(tree.name(database, name))
