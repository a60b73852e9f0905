"""What a set of makefiles defines. Values only."""

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
        prerequisites: Those that this rule gives.
        order_only: Those behind ``|``.
        recipe: Its lines as they are written, not expanded; empty without a recipe.
        has_recipe: Whether there is a recipe; that of ``target: ;`` is empty.
        is_double_colon: Such rules are independent of each other.
        is_maybe: It stands in a branch that may not be taken.
        maybe: Prerequisites that only may be there.
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
    """A variable that is set for one target, and for all that is made for it.

    Attributes:
        target: The target, or a pattern with ``%``.
        name: Of the variable.
        kind: "=", "+=" and so on.
        value: As it is written; expanded where make expands it at once.
        is_private: What is made for the target does not get it.
    """

    target: str
    name: str
    kind: str
    value: str
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable at the end of reading.

    Attributes:
        value: As it is written (recursive) or expanded (simple).
        is_simple: Its value was expanded when it was set.
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
        text: The line, as it is written.
        place: Where the line is.
        is_optional: ``-include`` or ``sinclude``.
        is_found: Whether the file is there.
        is_wildcard: Whether a wildcard chose the file.
    """

    path: str
    text: str
    place: Place
    is_optional: bool = False
    is_found: bool = True
    is_wildcard: bool = False

    @property
    def is_needed(self) -> bool:
        """Whether make stops if the file is not there."""
        return not self.is_optional and not self.is_wildcard

    @property
    def is_dependencies(self) -> bool:
        """Whether it is a list of headers that a compiler wrote, by its name."""
        return self.path.endswith(_DEPENDENCY_FILES) or "/.deps/" in self.path


@dataclass(frozen=True, slots=True)
class MakeDatabase:
    """What a makefile and all that it includes define.

    Attributes:
        directory: Where make would run, absolute.
        makefile: The file that make would begin with, as `Place.file` writes it.
        rules: Definitions of each target in the order in which they were read; patterns are apart.
        patterns: Pattern rules.
        variables: Variables at the end.
        targeted: Variables of single targets, or of a pattern of them, by target in the order of reading.
        targeted_patterns: Those of these targets that are patterns.
        searched: Directories that a pattern of names is looked for in (``vpath``, ``VPATH``), as they are written.
        commands: Recipe that make would use for a target, expanded, with all its prerequisites.
        implicit: Prerequisites that a pattern rule gives an object.
        includes: Every file that an include line asks for.
        notes: What could not be read or decided.
        is_evaluated: Whether make itself was asked; otherwise nothing was run.
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
        """Definitions of a target that bring a recipe, of which make uses the last."""
        return tuple(rule for rule in self.rules.get(target, ()) if rule.has_recipe)

    def prerequisites(self, target: str) -> tuple[str, ...]:
        """All prerequisites of a target, of every definition, each once, those of the recipe first."""
        rules = self.rules.get(target, ())
        first = [rule for rule in rules if rule.has_recipe][-1:]
        rest = [rule for rule in rules if rule not in first]
        return tuple(dict.fromkeys(name for rule in (*first, *rest) for name in rule.prerequisites))

    def makefiles(self) -> tuple[str, ...]:
        """Every makefile that is read, without lists of headers, in order."""
        found = [each.path for each in self.includes if each.is_found and not each.is_dependencies]
        return tuple(dict.fromkeys((self.makefile, *found)))

    def recipe_targets(self, makefile: str) -> frozenset[str]:
        """Targets for which one makefile has a recipe that is surely read."""
        return frozenset(
            rule.target
            for rules in self.rules.values()
            for rule in rules
            if rule.place.file == makefile and rule.has_recipe and not rule.is_maybe
        )
