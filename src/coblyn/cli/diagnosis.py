"""Shows a diagnosis on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coblyn.cli.text import shown
from coblyn.doctor.finding import Confidence, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from coblyn.doctor.cause import Cause
    from coblyn.doctor.finding import Diagnosis, Evidence, Finding, Fix
    from coblyn.doctor.repair import Move

__all__ = [
    "show_cause",
    "show_causes",
    "show_diagnosis",
    "show_finding",
    "show_findings",
    "show_moves",
]

_MAX_EVIDENCE = 5
_MARKS = {
    Severity.FAILURE: ("✗", "bold red"),
    Severity.RISK: ("!", "bold yellow"),
    Severity.NOTE: ("·", "cyan"),
}
_SURE = {Confidence.HIGH: "sure", Confidence.MEDIUM: "likely", Confidence.LOW: "possible"}


def show_diagnosis(
    console: Console, diagnosis: Diagnosis, subject: str, *, offers_fix: bool
) -> None:
    """Show the findings with explanations, or that there are none.

    Args:
        console: The output.
        diagnosis: The diagnosis.
        subject: The subject as the user would type it.
        offers_fix: Whether to offer the doctor's fix.
    """
    show_findings(console, diagnosis, subject if offers_fix else "")
    if diagnosis.is_clean:
        console.print("[green]✓[/] ", end="")
        console.print(shown(f"Nothing is wrong: {subject}"), markup=False, highlight=False)
    elif diagnosis.failed and not diagnosis.is_explained:
        _show_unknown(console, diagnosis)


def show_findings(console: Console, diagnosis: Diagnosis, subject: str = "") -> None:
    """Show the findings with explanations.

    Args:
        console: The output.
        diagnosis: The diagnosis.
        subject: The subject of ``--fix``; empty if it is not offered.
    """
    for finding in diagnosis.findings:
        show_finding(console, finding, subject)


def show_moves(console: Console, moves: Sequence[Move], *, undone: bool) -> None:
    """Show the files that a fix or its undo has moved."""
    for move in moves:
        if undone:
            console.print(shown(f"  {move.target} → {move.source}"), markup=False, highlight=False)
        else:
            why = f"  ({move.reason})" if move.reason else ""
            console.print(
                shown(f"  {move.source} → {move.target}{why}"), markup=False, highlight=False
            )


def show_causes(console: Console, causes: Iterable[Cause]) -> None:
    """Show the catalogue, one line per cause."""
    entries = list(causes)
    width = max((len(cause.id) for cause in entries), default=0)
    for cause in entries:
        console.print(f"{cause.id:{width}}  {cause.title}", markup=False, highlight=False)


def show_cause(console: Console, cause: Cause) -> None:
    """Show one entry of the catalogue."""
    console.print(cause.title, style="bold", markup=False)
    for name, text in (
        ("Looks like", cause.looks_like),
        ("Why", cause.explanation),
        ("Fix", cause.fix),
        ("Found by", cause.needs),
    ):
        console.print()
        console.print(name, style="bold", markup=False)
        console.print(text, markup=False, highlight=False)
    if cause.links:
        console.print()
        console.print("Threads", style="bold")
    for link in cause.links:
        console.print(link, markup=False, highlight=False, soft_wrap=True)


def show_finding(console: Console, finding: Finding, subject: str = "") -> None:
    """Show one finding; ``subject`` as in `show_findings`."""
    mark, style = _MARKS[finding.severity]
    console.print(f"[{style}]{mark}[/] ", end="")
    console.print(shown(finding.title), style="bold", markup=False, highlight=False, end="")
    console.print(f"  {finding.cause}, {_SURE[finding.confidence]}", style="dim", highlight=False)
    for paragraph in finding.story:
        _indented(console, paragraph)
    if finding.evidence:
        _indented(console, "Seen:")
    for evidence in finding.evidence[:_MAX_EVIDENCE]:
        _indented(console, _line(evidence), depth=2, style="dim")
    if len(finding.evidence) > _MAX_EVIDENCE:
        more = len(finding.evidence) - _MAX_EVIDENCE
        _indented(console, f"and {more} more (--json has all)", depth=2, style="dim")
    _show_fix(console, finding.fix)
    if finding.safe_steps and subject:
        offer = f"Or let the doctor do it; it can be undone: coblyn doctor {subject} --fix"
        _indented(console, offer)
    console.print()


def _show_fix(console: Console, fix: Fix) -> None:
    if fix.text:
        _indented(console, f"Fix: {fix.text}")
    if fix.command:
        # Never wrapped, so that it can be copied.
        console.print(
            shown(f"    {fix.command}"),
            style="bold green",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _show_unknown(console: Console, diagnosis: Diagnosis) -> None:
    console.print(
        "[bold red]✗[/] It failed for a reason that is not in the catalogue.", highlight=False
    )
    if diagnosis.first_error:
        _indented(console, "The first error:")
    for line in diagnosis.first_error:
        _indented(console, line, depth=2, style="dim")
    _indented(
        console,
        "For a bug report, with no names of people and machines in it: add --report to this command.",
    )


def _line(evidence: Evidence) -> str:
    place = f"{evidence.source}:{evidence.line}" if evidence.line else evidence.source
    return f"{place}  {evidence.text}"


def _indented(console: Console, text: str, *, depth: int = 1, style: str = "") -> None:
    from rich.padding import Padding
    from rich.text import Text

    console.print(Padding(Text(shown(text), style=style), (0, 0, 0, 2 * depth), expand=False))
