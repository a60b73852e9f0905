"""Static reading of makefiles: runs nothing, so output of programs remains unknown.

If a condition cannot be decided, both branches are read and their content is marked "maybe".
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coblyn.doctor.tree.files import printable, read_text
from coblyn.doctor.tree.make.conditions import CONDITION, Conditions
from coblyn.doctor.tree.make.database import (
    Include,
    MakeDatabase,
    Place,
    Rule,
    Targeted,
    Variable,
)
from coblyn.doctor.tree.make.defaults import first_variables, known_output
from coblyn.doctor.tree.make.expand import Expander
from coblyn.doctor.tree.make.functions import stem
from coblyn.doctor.tree.make.recipes import with_commands
from coblyn.doctor.tree.make.search import VPATH, SearchPaths, looks_like_makefile
from coblyn.doctor.tree.make.syntax import (
    DEFINE,
    Assignment,
    Line,
    assignment,
    collapsed,
    colon_of,
    define_body,
    logical_lines,
    masked,
    split_recipe,
    without_comment,
)
from coblyn.doctor.tree.make.value import (
    MAYBE,
    UNKNOWN,
    Budget,
    TooMuch,
    certain,
    is_certain,
)
from coblyn.doctor.tree.make.variables import either, for_target, new_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coblyn.doctor.tree.files import Files

__all__ = ["MAKEFILE_NAMES", "read_makefile"]

MAKEFILE_NAMES = ("GNUmakefile", "makefile", "Makefile")
"""Makefile names that make tries, in this order."""

_MAX_BYTES = 4_000_000
_MAX_NAMES = 20_000
_MAX_INCLUDES = 3_000
_MAX_NESTED = 20
_MAX_EVALUATIONS = 10
_MAX_RECIPE_LINES = 400

_INCLUDE = re.compile(r"\s*(?P<word>-include|sinclude|include)\s+(?P<rest>.*)", re.DOTALL)
_OTHER = re.compile(r"\s*(?:export|unexport|-?load|private)(?:\s|$)")
_UNDEFINE = re.compile(r"\s*(?:override\s+)?undefine\s+(?P<name>\S+)")
_WILD = re.compile(r"[*?\[]|\$[({]wildcard ")


def read_makefile(
    files: Files,
    makefile: str,
    *,
    environ: Mapping[str, str],
    known: Mapping[str, Variable] | None = None,
    budget: Budget | None = None,
    without: frozenset[str] = frozenset(),
) -> MakeDatabase:
    """Read a makefile and what it includes.

    Args:
        files: The tree.
        makefile: Name of the file in ``files``.
        environ: Environment that make would see.
        known: Values from make itself, for those that reading alone cannot determine.
        budget: Limit of the work.
        without: Files whose includes are treated as missing.
    """
    reader = _Reader(files, makefile, environ, known or {}, budget or Budget(), without)
    try:
        reader.read(makefile)
        reader.finish()
    except TooMuch:
        reader.note(
            f"{printable(makefile)} makes more text than can be read; the rest was left out."
        )
    return reader.database()


@dataclass(slots=True)
class _Open:
    """The rule that the following recipe lines belong to."""

    rules: list[Rule]
    recipe: list[str]
    has_recipe: bool = False


class _Reader:
    def __init__(
        self,
        files: Files,
        makefile: str,
        environ: Mapping[str, str],
        known: Mapping[str, Variable],
        budget: Budget,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self.without = without
        self.files, self.makefile, self.known = files, makefile, known
        self.folder = posixpath.dirname(makefile)
        self.variables = first_variables(environ, files, self.folder)
        self.expander = Expander(
            self.variables,
            files,
            self.folder,
            budget=budget,
            shell=known_output,
            evaluate=self._evaluate,
        )
        self.conditions = Conditions(self.expander)
        self.rules: list[Rule] = []
        self.targeted: dict[str, list[Targeted]] = {}
        self.searched = SearchPaths()
        self.includes: list[Include] = []
        self.notes: dict[str, None] = {}
        self.place = Place(makefile, 0)
        self._open: _Open | None = None
        self._nested: list[str] = []
        self._budget = budget
        self._evaluations = 0

    def note(self, text: str) -> None:
        self.notes[text] = None

    def read(self, name: str) -> None:
        """Read one file as make would at this point."""
        if not looks_like_makefile(self.files, name):
            self.note(f"{self.place}: what is read here lies outside of the tree; it was left out.")
            return
        text = read_text(self.files.path(name), _MAX_BYTES)
        if len(text) >= _MAX_BYTES:
            self.note(f"{printable(name)} is too large; the rest was left out.")
        self._append_makefile_list(name)
        self._nested.append(name)
        before, depth = self.place, self.conditions.depth
        self._text(text, name)
        self.close_rule()
        self.conditions.shrink(depth)
        self.place = before
        self._nested.pop()

    def finish(self) -> None:
        """Process what takes effect only after everything is read."""
        self.close_rule()
        self.searched.take(f"vpath % {self.expander.expand('$(VPATH)')}")

    def database(self) -> MakeDatabase:
        """The result of reading."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if "%" not in rule.target:
                found.setdefault(rule.target, []).append(rule)
        database = MakeDatabase(
            directory=self.files.root / self.folder,
            makefile=self.makefile,
            rules={target: tuple(rules) for target, rules in found.items()},
            patterns=tuple(rule for rule in self.rules if "%" in rule.target),
            variables=dict(self.variables),
            targeted={target: tuple(each) for target, each in self.targeted.items()},
            targeted_patterns=tuple(target for target in self.targeted if "%" in target),
            searched=self.searched.items,
            includes=tuple(self.includes),
        )
        return replace(with_commands(database, self.expander, self.note), notes=tuple(self.notes))

    def _text(self, text: str, name: str, number: int = 0) -> None:
        clean = text.replace(MAYBE, "?").replace(UNKNOWN, "?") if number == 0 else text
        lines = iter(logical_lines(clean))
        for line in lines:
            self.place = Place(name, number or line.number)
            self._budget.spend(0)
            self._line(line, lines)

    def _evaluate(self, text: str) -> None:
        if self._evaluations >= _MAX_EVALUATIONS:
            self.note(f"{self.place}: $(eval …) calls itself too often.")
            return
        self._evaluations += 1
        self.close_rule()
        self._text(certain(text), self.place.file, max(self.place.line, 1))
        self.close_rule()
        self._evaluations -= 1

    def _line(self, line: Line, lines: Iterator[Line]) -> None:
        if not line.text.strip():
            return
        if line.text[0] == self._prefix() and self._open:
            if not self.conditions.is_skipping:
                self._recipe(line.text[1:])
            return
        if CONDITION.match(line.text):
            self.conditions.take(without_comment(collapsed(line.text)))
            return
        if define := DEFINE.match(without_comment(line.text)):
            body = define_body(lines)
            if not self.conditions.is_skipping:
                self.close_rule()
                kind = define["kind"] or "="
                origin = bool(define["override"])
                self._assign(Assignment(define["name"], kind, body, origin))
            return
        if not self.conditions.is_skipping:
            self._statement(line.text)

    def _statement(self, raw: str) -> None:
        text = collapsed(raw)
        if found := assignment(without_comment(text)):
            self.close_rule()
            self._assign(found)
            return
        plain = without_comment(text)
        if not plain.strip():
            return
        if include := _INCLUDE.match(plain):
            self.close_rule()
            self._include(include["word"], include["rest"].strip())
        elif undefine := _UNDEFINE.match(plain):
            self.close_rule()
            self.variables.pop(self.expander.expand(undefine["name"]), None)
        elif VPATH.match(plain):
            self.close_rule()
            self.searched.take(self.expander.expand(plain))
        elif _OTHER.match(plain):
            self.close_rule()
        else:
            self._rule(raw, plain)

    # Variables

    def _assign(self, found: Assignment) -> None:
        name = self.expander.expand(found.name).strip()
        old = self.variables.get(name)
        if not name or not is_certain(name):
            return
        if old and old.origin in ("override", "command line") and not found.is_override:
            return
        if found.kind == "?=" and old:
            return
        new = new_value(found, old, self.expander, is_maybe=self.conditions.is_maybe)
        if self.conditions.is_maybe:
            new = either(old, new, self.expander, adds=found.kind == "+=")
        origin = "override" if found.is_override else "file"
        self.variables[name] = replace(new, origin=origin, place=self.place)
        if UNKNOWN in new.value and new.is_simple and name in self.known:
            self.variables[name] = replace(self.known[name], is_simple=True, place=self.place)

    def _append_makefile_list(self, name: str) -> None:
        old = self.variables.get("MAKEFILE_LIST", Variable("")).value
        written = name if posixpath.isabs(name) else posixpath.relpath(name, self.folder or ".")
        self.variables["MAKEFILE_LIST"] = Variable(f"{old} {written}", is_simple=True)

    # Includes

    def _include(self, word: str, rest: str) -> None:
        place, text = self.place, f"{word} {rest}"
        wild = bool(_WILD.search(rest))
        for pattern in self.expander.expand(rest).split():
            if UNKNOWN in pattern:
                self.note(f"{place}: what is included here is known only to a program.")
                continue
            names = [self.expander.name(certain(pattern))]
            if _WILD.search(pattern):
                names = list(self.files.glob(names[0], self._budget.spend)) or names
            for name in names:
                found = name not in self.without and self.files.entry(name) is not None
                include = Include(name, printable(text), place, word[0] != "i", found, wild)
                self.includes.append(include)
                self._read_included(include)

    def _read_included(self, include: Include) -> None:
        if not include.is_found:
            return
        if include.path in self._nested:
            self.note(f"{include.place}: {printable(include.path)} includes itself.")
        elif len(self._nested) >= _MAX_NESTED or len(self.includes) > _MAX_INCLUDES:
            self.note(f"{include.place}: too many includes; the rest was left out.")
        else:
            self.read(include.path)

    # Rules

    def _prefix(self) -> str:
        prefix = self.variables.get(".RECIPEPREFIX")
        return prefix.value[:1] or "\t" if prefix else "\t"

    def _recipe(self, text: str) -> None:
        assert self._open is not None, "only called while a rule is open"
        self._open.has_recipe = True
        if len(self._open.recipe) < _MAX_RECIPE_LINES:
            self._open.recipe.append(text)

    def close_rule(self) -> None:
        """End the open rule: it gets no more recipe lines."""
        if self._open is None:
            return
        recipe, has_recipe = tuple(self._open.recipe), self._open.has_recipe
        self.rules += (
            replace(rule, recipe=recipe, has_recipe=has_recipe) for rule in self._open.rules
        )
        self._open = None

    def _rule(self, raw: str, plain: str) -> None:
        self.close_rule()
        if self._of_targets(plain):
            return
        head, recipe = split_recipe(raw, plain)
        text = head
        if ":" not in masked(head):
            # The whole rule may result from a variable or a call.
            text = self.expander.expand(head)
        blotted = masked(text)
        at = colon_of(blotted)
        if at < 0:
            return
        double = text[at : at + 2] == "::"
        rest = text[at + (2 if double else 1) :]
        targets = self._names(text[:at].rstrip("& "))
        self._open = _Open([], [] if recipe is None else [recipe], recipe is not None)
        self._open.rules = list(self._definitions(targets, rest, double=double))

    def _of_targets(self, text: str) -> bool:
        """Process a line that sets a target-specific variable; False if it is not one."""
        at = colon_of(masked(text))
        found = assignment(text[at + 1 :]) if at >= 0 else None
        if found is None or ";" in found.name or len(self.targeted) > _MAX_NAMES:
            return False
        is_private = "private" in text[at + 1 :].partition(found.name)[0]
        for target in map(self._clean, self._names(text[:at])):
            known = self.targeted.setdefault(target, [])
            maybe_set = self.conditions.is_maybe
            known.append(for_target(found, target, known, self.expander, maybe_set, is_private))
        return True

    def _definitions(self, targets: list[str], rest: str, *, double: bool) -> Iterator[Rule]:
        blotted = masked(rest)
        colon = colon_of(blotted)
        pattern = ""
        if colon >= 0:
            pattern, rest = self.expander.expand(rest[:colon]).strip(), rest[colon + 1 :]
            blotted = masked(rest)
        bar = blotted.find("|")
        normal = self._names(rest if bar < 0 else rest[:bar])
        order = self._names(rest[bar + 1 :]) if bar >= 0 else []
        for target in targets:
            found = (stem(pattern, certain(target)) or "") if pattern else ""
            mine = [name.replace("%", found, 1) for name in normal] if pattern else normal
            yield Rule(
                self._clean(target),
                self.place,
                prerequisites=tuple(map(self._clean, mine)),
                order_only=tuple(map(self._clean, order)),
                is_double_colon=double,
                is_maybe=self.conditions.is_maybe or target[0] == MAYBE,
                maybe=frozenset(self._clean(name) for name in mine if name[0] == MAYBE),
                stem=found,
            )

    def _names(self, text: str) -> list[str]:
        found: list[str] = []
        words = self.expander.expand(text).split()
        if len(words) > _MAX_NAMES:
            self.note(f"{self.place}: too many names; the rest was left out.")
        for word in words[:_MAX_NAMES]:
            if UNKNOWN in word or "$" in word:
                self.note(f"{self.place}: a name here is known only to a program.")
            elif _WILD.search(word) and word[0] != MAYBE:
                found += self.expander.wildcard(word) or [word]
            else:
                found.append(word)
        return found

    @staticmethod
    def _clean(word: str) -> str:
        plain = certain(word)
        return plain[2:] if plain.startswith("./") and len(plain) > 2 else plain
