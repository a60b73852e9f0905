"""Causes that lines of a log tell: what a line looks like in, an entry of the catalogue out."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from coblyn.doctor.cause import Cause
from coblyn.doctor.causes._package import install, package_called
from coblyn.doctor.causes._system import system_of
from coblyn.doctor.finding import Confidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from coblyn.doctor.cause import Case
    from coblyn.doctor.log.log import Hit, Log

__all__ = ["Sign", "log_cause", "pattern_of", "sign"]

_MAX_EVIDENCE = 4
_MAX_GROUP = 160

# CMake breaks its messages at 77 letters. Atomic: white space without end costs no more than its length.
_GAP = r"(?>\s+)"
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[\d,]*\}|\(\?[^:<=!P(]*\)|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sign:
    """One way in which a cause shows in a log.

    Attributes:
        pattern: What the line says.
        word: A word that is in every match, looked for first because that is a hundred times faster; may be empty.
        story: What happened, as a sentence with the pattern's named groups in braces; may be empty.
        command: The one command that fixes it, with groups in braces, which are quoted; may be empty.
        text: What to do, with groups in braces; empty for the cause's own words.
        package: What must be installed, as a name of `_package.PACKAGES`; its command is the fix.
        sure: Confidence of a finding by this sign.
        severity: What a finding by this sign means.
        also: What must be in the log too, anywhere.
        unless: What must not be in the log.
    """

    pattern: re.Pattern[str]
    word: str = ""
    story: str = ""
    command: str = ""
    text: str = ""
    package: str = ""
    sure: Confidence = Confidence.HIGH
    severity: Severity = Severity.FAILURE
    also: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None

    def hits(self, log: Log) -> list[Hit]:
        """Where a log shows this sign, at most a few; nothing unless its conditions hold."""
        if self.word not in log.text:
            return []
        found = list(log.hits(self.pattern, limit=_MAX_EVIDENCE))
        if not found or (self.also and not log.find(self.also)):
            return []
        return [] if self.unless and log.find(self.unless) else found


def pattern_of(words: str) -> re.Pattern[str]:
    """Compile a pattern in which a space stands for any white space, a line's end included.

    ``^`` and ``$`` are those of a line. White space that may not be a line's end is ``[ ]``.
    """
    return re.compile(_spread(words), re.MULTILINE)


def sign(
    words: str,
    story: str = "",
    *,
    command: str = "",
    text: str = "",
    package: str = "",
    sure: Confidence = Confidence.HIGH,
    severity: Severity = Severity.FAILURE,
    also: str = "",
    unless: str = "",
) -> Sign:
    """Make a sign; ``words``, ``also`` and ``unless`` are read as `pattern_of` does."""
    return Sign(
        pattern_of(words),
        _word_in_all(words),
        story,
        command,
        text,
        package,
        sure,
        severity,
        pattern_of(also) if also else None,
        pattern_of(unless) if unless else None,
    )


def log_cause(
    name: str,
    title: str,
    *signs: Sign,
    looks_like: str,
    explanation: str,
    fix: str,
    links: tuple[str, ...],
    needs: str = "The line of the log that says so.",
    explains: tuple[str, ...] = (),
    is_last: bool = False,
) -> Cause:
    """An entry of the catalogue that is told by lines of a log alone.

    Args:
        name: Id of the cause.
        title: The cause in a few words.
        *signs: The surest first; of those that a log shows, the surest makes the finding.
        looks_like: What the user sees.
        explanation: Why it happens.
        fix: What to do.
        links: Public threads about it.
        needs: The evidence that the diagnosis rests on.
        explains: Ids of causes that are only symptoms of this one.
        is_last: As in `Cause`.
    """

    def diagnose(case: Case) -> Finding | None:
        return _diagnose(entry, signs, case)

    entry = Cause(
        name,
        title,
        looks_like,
        needs,
        explanation,
        fix,
        links,
        diagnose,
        explains=explains,
        is_last=is_last,
    )
    return entry


def _diagnose(entry: Cause, signs: Iterable[Sign], case: Case) -> Finding | None:
    log = case.log
    if log is None:
        return None
    seen = [(each, hits) for each in signs if (hits := each.hits(log))]
    if not seen:
        return None
    best, hits = max(seen, key=lambda pair: pair[0].sure)
    said = {name: _short(text) for name, text in hits[0].match.groupdict().items()}
    lines = {hit.number: hit for _, group in [(best, hits), *seen] for hit in group}
    return entry.finding(
        *(hit.evidence(log.name) for hit in list(lines.values())[:_MAX_EVIDENCE]),
        story=(best.story.format_map(said), entry.explanation) if best.story else (),
        fix=_fix(entry, best, said, case),
        confidence=best.sure,
        severity=best.severity,
    )


def _fix(entry: Cause, by: Sign, said: dict[str, str], case: Case) -> Fix:
    text = by.text.format_map(said) or entry.fix
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


def _word_in_all(words: str) -> str:
    """The longest word outside of groups, classes and what may be repeated or left out."""
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
