"""Text that arrives in pieces, for readers that consume it once from beginning to end.

A reader is a generator that yields when it needs more text and continues when more has arrived. So it is written as if
all text were present, and gives the same result however the text is split.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Generator
from typing import TypeVar

__all__ = ["Incoming", "Reading", "Say"]

T = TypeVar("T")

Reading = Generator[None, None, T]
"""A reader that yields while it waits for more text, and finally returns a ``T``."""

Say = Callable[[str], None]

_IN_STRING = re.compile(r'["\\]')
_IN_VALUE = re.compile(r'["{}\[\]<]')
_WORD = re.compile(r"[\w.-]*")
_BEHIND_TEXT = frozenset(",)]}:+%.'\"")
_END_OF_SCALAR = re.compile(r"[\s,:}\]]")


class Incoming:
    """The text and the read position.

    Attributes:
        is_over: Whether no more text will arrive.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._held = ""
        self._record: list[str] | None = None

    def push(self, text: str) -> None:
        """Add text."""
        self._held += text

    def end(self) -> None:
        """Mark the end of the text."""
        self.is_over = True

    def record(self, before: str = "") -> None:
        """Start recording what is read, beginning with ``before``."""
        self._record = [before]

    def recorded(self) -> str:
        """The text recorded since ``record``."""
        return "".join(self._record or ())

    def take(self, length: int) -> str:
        """Read characters that have arrived."""
        text, self._held = self._held[:length], self._held[length:]
        if self._record is not None:
            self._record.append(text)
        return text

    def put_back(self, text: str) -> None:
        """Unread the last text."""
        self._held = text + self._held
        if self._record is not None:
            self._record = ["".join(self._record).removesuffix(text)]

    def more(self) -> Reading[bool]:
        """Wait for more text; False at the end of the text."""
        before = len(self._held)
        while len(self._held) == before:
            if self.is_over:
                return False
            yield
        return True

    def peek(self, length: int) -> Reading[str]:
        """The next characters, fewer only at the end of the text."""
        while len(self._held) < length and (yield from self.more()):
            pass
        return self._held[:length]

    def peek_inside(self) -> Reading[str]:
        """The first character after the next one, a bracket, and whitespace."""
        length = 2
        while (text := (yield from self.peek(length))) and len(text) == length:
            if not text[-1].isspace():
                return text[-1]
            length += 1
        return ""

    def comes(self, mark: str) -> Reading[bool]:
        """Whether a mark comes next; does not read it."""
        while not self._held.startswith(mark):
            if not mark.startswith(self._held) or not (yield from self.more()):
                return False
        return True

    def accept(self, mark: str) -> Reading[bool]:
        """Read a mark if it comes next."""
        if not (yield from self.comes(mark)):
            return False
        self.take(len(mark))
        return True

    def accept_behind_space(self, *marks: str) -> Reading[bool]:
        """Read whitespace and one of several marks; without a mark the whitespace is not read either.

        The beginning of a mark at the end of the text is one that a limit has cut.
        """
        space = yield from self.space()
        is_there = bool((yield from self.accept_any(*marks)))
        if not is_there and self._held and any(mark.startswith(self._held) for mark in marks):
            self.take(len(self._held))
            return True
        if not is_there:
            self.put_back(space)
        return is_there

    def comes_any(self, *marks: str) -> Reading[bool]:
        """Whether one of several marks comes next; does not read it."""
        for mark in marks:
            if (yield from self.comes(mark)):
                return True
        return False

    def accept_any(self, *marks: str) -> Reading[str]:
        """Read the longest of several marks that comes next; empty if none does."""
        for mark in sorted(marks, key=len, reverse=True):
            if (yield from self.accept(mark)):
                return mark
        return ""

    def skip_space(self) -> Reading[None]:
        """Read whitespace."""
        yield from self.space()

    def space(self) -> Reading[str]:
        """Read whitespace and return it."""
        space = ""
        while True:
            rest = self._held.lstrip()
            space += self.take(len(self._held) - len(rest))
            if rest or not (yield from self.more()):
                return space

    def until(self, marks: tuple[str, ...], say: Say) -> Reading[str]:
        """Read up to one of several marks, and the mark; emit the text before it as it arrives.

        Returns:
            The mark that came first; empty at the end of the text.
        """
        mark = yield from self.before(marks, say)
        return self.take(len(mark))

    def text_until(self, *marks: str) -> Reading[tuple[str, str]]:
        """Read up to one of several marks, and the mark.

        Returns the text and the mark, or the rest and an empty mark.
        """
        parts: list[str] = []
        mark = yield from self.until(marks, parts.append)
        return "".join(parts), mark

    def text_before(self, *marks: str) -> Reading[tuple[str, str]]:
        """Read up to one of several marks, but not the mark.

        Returns the text and the mark, which is empty at the end.
        """
        parts: list[str] = []
        mark = yield from self.before(marks, parts.append)
        return "".join(parts), mark

    def before(self, marks: tuple[str, ...], say: Say) -> Reading[str]:
        """Read up to one of several marks, but not the mark; emit the text before it as it arrives.

        Returns:
            The mark that comes next; empty at the end of the text.
        """
        pattern, firsts = _pattern(marks)
        while True:
            found = pattern.search(self._held)
            if found and (self.is_over or not self._may_be_longer(found[0], found.start(), marks)):
                say(self.take(found.start()))
                return found[0]
            free = found.start() if found else _before_beginnings(self._held, marks, firsts)
            if free:
                say(self.take(free))
            if not (yield from self.more()) and not found:
                say(self.take(len(self._held)))
                return ""

    def rest(self, say: Say) -> Reading[None]:
        """Read to the end; emit the text as it arrives."""
        yield from self.until((), say)

    def word(self) -> Reading[str]:
        """Read letters, digits, underscores, dots and hyphens."""
        word = ""
        while True:
            found = _WORD.match(self._held)
            assert found, "it may match nothing"
            word += self.take(found.end())
            if self._held or not (yield from self.more()):
                return word

    def wait_for(self, mark: str) -> Reading[bool]:
        """Wait until a mark has arrived, without reading; False if it never does."""
        while mark not in self._held:
            if not (yield from self.more()):
                return False
        return True

    def first_of(self, *marks: str) -> Reading[str]:
        """Wait until one of several marks has arrived, without reading; empty if none ever does."""
        pattern, _ = _pattern(marks)
        while not (found := pattern.search(self._held)):
            if not (yield from self.more()):
                return ""
        return found[0]

    def json(self, say: Say, end: str = "") -> Reading[bool]:
        """Read one JSON value; emit its text as it arrives.

        Only strings and brackets are parsed; anything may be between them.

        Args:
            say: Receives the text.
            end: A mark that begins with ``<`` and ends the value if it comes outside its strings; it is not read.

        Returns:
            Whether it is complete.
        """
        first = yield from self.peek(1)
        if first == '"':
            say(self.take(1))
            return (yield from self._string(say))
        if first not in ("{", "["):
            return (yield from self._scalar(say))
        depth = 0
        while True:
            mark = yield from self._past_mark(say, end)
            if not mark or (mark == '"' and not (yield from self._string(say))):
                return False
            depth += (mark in "{[") - (mark in "}]")
            if depth == 0:
                return True

    def _past_mark(self, say: Say, end: str) -> Reading[str]:
        """Read past the next quote or bracket of a value and return it; empty if there is none before its end."""
        while True:
            found = _IN_VALUE.search(self._held)
            if found and found[0] != "<":
                say(self.take(found.end()))
                return found[0]
            say(self.take(found.start() if found else len(self._held)))
            if not found:
                if not (yield from self.more()):
                    return ""
            elif end and (yield from self.comes(end)):
                return ""
            else:
                say(self.take(1))

    def _string(self, say: Say) -> Reading[bool]:
        """Read the rest of a JSON string, with its closing quote."""
        while True:
            found = _IN_STRING.search(self._held)
            if found and found[0] == "\\" and found.end() == len(self._held):
                say(self.take(found.start()))
                if not (yield from self.more()):
                    say(self.take(len(self._held)))
                    return False
                continue
            end = len(self._held) if not found else found.end() + (found[0] == "\\")
            say(self.take(end))
            if found and found[0] == '"':
                return True
            if not found and not (yield from self.more()):
                return False

    def _scalar(self, say: Say) -> Reading[bool]:
        text = ""
        while True:
            found = _END_OF_SCALAR.search(self._held)
            text += self.take(found.start() if found else len(self._held))
            if found or not (yield from self.more()):
                break
        say(text)
        return bool(text)

    def literal(self) -> Reading[str]:
        """Read a Python value up to a comma or an outer closing bracket, or to the end of the text."""
        parts: list[str] = []
        depth, quote = 0, ""
        while character := (yield from self.peek(1)):
            if quote:
                parts.append(self.take(1))
                if character == "\\":
                    yield from self.peek(1)
                    parts.append(self.take(1))
                elif character == quote and (yield from self._ends_text()):
                    quote = ""
                continue
            if depth == 0 and character in ",)]}":
                break
            depth += (character in "([{") - (character in ")]}")
            quote = character if character in "'\"" else ""
            parts.append(self.take(1))
        return "".join(parts)

    def _ends_text(self) -> Reading[bool]:
        """Whether a quote that was read ends a text, rather than being part of it, as models forget escapes."""
        length = 1
        while (text := (yield from self.peek(length))) and len(text) == length:
            if not text[-1].isspace():
                return text[-1] in _BEHIND_TEXT
            length += 1
        return True

    def _may_be_longer(self, found: str, start: int, marks: tuple[str, ...]) -> bool:
        """Whether more text may show that a longer mark begins at the same place."""
        rest = self._held[start:]
        return any(
            len(mark) > len(found) and mark.startswith(rest) and mark != rest for mark in marks
        )


@functools.lru_cache(maxsize=256)
def _pattern(marks: tuple[str, ...]) -> tuple[re.Pattern[str], frozenset[str]]:
    longest_first = sorted(marks, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
    return pattern, frozenset(mark[0] for mark in marks)


def _before_beginnings(held: str, marks: tuple[str, ...], firsts: frozenset[str]) -> int:
    """Length of a text up to the first place near its end at which a mark may have begun."""
    longest = max(map(len, marks), default=1)
    for index in range(max(0, len(held) - longest + 1), len(held)):
        if held[index] in firsts:
            tail = held[index:]
            if any(mark.startswith(tail) for mark in marks):
                return index
    return len(held)
