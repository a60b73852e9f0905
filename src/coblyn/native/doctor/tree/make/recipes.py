"""The command that make would run for a target, with everything in it expanded."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from coblyn.native.doctor.tree.link import is_object
from coblyn.native.doctor.tree.make.database import Place, Rule
from coblyn.native.doctor.tree.make.functions import stem
from coblyn.native.doctor.tree.make.syntax import collapsed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.native.doctor.tree.make.database import MakeDatabase
    from coblyn.native.doctor.tree.make.expand import Expander

__all__ = ["expanded_recipes"]

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
_SUFFIX_RULE = re.compile(r"\.(\w+)\.(\w+)")


def expanded_recipes(
    database: MakeDatabase, expander: Expander
) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Target, command, and what a pattern makes it depend on.

    Of every target that has a recipe, and of every object that gets one by a pattern.
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
    """The pattern rule that make would use: the shortest stem, then the first, of those that can be."""
    fitting = [
        (len(found), at, found)
        for at, rule in enumerate(patterns)
        if rule.has_recipe and (found := stem(rule.target, name))
    ]
    for _, at, found in sorted(fitting):
        rule = _applied(patterns[at], name, found)
        if all(_can_be(database, each, expander) for each in rule.prerequisites):
            return rule
    return None


def _applied(rule: Rule, target: str, found: str) -> Rule:
    names = tuple(name.replace("%", found, 1) for name in rule.prerequisites)
    return Rule(target, rule.place, names, recipe=rule.recipe, has_recipe=True, stem=found)


def _can_be(database: MakeDatabase, name: str, expander: Expander) -> bool:
    return name in database.rules or expander.files.exists(expander.name(name))


def _expanded(
    database: MakeDatabase, rule: Rule, target: str, expander: Expander
) -> tuple[str, ...]:
    names = rule.prerequisites
    if not rule.is_double_colon:
        names = tuple(dict.fromkeys((*names, *database.prerequisites(target))))
    with expander.having(_Automatic(rule, names)):
        lines = [collapsed(expander.expand(line)) for line in rule.recipe]
    return tuple(line for text in lines for line in text.split("\n") if line.strip())


class _Automatic(Mapping[str, str]):
    """Automatic variables of one recipe; ``$(@D)``, ``$(<F)`` and so on are made only if somebody asks."""

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
