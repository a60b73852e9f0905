r"""Parser for the regular expressions that can be matched in linear time.

Letters, ``.``, classes (``[a-z]``, ``\d``, ``\w``, ``\s`` and their opposites), groups, ``|``, ``*``, ``+``, ``?``,
``{m,n}`` and ``\b``. Lazy quantifiers mean the same as greedy ones, since a pattern matches as soon as it can.
"""

from __future__ import annotations

from dataclasses import dataclass

from coblyn.errors import BadRequest

__all__ = ["Alternatives", "Edge", "Node", "Repeat", "Row", "Set", "read_pattern"]

MAX_REPEATS = 200
"""The largest number in ``{m,n}``."""

_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class Set:
    """One character in one of the ranges, or in none of them if negated; ranges include both ends."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool = False

    def holds(self, character: str) -> bool:
        """Whether it matches a character, ignoring case."""
        cases = {character, character.lower(), character.upper()}
        found = any(low <= case <= high for case in cases for low, high in self.ranges)
        return found != self.is_negated


@dataclass(frozen=True, slots=True)
class Edge:
    r"""The beginning or the end of a word, ``\b``."""


@dataclass(frozen=True, slots=True)
class Row:
    """A sequence of nodes."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Matches any one of its nodes."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A repetition; a maximum of None means no limit."""

    part: Node
    least: int
    most: int | None


Node = Set | Edge | Row | Alternatives | Repeat

_LARGEST = chr(0x10FFFF)
_DIGIT = (("0", "9"),)
_WORD = (("0", "9"), ("_", "_"), ("a", "z"), ("\u00aa", "\u00ff"), ("\u0100", "\u1fff"))
_SPACE = (
    ("\t", "\r"),
    (" ", " "),
    ("\u00a0", "\u00a0"),
    ("\u2000", "\u200a"),
    ("\u3000", "\u3000"),
)
_CLASSES = {"d": _DIGIT, "w": _WORD, "s": _SPACE}
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}
_ANY = Set((("\n", "\n"),), is_negated=True)


def read_pattern(text: str) -> Node:
    """Parse a regular expression.

    Raises:
        BadRequest: It is invalid, or needs more than linear time.
    """
    reader = _Reader(text)
    node = reader.alternatives(0)
    if reader.rest:
        raise reader.wrong("has an unmatched closing parenthesis")
    return node


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    @property
    def rest(self) -> str:
        return self._text[self._place :]

    def wrong(self, what: str) -> BadRequest:
        message = f"The pattern {self._text!r} {what}, at character {self._place}."
        return BadRequest(message, field="banned_patterns")

    def alternatives(self, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise self.wrong("has too many nested groups")
        parts = [self._row(depth)]
        while self._skip("|"):
            parts.append(self._row(depth))
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _row(self, depth: int) -> Node:
        parts = []
        while self.rest and self.rest[0] not in "|)":
            parts.append(self._repeated(self._atom(depth)))
        return Row(tuple(parts))

    def _atom(self, depth: int) -> Node:
        character = self._next()
        if character == "(":
            return self._group(depth)
        if character == "[":
            return self._class()
        if character == ".":
            return _ANY
        if character == "\\":
            return self._escape()
        if character in "^$*+?":
            raise self.wrong(f"has {character!r} where it has no meaning or is not supported")
        return Set(((character, character),))

    def _group(self, depth: int) -> Node:
        if self.rest.startswith("?") and not self._skip("?:"):
            raise self.wrong("has a kind of group that is not supported")
        node = self.alternatives(depth + 1)
        if not self._skip(")"):
            raise self.wrong("lacks a closing parenthesis")
        return node

    def _escape(self) -> Set | Edge:
        if self._skip("b"):
            return Edge()
        return self._escaped_set()

    def _escaped_set(self) -> Set:
        character = self._next()
        if character.lower() in _CLASSES:
            return Set(_CLASSES[character.lower()], is_negated=character.isupper())
        if character.isalnum() and character not in _LETTERS:
            raise self.wrong(f"has \\{character}, which is not supported")
        literal = _LETTERS.get(character, character)
        return Set(((literal, literal),))

    def _class(self) -> Set:
        is_negated = self._skip("^")
        ranges: list[tuple[str, str]] = []
        while not ranges or not self.rest.startswith("]"):
            low = self._member()
            if self.rest.startswith("-") and not self.rest.startswith("-]"):
                self._skip("-")
                ranges.append((_single(low, self), _single(self._member(), self)))
                if ranges[-1][0] > ranges[-1][1]:
                    raise self.wrong("has a reversed range")
            else:
                ranges += low.ranges
        self._skip("]")
        return Set(tuple(ranges), is_negated)

    def _member(self) -> Set:
        character = self._next()
        if character != "\\":
            return Set(((character, character),))
        found = self._escaped_set()
        if found.is_negated:
            raise self.wrong("has a negated class within a class")
        return found

    def _repeated(self, node: Node) -> Node:
        least, most = self._quantifier()
        if (least, most) == (1, 1):
            return node
        self._skip("?")  # a lazy quantifier
        if self.rest[:1] in ("*", "+"):
            raise self.wrong("repeats what is already repeated")
        return Repeat(node, least, most)

    def _quantifier(self) -> tuple[int, int | None]:
        for sign, counts in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return counts
        if not self._skip("{"):
            return 1, 1
        inner, closing, _ = self.rest.partition("}")
        first, comma, second = inner.partition(",")
        if not closing or not first.isdecimal() or not (second.isdecimal() or not second):
            raise self.wrong(
                "has a brace that is not a repetition count; write \\{ for the character"
            )
        self._place += len(inner) + 1
        least, most = int(first), int(second) if second else None if comma else int(first)
        if max(least, most or 0) > MAX_REPEATS or (most is not None and most < least):
            raise self.wrong(
                f"repeats more than {MAX_REPEATS} times, or has a minimum above the maximum"
            )
        return least, most

    def _next(self) -> str:
        if not self.rest:
            raise self.wrong("ends too early")
        self._place += 1
        return self._text[self._place - 1]

    def _skip(self, sign: str) -> bool:
        found = self.rest.startswith(sign)
        self._place += len(sign) if found else 0
        return found


def _single(found: Set, reader: _Reader) -> str:
    ((low, high),) = found.ranges if len(found.ranges) == 1 else (("", _LARGEST),)
    if low != high:
        raise reader.wrong("has a range whose ends are not single characters")
    return low
