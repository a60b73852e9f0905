"""Symbols that a linker found twice, as reported by every linker.

Formats: Apple's ld (both), LLD (ELF, Mach-O, COFF), zig, GNU ld, gold, mold, MSVC's link.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.finding import Confidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coblyn.doctor.cause import Cause
    from coblyn.doctor.finding import Finding, Fix
    from coblyn.doctor.log.log import Hit, Log

__all__ = [
    "SUMMARY",
    "Duplicate",
    "Pair",
    "archive",
    "carried",
    "compiled_from",
    "defined_in_both",
    "duplicates",
    "file_name",
    "member",
    "pairs",
    "stem",
    "twice",
]

_LIMIT = 2000
_MAX_EVIDENCE = 4

_OBJECT = r"[^\s;:'\"`]*?[^\s;:'\"`(]\.(?:obj|o|lo|a|lib|so|dylib|dll)(?:\[\d+\])?(?:\([^)\n]*\))?"
_ANY_OBJECT = re.compile(rf"(?:[A-Za-z]:)?{_OBJECT}(?![\w.])")
_IN_ARCHIVE = re.compile(r"(\S+?):\(.*\) in archive (\S+)")

_APPLE = re.compile(
    r"duplicate symbol '?(?P<symbol>[^\n]+?)'? in:\n[ \t]*(?P<first>[^\n]+)\n[ \t]*(?P<second>[^\n]+)"
    r"(?P<more>(?:\n[ \t]+[^\n]*\.(?:o|a)\b[^\n]*){0,50})"
)
_LLD = re.compile(
    r"duplicate symbol(?: definition)?: (?P<symbol>[^\n]+)\n(?P<where>(?:[ \t]*(?:>>>|note:)[^\n]*(?:\n|$)){2,10})"
)
_MOLD = re.compile(r"duplicate symbol: (?P<first>\S+): (?P<second>\S+): (?P<symbol>[^\n]+)")
_GNU = re.compile(
    r"multiple definition of [`'](?P<symbol>[^'\n]+)'(?:[;:] ?|\n)(?P<first>[^\n]*): first defined here"
)
_GOLD = re.compile(
    r"error: (?P<second>\S+): multiple definition of '(?P<symbol>[^'\n]+)'\n"
    r"[^\n]*?: (?P<first>\S+): previous definition here"
)
_MSVC = re.compile(
    r"^[ \t]*(?:\d+>)?(?P<second>[^\s:][^\n:]*?(?::[^\n:]*?)?) ?: error LNK2005: (?P<symbol>[^\n]+?)"
    r" already defined in (?P<first>[^\s\[]+)",
    re.MULTILINE,
)
_CARRIED = re.compile(
    r"^_?(ggml|gguf|llama|whisper|stbi|sd_|cJSON|sqlite3|png|inflate|deflate|ZSTD|LZ4|jpeg|av|sws|"
    r"__rust|_?rust_|___rust|__rdl|___rdl|SDL)_"
)
_MEMBER = re.compile(r"(.+?\.(?:a|lib))(?:\[\d+\])?\(([^()]+)\)$")
SUMMARY = re.compile(r"\bld: (\d{1,6}) duplicate symbols?\b")
"""Apple's linker: the number of duplicate symbols."""
_IN_FUNCTION = re.compile(r"(?m)^(?:\S*ld(?:\.\w+)?(?:\.exe)?: )?([^\n]*?): [Ii]n function ")
_SOURCE = r"(\S+\.(?:c|cc|cpp|cxx|m|mm|cu))(?=\s|$)"
_COMPILE = re.compile(
    rf"(?m)^[^\n]*?[ \t]{_SOURCE}[ \t](?:[^\n]*?[ \t])?-o[ \t]*(\S+\.o(?:bj)?)(?=\s|$)"
)
_COMPILE_OUTPUT_FIRST = re.compile(
    rf"(?m)^[^\n]*?[ \t]-o[ \t]*(\S+\.o(?:bj)?)[ \t](?:[^\n]*?[ \t])?{_SOURCE}"
)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A symbol that two files define.

    Attributes:
        symbol: In the linker's spelling.
        first: The file that was linked first; a member of an archive is ``libx.a(member.o)``.
        second: The other one.
        hit: The place in the log.
    """

    symbol: str
    first: str
    second: str
    hit: Hit


@dataclass(frozen=True, slots=True)
class Pair:
    """Two files with symbols in common.

    Attributes:
        first: One file.
        second: The other one.
        duplicates: The symbols that both define.
    """

    first: str
    second: str
    duplicates: tuple[Duplicate, ...]


def duplicates(log: Log) -> tuple[Duplicate, ...]:
    """All symbols that a log shows to be defined twice, each once."""
    found: dict[tuple[str, str, str], Duplicate] = {}
    if "uplicate symbol" in log or "ultiple definition" in log or "LNK2005" in log:
        for each in _all(log):
            found.setdefault((each.symbol, each.first, each.second), each)
    return tuple(found.values())


def pairs(found: Iterable[Duplicate]) -> tuple[Pair, ...]:
    """The pairs of files that define the same symbols, largest number of symbols first."""
    groups: dict[tuple[str, str], list[Duplicate]] = {}
    for each in found:
        key = (each.first, each.second)
        groups.setdefault(key if key[::-1] not in groups else key[::-1], []).append(each)
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    return tuple(Pair(first, second, tuple(group)) for (first, second), group in ordered)


def twice(
    cause: Cause,
    log: Log,
    pair: Pair,
    *why: str,
    fix: Fix | None = None,
    confidence: Confidence = Confidence.MEDIUM,
) -> Finding:
    """The finding that a link failed because of symbols that a pair of files has in common.

    Args:
        cause: The entry that explains it.
        log: The log that the pair was found in.
        pair: The two files.
        *why: The story, following the sentence that says what is defined where.
        fix: What to do; None for the entry's own words.
        confidence: How sure the explanation is.
    """
    return cause.finding(
        *(each.hit.evidence(log.name) for each in pair.duplicates[:_MAX_EVIDENCE]),
        story=(defined_in_both(log, pair), *why),
        fix=fix,
        confidence=confidence,
    )


def defined_in_both(log: Log, pair: Pair) -> str:
    """What failed, as a sentence. If Apple's ld lists only some of the symbols, the number is from its count."""
    summary = log.find(SUMMARY)
    count = max(len(pair.duplicates), int(summary[1]) if summary else 0)
    symbols = f"{count} symbols are" if count > 1 else f"{pair.duplicates[0].symbol} is"
    return f"The link failed: {symbols} defined in both {pair.first} and {pair.second}."


