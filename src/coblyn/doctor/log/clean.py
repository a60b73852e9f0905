"""Restores lines as the tool wrote them: removes what terminals, pip, Docker, CI services and people added."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from coblyn.doctor.log.english import english

__all__ = ["clean"]

_MAX_LINE = 2_000
_MAX_SEGMENTS = 8

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # operating system commands: links, titles
    r"|\x1b\[[0-9;:?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]"
    # Colours whose escape was lost when the log was pasted: GCC's, then any others.
    r"|\[(?:\d{1,2}(?:;\d{1,3})*)?m\[K"
    r"|\[\d{1,2}(?:;\d{1,3})*m"
)
# From a page copied as HTML source.
_TAGS = re.compile(
    r"</?(?:b|i|u|em|strong|font|span|code|pre|summary|details|kbd|p)(?: [^<>\n]{0,200})?>"
)
_END_TAG = re.compile(r"</(?:b|i|u|em|strong|font|span|code|pre|summary|details|kbd|p)>")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u200b\ufeff]")
_QUOTES = str.maketrans(
    dict.fromkeys("\u2018\u2019", "'")
    | dict.fromkeys("\u201c\u201d", '"')
    | {"\uff1a": ": "}
    | dict.fromkeys("\u00a0\u202f\u2009\u2007\u2028\u2029\x85", " ")
)
# UTF-8 that a Windows program decoded with its own code page.
_MOJIBAKE = re.compile("\u00e2\u20ac[\u02dc\u2122\x98\x99]")

_PREFIXES = re.compile(
    # `gh run view --log`: job, step, time
    r"^[^\t\n]{1,200}\t[^\t\n]{1,200}\t\d{4}-\d\d-\d\dT[\d:.]+Z ?"
    # GitHub Actions, Azure Pipelines, Jenkins
    r"|^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]? "
    # Docker BuildKit, and its summary of failures
    r"|^#\d{1,4} (?:\d+\.\d+ |(?=ERROR|DONE|CACHED|CANCELED|\[))"
    r"|^ > \[.*?\]:?$"
    # Docker Compose
    r"|^[a-z][\w.-]{0,60}-\d+ {1,20}\| "
    # Open Build Service
    r"|^\[ *\d+s\] "
    # quotes in a thread; `>>>` is LLD's
    r"|^> (?:> )*|^>$"
    # Nix
    r"|^[a-z][\w+.-]{0,60}> (?=\S)"
    r"|^##\[(?:error|warning|group|endgroup|command|section|debug|notice)\]"
    r"|^::(?:error|warning|group|notice)[^:]{0,200}::"
)
_MAX_PREFIXES = 3
_DOCKER_TIME = re.compile(r"^(?:>>> )?\d{1,6}\.\d{1,4} (?=\S)")
_PIP_MARK = re.compile(r"^ *[│|] {1,2}|^ *[╰└]─> ?|^ *\u00d7 ")
_PIP_START = re.compile(r"^\s*(?:[╰└]─> )?\[(?:\d+ lines? of|end of)? ?output\]$")
_FENCE = re.compile(r"^\s*(?:```|~~~)[\w-]*\s*$")


def clean(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, str]]:
    """Convert numbered lines from bytes to cleaned text.

    A line that was overwritten with carriage returns becomes its last few states. Curly quotes, which
    compilers write in some locales, become straight quotes. Indentation by pip is removed.
    """
    is_pip = is_docker = False
    for number, raw in lines:
        for segment in _segments(raw):
            is_docker = is_docker or (segment.startswith("#") and " DONE " in segment)
            line = _without_prefixes(segment)
            if is_docker:
                line = _DOCKER_TIME.sub("", line)
            if _PIP_START.match(line):
                is_pip = "end of" not in line
            elif is_pip:
                line = line.removeprefix("      ")
            yield number, english(_without_marks(line))


def _segments(raw: bytes) -> list[str]:
    text = _decoded(raw).rstrip("\r")
    if "\r" not in text:
        return [_text(text)]
    parts = [part for part in text.split("\r") if part.strip()]
    return [_text(part) for part in parts[-_MAX_SEGMENTS:]] or [""]


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # A few odd bytes among UTF-8, or one of Windows' code pages. Which one matters little: the tools' own texts are
        # ASCII.
        text = raw.decode(errors="replace")
        return raw.decode("cp1252", errors="replace") if "\ufffd" in text else text


def _text(text: str) -> str:
    if len(text) > _MAX_LINE:
        text = f"{text[: _MAX_LINE * 3 // 4]} … {text[-_MAX_LINE // 4 :]}"
    if text.isascii() and text.isprintable() and "[" not in text and "</" not in text:
        return text
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    if "</" in text and _END_TAG.search(text):
        text = _TAGS.sub("", text)
    return text if text.isascii() else _MOJIBAKE.sub("'", text).translate(_QUOTES)


def _without_prefixes(line: str) -> str:
    for _ in range(_MAX_PREFIXES):
        found = _PREFIXES.match(line)
        if not found:
            break
        line = line[found.end() :]
    return line


def _without_marks(line: str) -> str:
    if line[:12].isascii():
        return "" if _FENCE.match(line) else line
    found = _PIP_MARK.match(line)
    return line[found.end() :] if found else line
