"""Make's text functions that need no files and no variables. Pure text.

https://www.gnu.org/software/make/manual/html_node/Functions.html
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from coblyn.doctor.tree.make.value import MAYBE, UNKNOWN, certain, each_word, is_certain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["FUNCTIONS", "cost", "matches", "stem", "substituted"]

_GROWING = ("patsubst", "addprefix", "addsuffix")


def stem(pattern: str, word: str) -> str | None:
    """The part of a word that ``%`` of a pattern matches; None if it does not match, "" without ``%``."""
    head, percent, tail = pattern.partition("%")
    if not percent:
        return "" if word == pattern else None
    if len(word) < len(head) + len(tail) or not (word.startswith(head) and word.endswith(tail)):
        return None
    return word[len(head) : len(word) - len(tail)]


def matches(pattern: str, word: str) -> bool:
    """Whether a word matches a pattern with ``%``."""
    return stem(pattern, word) is not None


def substituted(text: str, pattern: str, replacement: str) -> str:
    """The result of ``$(patsubst pattern,replacement,text)``."""

    def change(word: str) -> str:
        found = stem(pattern, word)
        if found is None:
            return word
        return replacement.replace("%", found, 1) if "%" in pattern else replacement

    return each_word(text.split(), change)


def cost(name: str, given: Sequence[str]) -> int:
    """Maximum characters or steps that a function produces, for functions whose output can exceed their input."""
    if len(given) < 2:
        return 0
    text = given[-1]
    if name == "subst":
        return (text.count(given[0]) if given[0] else 1) * len(given[1])
    words = text.count(" ") + text.count("\n") + text.count("\t") + 1
    if name in ("filter", "filter-out"):
        return words * given[0].count("%")
    return words * len(given[0] if name != "patsubst" else given[1]) if name in _GROWING else 0


def _subst(old: str, new: str, text: str) -> str:
    return text.replace(old, new) if old else text + new


def _filter(patterns: str, text: str, *, keep: bool) -> str:
    if not is_certain(patterns):
        return UNKNOWN
    wanted = patterns.split()
    exact = {each for each in wanted if "%" not in each}
    open_ones = [each for each in wanted if "%" in each]

    def fits(word: str) -> bool:
        return word in exact or any(matches(each, word) for each in open_ones)

    return " ".join(word for word in text.split() if UNKNOWN in word or fits(certain(word)) is keep)


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() and len(text) < 8 else -1


def _counted(text: str, give: Callable[[list[str]], str]) -> str:
    """A result that depends on how many words there are."""
    return give(text.split()) if is_certain(text) else UNKNOWN


def _word(number: str, text: str) -> str:
    at = _number(number)
    return _counted(text, lambda words: words[at - 1] if 0 < at <= len(words) else "")


def _wordlist(first: str, last: str, text: str) -> str:
    start, end = _number(first), _number(last)
    return _counted(text, lambda words: " ".join(words[start - 1 : end]) if start > 0 else "")


def _findstring(wanted: str, text: str) -> str:
    if is_certain(wanted) and is_certain(text):
        return wanted if wanted in text else ""
    return UNKNOWN


def _dir(word: str) -> str:
    return word[: word.rfind("/") + 1] or "./"


def _suffix(word: str) -> str:
    return posixpath.splitext(word)[1]


def _first(text: str) -> str:
    words = text.split()
    return words[0] if words and is_certain(words[0]) else UNKNOWN if words else ""


def _last(text: str) -> str:
    words = text.split()
    return words[-1] if words and is_certain(words[-1]) else UNKNOWN if words else ""


def _sort(text: str) -> str:
    return " ".join(sorted(set(text.split()), key=lambda word: word.lstrip(MAYBE)))


def _join(left: str, right: str) -> str:
    first, second = left.split(), right.split()
    size = max(len(first), len(second))
    pairs = zip(_padded(first, size), _padded(second, size), strict=True)
    return " ".join(a + b for a, b in pairs)


def _padded(words: list[str], size: int) -> list[str]:
    return words + [""] * (size - len(words))


FUNCTIONS: Mapping[str, tuple[int, Callable[..., str]]] = {
    "subst": (3, _subst),
    "patsubst": (3, lambda old, new, text: substituted(text, old.strip(), new.strip())),
    "strip": (1, lambda text: " ".join(text.split())),
    "findstring": (2, _findstring),
    "filter": (2, lambda patterns, text: _filter(patterns, text, keep=True)),
    "filter-out": (2, lambda patterns, text: _filter(patterns, text, keep=False)),
    "sort": (1, _sort),
    "word": (2, _word),
    "words": (1, lambda text: _counted(text, lambda words: str(len(words)))),
    "wordlist": (3, _wordlist),
    "firstword": (1, _first),
    "lastword": (1, _last),
    "dir": (1, lambda text: each_word(text.split(), _dir)),
    "notdir": (1, lambda text: each_word(text.split(), posixpath.basename)),
    "suffix": (1, lambda text: each_word(text.split(), _suffix)),
    "basename": (1, lambda text: each_word(text.split(), lambda word: posixpath.splitext(word)[0])),
    "addsuffix": (2, lambda end, text: each_word(text.split(), lambda word: word + end.strip())),
    "addprefix": (
        2,
        lambda start, text: each_word(text.split(), lambda word: start.strip() + word),
    ),
    "join": (2, _join),
    # Their output goes to the terminal that make runs in.
    "error": (1, lambda _: ""),
    "warning": (1, lambda _: ""),
    "info": (1, lambda _: ""),
    # These would have side effects or run something.
    "file": (1, lambda _: ""),
    "guile": (1, lambda _: UNKNOWN),
}
"""Maps a name to its number of arguments (the last one includes all further commas) and its function."""
