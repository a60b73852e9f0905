"""Logical lines of a makefile, and the structure of one line. Pure text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "DEFINE",
    "Assignment",
    "Line",
    "arguments",
    "assignment",
    "closing",
    "collapsed",
    "colon_of",
    "define_body",
    "logical_lines",
    "masked",
    "split_recipe",
    "without_comment",
]

_CONTINUED = re.compile(r"[ \t]*\\\n[ \t]*")
DEFINE = re.compile(
    r"\s*(?P<override>override\s+)?(?:export\s+)?define\s+(?P<name>.+?)\s*(?P<kind>[:?+!]*=)?\s*$"
)
"""The line that starts a multi-line variable."""
_ENDEF = re.compile(r"\s*endef\b")
_OPEN_CLOSE = {"(": ")", "{": "}"}
_BRACKETS = {"(": re.compile(r"[()]"), "{": re.compile(r"[{}]")}
_SPLIT = {"(": re.compile(r"[(),]"), "{": re.compile(r"[{},]")}
_ASSIGNMENT = re.compile(
    r"\s*((?:override|export|private|unexport)\s+)*"
    r"(?P<name>(?:[^\s:#=?+!]|[?+!](?!=))+)\s*(?P<kind>:::?=|::?=|\?=|\+=|!=|=)\s*",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line.

    Attributes:
        number: Number of its first line in the file, from 1.
        text: Including its continuations, with their backslashes and line ends.
    """

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable that a line sets; name and value are not expanded."""

    name: str
    kind: str
    value: str
    is_override: bool = False


def logical_lines(text: str) -> Iterator[Line]:
    """Logical lines: a line that ends in an odd number of backslashes is joined with the next."""
    parts: list[str] = []
    start = 1
    for number, line in enumerate(text.split("\n"), 1):
        if not parts:
            start = number
        parts.append(line)
        if not line.endswith("\\") or (len(line) - len(line.rstrip("\\"))) % 2 == 0:
            yield Line(start, "\n".join(parts))
            parts = []
    if parts:
        yield Line(start, "\n".join(parts))


def collapsed(text: str) -> str:
    """A logical line as one: each continuation with the blanks around it becomes a blank."""
    return _CONTINUED.sub(" ", text) if "\\\n" in text else text


def without_comment(text: str) -> str:
    """A line up to its first ``#`` without a preceding backslash."""
    at = text.find("#")
    while at > 0 and text[at - 1] == "\\":
        at = text.find("#", at + 1)
    return (text if at < 0 else text[:at]).replace("\\#", "#")


def closing(text: str, start: int) -> int:
    """Position of the bracket that closes the one at ``start``; -1 if none does."""
    depth = 0
    opening = text[start]
    for found in _BRACKETS[opening].finditer(text, start):
        depth += 1 if found.group() == opening else -1
        if depth == 0:
            return found.start()
    return -1


def masked(text: str) -> str:
    """A text of the same length with every variable reference masked."""
    at = text.find("$")
    if at < 0:
        return text
    parts, last = [], 0
    while 0 <= at < len(text) - 1:
        end = at + 1
        if text[end] in _OPEN_CLOSE:
            found = closing(text, end)
            end = found if found >= 0 else len(text) - 1
        parts += [text[last:at], "\x01" * (end + 1 - at)]
        last = end + 1
        at = text.find("$", last)
    return "".join([*parts, text[last:]])


def arguments(text: str, bracket: str) -> list[str]:
    """Split a function's text at commas outside nested brackets of the kind around it."""
    found, depth, last = [], 0, 0
    for match in _SPLIT[bracket].finditer(text):
        letter = match.group()
        if letter == ",":
            if depth == 0:
                found.append(text[last : match.start()])
                last = match.end()
        else:
            depth += 1 if letter == bracket else -1
    return [*found, text[last:]]


def assignment(text: str) -> Assignment | None:
    """The assignment in a line, if it sets a variable."""
    found = _ASSIGNMENT.match(masked(text))
    if found is None:
        return None
    name = text[found.start("name") : found.end("name")]
    modifiers = text[: found.start("name")].split()
    return Assignment(name, found["kind"], text[found.end() :], "override" in modifiers)


def define_body(lines: Iterator[Line]) -> str:
    """The text up to the ``endef`` that matches the ``define`` line just read."""
    body: list[str] = []
    depth = 1
    for line in lines:
        if _ENDEF.match(line.text):
            depth -= 1
            if depth == 0:
                break
        elif DEFINE.match(line.text):
            depth += 1
        body.append(line.text)
    return "\n".join(body)


def split_recipe(raw: str, plain: str) -> tuple[str, str | None]:
    """A rule's line without the recipe after its semicolon, and that recipe."""
    at = masked(plain).find(";")
    if at < 0:
        return plain, None
    recipe = raw.partition(";")[2]
    return plain[:at], recipe.lstrip()


def colon_of(blotted: str) -> int:
    """Position of the colon after the targets; one after a drive letter does not count."""
    at = blotted.find(":")
    while (
        at > 0
        and blotted[at + 1 : at + 2] in ("/", "\\")
        and re.search(r"(?:^|\s)[A-Za-z]$", blotted[max(0, at - 2) : at])
    ):
        at = blotted.find(":", at + 1)
    return at
