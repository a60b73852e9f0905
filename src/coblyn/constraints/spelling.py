"""Regular expressions of JSON Schema as llguidance reads them."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["other_than", "translated"]

_BLANKS = r"\t\n\x0b\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""ECMA-262, 12.2 and 12.3: white space and line ends."""

_ESCAPE = re.compile(r"\\(c[A-Za-z]|.)", re.DOTALL)
_MAX_LENGTH = 20_000


def translated(pattern: str) -> str:
    r"""An expression of ECMA-262, which JSON Schema has, for the syntax of Rust's ``regex`` crate.

    They differ in what ``\s`` is, and in ``\cX``. What else one of them does not know, llguidance refuses.
    """
    written, end, depth = [], 0, 0
    for found in _ESCAPE.finditer(pattern):
        depth = _depth(pattern[end : found.start()], depth)
        written += [pattern[end : found.start()], _escape(found[1], is_inside=depth > 0)]
        end = found.end()
    return "".join([*written, pattern[end:]])


def _depth(text: str, depth: int) -> int:
    """Whether a character class is open behind a text: classes do not nest."""
    for character in text:
        if character == "[":
            depth = 1
        elif character == "]":
            depth = 0
    return depth


def _escape(what: str, *, is_inside: bool) -> str:
    if what == "s":
        return _BLANKS if is_inside else f"[{_BLANKS}]"
    if what == "S":
        return f"[^{_BLANKS}]"
    if len(what) > 1:
        return f"\\x{ord(what[1]) % 32:02x}"
    return f"\\{what}"


def other_than(texts: Collection[str]) -> str | None:
    """An expression that all texts match but these; None where it would be too long.

    A text is none of them where it leaves the tree of their beginnings at some place, or ends within it.
    """
    beginnings = {text[:end] for text in texts for end in range(len(text) + 1)}
    following: dict[str, set[str]] = {each: set() for each in beginnings}
    for each in beginnings - {""}:
        following[each[:-1]].add(each[-1])
    ways = []
    for each in sorted(beginnings):
        start = re.escape(each)
        if each not in texts:
            ways.append(start)
        others = "".join(re.escape(character) for character in sorted(following[each]))
        ways.append(rf"{start}[^{others}][\s\S]*" if others else rf"{start}[\s\S]+")
    found = f"^(?:{'|'.join(ways)})$" if ways else ""
    return found if len(found) <= _MAX_LENGTH else None
