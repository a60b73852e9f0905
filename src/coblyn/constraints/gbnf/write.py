"""Writes a GBNF grammar in llguidance's dialect of Lark."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from coblyn.constraints.gbnf.lexemes import greedy_loops
from coblyn.constraints.gbnf.tree import (
    Alternatives,
    Characters,
    Grammar,
    Node,
    Reference,
    Repeat,
    Sequence,
    SpecialToken,
)

__all__ = ["Exclude", "write_lark"]

_SURROGATES = (0xD800, 0xDFFF)


Exclude = Callable[[str], str]
"""Gives the symbol, in Lark, of any token but one, given as in ``SpecialToken``. It is asked once for each."""


def write_lark(grammar: Grammar, exclude: Exclude) -> str:
    """The grammar in Lark: a rule for each rule, and a lexeme for each character class and each suitable loop."""
    return _Writer(greedy_loops(grammar), cache(exclude)).write(grammar)


@dataclass(slots=True)
class _Writer:
    greedy: frozenset[Repeat]
    exclude: Exclude
    lexemes: dict[str, str] = field(default_factory=dict)

    def write(self, grammar: Grammar) -> str:
        rules = [f"{_rule_name(name)}: {self._text(node)}" for name, node in grammar.items()]
        lexemes = [f"{name}: /{pattern}/" for pattern, name in self.lexemes.items()]
        return "\n".join([f"start: {_rule_name('root')}", *rules, *lexemes]) + "\n"

    def _text(self, node: Node) -> str:
        match node:
            case Characters():
                return self._lexeme(_class(node))
            case SpecialToken():
                return self.exclude(node.name) if node.is_excluded else node.name
            case Reference():
                return _rule_name(node.name)
            case Repeat():
                return self._repeat(node)
            case Sequence():
                return " ".join(self._inner(each) for each in node.nodes) or '""'
            case Alternatives():
                return " | ".join(self._text(each) for each in node.nodes)

    def _inner(self, node: Node) -> str:
        text = self._text(node)
        is_whole = not isinstance(node, Sequence | Alternatives) or not node.nodes
        return text if is_whole else f"({text})"

    def _repeat(self, node: Repeat) -> str:
        if node.most == 0:
            return '""'
        if node in self.greedy and isinstance(node.node, Characters):
            # A lexeme is never empty.
            loop = self._lexeme(_class(node.node) + _times(max(node.least, 1), node.most))
            return f"({loop})?" if node.least == 0 else loop
        return f"({self._text(node.node)}){_times(node.least, node.most)}"

    def _lexeme(self, pattern: str) -> str:
        return self.lexemes.setdefault(pattern, f"L{len(self.lexemes)}")


def _rule_name(name: str) -> str:
    """A unique name that is a valid rule name in Lark."""
    return "r_" + re.sub("[^a-z0-9]", lambda match: f"_{ord(match[0]):x}_", name)


def _times(least: int, most: int | None) -> str:
    signs = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    return signs.get((least, most), f"{{{least},{'' if most is None else most}}}")


def _class(characters: Characters) -> str:
    """A regular expression's character class, written in code points so that no character is special."""
    parts = []
    for low, high in characters.ranges:
        for start, end in (
            (low, min(high, _SURROGATES[0] - 1)),
            (max(low, _SURROGATES[1] + 1), high),
        ):
            if start <= end:
                parts.append(f"\\x{{{start:x}}}-\\x{{{end:x}}}")
    return f"[{''.join(parts)}]"
