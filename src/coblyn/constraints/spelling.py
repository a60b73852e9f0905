"""Regular expressions of JSON Schema as llguidance reads them."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection

__all__ = ["other_than", "translated"]

_BLANKS = r"\t\n\x0b\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
"""ECMA-262, 12.2 and 12.3: white space and line ends."""

_PARTS = re.compile(r"\[\^?(?:\\.|[^\]\\])*\]|\\(?:c[A-Za-z]|.)", re.DOTALL)
_ONE_CLASS = re.compile(r"(\[(?:\\.|[^\]\\\[])+\])\{(\d{1,6}),(\d{0,9})\}")
_ESCAPE = re.compile(r"\\(c[A-Za-z]|.)", re.DOTALL)
_CONTROLS = "".join(map(chr, range(32)))
_MAX_LENGTH = 20_000


@functools.lru_cache(maxsize=1024)
def translated(pattern: str) -> str:
    r"""An expression of ECMA-262, which JSON Schema has, for the syntax of Rust's ``regex`` crate.

    They differ in what ``\s`` is, and in ``\cX``. What else one of them does not know, llguidance refuses.
    """
    return _PARTS.sub(_part, _fewest(pattern))


def _fewest(pattern: str) -> str:
    """The same for a repeated class: it is found in a text wherever its least number is.

    Where escapes are limited, llguidance stops at ``[a-z]{1,255}`` after one character.
    """
    found = _ONE_CLASS.fullmatch(pattern)
    if found is None or int(found[2]) > int(found[3] or found[2]):
        return pattern
    least = int(found[2])
    return f"{found[1]}{{{least}}}" if least else ""


def _part(found: re.Match[str]) -> str:
    text = found[0]
    if not text.startswith("["):
        return _escape(text[1:], is_inside=False)
    written = _ESCAPE.sub(lambda each: _escape(each[1], is_inside=True), text)
    return f"[{written}&&[^\\x00]]" if _is_widened(text) else written


def _is_widened(characters: str) -> bool:
    r"""Whether llguidance takes a class, where it is repeated, for more than it says.

    In a class with all control characters, it allows all escapes, ``\"`` and ``\\`` as well. So NUL is left out.
    """
    try:
        one = re.compile(characters)
    except re.error:
        return False
    return all(map(one.match, _CONTROLS)) and not all(map(one.match, '"\\'))


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
    # Each beginning is written, so a text takes the square of its length.
    if sum(map(len, texts)) > _MAX_LENGTH or max(map(len, texts), default=0) ** 2 > _MAX_LENGTH:
        return None
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
