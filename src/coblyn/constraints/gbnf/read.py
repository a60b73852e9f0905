"""Parses GBNF as llama.cpp does (``src/llama-grammar.cpp`` at 0.5.0).

Names of rules may have underscores too.
"""

from __future__ import annotations

import re

from coblyn.constraints.gbnf.tree import (
    MAX_CODE,
    Alternatives,
    Characters,
    Grammar,
    Node,
    Reference,
    Repeat,
    Sequence,
    SpecialToken,
)

__all__ = ["read_gbnf"]

MAX_REPEAT = 2000
"""llama.cpp's limit of repetitions."""

_MAX_DEPTH = 60
_MAX_CHARACTERS = 60_000
"""Each is a symbol, of which llguidance has 65,525 at most."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"(?:[ \t]|#[^\r\n]*)*")
_SPACE_AND_LINES = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*)*")
_COUNT = re.compile(r"\{[ \t]*(\d+)[ \t]*(?:(,)[ \t]*(\d+)?)?[ \t]*\}")
_TOKEN = re.compile(r"(!?)(<\[\d+\]>|<[^<>\s\[\]]+>)")
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([trn\\\"\[\]-]))"
)
_LETTERS = {"t": "\t", "r": "\r", "n": "\n"}
_LOOPS = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def read_gbnf(text: str) -> Grammar:
    """The rules of a grammar.

    Raises:
        ValueError: It is invalid; the message gives the error, the line and the column.
    """
    rules = _Reader(text).rules()
    if "root" not in rules:
        raise ValueError("there is no rule `root`, where every text begins")
    for name, node in rules.items():
        for reference in _references(node):
            if reference not in rules:
                raise ValueError(f"rule `{name}` asks for `{reference}`, which is not there")
    for name in rules.keys() - _finite(rules):
        raise ValueError(f"rule `{name}` never comes to an end")
    return rules


def _finite(rules: Grammar) -> set[str]:
    """Rules that can match some finite text."""
    finite: set[str] = set()
    is_growing = True
    while is_growing:
        found = {name for name, node in rules.items() if _comes_to_an_end(node, finite)}
        is_growing = found != finite
        finite = found
    return finite


def _comes_to_an_end(node: Node, finite: set[str]) -> bool:
    match node:
        case Reference():
            return node.name in finite
        case Repeat():
            return node.least == 0 or _comes_to_an_end(node.node, finite)
        case Sequence():
            return all(_comes_to_an_end(each, finite) for each in node.nodes)
        case Alternatives():
            return any(_comes_to_an_end(each, finite) for each in node.nodes)
    return True


def _references(node: Node) -> list[str]:
    if isinstance(node, Reference):
        return [node.name]
    if isinstance(node, Repeat):
        return _references(node.node)
    if isinstance(node, Sequence | Alternatives):
        return [name for each in node.nodes for name in _references(each)]
    return []


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._num_characters = 0

    def rules(self) -> dict[str, Node]:
        rules: dict[str, Node] = {}
        self._skip(_SPACE_AND_LINES)
        while self._at < len(self._text):
            name = self._name()
            self._skip(_SPACE)
            self._expect("::=")
            self._skip(_SPACE_AND_LINES)
            rules[name] = self._alternatives(is_nested=False)
            if self._at < len(self._text) and self._text[self._at] not in "\r\n":
                raise self._wrong("expected the end of the rule")
            self._skip(_SPACE_AND_LINES)
        return rules

    def _alternatives(self, *, is_nested: bool) -> Node:
        nodes = [self._sequence(is_nested=is_nested)]
        while self._take("|"):
            self._skip(_SPACE_AND_LINES)
            nodes.append(self._sequence(is_nested=is_nested))
        return nodes[0] if len(nodes) == 1 else Alternatives(tuple(nodes))

    def _sequence(self, *, is_nested: bool) -> Node:
        space = _SPACE_AND_LINES if is_nested else _SPACE
        nodes: list[Node] = []
        while (node := self._item()) is not None:
            self._skip(space)
            while (repeated := self._repeated(node)) is not None:
                node = repeated
                self._skip(space)
            nodes.append(node)
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

    def _item(self) -> Node | None:
        """Parse the next item of a sequence; None at its end."""
        if self._take('"'):
            return self._literal()
        if self._take("["):
            return self._class()
        if self._take("("):
            return self._group()
        if self._take("."):
            return Characters(((0, MAX_CODE),))
        if match := _TOKEN.match(self._text, self._at):
            self._at = match.end()
            return SpecialToken(match[2], is_excluded=bool(match[1]))
        if self._text.startswith("!", self._at):
            raise self._wrong("expected a token such as !<name> or !<[id]>")
        if _NAME.match(self._text, self._at):
            return Reference(self._name())
        return None

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._wrong(f"more than {_MAX_DEPTH} nested parentheses")
        self._skip(_SPACE_AND_LINES)
        node = self._alternatives(is_nested=True)
        self._expect(")")
        self._depth -= 1
        return node

    def _repeated(self, node: Node) -> Node | None:
        for sign, (least, most) in _LOOPS.items():
            if self._take(sign):
                return Repeat(node, least, most)
        match = _COUNT.match(self._text, self._at)
        if match is None:
            if self._at < len(self._text) and self._text[self._at] == "{":
                raise self._wrong("expected a number of repetitions such as {2} or {1,3}")
            return None
        least = int(match[1])
        most = least if not match[2] else int(match[3]) if match[3] else None
        if max(least, most or 0) > MAX_REPEAT:
            raise self._wrong(f"more than {MAX_REPEAT} repetitions")
        if most is not None and most < least:
            raise self._wrong("a maximum number of repetitions below the minimum")
        self._at = match.end()
        return Repeat(node, least, most)

    def _literal(self) -> Node:
        nodes = []
        while not self._take('"'):
            code = self._character()
            nodes.append(Characters(((code, code),)))
        return nodes[0] if len(nodes) == 1 else Sequence(tuple(nodes))

    def _class(self) -> Node:
        is_negated, ranges = self._take("^"), []
        while not self._take("]"):
            low = high = self._character()
            if self._text.startswith("-", self._at) and not self._text.startswith("-]", self._at):
                self._at += 1
                high = self._character()
            ranges.append((min(low, high), max(low, high)))
        kept = _without(ranges) if is_negated else tuple(ranges)
        if not kept:
            raise self._wrong("a class without any character")
        return Characters(kept)

    def _character(self) -> int:
        if self._at >= len(self._text):
            raise self._wrong("the text ends too early")
        if "\ud800" <= self._text[self._at] <= "\udfff":
            raise self._wrong("half of a surrogate pair, which is not a character")
        self._num_characters += 1
        if self._num_characters > _MAX_CHARACTERS:
            raise self._wrong(f"more than {_MAX_CHARACTERS} characters in texts and classes")
        if self._text[self._at] != "\\":
            self._at += 1
            return ord(self._text[self._at - 1])
        match = _ESCAPE.match(self._text, self._at)
        if match is None:
            raise self._wrong("an escape sequence that is unknown")
        self._at = match.end()
        if match[4]:
            return ord(_LETTERS.get(match[4], match[4]))
        code = int(match[1] or match[2] or match[3], 16)
        if code > MAX_CODE or 0xD800 <= code <= 0xDFFF:
            raise self._wrong("a code that is not a character")
        return code

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match is None:
            raise self._wrong("expected the name of a rule")
        self._at = match.end()
        return match[0]

    def _take(self, sign: str) -> bool:
        is_there = self._text.startswith(sign, self._at)
        self._at += len(sign) * is_there
        return is_there

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise self._wrong(f"expected `{sign}`")

    def _skip(self, space: re.Pattern[str]) -> None:
        match = space.match(self._text, self._at)
        assert match, "it matches nothing, too"
        self._at = match.end()

    def _wrong(self, what: str) -> ValueError:
        line = self._text.count("\n", 0, self._at) + 1
        column = self._at - self._text.rfind("\n", 0, self._at)
        rest = self._text[self._at : self._at + 20].split("\n")[0]
        return ValueError(
            f"line {line}, column {column}: {what}" + (f", at `{rest}`" if rest else "")
        )


def _without(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The complement of a character class."""
    kept, start = [], 0
    for low, high in sorted(ranges):
        if low > start:
            kept.append((start, low - 1))
        start = max(start, high + 1)
    if start <= MAX_CODE:
        kept.append((start, MAX_CODE))
    return tuple(kept)
