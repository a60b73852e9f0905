"""Symbols that a linker did not find, as reported by every linker.

Formats: GNU ld, gold, mold, LLD (ELF, Mach-O, COFF), Apple's ld (both), zig, MSVC's link; and of the loader at run
time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from coblyn.doctor.log.log import Hit, Log

__all__ = ["Undefined", "at_run_time", "undefined"]

_LIMIT = 2000
_MAX_SYMBOL = 600

_GNU = re.compile(
    r"undefined reference"
    r"(?: to [`'\"](?P<symbol>[^'\"\n]+?)['\"](?:$|[\s;,.])| to (?P<bare>[\w:@$.~]+)$|: (?P<plain>\S+))",
    re.MULTILINE,
)
_LLD = re.compile(
    r"error: undefined symbol(?: definition)?: (?P<symbol>[^\n]+)(?:\n[ \t]*(?:>>>|note:) referenced by "
    r"(?P<by>[^\n]*))?"
    r"(?:\n[ \t]*>>>[ \t]+(?P<place>[^\n]*))?"
)
_APPLE = re.compile(
    r"^[ \t]*\"(?P<symbol>[^\"\n]+)\", referenced from:\n[ \t]*(?P<by>[^\n]*)", re.MULTILINE
)
_MSVC = re.compile(
    r"unresolved external symbol (?:\"(?P<shown>[^\"\n]+)\" \((?P<mangled>[^\s()]+)\)|(?P<symbol>[^\s\"]+))"
    r"(?: referenced in function (?P<by>[^\n]*))?"
)
_RUN_TIME = re.compile(
    r"(?P<by>[^\s:'\"]+): undefined symbol: (?P<symbol>[^\s,]+)"
    r"|[Ss]ymbol not found(?: in flat namespace)?:? '?\(?(?P<apple>_[^\s')]+)"
)
_HEAD = re.compile(r"(?m)^(?:\S*ld(?:\.\w+)?(?:\.exe)?: )?([^\n]*?): [Ii]n function ")
_OBJECT = re.compile(
    r"[^\s:;'`\"(]+\.(?:obj|o|lo|a|lib|so|dylib)(?:[.\d]*)(?:\([^)\n]*\))?(?![\w.])"
)


@dataclass(frozen=True, slots=True)
class Undefined:
    """A symbol that something references but nothing in the link defines.

    Attributes:
        symbol: In the linker's spelling, without the underscore that Mach-O puts before every name.
        by: What references it: an object, a library or a function; may be empty.
        hit: The place in the log.
    """

    symbol: str
    by: str
    hit: Hit


def undefined(log: Log) -> tuple[Undefined, ...]:
    """All symbols that the linker did not find according to a log, each once."""
    found: dict[str, Undefined] = {}
    for each in _at_link(log):
        if each.symbol and len(each.symbol) <= _MAX_SYMBOL:
            found.setdefault(each.symbol, each)
    return tuple(found.values())


def at_run_time(log: Log) -> tuple[Undefined, ...]:
    """All symbols that the loader did not find when a program or a Python extension was started."""
    found: dict[str, Undefined] = {}
    if "undefined symbol: " in log or "ymbol not found" in log:
        for hit in log.hits(_RUN_TIME, limit=_LIMIT):
            if not re.search(r"\b(?:ld|lld|mold)\S*: error|error: undefined", hit.line):
                symbol = hit["symbol"] or hit["apple"].removeprefix("_")
                found.setdefault(symbol, Undefined(symbol, hit["by"], hit))
    return tuple(found.values())


def _at_link(log: Log) -> Iterator[Undefined]:
    if "undefined reference" in log:
        for hit in log.hits(_GNU, limit=_LIMIT):
            symbol = hit["symbol"] or hit["bare"] or hit["plain"]
            yield Undefined(symbol.removeprefix("__imp_"), _by(log, hit), hit)
    if "referenced from:" in log:
        for hit in log.hits(_APPLE, limit=_LIMIT):
            yield Undefined(hit["symbol"].removeprefix("_"), hit["by"].strip(), hit)
    if "unresolved external symbol" in log:
        for hit in log.hits(_MSVC, limit=_LIMIT):
            symbol = hit["symbol"] or hit["shown"]
            yield Undefined(symbol.removeprefix("__imp_"), hit["by"].strip(), hit)
    if "undefined symbol" in log:
        for hit in log.hits(_LLD, limit=_LIMIT):
            yield Undefined(
                hit["symbol"].strip().removeprefix("__imp_"),
                (hit["place"] or hit["by"]).strip(),
                hit,
            )


def _by(log: Log, hit: Hit) -> str:
    """What references a symbol, for GNU ld: in the line itself, or the last one that names a function's object."""
    before = hit.line[: hit.line.find("undefined reference")]
    own = _OBJECT.findall(before)
    if own:
        return str(own[-1])
    start = hit.match.start()
    heads = list(_HEAD.finditer(log.text, max(0, start - 4000), start))
    objects = _OBJECT.findall(heads[-1][1]) if heads else []
    return str(objects[-1]) if objects else ""