def archive(path: str) -> str:
    """The library that ``libx.a(member.o)`` is in; empty for an object outside a library."""
    found = _MEMBER.match(path)
    return found[1] if found else ""


def member(path: str) -> str:
    """``member.o`` of ``libx.a(member.o)``, or an object's own name."""
    found = _MEMBER.match(path)
    return file_name(found[2] if found else path)


def carried(pair: Pair) -> str:
    """The commonly bundled library that the pair's symbols belong to, by their prefix; empty if none."""
    found = [_CARRIED.match(each.symbol) for each in pair.duplicates]
    names = {match[1].strip("_") for match in found if match}
    if names:
        return names.pop() if len(names) == 1 else ", ".join(sorted(names)[:2])
    # Copies of a library have objects of the same name in the archives of different packages.
    one = stem(pair.first)
    both = archive(pair.first) and archive(pair.second) and one == stem(pair.second)
    return one if both and _CARRIED.match(f"{one}_") else ""


def stem(path: str) -> str:
    """Name of an object or archive member, without directories and extensions: ``ggml-backend``."""
    return re.sub(r"(?:\.(?:c|cc|cpp|cxx|m|mm|cu))?\.(?:o|obj|lo|a|lib)$", "", member(path))


def compiled_from(log: Log) -> dict[str, str]:
    """The source of each object, from the compiler commands in the log; both names without directories."""
    sources: dict[str, str] = {}
    for pattern, source, output in ((_COMPILE, 1, 2), (_COMPILE_OUTPUT_FIRST, 2, 1)):
        for hit in log.hits(pattern, limit=_LIMIT):
            if " -c" in hit.line or "\t-c" in hit.line:
                sources.setdefault(file_name(hit[output]), file_name(hit[source]))
    return sources


def file_name(path: str) -> str:
    """A path without its directories; handles slashes and backslashes."""
    return path.replace("\\", "/").rpartition("/")[2]


def _all(log: Log) -> Iterator[Duplicate]:
    for pattern in (_APPLE, _MOLD, _GOLD, _MSVC):
        for hit in log.hits(pattern, limit=_LIMIT):
            yield Duplicate(hit["symbol"].strip(), hit["first"].strip(), hit["second"].strip(), hit)
            for further in (hit["more"] if pattern is _APPLE else "").split("\n")[1:]:
                yield Duplicate(hit["symbol"].strip(), hit["first"].strip(), further.strip(), hit)
    for hit in log.hits(_LLD, limit=_LIMIT):
        files = _lld_files(hit["where"])
        if len(files) > 1:
            yield Duplicate(hit["symbol"].strip(), files[0], files[1], hit)
    for hit in log.hits(_GNU, limit=_LIMIT):
        first, second = _object_in(hit["first"]), _gnu_second(log, hit)
        if first and second:
            yield Duplicate(hit["symbol"], first, second, hit)


def _lld_files(where: str) -> list[str]:
    """The object of each definition. LLD prints the source line before it, if known."""
    files: list[str] = []
    for part in re.split(r"(?:>>>|note:) defined (?:at|in|by) ", where)[1:]:
        archived = _IN_ARCHIVE.search(part)
        name = f"{archived[2]}({file_name(archived[1])})" if archived else _object_in(part)
        if name:
            files.append(name)
    return files


def _gnu_second(log: Log, hit: Hit) -> str:
    """The second object that GNU ld reports: in the line itself, or in the last line that names a function's object."""
    before = hit.line[: hit.line.find("multiple definition of")]
    own = _object_in(before)
    if own:
        return own
    start = hit.match.start()
    heads = list(_IN_FUNCTION.finditer(log.text, max(0, start - 4000), start))
    return _object_in(heads[-1][1]) if heads else ""


def _object_in(text: str) -> str:
    names = _ANY_OBJECT.findall(text)
    return names[-1] if names else ""
