"""The command that make would run for a target, with everything in it expanded."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.database import Place, Rule
from coblyn.doctor.tree.make.functions import stem
from coblyn.doctor.tree.make.syntax import collapsed
from coblyn.doctor.tree.make.value import TooMuch
from coblyn.doctor.tree.make.variables import of_target
from coblyn.native.trace.link import is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from coblyn.doctor.tree.make.database import MakeDatabase, Targeted
    from coblyn.doctor.tree.make.expand import Expander

__all__ = ["with_commands"]

# Make's own rules for objects; the manual's "Catalogue of Built-In Rules".
_BUILT_IN = tuple(
    Rule(
        "%.o",
        Place("make", 0),
        (f"%{ending}",),
        recipe=(f"{command} $(OUTPUT_OPTION) $<",),
        has_recipe=True,
    )
    for ending, command in (
        (".c", "$(COMPILE.c)"),
        (".cc", "$(COMPILE.cc)"),
        (".cpp", "$(COMPILE.cc)"),
        (".C", "$(COMPILE.cc)"),
        (".S", "$(COMPILE.c)"),
        (".s", "$(COMPILE.c)"),
    )
)
# Characters of the budget that searching for a file, or a matching pattern, costs.
_COST = 50
_PATTERN_COST = 10
_SUFFIX_RULE = re.compile(r"\.(\w+)\.(\w+)")


def with_commands(
    database: MakeDatabase, expander: Expander, note: Callable[[str], None]
) -> MakeDatabase:
    """The database with the commands of its targets, as far as the budget allows."""
    commands: dict[str, tuple[str, ...]] = {}
    implicit: dict[str, tuple[str, ...]] = {}
    try:
        for target, command, names in _expanded_recipes(database, expander):
            commands[target] = command
            if names:
                implicit[target] = names
    except TooMuch:
        note("Some recipes make more text than can be read.")
    return replace(database, commands=commands, implicit=implicit)


def _expanded_recipes(
    database: MakeDatabase, expander: Expander
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Target, command, and the prerequisites from a pattern rule.

    For every target that has a recipe, and every object that gets one from a pattern rule.
    """
    for target in database.rules:
        if rules := database.recipes(target):
            yield target, _expanded(database, rules[-1], target, expander), ()
    patterns = _patterns(database)
    for name in _wanted_objects(database):
        if rule := _implicit(database, name, patterns, expander):
            yield name, _expanded(database, rule, name, expander), rule.prerequisites


def _wanted_objects(database: MakeDatabase) -> tuple[str, ...]:
    wanted = (
        name
        for rules in database.rules.values()
        for rule in rules
        for name in (rule.target, *rule.prerequisites)
        if is_object(name)
    )
    return tuple(name for name in dict.fromkeys(wanted) if not database.recipes(name))


def _patterns(database: MakeDatabase) -> tuple[Rule, ...]:
    suffixes = [
        Rule(f"%.{found[2]}", rule.place, (f"%.{found[1]}",), recipe=rule.recipe, has_recipe=True)
        for target, rules in database.rules.items()
        if (found := _SUFFIX_RULE.fullmatch(target))
        for rule in rules[-1:]
        if rule.has_recipe
    ]
    return (*database.patterns, *suffixes, *_BUILT_IN)


def _implicit(
    database: MakeDatabase, name: str, patterns: tuple[Rule, ...], expander: Expander
) -> Rule | None:
    """The pattern rule that make would use: of the applicable ones, that with the shortest stem, then the first."""
    expander.budget.spend(_PATTERN_COST * len(patterns))
    fitting = [
        (len(found), at, found)
        for at, rule in enumerate(patterns)
        if rule.has_recipe and (found := stem(rule.target, name))
    ]
    for _, at, found in sorted(fitting):
        expander.budget.spend(_COST)
        rule = _applied(patterns[at], name, found)
        there = [_found(database, each, expander) for each in rule.prerequisites]
        if all(there):
            return replace(rule, prerequisites=tuple(there))
    return None


def _applied(rule: Rule, target: str, found: str) -> Rule:
    names = tuple(name.replace("%", found, 1) for name in rule.prerequisites)
    return Rule(target, rule.place, names, recipe=rule.recipe, has_recipe=True, stem=found)


def _found(database: MakeDatabase, name: str, expander: Expander) -> str:
    """The path where make finds a prerequisite: as named, or in a search directory; empty if nowhere."""
    if name in database.rules or expander.files.exists(expander.name(name)):
        return name
    if not posixpath.isabs(name):
        for pattern, folders in database.searched:
            expander.budget.spend(_COST)
            for folder in folders if stem(pattern, name) is not None else ():
                expander.budget.spend(_COST)
                path = posixpath.join(folder, name)
                if expander.files.exists(expander.name(path)):
                    return path
    return ""


def _expanded(
    database: MakeDatabase, rule: Rule, target: str, expander: Expander
) -> tuple[str, ...]:
    names = rule.prerequisites
    if not rule.is_double_colon:
        names = tuple(dict.fromkeys((*names, *database.prerequisites(target))))
    if any(folders for _, folders in database.searched):
        names = tuple(_found(database, name, expander) or name for name in names)
        first = tuple(_found(database, name, expander) or name for name in rule.prerequisites)
        rule = replace(rule, prerequisites=first)
    fitting = _fitting(database, target, expander)
    with expander.having(_Automatic(rule, names)):
        own = of_target(fitting, database.variables, expander) if fitting else {}
    with expander.having(own), expander.having(_Automatic(rule, names)):
        lines = [collapsed(expander.expand(line)) for line in rule.recipe]
    return tuple(line for text in lines for line in text.split("\n") if line.strip())


def _fitting(database: MakeDatabase, target: str, expander: Expander) -> list[Targeted]:
    """Variables of a target: pattern-specific ones first, so that target-specific ones override them."""
    patterns = database.targeted_patterns
    expander.budget.spend(_COST * len(patterns))
    fitting = [pattern for pattern in patterns if stem(pattern, target) is not None]
    return [each for name in (*fitting, target) for each in database.targeted.get(name, ())]


class _Automatic(Mapping[str, str]):
    """Automatic variables of one recipe; ``$(@D)``, ``$(<F)`` and so on are computed only on demand."""

    def __init__(self, rule: Rule, names: tuple[str, ...]) -> None:
        every = " ".join(names)
        self._texts = {
            "@": rule.target,
            "<": next(iter(rule.prerequisites or names), ""),
            "^": every,
            "+": every,
            "?": every,
            "|": " ".join(rule.order_only),
            "*": rule.stem or posixpath.splitext(rule.target)[0],
        }

    def __getitem__(self, name: str) -> str:
        if name in self._texts:
            return self._texts[name]
        if len(name) != 2 or name[1] not in "DF":
            raise KeyError(name)
        words = self._texts[name[0]].split()
        if name[1] == "D":
            return " ".join(posixpath.dirname(word) or "." for word in words)
        return " ".join(map(posixpath.basename, words))

    def __contains__(self, name: object) -> bool:
        return name in self._texts or (
            isinstance(name, str) and len(name) == 2 and name[0] in self._texts and name[1] in "DF"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)
