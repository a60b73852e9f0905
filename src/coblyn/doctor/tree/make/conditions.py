"""Conditional lines of a makefile: taken, skipped, or undecidable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from coblyn.doctor.tree.make.syntax import arguments, closing
from coblyn.doctor.tree.make.value import is_certain

if TYPE_CHECKING:
    from coblyn.doctor.tree.make.expand import Expander

__all__ = ["CONDITION", "Conditions"]

_Answer = Literal["yes", "no", "maybe"]
CONDITION = re.compile(r"\s*(ifeq|ifneq|ifdef|ifndef|else|endif)\b\s*(.*)", re.DOTALL)
"""A line that opens, switches or closes a conditional."""

_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)')\s*(?:"([^"]*)"|'([^']*)')""")
_NOT: dict[_Answer, _Answer] = {"yes": "no", "no": "yes", "maybe": "maybe"}


class Conditions:
    """The open conditionals, innermost last."""

    def __init__(self, expander: Expander) -> None:
        self._expander = expander
        # For each: whether its current branch is read, and whether an earlier one was.
        self._open: list[tuple[_Answer, _Answer]] = []

    @property
    def depth(self) -> int:
        """Number of open conditionals."""
        return len(self._open)

    @property
    def is_skipping(self) -> bool:
        """Whether the following lines are certainly not read."""
        return any(now == "no" for now, _ in self._open)

    @property
    def is_maybe(self) -> bool:
        """Whether it is uncertain if the following lines are read."""
        return any(now == "maybe" for now, _ in self._open)

    def shrink(self, depth: int) -> None:
        """Close those that a file left open."""
        del self._open[depth:]

    def take(self, line: str) -> None:
        """Read a conditional line."""
        found = CONDITION.match(line)
        if found is None:
            return
        word, rest = found[1], found[2]
        if word == "endif":
            del self._open[-1:]
        elif word == "else":
            self._else(rest.strip())
        else:
            skipping = self.is_skipping
            answer: _Answer = "no" if skipping else self._answer(word, rest)
            # Inside a skipped branch, no branch is read.
            self._open.append((answer, "yes" if skipping else answer))

    def _else(self, rest: str) -> None:
        if not self._open:
            return
        _, earlier = self._open.pop()
        if earlier == "yes" or self.is_skipping:
            self._open.append(("no", "yes"))
            return
        again = CONDITION.match(rest)
        answer: _Answer = self._answer(again[1], again[2]) if again else "yes"
        if answer == "yes":
            self._open.append(("maybe" if earlier == "maybe" else "yes", "yes"))
        elif answer == "maybe":
            self._open.append(("maybe", "maybe"))
        else:
            self._open.append(("no", earlier))

    def _answer(self, word: str, rest: str) -> _Answer:
        if word in ("ifdef", "ifndef"):
            answer = self._is_defined(rest)
            return answer if word == "ifdef" else _NOT[answer]
        sides = self._sides(rest)
        if sides is None:
            return "maybe"
        left, right = (self._expander.expand(side) for side in sides)
        if not (is_certain(left) and is_certain(right)):
            return "maybe"
        equal: _Answer = "yes" if left.strip() == right.strip() else "no"
        return equal if word == "ifeq" else _NOT[equal]

    def _is_defined(self, rest: str) -> _Answer:
        name = self._expander.expand(rest).strip()
        if not is_certain(name):
            return "maybe"
        variable = self._expander.variables.get(name)
        if variable is None or not variable.value:
            return "no"
        # Make examines the unexpanded text here.
        return "yes" if is_certain(variable.value) else "maybe"

    @staticmethod
    def _sides(rest: str) -> list[str] | None:
        text = rest.strip()
        if text.startswith("("):
            end = closing(text, 0)
            sides = arguments(text[1:end], "(") if end > 0 else []
            return [sides[0], ",".join(sides[1:])] if len(sides) >= 2 else None
        if quoted := _QUOTED.match(text):
            return [quoted[1] or quoted[2] or "", quoted[3] or quoted[4] or ""]
        return None
