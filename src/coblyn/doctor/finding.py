"""The doctor's results: evidence, fix, finding, diagnosis. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Confidence",
    "Diagnosis",
    "Evidence",
    "Finding",
    "Fix",
    "Severity",
    "Step",
    "StepKind",
]


class Confidence(IntEnum):
    """How sure a finding is.

    HIGH: the evidence allows no other known cause. MEDIUM: the usual cause of the evidence.
    LOW: worth checking.
    """

    LOW = 1
    MEDIUM = 2
    HIGH = 3


class Severity(StrEnum):
    """Severity of a finding: the build fails because of it, it will cause trouble later, or it is only informative."""

    FAILURE = "failure"
    RISK = "risk"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One observation.

    Attributes:
        source: Its origin: "log", a path (as the user would write it), "environment", "this machine".
        line: Line number there, from 1; 0 if there are no lines.
        text: Its content, at most a few hundred characters.
    """

    source: str
    line: int
    text: str


class StepKind(StrEnum):
    """What a step of a fix does to a file. Both are moves, so that both can be undone."""

    ASIDE = "aside"
    """Rename a user's file to a dated name in the same directory."""
    CLEAR = "clear"
    """Move something that a build made into the doctor's own directory."""


@dataclass(frozen=True, slots=True)
class Step:
    """One action that ``--fix`` can perform.

    Attributes:
        kind: The action.
        path: The file or directory, absolute.
        reason: Why, as a phrase ("defines koboldcpp_default again").
    """

    kind: StepKind
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What makes the build pass.

    Attributes:
        command: The single command to run; empty if no command can do it.
        text: What to do, as a sentence.
        steps: What the doctor can do automatically; empty if only the user can (see `Finding.safe_steps`).
    """

    command: str = ""
    text: str = ""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause that was found.

    Attributes:
        cause: Id of the cause in the catalogue, such as "makefile-local".
        title: The cause in a few words.
        confidence: How sure the finding is.
        severity: How serious it is.
        story: What happened, a sentence or two an entry, in the order in which a person wants to hear it: what failed,
            why, what does not help and why. Names the real files, targets and symbols.
        evidence: Its evidence, strongest first.
        fix: What to do.
    """

    cause: str
    title: str
    confidence: Confidence
    severity: Severity
    story: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    fix: Fix

    @property
    def safe_steps(self) -> tuple[Step, ...]:
        """The steps of ``--fix``: none unless the confidence is high and something is wrong."""
        is_sure = self.confidence is Confidence.HIGH and self.severity is not Severity.NOTE
        return self.fix.steps if is_sure else ()

    def to_json(self) -> dict[str, Any]:
        """As JSON, with paths as text and confidence as a word."""
        return {
            "cause": self.cause,
            "title": self.title,
            "confidence": self.confidence.name.lower(),
            "severity": self.severity.value,
            "story": list(self.story),
            "evidence": [
                {"source": each.source, "line": each.line, "text": each.text}
                for each in self.evidence
            ],
            "fix": {
                "command": self.fix.command,
                "text": self.fix.text,
                "steps": [
                    {"kind": step.kind.value, "path": str(step.path), "reason": step.reason}
                    for step in self.fix.steps
                ],
            },
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings of one case.

    Attributes:
        findings: The most certain and severe first; those explained by another finding are omitted.
        first_error: The first real error's lines, if something failed; empty otherwise.
        failed: Whether there is a sign of failure at all, explained or not.
    """

    findings: tuple[Finding, ...]
    first_error: tuple[str, ...] = ()
    failed: bool = False

    @property
    def is_clean(self) -> bool:
        """Nothing failed and nothing is wrong; notes do not count."""
        return not self.failed and all(
            finding.severity is Severity.NOTE for finding in self.findings
        )

    @property
    def is_explained(self) -> bool:
        """A cause of the failure was found with more than low confidence."""
        return any(
            finding.severity is Severity.FAILURE and finding.confidence > Confidence.LOW
            for finding in self.findings
        )
