"""Definitions of a set of makefiles. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Include", "MakeDatabase", "Place", "Rule", "Targeted", "Variable"]

_DEPENDENCY_FILES = (".d", ".dep", ".deps", ".depend", ".P", ".Po", ".Plo", ".Tpo")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a makefile.

    Attributes:
        file: Path relative to the tree's root with slashes, or absolute if it lies outside.
        line: From 1; 0 if unknown.
    """

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Rule:
    """One definition of one target. A target that is defined twice has two.

    Attributes:
        target: The target as make knows it, or a pattern with ``%``.
        place: Where the rule's line is.
        prerequisites: The prerequisites in this rule.
        order_only: The prerequisites after ``|``.
        recipe: Its lines as written, not expanded; empty without a recipe.
        has_recipe: Whether there is a recipe, possibly an empty one as in ``target: ;``.
        is_double_colon: Such rules are independent of each other.
        is_maybe: Whether it is in a branch that may not be taken.
        maybe: Prerequisites that may or may not apply.
        stem: What ``%`` stands for in a static pattern rule.
    """

    target: str
    place: Place
    prerequisites: tuple[str, ...] = ()
    order_only: tuple[str, ...] = ()
    recipe: tuple[str, ...] = ()
    has_recipe: bool = False
    is_double_colon: bool = False
    is_maybe: bool = False
    maybe: frozenset[str] = frozenset()
    stem: str = ""


@dataclass(frozen=True, slots=True)
class Targeted:
    """A variable that is set for one target and its prerequisites.

    Attributes:
        target: The target, or a pattern with ``%``.
        name: Name of the variable.
        kind: "=", "+=" and so on.
        value: As written; expanded where make expands it immediately.
        is_private: Whether prerequisites of the target do not inherit it.
    """

    target: str
    name: str
    kind: str
    value: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable, as it is after reading.

    Attributes:
        value: As written (recursive) or expanded (simple).
        is_simple: Whether its value was expanded when it was set.
        origin: "file", "environment", "default", "command line" or "override".
        place: Where it was last set.
    """

    value: str
    is_simple: bool = False
    origin: str = "file"
    place: Place = Place("", 0)


@dataclass(frozen=True, slots=True)
class Include:
    """One file of an ``include`` line.

    Attributes:
        path: The file, as `Place.file` writes it.
        text: The line, as written.
        place: Where the line is.
        is_optional: ``-include`` or ``sinclude``.
        is_found: Whether the file exists.
        is_wildcard: Whether a wildcard matched the file.
    """

    path: str
    text: str
    place: Place
    is_optional: bool = False
    is_found: bool = True
    is_wildcard: bool = False

    @property
    def is_needed(self) -> bool:
        """Whether make stops if the file does not exist."""
        return not self.is_optional and not self.is_wildcard

    @property
    def is_dependencies(self) -> bool:
        """Whether its name is that of a dependency file written by a compiler."""
        return self.path.endswith(_DEPENDENCY_FILES) or "/.deps/" in self.path


@dataclass(frozen=True, slots=True)
class MakeDatabase:
    """Definitions of a makefile and all its includes.

    Attributes:
        directory: Where make would run, absolute.
        makefile: The file that make would start with, as `Place.file` writes it.
        rules: Definitions of each target in reading order; patterns are separate.
        patterns: Pattern rules.
        variables: Variables after reading.
        targeted: Target-specific and pattern-specific variables, by target in reading order.
        targeted_patterns: The keys of ``targeted`` that are patterns.
        searched: Search directories for each pattern of names (``vpath``, ``VPATH``), as written.
        commands: The expanded recipe that make would use for each target, with all its prerequisites.
        implicit: Prerequisites that a pattern rule gives an object.
        includes: Every file that an include line names.
        notes: What could not be read or decided.
        is_evaluated: Whether make was run; otherwise nothing was.
    """

    directory: Path
    makefile: str
    rules: Mapping[str, tuple[Rule, ...]] = field(default_factory=lambda: MappingProxyType({}))
    patterns: tuple[Rule, ...] = ()
    variables: Mapping[str, Variable] = field(default_factory=lambda: MappingProxyType({}))
    targeted: Mapping[str, tuple[Targeted, ...]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    targeted_patterns: tuple[str, ...] = ()
    searched: tuple[tuple[str, tuple[str, ...]], ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    implicit: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    includes: tuple[Include, ...] = ()
    notes: tuple[str, ...] = ()
    is_evaluated: bool = False

    def recipes(self, target: str) -> tuple[Rule, ...]:
        """Definitions of a target that have a recipe; make uses the last one."""
        return tuple(rule for rule in self.rules.get(target, ()) if rule.has_recipe)

    def prerequisites(self, target: str) -> tuple[str, ...]:
        """All prerequisites of a target from every definition, each once, those of the recipe first."""
        rules = self.rules.get(target, ())
        first = [rule for rule in rules if rule.has_recipe][-1:]
        rest = [rule for rule in rules if rule not in first]
        return tuple(dict.fromkeys(name for rule in (*first, *rest) for name in rule.prerequisites))

    def makefiles(self) -> tuple[str, ...]:
        """Every makefile that is read, without dependency files, in order."""
        found = [each.path for each in self.includes if each.is_found and not each.is_dependencies]
        return tuple(dict.fromkeys((self.makefile, *found)))

    def recipe_targets(self, makefile: str) -> frozenset[str]:
        """Targets for which a makefile has a recipe that is certainly read."""
        return frozenset(
            rule.target
            for rules in self.rules.values()
            for rule in rules
            if rule.place.file == makefile and rule.has_recipe and not rule.is_maybe
        )
