r"""Keys that are JavaScript regular expressions from untrusted files, matched with a time limit.

They are written for JavaScript, where ``\w``, ``\d`` and ``\b`` know ASCII only and ``$`` is the end of the text,
and are translated for the ``regex`` package, which can stop after a time.
"""

from __future__ import annotations

import functools
import re
import time
from dataclasses import dataclass

import regex

__all__ = ["BadPattern", "Clock", "Pattern", "PatternTooSlow", "read_pattern"]

_KEY = re.compile(r"/((?:[^/\\]|\\.)+)/([gimsuy]*)", re.DOTALL)
_QUANTIFIER = re.compile(r"\{\d+(?:,\d*)?\}")
_WORD = "A-Za-z0-9_"
_CLASSES = {"d": "0-9", "w": _WORD, "s": r"\s\ufeff"}
_BORDER = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BORDER = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_LINE_ENDS = r"\n\r\u2028\u2029"
_SAME = frozenset("tnvfr123456789")
_FLAGS = {"i": regex.IGNORECASE, "m": regex.MULTILINE}

MAX_LENGTH = 4000
MAX_SECONDS = 0.2
MAX_SECONDS_IN_ALL = 1.0


class PatternTooSlow(Exception):
    """A pattern took too long and was stopped."""


class BadPattern(Exception):
    """A key looks like a pattern but is invalid."""


@dataclass(slots=True)
class Clock:
    """Time that the patterns of one look at the lore have left, in seconds."""

    left: float = MAX_SECONDS_IN_ALL


class Pattern:
    """A key that is a regular expression.

    Args:
        compiled: Its translation.
    """

    def __init__(self, compiled: regex.Pattern[str]) -> None:
        self._compiled = compiled

    def occurs(self, text: str, clock: Clock) -> bool:
        """Whether it matches somewhere in a text.

        Raises:
            PatternTooSlow: That was not known in time.
        """
        if clock.left <= 0:
            raise PatternTooSlow
        start = time.monotonic()
        try:
            limit = min(MAX_SECONDS, clock.left)
            return self._compiled.search(text, timeout=limit, concurrent=True) is not None
        except TimeoutError as error:
            raise PatternTooSlow from error
        finally:
            clock.left -= time.monotonic() - start


@functools.lru_cache(maxsize=2048)
def read_pattern(key: str) -> Pattern | None:
    """The pattern that a key is: ``/…/flags`` without a bare slash inside; None for a key to be taken as it is.

    Raises:
        BadPattern: It is not a regular expression.
    """
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    source, flags = found.groups()
    if len(source) > MAX_LENGTH:
        raise BadPattern(f"It is longer than {MAX_LENGTH} characters.")
    try:
        text = _Translation(source, flags).text()
        options = sum((_FLAGS[flag] for flag in set(flags) & set(_FLAGS)), regex.VERSION0)
        return Pattern(regex.compile(text, options))
    except (regex.error, ValueError, OverflowError, RecursionError, MemoryError) as error:
        raise BadPattern(str(error)) from error


class _Translation:
    """One pass over a JavaScript pattern."""

    def __init__(self, source: str, flags: str) -> None:
        self._source, self._flags = source, flags
        self._at = 0

    def text(self) -> str:
        """The pattern for ``regex``."""
        parts = [r"\A"] if "y" in self._flags else []
        while self._at < len(self._source):
            parts.append(self._next())
        return "".join(parts)

    def _next(self) -> str:
        char = self._take()
        match char:
            case "\\":
                return self._escape()
            case "[":
                return self._class()
            case "(":
                return self._group()
            case ".":
                return r"[\s\S]" if "s" in self._flags else f"[^{_LINE_ENDS}]"
            case "$":
                return "$" if "m" in self._flags else r"\Z"
            case "{":
                return self._brace()
            case "}" | "]":
                return "\\" + char
            case "#" | " " | "&" | "~" | "-":
                return re.escape(char)
            case _:
                return char

    def _take(self) -> str:
        char = self._source[self._at]
        self._at += 1
        return char

    def _brace(self) -> str:
        """A count, or a brace as it is: for ``regex`` others ask for inexact matches."""
        found = _QUANTIFIER.match(self._source, self._at - 1)
        if found is None:
            return r"\{"
        self._at = found.end()
        return found.group()

    def _group(self) -> str:
        rest = self._source[self._at : self._at + 3]
        if not rest.startswith("?"):
            return "("
        if rest.startswith("?<") and rest[2:3] not in ("=", "!"):
            self._at += 2
            return "(?P<"
        if rest[1:2] not in (":", "=", "!", "<"):
            raise BadPattern(f"JavaScript knows no group ({rest[:2]}.")
        return "("

    def _escape(self) -> str:
        char = self._take()
        if char in "bB":
            return _BORDER if char == "b" else _NO_BORDER
        if char.lower() in _CLASSES:
            return f"[{'^' if char.isupper() else ''}{_CLASSES[char.lower()]}]"
        if char == "k" and self._source[self._at : self._at + 1] == "<":
            end = self._source.index(">", self._at)
            name, self._at = self._source[self._at + 1 : end], end + 1
            return f"(?P={name})"
        return self._common_escape(char)

    def _common_escape(self, char: str) -> str:
        """What means the same inside of a class."""
        if char in _SAME:
            return "\\" + char
        if char == "u" and self._source[self._at : self._at + 1] == "{" and "u" in self._flags:
            end = self._source.index("}", self._at)
            code, self._at = int(self._source[self._at + 1 : end], 16), end + 1
            return re.escape(chr(code))
        length = {"x": 2, "u": 4}.get(char, 0)
        digits = self._source[self._at : self._at + length]
        if length and len(digits) == length and all(c in "0123456789abcdefABCDEF" for c in digits):
            self._at += length
            return re.escape(chr(int(digits, 16)))
        if char in "pP" and "u" in self._flags:
            return "\\" + char
        return r"\x00" if char == "0" else re.escape(char)

    def _class(self) -> str:
        """A set of characters."""
        is_negated = self._source[self._at : self._at + 1] == "^"
        self._at += is_negated
        parts: list[str] = []
        while (char := self._take_or_refuse()) != "]":
            parts.append(self._member(char))
        if not parts:
            return r"[\s\S]" if is_negated else "(?!)"
        return f"[{'^' if is_negated else ''}{''.join(parts)}]"

    def _take_or_refuse(self) -> str:
        if self._at >= len(self._source):
            raise BadPattern("A [ has no ].")
        return self._take()

    def _member(self, char: str) -> str:
        if char == "[":
            return r"\["
        if char != "\\":
            return char
        char = self._take_or_refuse()
        if char == "b":
            return r"\x08"
        if char in _CLASSES:
            return _CLASSES[char]
        return "\\" + char if char in "DWS" else self._common_escape(char)
