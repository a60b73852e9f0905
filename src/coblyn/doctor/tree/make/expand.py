"""Variables and functions in a text, expanded as make does it, without running anything."""

from __future__ import annotations

import os
import posixpath
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.functions import FUNCTIONS, cost, substituted
from coblyn.doctor.tree.make.syntax import arguments, closing
from coblyn.doctor.tree.make.value import MAYBE, UNKNOWN, Budget, certain, is_certain, maybe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping

    from coblyn.doctor.tree.files import Files
    from coblyn.doctor.tree.make.database import Variable

__all__ = ["Expander"]

_MAX_DEPTH = 60
# Characters of the budget that examining a name in a directory costs.
_NAME_COST = 30
_CALL = re.compile(r"([a-z-]+)\s+")
_OWN = frozenset(
    [
        "wildcard",
        "realpath",
        "abspath",
        "shell",
        "if",
        "or",
        "and",
        "foreach",
        "call",
        "value",
        "origin",
        "flavor",
        "eval",
        "let",
    ]
)


class Expander:
    """Expands text with the given variables, which the reader keeps changing.

    Args:
        variables: The variables.
        files: For ``$(wildcard …)``.
        folder: Where make would run, as a name in ``files``.
        budget: Limit of the work.
        shell: Gives the known output of a command, or `UNKNOWN`; runs nothing.
        evaluate: Receives the text of ``$(eval …)``.
    """

    def __init__(
        self,
        variables: MutableMapping[str, Variable],
        files: Files,
        folder: str,
        *,
        budget: Budget,
        shell: Callable[[str], str],
        evaluate: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.variables, self.files, self.folder = variables, files, folder
        self.budget, self.shell, self.evaluate = budget, shell, evaluate
        self._local: list[Mapping[str, str]] = []
        self._open: list[str] = []
        self._depth = 0

    def expand(self, text: str) -> str:
        """The text with every reference replaced; unknown values become `UNKNOWN`."""
        at = text.find("$")
        if at < 0:
            return text
        if self._depth >= _MAX_DEPTH:
            return UNKNOWN
        self._depth += 1
        try:
            done = "".join(self._parts(text, at))
        finally:
            self._depth -= 1
        self.budget.spend(len(done))
        return done

    @contextmanager
    def having(self, values: Mapping[str, str]) -> Iterator[None]:
        """Override variables inside the block: automatic variables, arguments."""
        self._local.append(values)
        try:
            yield
        finally:
            self._local.pop()

    def _parts(self, text: str, at: int) -> Iterator[str]:
        last = 0
        while at >= 0:
            yield text[last:at]
            letter = text[at + 1 : at + 2]
            last = at + 2
            if letter in ("(", "{"):
                end = closing(text, at + 1)
                if end < 0:
                    yield UNKNOWN
                    return
                yield self._reference(text[at + 2 : end], letter)
                last = end + 1
            elif letter == "$":
                yield "$"
            elif letter:
                yield self._value(letter)
            at = text.find("$", last)
        yield text[last:]

    def _reference(self, inner: str, bracket: str) -> str:
        call = _CALL.match(inner)
        if call and call[1] in FUNCTIONS:
            count, function = FUNCTIONS[call[1]]
            given = [self.expand(each) for each in self._split(inner[call.end() :], bracket, count)]
            self.budget.spend(cost(call[1], given))
            result = function(*given) if len(given) == count else ""
            self.budget.spend(len(result))
            return result
        if call and call[1] in _OWN:
            own: Callable[[list[str]], str] = getattr(self, f"_do_{call[1]}")
            return own(arguments(inner[call.end() :], bracket))
        name = self.expand(inner) if "$" in inner else inner
        head, colon, rule = name.partition(":")
        if colon and "=" in rule:
            old, _, new = rule.partition("=")
            pattern, replacement = (old, new) if "%" in old else (f"%{old}", f"%{new}")
            text = self._value(head)
            self.budget.spend(cost("patsubst", [pattern, replacement, text]))
            return substituted(text, pattern, replacement)
        return self._value(name)

    @staticmethod
    def _split(text: str, bracket: str, count: int) -> list[str]:
        parts = arguments(text, bracket)
        return [*parts[: count - 1], ",".join(parts[count - 1 :])] if len(parts) >= count else parts

    def _value(self, name: str) -> str:
        for names in reversed(self._local):
            if name in names:
                return names[name]
        if not is_certain(name):
            return UNKNOWN
        variable = self.variables.get(name)
        if variable is None:
            return ""
        if variable.is_simple:
            self.budget.spend(len(variable.value))
            return variable.value
        if name in self._open:
            # Make stops here with an error that the variable references itself.
            return UNKNOWN
        self._open.append(name)
        try:
            return self.expand(variable.value)
        finally:
            self._open.pop()

    def _do_wildcard(self, given: list[str]) -> str:
        found = []
        for pattern in self.expand(",".join(given)).split():
            if UNKNOWN in pattern:
                found.append(UNKNOWN)
            else:
                mark = MAYBE if pattern[0] == MAYBE else ""
                found += [mark + name for name in self.wildcard(certain(pattern))]
        return " ".join(found)

    def wildcard(self, pattern: str) -> tuple[str, ...]:
        """Files that match a pattern, written like the pattern: relative to the folder, or absolute."""
        name = self.name(pattern)
        if posixpath.isabs(name):
            # Outside the tree, only exact names are looked up; no disk is searched.
            return (pattern,) if self.files.exists(name) else ()
        found = self.files.glob(name, lambda names: self.budget.spend(_NAME_COST * names))
        if posixpath.isabs(pattern):
            return tuple(str(self.files.root / each) for each in found)
        head = "./" if pattern.startswith("./") else ""
        return tuple(head + self._from_folder(each) for each in found)

    def name(self, path: str) -> str:
        """A path relative to the folder, as a name in `Files`."""
        return self.files.name(posixpath.join(self.folder, path))

    def _from_folder(self, name: str) -> str:
        return posixpath.relpath(name, self.folder) if self.folder else name

    def _do_abspath(self, given: list[str]) -> str:
        here = (self.files.root / self.folder).as_posix()
        words = self.expand(",".join(given)).split()
        return " ".join(
            word if not is_certain(word) else posixpath.normpath(posixpath.join(here, word))
            for word in words
        )

    def _do_realpath(self, given: list[str]) -> str:
        words = self._do_abspath(given).split()
        return " ".join(os.path.realpath(word) for word in words if is_certain(word))

    def _do_shell(self, given: list[str]) -> str:
        return self.shell(" ".join(",".join(given).split()))

    def _do_if(self, given: list[str]) -> str:
        condition = self.expand(given[0].strip())
        branches = [*given[1:3], "", ""]
        if is_certain(condition):
            return self.expand(branches[0] if condition else branches[1])
        both = [maybe(self.expand(branch)) for branch in branches[:2]]
        return " ".join(part for part in both if part)

    def _do_or(self, given: list[str]) -> str:
        for each in given:
            if value := self.expand(each.strip()):
                return value
        return ""

    def _do_and(self, given: list[str]) -> str:
        value = ""
        for each in given:
            value = self.expand(each.strip())
            if not value:
                return ""
        return value

    def _do_foreach(self, given: list[str]) -> str:
        if len(given) < 3:
            return ""
        name, words = self.expand(given[0]).strip(), self.expand(given[1]).split()
        body = ",".join(given[2:])
        done = []
        for word in words:
            with self.having({name: certain(word)}):
                text = self.expand(body)
            done.append(maybe(text) if word[0] == MAYBE else text)
        return " ".join(done)

    def _do_let(self, given: list[str]) -> str:
        names, values = self.expand(given[0]).split(), self.expand("".join(given[1:2])).split()
        padded = values + [""] * (len(names) - len(values))
        with self.having(dict(zip(names, padded, strict=False))):
            return self.expand(",".join(given[2:]))

    def _do_call(self, given: list[str]) -> str:
        name, *rest = [self.expand(each) for each in given]
        name = name.strip()
        variable = self.variables.get(name)
        if variable is None:
            return self._reference(f"{name} {','.join(rest)}", "(") if name in FUNCTIONS else ""
        numbered = {str(number): value for number, value in enumerate([name, *rest])}
        # An argument of an outer call must not be visible.
        blank = {str(number): "" for number in range(len(numbered), 10)}
        with self.having({**blank, **numbered}):
            return self.expand(variable.value)

    def _do_value(self, given: list[str]) -> str:
        variable = self.variables.get(self.expand(given[0]).strip())
        return variable.value if variable else ""

    def _do_origin(self, given: list[str]) -> str:
        variable = self.variables.get(self.expand(given[0]).strip())
        return variable.origin if variable else "undefined"

    def _do_flavor(self, given: list[str]) -> str:
        variable = self.variables.get(self.expand(given[0]).strip())
        if variable is None:
            return "undefined"
        return "simple" if variable.is_simple else "recursive"

    def _do_eval(self, given: list[str]) -> str:
        self.evaluate(self.expand(",".join(given)))
        return ""
