"""Signs: what lines of a log look like where a cause shows in it, and the finding that follows from them."""

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

# CMake breaks its messages at 77 characters. Atomic: white space without end costs no more than its length.
_GAP = r"(?>\s+)"
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[\d,]*\}|\(\?[^:<=!P(]*\)|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which a cause shows in a log.

    Attributes:
        words: What the line says, as `pattern_of` reads it.
        story: What happened, as a sentence with the pattern's named groups in braces; may be empty.
        command: The one command that fixes it, with groups in braces, which are quoted; may be empty.
        text: What to do, with groups in braces; empty for the cause's own words.
        package: What must be installed, as a name of `_package.PACKAGES`; its command is the fix.
        sure: Confidence of a finding by this sign.
        severity: What a finding by this sign means.
        also: What must be in the log too, anywhere; may be empty.
        unless: What must not be in the log; may be empty.
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
        """Where a log shows this sign, at most a few; nothing unless its conditions hold."""
        # Looking for a plain word first is a hundred times faster, and most patterns need never be compiled.
        if _word_in_all(self.words) not in log.text:
            return []
        found = list(log.hits(pattern_of(self.words), limit=_MAX_EVIDENCE))
        if not found or (self.also and not log.find(pattern_of(self.also))):
            return []
        return [] if self.unless and log.find(pattern_of(self.unless)) else found


@functools.cache
def pattern_of(words: str) -> re.Pattern[str]:
    """Compile a pattern in which a space stands for any white space, a line's end included.

    ``^`` and ``$`` are those of a line. White space that may not be a line's end is ``[ ]``.
    """
    return re.compile(_spread(words), re.MULTILINE)


def by_signs(cause: Cause, case: Case) -> Finding | None:
    """What a log shows of a cause; of several signs, the surest makes the finding, and of those the first."""
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
        # What a log says may be anything, and is typed as one word.
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
    """The longest word outside of groups, classes and what may be repeated or left out; empty if there is none."""
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
