"""A log as the causes see it: the relevant lines, with their numbers."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coblyn.doctor.finding import Evidence

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

__all__ = ["Hit", "Log"]

_MAX_EVIDENCE = 300


@dataclass(frozen=True, slots=True)
class Hit:
    """A pattern found in a log.

    Attributes:
        number: Number of the line in the whole log, from 1.
        line: The whole line.
        match: The match, whose groups are available by name or number.
    """

    number: int
    line: str
    match: re.Match[str]

    def __getitem__(self, group: str | int) -> str:
        """A group's text; empty if the group did not match."""
        return self.match[group] or ""

    def evidence(self, source: str = "log") -> Evidence:
        """As evidence, with an overlong line cut."""
        text = self.line.strip()
        cut = text if len(text) <= _MAX_EVIDENCE else text[: _MAX_EVIDENCE - 1] + "…"
        return Evidence(source, self.number, cut)


@dataclass(frozen=True, slots=True)
class Log:
    """The relevant lines of a log: all of a short one, a bounded number of a long one.

    Attributes:
        text: The kept lines, joined by newlines, without colours and carriage returns.
        numbers: Number of each kept line in the whole log, from 1, ascending.
        total: Lines in the whole log.
        first_error: The first real error and the lines that belong to it; empty if there is none.
        failed: Whether the build that wrote this failed.
        name: Its name in evidence: "log", or the file's name.
    """

    text: str
    numbers: Sequence[int]
    total: int
    first_error: tuple[str, ...] = ()
    failed: bool = False
    name: str = "log"
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = [len(line) + 1 for line in self.text.split("\n")]
        object.__setattr__(self, "_starts", tuple(itertools.accumulate(lengths, initial=0))[:-1])

    def find(self, pattern: re.Pattern[str]) -> Hit | None:
        """The first match. Patterns work on the whole text: use ``(?m)`` for ``^`` and ``$`` of a line."""
        return next(self.hits(pattern), None)

    def hits(self, pattern: re.Pattern[str], limit: int = 1000) -> Iterator[Hit]:
        """All matches, at most ``limit``, in order."""
        for match in itertools.islice(pattern.finditer(self.text), limit):
            index = bisect.bisect_right(self._starts, match.start()) - 1
            end = self.text.find("\n", match.start())
            line = self.text[self._starts[index] : end if end >= 0 else len(self.text)]
            yield Hit(self.numbers[index], line, match)

    def __contains__(self, words: str) -> bool:
        """Whether the kept lines contain a text."""
        return words in self.text
