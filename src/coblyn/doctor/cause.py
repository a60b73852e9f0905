"""Causes, and the case that they examine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coblyn.doctor.finding import Confidence, Evidence, Finding, Fix, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from coblyn.doctor.causes._sign import Sign
    from coblyn.doctor.log.log import Log
    from coblyn.doctor.tree.tree import Tree
    from coblyn.native.audit.report import AuditReport
    from coblyn.native.facts import Facts

__all__ = ["Case", "Cause", "Diagnose"]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything known when a diagnosis is made. A cause uses what is present and requests nothing more.

    Attributes:
        log: The output of a build, or None.
        tree: A source tree, or None.
        machine: Facts about the build machine; None if it may not be this machine (a pasted log).
        environ: Environment of the build; empty if unknown.
        binaries: Results of an audit of object files and libraries, or None.
    """

    log: Log | None = None
    tree: Tree | None = None
    machine: Facts | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    binaries: AuditReport | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """One entry of the catalogue.

    Attributes:
        id: Short name in lower case with dashes, for ``--explain``.
        title: The cause in a few words.
        looks_like: What the user sees.
        needs: The evidence that the diagnosis rests on.
        explanation: Why it happens, in plain words.
        fix: What to do, in plain words.
        links: Public threads about it.
        diagnose: Looks at a case; None if the evidence is not there. Must be quick, pure, and never raise on odd text.
        explains: Ids of causes that are only symptoms when this one is found.
        is_last: It only reports what failed; omitted if another cause of a failure is known.
        signs: Log patterns that identify it, if a log alone is enough.
    """

    id: str
    title: str
    looks_like: str
    needs: str
    explanation: str
    fix: str
    links: tuple[str, ...]
    diagnose: Diagnose
    explains: tuple[str, ...] = ()
    is_last: bool = False
    signs: tuple[Sign, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As JSON, without the function and the signs that detect it."""
        return {
            "id": self.id,
            "title": self.title,
            "looks_like": self.looks_like,
            "needs": self.needs,
            "explanation": self.explanation,
            "fix": self.fix,
            "links": list(self.links),
        }

    def finding(
        self,
        *evidence: Evidence,
        story: tuple[str, ...] = (),
        fix: Fix | None = None,
        confidence: Confidence = Confidence.HIGH,
        severity: Severity = Severity.FAILURE,
    ) -> Finding:
        """A finding of this cause; story and fix default to the entry's own words."""
        return Finding(
            self.id,
            self.title,
            confidence,
            severity,
            story or (self.explanation,),
            evidence,
            fix or Fix(text=self.fix),
        )


Diagnose = Callable[[Case], "Finding | None"]
