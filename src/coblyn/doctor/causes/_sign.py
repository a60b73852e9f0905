"""Signs: patterns of log lines that indicate a cause, and the findings that follow from them."""

from __future__ import annotations

import functools
import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.causes._package import install, package_called
from coblyn.doctor.causes._system import system_of
from coblyn.doctor.finding import Confidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case, Cause
    from coblyn.doctor.log.log import Hit, Log

__all__ = ["Sign", "by_signs", "pattern_of"]

_MAX_EVIDENCE = 4
_MAX_GROUP = 160

# CMake wraps its messages at 77 characters. Atomic: endless white space costs time linear in its length.
_GAP = r"(?>\s+)"
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[\d,]*\}|\(\?[^:<=!P(]*\)|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which a cause shows in a log.

    Attributes:
        words: The pattern of the line, as `pattern_of` reads it.
        story: What happened, as a sentence with the pattern's named groups in braces; may be empty.
        command: The single command that fixes it, with groups in braces, which are quoted; may be empty.
        text: What to do, with groups in braces; empty for the cause's own words.
        package: What must be installed, as a name in `_package.PACKAGES`; its command is the fix.
        sure: Confidence of a finding from this sign.
        severity: Severity of a finding from this sign.
        also: Pattern that must also occur anywhere in the log; may be empty.
        unless: Pattern that must not occur in the log; may be empty.
    """

    words: str
    story: str = ""
    command: str = ""
    text: str = ""
    package: str = ""
    sure: Confidence = Confidence.HIGH
    severity: Severity = Severity.FAILURE
    also: str = ""
    unless: str = ""

    def hits(self, log: Log) -> list[Hit]:
        """The first few places where a log shows this sign; empty unless its conditions hold."""
        # Searching for a plain word first is a hundred times faster, and most patterns are never compiled.
        if _word_in_all(self.words) not in log.text:
            return []
        found = list(log.hits(pattern_of(self.words), limit=_MAX_EVIDENCE))
        if not found or (self.also and not log.find(pattern_of(self.also))):
            return []
        return [] if self.unless and log.find(pattern_of(self.unless)) else found


@functools.cache
def pattern_of(words: str) -> re.Pattern[str]:
    """Compile a pattern in which a space matches any white space, including a line end.

    ``^`` and ``$`` match at lines. White space that must not be a line end is ``[ ]``.
    """
    return re.compile(_spread(words), re.MULTILINE)


def by_signs(cause: Cause, case: Case) -> Finding | None:
    """Find a cause in a log by its signs. Of several that match, the first with the highest confidence is used."""
    log = case.log
    if log is None:
        return None
    seen = [(each, hits) for each in cause.signs if (hits := each.hits(log))]
    if not seen:
        return None
    best, hits = max(seen, key=lambda pair: pair[0].sure)
    said = {name: _short(text) for name, text in hits[0].match.groupdict().items()}
    lines = {hit.number: hit for _, group in [(best, hits), *seen] for hit in group}
    return cause.finding(
        *(hit.evidence(log.name) for hit in list(lines.values())[:_MAX_EVIDENCE]),
        story=(best.story.format_map(said), cause.explanation) if best.story else (),
        fix=_fix(cause, best, said, case),
        confidence=best.sure,
        severity=best.severity,
    )


def _fix(cause: Cause, by: Sign, said: dict[str, str], case: Case) -> Fix:
    text = by.text.format_map(said) or cause.fix
    if not by.package:
        # Text from a log may be anything; it is quoted as one word.
        quoted = {name: shlex.quote(word) for name, word in said.items()}
        return Fix(command=by.command.format_map(quoted), text=text)
    command, way = install(package_called(by.package.format_map(said)), system_of(case))
    return Fix(command=command, text=f"{way} {text}".strip())


def _short(text: str | None) -> str:
    words = " ".join((text or "").split())
    return words if len(words) <= _MAX_GROUP else words[: _MAX_GROUP - 1] + "…"


def _spread(words: str) -> str:
    return "".join(_GAP if each == " " else each for each in _TOKEN.findall(words))


@functools.cache
def _word_in_all(words: str) -> str:
    """The longest word outside groups, classes, and repeated or optional parts; empty if there is none."""
    flat: list[str] = []
    depth = 0
    for each in _TOKEN.findall(words):
        if each == "|" and depth == 0:
            return ""
        depth += (each == "(") - (each == ")")
        if (each in "?*" or each[0] == "{") and flat:
            flat[-1] = " "
        is_plain = depth == 0 and len(each) == 1 and (each.isalnum() or each == "_")
        flat.append(each if is_plain else " ")
    return max("".join(flat).split(), key=len, default="")
