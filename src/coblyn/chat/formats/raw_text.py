"""Grammars of text that is written as it is, without quotes or escapes, and has to fit a schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["NotSayable", "terminal_of", "without"]

_MAX_DEPTH = 16
_ANY = "(?s:.)"
_KEYWORDS = {
    *("minLength", "maxLength", "pattern", "format", "enum", "const", "$ref", "allOf", "anyOf"),
    *("oneOf", "not", "if", "then", "else", "$dynamicRef", "$recursiveRef"),
}
"""What a schema may demand of a text."""

_MAX_COUNT = 500
"""Largest length beside a mark that may overlap itself: llguidance multiplies the states of both."""

_MIN_HEAD = 4

_CODE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|[|^$()]", re.DOTALL)
_COUNT = re.compile(r"\(\?s:\.\)\{(\d*),(\d*)\}")
_SLASH = re.compile(r"\\.|/|\n", re.DOTALL)

_CHARACTER = r"(?:[0-9A-Za-z._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_HOST = r"(?:[0-9A-Za-z._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*(?::[0-9]*)?"
_SEGMENTS = rf"(?:/{_CHARACTER}*)*"
_TAIL = rf"(?:{_CHARACTER}|[/?])*"
_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_FORMATS: Mapping[str, str] = {
    "uuid": r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    "ipv4": rf"{_BYTE}(?:\.{_BYTE}){{3}}",
    "uri": (
        rf"[A-Za-z][0-9A-Za-z+.-]*:(?://{_HOST}{_SEGMENTS}|/?{_CHARACTER}+{_SEGMENTS}|)"
        rf"(?:\?{_TAIL})?(?:#{_TAIL})?"
    ),
}
"""Formats that are not patterns already (RFC 4122; RFC 3986 without user names and IP literals)."""


class NotSayable(Exception):
    """A keyword cannot be enforced on text; it is the message."""


def terminal_of(schema: Any, root: Mapping[str, Any], marks: Sequence[str]) -> str:
    """The Lark expression of a terminal for text; empty if any text fits.

    Args:
        schema: Of a string, in keywords that are enforced.
        root: The schema that its references point into.
        marks: Texts that do not occur in it, since they would end it.

    Raises:
        NotSayable: A keyword cannot be enforced.
    """
    found = _expression(schema, root, 0)
    if not found:
        return ""
    counts = [int(each) for pair in _COUNT.findall(found) for each in pair if each]
    if max(counts, default=0) > _MAX_COUNT and any("~" in without(mark) for mark in marks):
        raise NotSayable("maxLength")
    return " & ".join((found, *map(without, marks)))


def _expression(schema: Any, root: Mapping[str, Any], depth: int) -> str:
    if schema is True or schema == {}:
        return ""
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        raise NotSayable("$ref" if depth else "type")
    parts = [part for part in _parts(schema, root, depth) if part]
    return " & ".join(parts)


def _parts(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int) -> Iterator[str]:
    least, most = schema.get("minLength"), schema.get("maxLength")
    if least or most is not None:
        yield f"/{_ANY}{{{least or 0},{'' if most is None else most}}}/"
    for key in sorted(schema.keys() & _KEYWORDS - {"minLength", "maxLength"}):
        value = schema[key]
        if key in _COMBINED:
            yield from _combined(_COMBINED[key](value, root), root, depth)
        else:
            yield _demand(key, value)


def _demand(key: str, value: Any) -> str:
    match key, value:
        case "pattern", str():
            return _searched(value)
        case "format", str() if value in _FORMATS:
            return _regex(_FORMATS[value])
        case "enum", list():
            return _one_of(value)
        case "const", _:
            return _one_of([value])
    raise NotSayable(key)


def _combined(
    demands: Sequence[Sequence[Any]], root: Mapping[str, Any], depth: int
) -> Iterator[str]:
    """Demands that all hold, each of which is one of several schemas."""
    for ways in demands:
        yield _grouped([_expression(way, root, depth + 1) for way in ways])


def _grouped(ways: Sequence[str]) -> str:
    """One of several ways; any text if one of them is."""
    return f"({' | '.join(f'({way})' for way in ways)})" if all(ways) else ""


def _one_of(values: Sequence[Any]) -> str:
    texts = [each for each in values if isinstance(each, str)]
    if not texts:
        raise NotSayable("enum")
    return f"({' | '.join(json.dumps(each, ensure_ascii=False) for each in texts)})"


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


_COMBINED: Mapping[str, Callable[[Any, Mapping[str, Any]], Sequence[Sequence[Any]]]] = {
    "$ref": lambda value, root: [[_target(value, root)]],
    "allOf": lambda value, root: [[each] for each in value],  # noqa: ARG005
    "anyOf": lambda value, root: [value],  # noqa: ARG005
}


def _searched(pattern: str) -> str:
    """Text in which a pattern is found. Anchors are understood at the ends of its outermost alternatives."""
    ways, start, depth = [], 0, 0
    anchors = set()
    for found in _CODE.finditer(pattern):
        match found[0]:
            case "(":
                depth += 1
            case ")":
                depth -= 1
            case "|" if depth == 0:
                ways.append((start, found.start()))
                start = found.end()
            case "^" | "$":
                anchors.add(found.start())
            case r"\b" | r"\B":
                raise NotSayable("pattern")
    ways.append((start, len(pattern)))
    written = []
    for first, last in ways:
        is_start = first in anchors
        is_end = last > first and last - 1 in anchors and last - 1 != first
        anchors -= {first, last - 1}
        core = pattern[first + is_start : last - is_end]
        written.append(f"{'' if is_start else _ANY + '*'}(?:{core}){'' if is_end else _ANY + '*'}")
    if anchors:
        raise NotSayable("pattern")
    return _regex("|".join(written))


def _regex(text: str) -> str:
    """A regular expression in Lark."""
    escapes = {"/": r"\/", "\n": r"\n", "\\\n": r"\n"}
    return f"/{_SLASH.sub(lambda found: escapes.get(found[0], found[0]), text)}/"


def without(mark: str) -> str:
    """The Lark expression of text in which a mark does not occur."""
    again = mark.find(mark[0], 1)
    if again >= _MIN_HEAD:
        mark = mark[:again]  # forbids a little more
    elif again > 0:
        return f"~{_regex(f'{_ANY}*{re.escape(mark)}{_ANY}*')}"
    # Said without a complement, whose states would be multiplied by those of a length.
    first = re.escape(mark[0])
    heads = [re.escape(mark[:end]) for end in range(1, len(mark))]
    left = [f"{head}[^{first}{re.escape(mark[end])}]" for end, head in enumerate(heads, 1)]
    begun = f"(?:{'|'.join(heads)})*" if heads else ""
    way = f"|{begun}(?:{'|'.join(left)})" if heads else ""
    return _regex(f"(?:[^{first}]{way})*{begun}")
