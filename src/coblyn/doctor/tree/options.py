"""Compares compiler options that change an object's code, across objects and commands. Pure.

Only options that no compiler adds by default are compared, so that a distribution's defaults are not differences.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["differences", "macros", "telling"]

_SWITCH = re.compile(
    r"-(?P<group>[fm])(?P<no>no-)?(?P<name>"
    r"openmp|openmp-simd|fast-math|finite-math-only|exceptions|rtti|pic|PIC|pie|PIE|short-enums|short-wchar|pack-struct"
    r"|signed-char|unsigned-char|profile-arcs|sanitize=[\w,-]+|abi-version=\d+"
    r"|sse[34][\w.]*|ssse3|avx[\w]*|fma|f16c|bmi2?|popcnt|fpu=[\w-]+|float-abi=\w+|32|x32)$"
)
_NAMED = re.compile(r"-m(?P<name>arch|cpu)=(?P<value>.+)$")
_LEVEL = re.compile(r"-O(?P<level>[0-3sgz]|fast)?$")
_STANDARD = re.compile(r"-std=(?P<value>\S+)$")
# Their meaning depends on the machine, and is recorded as a long list.
_EXPANDED = frozenset({"native"})
# What gcc records if no option was given.
_DEFAULT_ARCHES = frozenset({"x86-64", "armv8-a", "rv64gc"})
_LEVELS = {"": "1", "1": "1", "2": "2", "3": "3"}


def telling(words: Iterable[str]) -> Mapping[str, str]:
    """Each relevant option as it would be written, by its subject; the last one of a kind counts."""
    found: dict[str, str] = {}
    for word in words:
        if level := _LEVEL.match(word):
            written = _LEVELS.get(level["level"] or "", level["level"] or "")
            found["-O"] = "" if written == "0" else f"-O{written}"
        elif standard := _STANDARD.match(word):
            found["-std"] = word if standard["value"] else ""
        elif named := _NAMED.match(word):
            is_default = named["value"] in _DEFAULT_ARCHES
            found[f"-m{named['name']}"] = "" if is_default else word
        elif switch := _SWITCH.match(word):
            name = switch["name"].partition("=")[0]
            found[f"-{switch['group']}{name}"] = "" if switch["no"] else word
    return MappingProxyType({name: word for name, word in found.items() if word})


def macros(words: Sequence[str]) -> frozenset[str]:
    """Macros that a command defines, as "NAME" or "NAME=VALUE"; if one is set twice, both."""
    found: set[str] = set()
    given = iter(words)
    for word in given:
        if word == "-D":
            found.add(next(given, ""))
        elif word.startswith("-D"):
            found.add(word[2:])
    return frozenset(each.strip("\"'").replace("\\", "") for each in found)


def differences(one: Sequence[str], other: Sequence[str], *, with_macros: bool) -> tuple[str, ...]:
    """Relevant options that only one of two commands has, sorted.

    Args:
        one: Words of a command, or what an object records about it.
        other: Likewise.
        with_macros: Whether both include their macros.
    """
    first, second = telling(one), telling(other)
    vague = _is_expanded(first) or _is_expanded(second)
    found = {
        word
        for name in first.keys() | second.keys()
        if first.get(name) != second.get(name) and not (vague and name.startswith("-m"))
        for word in (first.get(name), second.get(name))
        if word
    }
    if with_macros:
        found |= {f"-D{name}" for name in macros(one) ^ macros(other)}
    return tuple(sorted(found))


def _is_expanded(options: Mapping[str, str]) -> bool:
    return any(word.partition("=")[2] in _EXPANDED for word in options.values())
