"""Facts to paste into a bug report: what failed and where, without the names of people and machines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from coblyn import __version__

if TYPE_CHECKING:
    from coblyn.doctor.cause import Case
    from coblyn.doctor.finding import Diagnosis
    from coblyn.native.facts import Facts

__all__ = ["report", "without_names"]

_MAX_LINES = 60
_MAX_LINE = 400

_SECRETS = (
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), "<password>"),
    (
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|hf_\w{20,}|sk-[\w-]{20,}|glpat-[\w-]{16,}|AKIA[A-Z0-9]{16})"
        ),
        "<token>",
    ),
    (
        # A separate word or the end of one, as in HF_TOKEN.
        re.compile(
            r"(?i)(?<![^\W_])((?:api[_-]?key|token|passw(?:or)?d|secret(?:_access)?(?:_key)?)\s*[=:]\s*)[^\s'\"]+"
        ),
        r"\1<secret>",
    ),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*[A-Za-z]\b"), "<address>"),
)
_HOMES = (
    (re.compile(r"(/(?:Users|home)/)(?!Shared\b|linuxbrew\b|runner\b)[^/\s:'\"]+"), r"\1<user>"),
    (re.compile(r"(?i)([a-z]:[\\/]+Users[\\/]+)(?!Public\b)[^\\/:'\"\n]+"), r"\1<user>"),
)


def without_names(text: str, *, user: str = "", home: str = "", host: str = "") -> str:
    """A text without home directories, passwords, tokens, addresses and the given names.

    Args:
        text: Any text; paths from other machines are recognised by their form.
        user: Name of the user here.
        home: Home directory of the user here.
        host: Name of this machine.
    """
    if len(home) > 1:
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    for pattern, instead in (*_SECRETS, *_HOMES):
        text = pattern.sub(instead, text)
    for name, instead in ((user, "<user>"), (host, "<host>")):
        # A name such as "root" or "me" is not a secret, and would cut other words to pieces.
        if len(name) > 2 and name not in ("root", "user", "localhost"):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", instead, text)
    return text


def report(case: Case, diagnosis: Diagnosis, machine: Facts) -> str:
    """The facts as Markdown, with names still in it."""
    lines = [f"Coblyn {__version__} doctor", ""]
    lines += [f"- {fact.name}: {_cut(fact.value)}" for fact in machine if fact.value]
    lines += ["", "Findings:"]
    lines += [
        f"- {finding.cause} ({finding.confidence.name.lower()})" for finding in diagnosis.findings
    ] or ["- none"]
    if diagnosis.first_error:
        lines += ["", "First error:", "```", *map(_cut, diagnosis.first_error), "```"]
    if case.log:
        tail = case.log.text.splitlines()[-_MAX_LINES:]
        lines += ["", f"End of the log, of {case.log.total} lines:", "```", *map(_cut, tail), "```"]
    return "\n".join(lines) + "\n"


def _cut(line: str) -> str:
    return line if len(line) <= _MAX_LINE else line[:_MAX_LINE] + "…"
